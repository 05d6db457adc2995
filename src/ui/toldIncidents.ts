import type { CauseId } from '../diagnostics/causeIds';
import { causeTitles, isCauseId } from '../diagnostics/causeTitles';
import {
  type FindingLens,
  lastLineTo,
  lineOfRow,
  type LogDocument,
  type LogSnapshot,
} from './logDocument';
import { type L10n, plain } from './words';

/** An incident that the monitor's log tells from its begin to its end; rows by their numbers. */
export interface ToldIncident {
  readonly from: number;
  readonly to: number;
  /** Whom it was about, and how long it lasted, as the log says it. */
  readonly about: string;
  readonly lasted: string;
  /** Undefined where no cause was known. */
  readonly cause: CauseId | undefined;
}

/** A line of the monitor's log about an incident, as `daemon/alertWords.ts` writes it. */
const beginning = /^\S+ [A-Z]+ alert\.(begin|worse) (?:Robo|Worse): (.+?) (?:down|in trouble)\. /;
const ending = /^\S+ [A-Z]+ alert\.end Over: (.+)\. It lasted (.+?)\.(?: Cause: (.+)\.)?$/;

/** Longer than what the monitor writes about an incident, in characters. */
const maxLength = 800;
const maxLenses = 200;

/** The incidents that are over, by their ends. */
export function toldIncidents({ rows, first }: LogSnapshot): readonly ToldIncident[] {
  const open = new Map<string, number>();
  const told: ToldIncident[] = [];
  rows.forEach(({ text }, index) => {
    if (!text.includes(' alert.') || text.length > maxLength) {
      return;
    }
    const number = first + index;
    const [, event, begun] = beginning.exec(text) ?? [];
    // An earlier one may have ended while nobody watched.
    if (begun !== undefined && (event === 'begin' || !open.has(begun))) {
      open.set(begun, number);
    }
    const [, about, lasted = '', title] = ending.exec(text) ?? [];
    if (about !== undefined) {
      const from = open.get(about) ?? number;
      told.push({ from, to: number, about, lasted, cause: causeCalled(title) });
      open.delete(about);
    }
  });
  return told;
}

/** Each incident that is over above the line where it was told first, with the way to its cause. */
export function pastLenses(
  document: LogDocument,
  told: readonly ToldIncident[],
  l10n: L10n,
): readonly FindingLens[] {
  return told.slice(-maxLenses).flatMap(({ from, to, about, lasted, cause }) => {
    const line = lineOfRow(document, from);
    const what = cause === undefined ? plain(about, 100) : causeTitles[cause];
    const title = l10n.t('$(history) Over after {0}: {1}', plain(lasted, 40), what);
    return line === undefined || line > lastLineTo(document, to)
      ? []
      : [{ line, title, tooltip: plain(about), cause }];
  });
}

function causeCalled(title: string | undefined): CauseId | undefined {
  return Object.keys(causeTitles)
    .filter(isCauseId)
    .find((id) => causeTitles[id] === title);
}
