import type { TwsMessage } from '../ibkr/connection';
import type { ResetWindow } from '../ibkr/resetWindows';
import { describeDuration } from '../diagnostics/notices';

/** Something that is going to happen and needs a person. Information, not a fault. */
export interface PlannedEvent {
  readonly kind: 'weekly login' | 'forced upgrade';
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  /** How long until then, and what to do, in one sentence. */
  readonly words: string;
}

const dayMs = 86_400_000;
/** A person needs the phone at hand; a day before is soon enough to think of it. */
export const loginNoticeMs = dayMs;

/** The next weekly login, in the day before it. */
export function plannedLogin(
  windows: readonly ResetWindow[],
  nowMs: number,
): PlannedEvent | undefined {
  const next = windows.find(({ kind, fromMs }) => kind === 'weekly login' && fromMs > nowMs);
  if (next === undefined || next.fromMs - nowMs > loginNoticeMs) {
    return undefined;
  }
  const left = describeDuration(next.fromMs - nowMs);
  const words = `In ${left} IBKR voids the login of TWS: at its next restart after that it wants a full login with the second factor.`;
  return { kind: 'weekly login', atMs: next.fromMs, words };
}

/** The next planned interruption that comes and goes by itself. */
export function nextWindow(
  windows: readonly ResetWindow[],
  nowMs: number,
): ResetWindow | undefined {
  return windows.find(({ kind, fromMs }) => kind !== 'weekly login' && fromMs > nowMs);
}

/** The upgrade that message 2172 announces; undefined for a text without a date. */
export function plannedUpgrade(
  message: Pick<TwsMessage, 'text'>,
  nowMs: number,
): PlannedEvent | undefined {
  const atMs = dateIn(message.text);
  if (atMs === undefined) {
    return undefined;
  }
  const date = new Date(atMs).toISOString().slice(0, 10);
  const left = atMs - nowMs;
  const words =
    left > 0
      ? `In ${describeDuration(left)}, on ${date}, IBKR ends the support of this version of TWS: upgrade before.`
      : `IBKR has ended the support of this version of TWS on ${date}: upgrade now.`;
  return { kind: 'forced upgrade', atMs, words };
}

/** `on 20230718`, `2023-07-18`: the last date in the text; midnight UTC. */
function dateIn(text: string): number | undefined {
  const dates = [...text.matchAll(/(?<!\d)(20\d\d)[-/.]?(\d\d)[-/.]?(\d\d)(?!\d)/g)].flatMap(
    ([, year, month, day]) => {
      const atMs = Date.UTC(Number(year), Number(month) - 1, Number(day));
      const isReal = new Date(atMs).getUTCDate() === Number(day) && Number(month) <= 12;
      return isReal ? [atMs] : [];
    },
  );
  return dates.at(-1);
}
