import type { CauseId } from './causeIds';
import type { Subject } from './finding';
import { absorb, extend, type Incident, type IncidentBook, type Place } from './logIncidents';
import type { CauseGuess } from './notices';
import type { SourcePlace } from './runnerFacts';

/** An exception stands right behind the line that it explains; a hint may stand between them. */
const behindLines = 3;
/** Evidence that only says that it did not work. */
const weak = 0.5;
/** Faults of the program that make every connection fail. */
const breaksConnecting: ReadonlySet<CauseId> = new Set<CauseId>([
  'client_lib_mismatch',
  'event_loop_misuse',
]);

/** What a line and the exception behind it say of one matter becomes one incident. */
export class ExceptionJoin {
  constructor(private readonly book: IncidentBook) {}

  /**
   * An exception that says what the line before it has said adds only its place.
   * @returns whether it did
   */
  repeat(
    { kind, name }: Subject,
    causes: readonly CauseGuess[],
    { source, place }: { readonly source: SourcePlace | undefined; readonly place: Place },
  ): boolean {
    const said = this.book.find(
      (incident) =>
        incident.subject.kind === kind &&
        incident.subject.name === name &&
        incident.causes[0]?.id === causes[0]?.id &&
        // Two exceptions are two.
        incident.last.from === undefined &&
        isBehind(incident.last, place) &&
        isSamePlace(incident.source, source),
    );
    if (said === undefined) {
      return false;
    }
    extend(said, place);
    said.source ??= source;
    return true;
  }

  /** The place where an exception broke off belongs to the failure right before it, if to any. */
  place(source: SourcePlace | undefined, place: Place): void {
    const failure = this.book.find(({ last }) => isBehind(last, place));
    if (failure !== undefined) {
      extend(failure, place);
      failure.source ??= source;
    }
  }

  /** A fault that explains why a connection failed for no known reason takes that failure in. */
  explain(incident: Incident, place: Place): void {
    const [best] = incident.causes;
    if (best === undefined || !breaksConnecting.has(best.id)) {
      return;
    }
    const vague = this.book.withdraw(
      (each, key) => key.startsWith('link/') && isVague(each.causes) && isBehind(each.last, place),
    );
    for (const part of vague) {
      absorb(incident, part);
    }
  }

  /** The fault right before a failed connection that explains it. */
  reasonOf(causes: readonly CauseGuess[], place: Place): Incident | undefined {
    return isVague(causes)
      ? this.book.find((incident) => {
          const id = incident.causes[0]?.id;
          return (
            id !== undefined &&
            breaksConnecting.has(id) &&
            place.line - incident.last.line <= behindLines
          );
        })
      : undefined;
  }
}

function isVague(causes: readonly CauseGuess[]): boolean {
  return (causes[0]?.confidence ?? 0) < weak;
}

/** What stands at `place` follows what ended at `last`; of single lines that is not known. */
function isBehind(last: Place, { line, from = line }: Place): boolean {
  return from > last.line - 1 && from - last.line <= behindLines;
}

function isSamePlace(a: SourcePlace | undefined, b: SourcePlace | undefined): boolean {
  return a === undefined || b === undefined || (a.file === b.file && a.line === b.line);
}
