import type { Finding, Subject } from '../diagnostics/finding';
import type { StatusRecord } from '../diagnostics/status';
import type { IncidentRow, LeftOpen } from './historyRows';

/** What is kept of a diagnosis: enough to understand it later, and bounded. */
const keptFindings = 5;
const keptEvidence = 8;
const keptLength = 300;

/**
 * Trouble on both sides of so short a gap is one, whatever it is called by now: a daemon that was
 * killed is followed by another within seconds, and when it last watched is written every half
 * minute. Milliseconds.
 */
const shortGapMs = 120_000;

/** A subject that is in trouble now. */
interface Trouble {
  readonly subject: Subject;
  readonly since: string;
  readonly findings: readonly Finding[];
}

const connectionKey = subjectKey({ kind: 'connection' });

/**
 * Turns the states of a daemon into incidents (law 11): one per subject from its first error
 * until it healed, whatever its diagnosis becomes in between. Symbols never open one.
 */
export class IncidentLedger {
  private readonly open = new Map<string, IncidentRow>();
  private readonly diagnoses = new Map<string, string>();
  /** Open incidents of an earlier daemon that are neither found again nor known to be over. */
  private readonly left = new Map<string, IncidentRow>();
  private lastSeenAt: string | null = null;

  /** Takes over what an earlier daemon has left; the next states decide what becomes of it. */
  adopt({ incidents, lastSeenAt }: Pick<LeftOpen, 'incidents' | 'lastSeenAt'>): void {
    this.lastSeenAt = lastSeenAt;
    for (const row of incidents) {
      this.left.set(keyOfRow(row), row);
    }
  }

  /** The rows of all incidents that are open now. */
  get present(): readonly IncidentRow[] {
    return [...this.open.values()];
  }

  /**
   * Takes in a state.
   * @param isAlerted the alert file stands for it
   * @returns the rows that are new or have changed
   */
  take(record: StatusRecord, isAlerted: boolean): readonly IncidentRow[] {
    const changed: IncidentRow[] = [];
    const troubles = new Map(troublesOf(record));
    if (record.health === 'expected' && !this.open.has(connectionKey)) {
      // Inside a known window nothing is an incident; outliving it is.
      troubles.delete(connectionKey);
    }
    for (const [key, trouble] of troubles) {
      changed.push(...this.inTrouble(key, trouble, record));
    }
    for (const [key, row] of this.open) {
      if (!troubles.has(key) && isOver(key, record)) {
        this.open.delete(key);
        changed.push(closed(row, record.timestamp));
      }
    }
    for (const [key, row] of this.left) {
      if (!troubles.has(key) && isDecided(record) && isOver(key, record)) {
        changed.push(this.unseenEnd(key, row));
      }
    }
    return isAlerted ? this.alerted(changed, record.timestamp) : changed;
  }

  private inTrouble(key: string, trouble: Trouble, record: StatusRecord): readonly IncidentRow[] {
    const known = this.open.get(key);
    if (known !== undefined) {
      return this.update(key, known, trouble);
    }
    const left = this.left.get(key);
    if (left === undefined) {
      return this.update(key, opened(trouble), trouble);
    }
    const [finding] = trouble.findings;
    if (finding === undefined) {
      // It has no name yet; whether it is the old trouble shows with its first diagnosis.
      return [];
    }
    const lastSeenMs = Date.parse(this.lastSeenAt ?? left.since);
    const gapMs = Math.max(0, Date.parse(record.monitor.startedAt) - lastSeenMs);
    if (gapMs > shortGapMs && !isSame(left, finding)) {
      return [this.unseenEnd(key, left), ...this.update(key, opened(trouble), trouble)];
    }
    this.left.delete(key);
    return this.update(key, { ...left, unwatched_ms: left.unwatched_ms + gapMs }, trouble);
  }

  /** Diagnoses come again every half minute; only another one is worth a row. */
  private update(key: string, row: IncidentRow, { findings }: Trouble): readonly IncidentRow[] {
    const diagnosis = diagnosisOf(findings);
    const [best] = findings;
    if (this.open.has(key) && (best === undefined || this.diagnoses.get(key) === diagnosis)) {
      return [];
    }
    this.diagnoses.set(key, diagnosis);
    const next = best === undefined ? row : { ...row, ...diagnosed(best, findings) };
    this.open.set(key, next);
    return [next];
  }

  private unseenEnd(key: string, row: IncidentRow): IncidentRow {
    this.left.delete(key);
    return closed(row, this.lastSeenAt ?? row.since, 'not seen');
  }

  private alerted(changed: readonly IncidentRow[], at: string): readonly IncidentRow[] {
    const row = this.open.get(connectionKey);
    if (row?.notified_at !== null) {
      return changed;
    }
    const told = { ...row, notified_at: at };
    this.open.set(connectionKey, told);
    const { incident_key } = row;
    const rows = changed.map((other) => (other.incident_key === incident_key ? told : other));
    return rows.includes(told) ? rows : [...rows, told];
  }
}

function troublesOf(record: StatusRecord): ReadonlyMap<string, Trouble> {
  const all = [...record.findings, ...record.runner.flatMap(({ findings }) => findings)];
  const isDown = record.health === 'down';
  const troubles = new Map<string, Trouble>();
  if (isDown) {
    // At once: the diagnosis takes a moment, and the outage has begun.
    const findings = record.findings.filter(({ subject }) => subject.kind === 'connection');
    troubles.set(connectionKey, {
      subject: { kind: 'connection' },
      since: record.since,
      findings: [...findings].sort((a, b) => errorsFirst(a) - errorsFirst(b)),
    });
  }
  for (const finding of all) {
    const { subject, severity } = finding;
    if (severity !== 'error' || subject.kind === 'symbol') {
      continue;
    }
    const key = subjectKey(subject);
    const known = troubles.get(key) ?? { subject, since: finding.firstAt, findings: [] };
    if (!known.findings.includes(finding)) {
      troubles.set(key, { ...known, findings: [...known.findings, finding] });
    }
  }
  return troubles;
}

function errorsFirst({ severity }: Finding): number {
  return severity === 'error' ? 0 : 1;
}

/** Between two attempts the finding may be gone for a moment: only health ends an outage. */
function isOver(key: string, record: StatusRecord): boolean {
  return key !== connectionKey || record.health === 'healthy';
}

/** False while a daemon that has just begun cannot tell yet. */
export function isDecided({ health }: StatusRecord): boolean {
  return health !== 'unknown' && health !== 'connecting';
}

/** The same cause, or another one of the same layer: the umbrella and what it turned out to be. */
function isSame(left: IncidentRow, finding: Finding): boolean {
  return (
    left.cause === null ||
    left.cause === finding.guide ||
    (left.layer !== null && left.layer === finding.layer)
  );
}

function opened({ subject, since }: Trouble): IncidentRow {
  return {
    incident_key: `${subjectKey(subject)}@${since}`,
    subject_kind: subject.kind,
    subject_name: subject.name ?? null,
    severity: 'error',
    cause: null,
    layer: null,
    message: 'No diagnosis was made.',
    since,
    until: null,
    ending: null,
    duration_ms: null,
    unwatched_ms: 0,
    notified_at: null,
    findings: '[]',
  };
}

function closed(
  row: IncidentRow,
  until: string,
  ending: 'seen' | 'not seen' = 'seen',
): IncidentRow {
  const duration = Date.parse(until) - Date.parse(row.since);
  return { ...row, until, ending, duration_ms: Math.max(0, duration) };
}

function diagnosed(best: Finding, findings: readonly Finding[]): Partial<IncidentRow> {
  return {
    cause: best.guide,
    layer: best.layer ?? null,
    message: cut(best.message),
    findings: JSON.stringify(findings.slice(0, keptFindings).map(shortened)),
  };
}

/** What a finding says, without what the catalogue says of its cause. */
function shortened(finding: Finding): object {
  const { severity, causes, message, evidence, firstAt, lastAt, source } = finding;
  return {
    severity,
    causes: causes.map((cause) => ({ ...cause, why: cut(cause.why) })),
    message: cut(message),
    evidence: evidence.slice(0, keptEvidence).map((seen) => ({ ...seen, text: cut(seen.text) })),
    firstAt,
    lastAt,
    ...(source === undefined ? {} : { source }),
  };
}

function cut(text: string): string {
  return text.length <= keptLength ? text : `${text.slice(0, keptLength - 1)}…`;
}

/** The causes in their order; their reasons name ages, which change with every look. */
function diagnosisOf(findings: readonly Finding[]): string {
  return findings.map(({ causes }) => causes.map(({ id }) => id).join(' ')).join(', ');
}

function subjectKey({ kind, name }: Subject): string {
  return `${kind}/${name ?? ''}`;
}

function keyOfRow(row: IncidentRow): string {
  return `${row.subject_kind}/${row.subject_name ?? ''}`;
}
