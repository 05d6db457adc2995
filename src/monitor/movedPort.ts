import { modeOfAccount } from '../diagnostics/notices';
import { type Mode, usualPort } from '../ibkr/endpoint';

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
