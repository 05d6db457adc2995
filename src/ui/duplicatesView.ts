import type { ListedProcess, ProcessListing } from '../daemon/protocol';
import { respawnSources } from '../runner/respawnSources';
import { type L10n, plain } from './words';

/** A process that may be chosen for ending. */
export interface Choice {
  readonly process: ListedProcess;
  readonly label: string;
  readonly description: string;
  readonly detail: string;
  readonly picked: boolean;
}

export interface KillView {
  readonly duplicates: readonly Choice[];
  /** Runners of another workspace, endpoint or account: listed, never preselected. */
  readonly others: readonly Choice[];
  /** The one that is kept, if one was found. */
  readonly kept: ListedProcess | undefined;
  /** What to do before anything is ended, because it would be started again. */
  readonly first: readonly string[];
}

/** What may be ended. TWS, proxies, helpers and monitors are never offered (law 9). */
export function killView(listing: ProcessListing, l10n: L10n): KillView {
  const choice = (process: ListedProcess): Choice => ({
    process,
    label: process.isLive ? l10n.t('pid {0}, LIVE', process.pid) : l10n.t('pid {0}', process.pid),
    description: plain(process.argv.join(' '), 160),
    detail: plain(`${process.why} ${process.startedAt} ${process.workingDirectory ?? ''}`, 300),
    picked: process.role === 'duplicate',
  });
  const pickable = listing.processes.filter((process) => !process.isRightful);
  return {
    duplicates: pickable.filter((process) => process.role === 'duplicate').map(choice),
    others: pickable.filter((process) => process.role === 'other runner').map(choice),
    kept: listing.processes.find((process) => process.isRightful),
    first: respawnSources(pickable).map(({ remedy }) => plain(remedy, 200)),
  };
}

/**
 * Those that are to be ended: what trades on a live account only where `confirm` says so, one
 * after the other.
 */
export async function confirmedOf(
  chosen: readonly Choice[],
  confirm: (process: ListedProcess) => Promise<boolean>,
): Promise<readonly Choice[]> {
  const sure: Choice[] = [];
  for (const choice of chosen) {
    if (!choice.process.isLive || (await confirm(choice.process))) {
      sure.push(choice);
    }
  }
  return sure;
}
