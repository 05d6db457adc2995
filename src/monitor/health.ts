import type { Health } from '../diagnostics/status';
import type { ResetKind, ResetWindow } from '../ibkr/resetWindows';
import { bareHealth, type Loss, type MonitorState } from './monitorState';

/** A time in which a loss is no surprise. */
export interface CalmWindow extends Pick<ResetWindow, 'name' | 'fromMs' | 'untilMs'> {
  readonly kind: ResetKind | 'sleep';
}

/** What a loss is taken for while it lasts. */
export interface Expectation {
  readonly window: CalmWindow;
  /** When the loss is `down` if it still lasts; milliseconds since the epoch. */
  readonly untilMs: number;
}

export interface HealthJudgement {
  readonly health: Health;
  /** Set while the health is `expected`. */
  readonly expectation: Expectation | undefined;
  /** The planned interruption that a loss has outlived, while the health is `down`. */
  readonly outlived: CalmWindow | undefined;
}

/** How long after its last sleep a machine's connections may still find their way. Milliseconds. */
export const wakeGraceMs = 120_000;

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
/** Resets end on time, and clients come back with a delay. */
const slackMs = 5 * minuteMs;
/** IBKR voids the login on Sunday at 01:00 in New York; until that day's end a port may close. */
const loginBeginsMs = 23 * hourMs;
/** From Sunday 01:00 to Monday 07:30 in New York, two hours before the stock exchanges open. */
const loginEndsMs = 30.5 * hourMs;

/**
 * The health at a time: a loss inside a planned interruption is `expected` until it has outlived
 * it. Only one that began inside and looks like what such an interruption does; once it is `down`
 * it stays so until it is over.
 * @param windows those in which the loss began
 */
export function judgeHealth(
  state: MonitorState,
  nowMs: number,
  windows: readonly CalmWindow[],
): HealthJudgement {
  const health = bareHealth(state);
  const { loss } = state;
  if (health !== 'down' || loss === undefined) {
    return { health, expectation: undefined, outlived: undefined };
  }
  const candidates = windows
    .filter((window) => explains(window, loss, windows))
    .map((window): Expectation => ({ window, untilMs: endOf(window) }))
    .sort((a, b) => b.untilMs - a.untilMs);
  const [longest] = candidates;
  return longest !== undefined && nowMs < longest.untilMs
    ? { health: 'expected', expectation: longest, outlived: undefined }
    : { health, expectation: undefined, outlived: longest?.window };
}

/** When a loss inside a window has outlived it; milliseconds since the epoch. */
function endOf({ kind, fromMs, untilMs }: CalmWindow): number {
  switch (kind) {
    case 'sleep':
      return untilMs;
    case 'weekly login':
      return Math.min(untilMs, fromMs + loginEndsMs);
    default:
      return untilMs + slackMs;
  }
}

function explains(window: CalmWindow, loss: Loss, windows: readonly CalmWindow[]): boolean {
  const [first] = loss.kinds;
  // What never worked was not interrupted; but TWS may say itself that it has lost IBKR.
  const isInterruption = loss.hadWorked || first === 'upstream';
  if (!isInterruption || !beganIn(window, loss) || loss.kinds.includes('stranger')) {
    return false;
  }
  if (first === undefined) {
    // What it looks like is being found out: unknown is not down (law 4).
    return true;
  }
  switch (window.kind) {
    case 'daily restart':
      return true;
    case 'weekly login':
      return isLogin(window, loss, windows);
    case 'server reset':
    case 'weekend maintenance':
    case 'sleep':
      // The servers and our own sleep take the link away, not the program.
      return !loss.kinds.includes('closed');
  }
}

/**
 * TWS closes its port and waits for a person: in the course of its next restart, or by itself on
 * that Sunday. A connection that ends while the port stays open is no login.
 */
function isLogin(window: CalmWindow, loss: Loss, windows: readonly CalmWindow[]): boolean {
  const isInRestart = windows.some((each) => each.kind === 'daily restart' && beganIn(each, loss));
  return isInRestart
    ? loss.kinds.includes('closed')
    : loss.kinds[0] === 'closed' && loss.sinceMs < window.fromMs + loginBeginsMs;
}

function beganIn({ fromMs, untilMs }: CalmWindow, { sinceMs }: Loss): boolean {
  return sinceMs >= fromMs && sinceMs < untilMs;
}
