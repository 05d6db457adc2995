import { isoTime, timeInWords } from '../core/clock';
import type { TwsMessage } from '../ibkr/connection';
import type { ResetWindow } from '../ibkr/resetWindows';
import type { CauseId } from './causeIds';
import type { Finding, RankedCause, Severity } from './finding';
import { makeFinding } from './makeFinding';
import { causesOfMessage, describeDuration, shorten } from './notices';

/** The time of a trouble. Milliseconds since the epoch. */
export interface TroubleTime {
  readonly nowMs: number;
  /** Undefined where nobody saw it begin. */
  readonly sinceMs: number | undefined;
}

/** Resets end on time and clients come back with a delay. Milliseconds. */
const slackMs = 5 * 60_000;

/**
 * How a trouble lies to a planned interruption: `inside` while it is open (and the trouble did
 * not begin before it), `outlived` when it began inside and the window is over, else `apart`.
 */
export function phaseOf(
  { fromMs, untilMs }: ResetWindow,
  { nowMs, sinceMs }: TroubleTime,
): 'inside' | 'outlived' | 'apart' {
  const startedMs = sinceMs ?? nowMs;
  const beganInside = startedMs >= fromMs - slackMs && startedMs < untilMs;
  if (!beganInside) {
    return 'apart';
  }
  return nowMs < untilMs + slackMs ? 'inside' : 'outlived';
}

/** A link between TWS and IBKR that is down, as TWS says. */
export interface Outage extends TroubleTime {
  /** 1100 or 2110, the newest. */
  readonly message: Pick<TwsMessage, 'code' | 'text' | 'atMs'>;
  readonly windows: readonly ResetWindow[];
}

/** The codes by which TWS says that its link to IBKR is down. */
const outageCodes: ReadonlySet<number> = new Set([1100, 2110]);

/** True for messages that `outageFinding` explains with the time of day. */
export function isOutage(code: number): boolean {
  return outageCodes.has(code);
}

/** The reset in which an outage lies, and the one that it has outlived. */
function resetsOf(outage: Outage): {
  readonly open: ResetWindow | undefined;
  readonly outlived: ResetWindow | undefined;
} {
  const resets = outage.windows.filter(
    ({ kind }) => kind === 'server reset' || kind === 'weekend maintenance',
  );
  const open = resets.find((window) => phaseOf(window, outage) === 'inside');
  const outlived = resets.find((window) => phaseOf(window, outage) === 'outlived');
  return { open, outlived: open === undefined ? outlived : undefined };
}

/**
 * The causes of a link that is down: a nightly reset where it lies in one, an outage that a person
 * must look at where it has outlived it, else the message itself.
 */
export function outageCauses(outage: Outage): readonly [RankedCause, ...RankedCause[]] {
  const { message, nowMs } = outage;
  const id = causesOfMessage(message.code, message.text)[0]?.id ?? 'upstream_lost_1100';
  const said = `TWS sent message ${message.code}`;
  const { open, outlived } = resetsOf(outage);
  const own: RankedCause = { id, confidence: 0.3, why: said };
  if (open !== undefined) {
    const why = `${said} in the time of ${open.name}`;
    return [{ id: 'nightly_reset', confidence: 0.65, why }, own];
  }
  if (outlived !== undefined) {
    const ended = describeDuration(nowMs - outlived.untilMs);
    const why = `it began in ${outlived.name}, which ended ${ended} ago`;
    return [{ id: 'outage_outlives_reset_window', confidence: 0.65, why }, own];
  }
  return [{ ...own, confidence: 0.95 }];
}

/** The finding for a link that is down. */
export function outageFinding(outage: Outage): Finding {
  const { message, nowMs, sinceMs } = outage;
  // Not for how long: the sentence stays while the outage goes on.
  const begun = sinceMs === undefined ? '' : ` since ${timeInWords(sinceMs)}`;
  const { open, outlived } = resetsOf(outage);
  return makeFinding({
    subject: { kind: 'connection' },
    causes: outageCauses(outage),
    message: `TWS has been without IBKR${begun} (message ${message.code}): ${shorten(message.text)}`,
    nowMs: message.atMs,
    severity: 'error',
    evidence: [
      noticeEvidence(message),
      ...[open, outlived].flatMap((window) =>
        window === undefined ? [] : [windowEvidence(window, nowMs)],
      ),
    ],
  });
}

function noticeEvidence({ code, text, atMs }: Outage['message']): Finding['evidence'][number] {
  return { kind: 'notice', source: 'TWS', at: isoTime(atMs), text: `${code} ${text}` };
}

function windowEvidence(window: ResetWindow, nowMs: number): Finding['evidence'][number] {
  const text = `${window.name}: ${isoTime(window.fromMs)} to ${isoTime(window.untilMs)}`;
  return { kind: 'timing', source: window.source, at: isoTime(nowMs), text };
}

/** A link that TWS has reported as restored. */
export interface Restored {
  /** 1101 or 1102. */
  readonly message: Pick<TwsMessage, 'code' | 'text' | 'atMs'>;
  /** When it was lost, milliseconds since the epoch; undefined where nobody saw it. */
  readonly lostAtMs: number | undefined;
}

/** A blip that is shorter loses no update that a program would miss. Milliseconds. */
const blipMs = 60_000;

/**
 * The finding for a link that is back and not yet verified (law 6): 1102 alone is good news, told
 * as information; after a longer outage what happened meanwhile is unknown, and that is a warning.
 */
export function restoredFinding(restored: Restored): Finding | undefined {
  const { message, lostAtMs } = restored;
  const lostForMs = lostAtMs === undefined ? undefined : message.atMs - lostAtMs;
  const [told] = causesOfMessage(message.code, message.text);
  const isTold = told !== undefined && told.id !== 'localized_messages';
  const own: CauseId = isTold ? told.id : 'restored_1102';
  const isLong = lostForMs !== undefined && lostForMs >= blipMs;
  const back: RankedCause = {
    id: own,
    confidence: isLong && !isTold ? 0.4 : 0.65,
    why: `TWS sent message ${message.code}`,
  };
  const unknownMeanwhile: RankedCause = {
    id: 'outage_terminated',
    confidence: isTold ? 0.3 : 0.55,
    why: `the link was down for ${describeDuration(lostForMs ?? 0)}: fills and updates in that time may be missing`,
  };
  const causes = !isLong ? [back] : isTold ? [back, unknownMeanwhile] : [unknownMeanwhile, back];
  const severity: Severity = isLong || isTold ? 'warning' : 'info';
  return makeFinding({
    subject: { kind: 'connection' },
    causes,
    message: `The link from TWS to IBKR is back (message ${message.code}) and not verified yet.`,
    nowMs: message.atMs,
    severity,
    evidence: [noticeEvidence(message)],
  });
}
