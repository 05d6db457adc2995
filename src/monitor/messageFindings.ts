import type { Finding } from '../diagnostics/finding';
import { noticeFinding } from '../diagnostics/notices';
import { type Outage, outageFinding, restoredFinding } from '../diagnostics/outage';
import type { ActiveMessages } from './activeMessages';

/** Farms and other things that TWS complains of at once; IBKR has about a dozen. */
const maxToldFindings = 30;

/**
 * What TWS says is wrong: first that it has lost IBKR, which takes everything else away with it,
 * then the newest of the rest.
 * @param isUnverified TWS says that its link is back, and nothing has proven it yet
 * @param outage a link that is down is judged by the time of day too
 */
export function messageFindings(
  active: ActiveMessages,
  { isUnverified, outage }: { readonly isUnverified: boolean; readonly outage: Outage | undefined },
): readonly Finding[] {
  const told = active
    .list()
    .filter((message) => message !== outage?.message)
    .flatMap((message) => noticeFinding(message) ?? []);
  const back = isUnverified && active.restored ? restoredFinding(active.restored) : undefined;
  return [
    ...(outage === undefined ? [] : [outageFinding(outage)]),
    ...(back === undefined ? [] : [back]),
    ...told.slice(-maxToldFindings),
  ];
}
