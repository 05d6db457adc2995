import type { Finding } from '../diagnostics/finding';
import { accountFinding, changedLoginFinding, modeOfAccount } from '../diagnostics/notices';
import type { Endpoint } from '../ibkr/endpoint';

/**
 * Who is logged in to the TWS that is watched. A live account where a paper one was, or at a port
 * that is for paper, is trouble however well it answers: a program that comes back trades real
 * money (law 9). From live to paper nothing is at stake.
 */
export class LoginWatch {
  private accounts: readonly string[] = [];
  private hasBeenPaper = false;
  /** The accounts that the trader has asked for, also where the port is for others. */
  private accepted: string | undefined;
  private wrong: Finding | undefined;

  constructor(private readonly endpoint: Endpoint) {}

  /** Undefined while the login is what it was, or what the port says by convention. */
  get finding(): Finding | undefined {
    return this.wrong;
  }

  /** Takes in the accounts that TWS names for a session. */
  hear(accounts: readonly string[], nowMs: number): void {
    this.accounts = accounts;
    if (keyOf(accounts) !== this.accepted) {
      // Another login in between: what was meant then says nothing about the next time.
      this.accepted = undefined;
    }
    this.wrong = this.judge(nowMs);
    const isPaper =
      accounts.length > 0 && accounts.every((account) => modeOfAccount(account) === 'paper');
    this.hasBeenPaper ||= isPaper;
  }

  /** The trader has looked and goes on with this login, or asked for its mode by name. */
  accept(nowMs: number): void {
    this.hasBeenPaper = false;
    this.accepted = keyOf(this.accounts);
    this.hear(this.accounts, nowMs);
  }

  private judge(nowMs: number): Finding | undefined {
    const { accounts, endpoint } = this;
    if (keyOf(accounts) === this.accepted) {
      return undefined;
    }
    const byPort = accountFinding(accounts, { endpoint, mode: undefined }, nowMs);
    if (byPort?.severity === 'error') {
      return byPort;
    }
    return this.hasBeenPaper ? changedLoginFinding(accounts, endpoint, nowMs) : undefined;
  }
}

function keyOf(accounts: readonly string[]): string {
  return accounts.toSorted().join(',');
}
