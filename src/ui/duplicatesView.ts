import type { ListedProcess, ProcessListing } from '../daemon/protocol';
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
}

/** What may be ended. TWS, proxies, helpers and monitors are never offered (law 9). */
export function killView(listing: ProcessListing, l10n: L10n): KillView {
  const choice = (process: ListedProcess): Choice => ({
    process,
    label: l10n.t('pid {0}', process.pid),
    description: plain(process.argv.join(' '), 160),
    detail: plain(`${process.why} ${process.startedAt} ${process.workingDirectory ?? ''}`, 300),
    picked: process.role === 'duplicate',
  });
  const pickable = listing.processes.filter((process) => !process.isRightful);
  return {
    duplicates: pickable.filter((process) => process.role === 'duplicate').map(choice),
    others: pickable.filter((process) => process.role === 'other runner').map(choice),
    kept: listing.processes.find((process) => process.isRightful),
  };
}
