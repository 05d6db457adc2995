import type { EstablishedClient, PortObservation } from '../host/portObservation';

/** Robo's own client ids: the first is the default, the others stand in when it is taken. */
export const ownClientIds = { from: 9000, to: 9009 } as const;

/**
 * When a taken id is tried again, after the first 326: soon, because a monitor that hands over ends
 * within seconds; then as TWS releases the slot of a dead client, after 30 to 60 s (failure
 * catalogue, 326).
 */
const retriesMs = [3000, 30_000, 60_000] as const;
const leastWaitMs = 1000;
/** A 326 that comes later belongs to another trouble. */
const sameTroubleMs = 600_000;
/** As often as law 3 dials where nothing shows a change. */
const slowDialMs = 300_000;

/** Who holds the id that TWS says is in use. */
export type IdHolder =
  /** Another watch of Robo's with the same id: two of them are one too many (law 2). */
  | { readonly kind: 'monitor'; readonly pid: number; readonly program: string }
  /** A program whose own setting says that it uses this id. */
  | { readonly kind: 'program'; readonly pid: number; readonly program: string }
  /** Others are connected, and their ids do not show. */
  | { readonly kind: 'perhaps'; readonly programs: readonly string[] }
  /** No other program of this machine is connected: TWS has not released the slot yet. */
  | { readonly kind: 'nobody' }
  | { readonly kind: 'unknown'; readonly why: string };

/** A client of the endpoint and the id that it is known to use. */
export interface KnownClient {
  readonly pid: number;
  readonly clientId: number | undefined;
  readonly isMonitor: boolean;
}

/** The programs of this machine that hold a connection to the port and are not ours. */
export function otherClients(
  os: PortObservation,
  ownPid: number,
): readonly (EstablishedClient & { readonly clientPid: number })[] | undefined {
  if (!os.established.known) {
    return undefined;
  }
  return os.established.value.flatMap((client) =>
    client.clientPid === undefined || client.clientPid === ownPid
      ? []
      : [{ ...client, clientPid: client.clientPid }],
  );
}

/** Finds the holder in the TCP table. */
export function holderOf(
  clientId: number,
  os: PortObservation,
  { ownPid, known }: { readonly ownPid: number; readonly known: readonly KnownClient[] },
): IdHolder {
  if (!os.established.known) {
    return { kind: 'unknown', why: os.established.why };
  }
  const others = otherClients(os, ownPid) ?? [];
  const named = others.map(({ clientPid, clientProgram }) => ({
    pid: clientPid,
    program: `${clientProgram ?? 'a program'} (pid ${clientPid})`,
    is: known.find(({ pid }) => pid === clientPid),
  }));
  const holder = named.find(({ is }) => is?.clientId === clientId);
  if (holder !== undefined) {
    const { pid, program, is } = holder;
    return { kind: is?.isMonitor === true ? 'monitor' : 'program', pid, program };
  }
  const unclear = named.filter(({ is }) => is?.clientId === undefined);
  const hidden = os.established.value.filter(({ clientPid }) => clientPid === undefined);
  const programs = [
    ...unclear.map(({ program }) => program),
    ...hidden.map(({ clientAddress, clientPort }) => `${clientAddress}:${clientPort}`),
  ];
  return programs.length === 0 ? { kind: 'nobody' } : { kind: 'perhaps', programs };
}

/** Which id is used, and since when it is taken. */
export interface ClientIdState {
  readonly id: number;
  /** The first 326 in a row with this id, by the monotonic clock. */
  readonly takenSinceMs: number | undefined;
  /** The last one of them. */
  readonly takenAtMs: number | undefined;
  /** Ids that were taken in this trouble. */
  readonly taken: readonly number[];
}

export interface ClientIdStep {
  readonly state: ClientIdState;
  /** Until the next dial. */
  readonly waitMs: number;
  /** What was found and what is done, in one sentence. */
  readonly words: string;
}

/**
 * After a 326: a slot that may be stale is waited for, 60 s in all; then comes another id of Robo's
 * own range. Another watch of Robo's that goes on keeps its id and stays the only one.
 * @param reserved ids that are a runner's; none of them is ever taken
 */
export function onIdTaken(
  state: ClientIdState,
  holder: IdHolder,
  { monotonicMs, reserved }: { readonly monotonicMs: number; readonly reserved: readonly number[] },
): ClientIdStep {
  const { takenAtMs } = state;
  const isNew = takenAtMs === undefined || monotonicMs - takenAtMs > sameTroubleMs;
  const takenSinceMs = (isNew ? undefined : state.takenSinceMs) ?? monotonicMs;
  const waiting = { ...state, takenSinceMs, takenAtMs: monotonicMs };
  const found = describeHolder(state.id, holder);
  const waitedMs = monotonicMs - takenSinceMs;
  const dueMs = retriesMs.find((ms) => ms > waitedMs);
  if (holder.kind !== 'program' && dueMs !== undefined) {
    const waitMs = Math.max(leastWaitMs, dueMs - waitedMs);
    const words = `${found}; tried again in ${Math.round(waitMs / 1000)} s`;
    return { state: waiting, waitMs, words };
  }
  if (holder.kind === 'monitor') {
    return { state: waiting, waitMs: slowDialMs, words: `${found}; Robo does not watch twice` };
  }
  const taken = [...state.taken, state.id];
  const next = nextId([...taken, ...reserved]);
  return next === undefined
    ? {
        state: { ...waiting, taken: [] },
        waitMs: slowDialMs,
        words: `${found}; none of Robo's ids ${ownClientIds.from} to ${ownClientIds.to} is free`,
      }
    : {
        state: { id: next, takenSinceMs: undefined, takenAtMs: undefined, taken },
        waitMs: 1000,
        words: `${found}; Robo takes ${next} from its own range`,
      };
}

/** An id of which nothing is known to speak against. */
export function freshClientId(id: number): ClientIdState {
  return { id, takenSinceMs: undefined, takenAtMs: undefined, taken: [] };
}

/** A session with the present id: what was taken once may be free by now. */
export function onIdAccepted(state: ClientIdState): ClientIdState {
  return state.takenSinceMs === undefined && state.taken.length === 0
    ? state
    : freshClientId(state.id);
}

function nextId(not: readonly number[]): number | undefined {
  const { from, to } = ownClientIds;
  return Array.from({ length: to - from + 1 }, (_, index) => from + index).find(
    (id) => !not.includes(id),
  );
}

function describeHolder(id: number, holder: IdHolder): string {
  switch (holder.kind) {
    case 'monitor':
      return `client id ${id} is held by another monitor, ${holder.program}`;
    case 'program':
      return `client id ${id} is held by ${holder.program}, whose settings name it`;
    case 'perhaps':
      return `client id ${id} is taken; connected are ${holder.programs.slice(0, 3).join(', ')}, whose ids do not show`;
    case 'nobody':
      return `client id ${id} is taken, and no other program of this machine is connected: a slot that TWS has not released yet`;
    case 'unknown':
      return `client id ${id} is taken, by whom cannot be seen (${holder.why})`;
  }
}
