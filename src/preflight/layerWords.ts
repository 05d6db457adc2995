import type { Finding } from '../diagnostics/finding';
import { modeOfAccount } from '../diagnostics/notices';
import type { ServerTime } from '../ibkr/connection';

/** `DU1234567` becomes `DU…567`: enough to recognise one's own, not enough to use. */
export function shortAccount(account: string): string {
  return account.length <= 5 ? account : `${account.slice(0, 2)}…${account.slice(-3)}`;
}

/** What the account layer says. */
export function accountSummary(accounts: readonly string[], finding: Finding | undefined): string {
  if (finding !== undefined) {
    return finding.message;
  }
  const modes = new Set(accounts.map((account) => modeOfAccount(account) ?? 'unknown kind'));
  return `${accounts.length === 1 ? 'Account' : 'Accounts'} ${accounts.map(shortAccount).join(', ')} (${[...modes].join(', ')})`;
}

/** What the clock layer says; `skewMs` is TWS minus this machine. */
export function clockSummary(
  answer: ServerTime,
  skewMs: number,
  finding: Finding | undefined,
): string {
  const trip = `answered in ${answer.roundTripMs.toFixed(1)} ms`;
  return finding === undefined
    ? `Server time ${trip}, clock within ${Math.max(1, Math.ceil(Math.abs(skewMs) / 1000))} s`
    : `Server time ${trip}; ${finding.message}`;
}
