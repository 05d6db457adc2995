import type { Finding } from '../diagnostics/finding';
import { modeOfAccount, noticeFinding } from '../diagnostics/notices';
import type { TwsMessage } from '../ibkr/connection';
import { type Endpoint, isLoopback, type Mode, usualPort } from '../ibkr/endpoint';

/** The other port that TWS has named for itself (1300), where it has. */
export class MovedPort {
  private named: { readonly port: number; readonly message: TwsMessage } | undefined;
  private isFollowed = false;

  constructor(private readonly endpoint: Endpoint) {}

  /** The port to look at while nobody listens at the endpoint; within the same mode only (law 9). */
  get followed(): number | undefined {
    return this.isFollowed ? this.named?.port : undefined;
  }

  /** What TWS has said of it. */
  get findings(): readonly Finding[] {
    const finding = this.named === undefined ? undefined : noticeFinding(this.named.message);
    return finding === undefined ? [] : [finding];
  }

  /**
   * Takes in message 1300.
   * @param accounts those of the session that says so
   * @returns what follows from it; undefined where it names no other port
   */
  hear(message: TwsMessage, accounts: readonly string[]): string | undefined {
    const { host, port: from } = this.endpoint;
    const to = portNamed(message.text);
    if (to === undefined || to === from) {
      this.named = undefined;
      return undefined;
    }
    this.named = { port: to, message };
    this.isFollowed = isLoopback(host) && isSameMode(accounts, { from, to });
    const what = this.isFollowed
      ? 'Robo looks for it there while nobody listens here'
      : 'Robo does not follow, because paper or live might be another there';
    return `TWS names port ${to}; ${what}`;
  }

  /** Somebody else was found there. */
  turnBack(): void {
    this.isFollowed = false;
  }
}

/** The port that message 1300 names, `… reconnect on the new port - 7499`, in any language. */
export function portNamed(text: string): number | undefined {
  const last = [...text.matchAll(/(?<!\d)\d{2,5}(?!\d)/g)].at(-1)?.[0];
  const port = Number(last);
  return last !== undefined && port >= 1 && port <= 65_535 ? port : undefined;
}

/**
 * Whether the way from one port to another stays in the mode (law 9). The mode of now is what the
 * accounts say; the other one's is that of its number, where that has one. A number that has none
 * is the same TWS with the same login, whose mode its accounts have told.
 */
export function isSameMode(
  accounts: readonly string[],
  { from, to }: { readonly from: number; readonly to: number },
): boolean {
  const modes = new Set<Mode | undefined>(accounts.map(modeOfAccount));
  const [mode] = modes;
  const isKnown = modes.size === 1 && mode !== undefined;
  const here = usualPort(from)?.mode ?? mode;
  const there = usualPort(to)?.mode ?? mode;
  return isKnown && here === mode && there === mode;
}
