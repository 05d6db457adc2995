import type { Clock } from '../core/clock';
import { isoTime } from '../core/clock';
import type { Evidence } from '../diagnostics/finding';
import type { ConnectionEnd, ConnectionProgress } from '../ibkr/connection';
import { formatEndpoint } from '../ibkr/endpoint';
import type { LayerResult, LayerStatus } from './report';
import type { SessionSource } from './sessionSource';

/** What became of the wait for a session. */
export type SessionVerdict =
  | { readonly kind: 'open'; readonly progress: ConnectionProgress; readonly wasKept: boolean }
  /** The attempt ended, or it is silent for longer than allowed; `progress` tells where. */
  | { readonly kind: 'ended' | 'silent'; readonly progress: ConnectionProgress }
  /** No connection was even begun within the time: the laws or the machine held it back. */
  | { readonly kind: 'not tried' }
  | { readonly kind: 'cancelled'; readonly progress: ConnectionProgress | undefined };

/**
 * Uses the session that is kept, or asks for one and waits. A socket that is silent is given the
 * whole time again, so that a dialog that is answered now still counts; it stays open (law 3).
 */
export async function waitForSession(
  timeoutMs: number,
  deps: { readonly clock: Clock; readonly source: SessionSource; readonly signal: AbortSignal },
): Promise<SessionVerdict> {
  const { clock, source, signal } = deps;
  const kept = source.progress;
  if (kept?.stage === 'open') {
    return { kind: 'open', progress: kept, wasKept: true };
  }
  const askedAtMs = clock.now();
  source.ask();
  return new Promise((resolve) => {
    const settle = (verdict: SessionVerdict): void => {
      timer.cancel();
      subscription.dispose();
      signal.removeEventListener('abort', onAbort);
      resolve(verdict);
    };
    let isAskedAgain = false;
    const check = (): void => {
      const { progress } = source;
      if (progress?.stage === 'open') {
        settle({ kind: 'open', progress, wasKept: false });
      } else if (progress?.stage === 'ended' && (progress.endedAtMs ?? 0) >= askedAtMs) {
        settle({ kind: 'ended', progress });
      }
    };
    // A question that meets an attempt while its end is looked into finds nobody to take it.
    const onChange = (): void => {
      const { progress } = source;
      const isOld = progress?.stage === 'ended' && (progress.endedAtMs ?? 0) < askedAtMs;
      if (isOld && !isAskedAgain) {
        isAskedAgain = true;
        source.ask();
      }
      check();
    };
    const onAbort = (): void => {
      settle({ kind: 'cancelled', progress: source.progress });
    };
    const subscription = source.onDidChange(onChange);
    const timer = clock.setTimer(timeoutMs, () => {
      settle(verdictAfter(source.progress, askedAtMs));
    });
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) {
      onAbort();
    }
    check();
  });
}

/** An attempt that ended so shortly before the question answers it too. Milliseconds. */
const justEndedMs = 1000;

/** The verdict where the time is up and no session is open. */
function verdictAfter(progress: ConnectionProgress | undefined, askedAtMs: number): SessionVerdict {
  if (progress === undefined) {
    return { kind: 'not tried' };
  }
  if (progress.stage !== 'ended') {
    return { kind: 'silent', progress };
  }
  const isFresh = (progress.endedAtMs ?? 0) >= askedAtMs - justEndedMs;
  return isFresh ? { kind: 'ended', progress } : { kind: 'not tried' };
}

/** The layers tcp, hello and ready as far as they can be judged. */
export function handshakeLayers(
  verdict: SessionVerdict,
  source: SessionSource,
  nowMs: number,
): readonly LayerResult[] {
  if (verdict.kind === 'not tried') {
    const why = 'No connection was opened within the time, so nothing is known';
    return [layer('tcp', 'unknown', 0, why)];
  }
  const { progress } = verdict;
  if (progress === undefined) {
    return [];
  }
  const kept =
    verdict.kind === 'open' && verdict.wasKept
      ? `, kept since ${isoTime(progress.startedAtMs)}`
      : '';
  const isBadVersion = progress.end?.kind === 'unsupported version';
  const steps: readonly Step[] = [
    {
      name: 'tcp',
      doneAtMs: progress.connectedAtMs,
      words: `TCP connected to ${formatEndpoint(source.endpoint)}${kept}`,
    },
    {
      name: 'hello',
      doneAtMs: isBadVersion ? undefined : progress.helloAtMs,
      words: `Server version ${progress.serverVersion ?? 0}`,
    },
    {
      name: 'ready',
      doneAtMs: progress.openAtMs,
      words: 'Managed accounts and next valid id received',
    },
  ];
  const results: LayerResult[] = [];
  let fromMs = progress.startedAtMs;
  for (const { name, doneAtMs, words } of steps) {
    if (doneAtMs === undefined) {
      return verdict.kind === 'cancelled'
        ? results
        : [...results, failed(name, progress, fromMs, nowMs)];
    }
    results.push(layer(name, 'pass', doneAtMs - fromMs, words));
    fromMs = doneAtMs;
  }
  return results;
}

interface Step {
  readonly name: 'tcp' | 'hello' | 'ready';
  readonly doneAtMs: number | undefined;
  readonly words: string;
}

function failed(
  name: 'tcp' | 'hello' | 'ready',
  progress: ConnectionProgress,
  fromMs: number,
  nowMs: number,
): LayerResult {
  const durationMs = (progress.endedAtMs ?? nowMs) - fromMs;
  const evidence: Evidence[] = progress.startupMessages.map((message) => ({
    kind: 'notice',
    source: 'TWS',
    at: isoTime(message.atMs),
    text: `${message.code} ${message.text}`,
  }));
  const text =
    progress.end === undefined ? silence(name, progress, durationMs) : endWords(name, progress.end);
  evidence.push({
    kind: 'timing',
    source: 'handshake',
    at: isoTime(progress.endedAtMs ?? nowMs),
    text,
  });
  return { ...layer(name, 'fail', durationMs, text), evidence };
}

function silence(name: string, progress: ConnectionProgress, durationMs: number): string {
  const seconds = `${(durationMs / 1000).toFixed(1)} s`;
  if (name === 'tcp') {
    return `No answer to the TCP connection request for ${seconds}`;
  }
  if (name === 'hello') {
    return `TCP accepted, no answer to the API hello for ${seconds}; the socket is held`;
  }
  const missing = [
    ...(progress.accounts.length === 0 ? ['managed accounts'] : []),
    ...(progress.nextValidId === undefined ? ['next valid id'] : []),
  ];
  return `Server version received, ${missing.join(' and ')} missing for ${seconds}; the socket is held`;
}

function endWords(name: string, end: ConnectionEnd): string {
  const where =
    name === 'hello' ? 'before any answer to the API hello' : 'before the session was ready';
  switch (end.kind) {
    case 'not connected':
      return `TCP connection failed: ${end.code}`;
    case 'fin':
      return `The peer closed the connection ${where}`;
    case 'reset':
      return `The peer reset the connection ${where}`;
    case 'not tws':
      return `The peer is not TWS: ${end.why}`;
    case 'malformed':
      return `TWS sent bytes that cannot be read: ${end.why}`;
    case 'unsupported version':
      return `TWS speaks version ${end.serverVersion}, which Robo does not`;
    case 'by us':
      return `Robo gave the connection up: ${end.why}`;
  }
}

function layer(
  name: 'tcp' | 'hello' | 'ready',
  status: LayerStatus,
  durationMs: number,
  summary: string,
): LayerResult {
  return {
    layer: name,
    status,
    durationMs: Math.max(0, Math.round(durationMs)),
    summary,
    evidence: [],
  };
}
