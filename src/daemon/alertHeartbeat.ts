import type { Clock, Timer } from '../core/clock';
import type { Disposable } from '../core/disposables';
import { errorCode, errorText } from '../core/errors';
import { version } from '../core/version';

/** Between two calls, in milliseconds. */
export const heartbeatIntervalMs = 60_000;
const deadlineMs = 10_000;

export interface HeartbeatDependencies {
  readonly clock: Clock;
  /** How a call ended; undefined when it went well. */
  readonly onDone: (why: string | undefined) => void;
}

/**
 * Calls an address of the trader's every minute while this process lives: whoever misses the call
 * knows that the watcher itself is gone. A GET without data, without cookies, without redirects.
 */
export class Heartbeat implements Disposable {
  private url = '';
  private timer: Timer | undefined;
  private call: AbortController | undefined;

  constructor(private readonly deps: HeartbeatDependencies) {}

  /** @param url checked by `parseAlertSettings`; empty ends it */
  follow(url: string): void {
    if (url !== this.url) {
      this.dispose();
      this.url = url;
      if (url !== '') {
        this.beat();
      }
    }
  }

  dispose(): void {
    this.url = '';
    this.timer?.cancel();
    this.call?.abort();
    this.call = undefined;
  }

  private beat(): void {
    const { clock } = this.deps;
    this.timer = clock.setTimer(heartbeatIntervalMs, () => {
      this.beat();
    });
    this.call?.abort();
    const call = new AbortController();
    this.call = call;
    const deadline = clock.setTimer(deadlineMs, () => {
      call.abort();
    });
    void this.ask(this.url, call.signal)
      .catch((error: unknown) =>
        call.signal.aborted ? `no answer within ${deadlineMs / 1000} s` : reason(error),
      )
      .then((why) => {
        deadline.cancel();
        if (this.call === call) {
          this.deps.onDone(why);
        }
      });
  }

  private async ask(url: string, signal: AbortSignal): Promise<string | undefined> {
    const answer = await fetch(url, {
      headers: { 'user-agent': `robo/${version}` },
      redirect: 'manual',
      signal,
    });
    await answer.body?.cancel();
    return answer.ok ? undefined : `it answered with HTTP status ${answer.status}`;
  }
}

/** What lies below `fetch failed`; never the address, which is the key to it. */
function reason(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return (
    errorCode(cause) ?? errorCode(error) ?? errorText(error).split('\n', 1)[0]?.slice(0, 100) ?? ''
  );
}
