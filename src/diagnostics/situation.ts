import type { PortObservation } from '../host/portObservation';
import type { ConnectionProgress, TwsMessage } from '../ibkr/connection';
import type { Endpoint } from '../ibkr/endpoint';
import type { ResetWindow } from '../ibkr/resetWindows';

/**
 * Everything that the rules judge: what the connection has shown so far, and what the system
 * says about the port. Nothing here is a guess; what could not be seen is *unknown*.
 */
export interface ConnectionSituation {
  readonly endpoint: Endpoint;
  /** Undefined when no connection was tried: only the passive layers are judged then. */
  readonly connection: ConnectionProgress | undefined;
  /** Coded messages after the start-up that still count, oldest first. */
  readonly messages: readonly TwsMessage[];
  /** Describes this machine; the rules leave it out of account where TWS runs on another one. */
  readonly os: PortObservation;
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
  /** Set while a server-time request on an open session is overdue: how long ago it was sent. */
  readonly unansweredForMs?: number;
  /** When a session to this endpoint was last verified, milliseconds since the epoch. */
  readonly lastReadyAtMs?: number;
  /** When the present trouble began, milliseconds since the epoch; undefined where unknown. */
  readonly troubleSinceMs?: number;
  /** Planned interruptions that touch the time from the beginning of the trouble until now. */
  readonly windows?: readonly ResetWindow[];
}

/** What became of the attempt, in the terms in which the causes differ. */
export type Stage =
  | 'not tried'
  | 'name unknown'
  | 'refused'
  | 'unreachable'
  | 'tcp timeout'
  | 'silent'
  | 'closed before hello'
  | 'not tws'
  | 'unsupported version'
  | 'malformed'
  | 'not ready'
  | 'closed after start'
  | 'open'
  | 'unanswered'
  | 'lost';

/** Stages in which a planned login, restart or reset may be what one sees. */
export const plannedStages: readonly Stage[] = [
  'refused',
  'not tried',
  'closed before hello',
  'closed after start',
  'not ready',
  'unanswered',
  'lost',
];

/** Reads the stage off the connection. A connection that still waits counts by where it waits. */
export function stageOf(situation: ConnectionSituation): Stage {
  const { connection } = situation;
  if (connection === undefined) {
    return 'not tried';
  }
  const { end } = connection;
  switch (end?.kind) {
    case 'not connected':
      return stageOfSystemError(end.code);
    case 'not tws':
      return 'not tws';
    case 'unsupported version':
      return 'unsupported version';
    case 'malformed':
      return 'malformed';
    default:
      break;
  }
  const isEndedByPeer = end?.kind === 'fin' || end?.kind === 'reset';
  switch (connection.endedIn ?? connection.stage) {
    case 'tcp':
      return 'tcp timeout';
    case 'hello':
      return isEndedByPeer ? 'closed before hello' : 'silent';
    case 'ready':
      return isEndedByPeer ? 'closed after start' : 'not ready';
    default:
      if (isEndedByPeer) {
        return 'lost';
      }
      return situation.unansweredForMs === undefined ? 'open' : 'unanswered';
  }
}

function stageOfSystemError(code: string): Stage {
  switch (code) {
    case 'ECONNREFUSED':
      return 'refused';
    case 'ETIMEDOUT':
      return 'tcp timeout';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EAI_NONAME':
      return 'name unknown';
    case 'ECONNRESET':
    case 'EPIPE':
      return 'closed before hello';
    default:
      return 'unreachable';
  }
}

/** How long the present state has lasted, in milliseconds: to its end, or until now. */
export function heldForMs(situation: ConnectionSituation): number {
  const { connection, nowMs } = situation;
  if (connection === undefined) {
    return 0;
  }
  const from = connection.helloAtMs ?? connection.connectedAtMs ?? connection.startedAtMs;
  return Math.max(0, (connection.endedAtMs ?? nowMs) - from);
}
