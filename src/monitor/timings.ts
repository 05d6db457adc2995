/** Deadlines of the monitor, in milliseconds. */
export interface MonitorTimings {
  /** When silence in one handshake stage becomes a verdict; the socket stays open (law 3). */
  readonly verdictMs: number;
  /** Between server-time questions when all is quiet. */
  readonly livenessIntervalMs: number;
  /** How long one server-time answer may take. */
  readonly answerDeadlineMs: number;
  /** Between looks for a listener while nobody listens. Reads a kernel table, touches no port. */
  readonly listenerLookMs: number;
  /** Between own questions for data, while those for the time are answered. */
  readonly dataIntervalMs: number;
}

/** 3 s verdict: house.md, law 3. 5 s answers and 30 s between them: the monitor's requirements. */
export const defaultTimings: MonitorTimings = {
  verdictMs: 3000,
  livenessIntervalMs: 30_000,
  answerDeadlineMs: 5000,
  listenerLookMs: 1000,
  // Far from IBKR's pacing (60 history requests in ten minutes), and sooner than a person notices.
  dataIntervalMs: 600_000,
};
