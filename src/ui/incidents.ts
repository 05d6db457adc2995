import type { Finding } from '../diagnostics/finding';
import type { Health } from '../diagnostics/status';

/** What changed for the person who is told about incidents. */
export interface IncidentChange {
  /** Findings that open an incident now. */
  readonly opened: readonly Incident[];
  /** Subjects whose incident is over. */
  readonly closed: readonly Incident[];
}

export interface Incident {
  /** The same in every window: subject and the time it was first seen. */
  readonly key: string;
  readonly finding: Finding;
}

/**
 * Decides what is worth a word (law 11): one incident per subject from its first error until it
 * healed, whatever its diagnosis becomes in between and however often it is reported.
 */
export class IncidentBook {
  private readonly open = new Map<string, Incident>();

  /** Takes the findings of the present state. Symbols never open an incident: Problems show them. */
  update(findings: readonly Finding[], health: Health): IncidentChange {
    const opened: Incident[] = [];
    const present = new Set<string>();
    for (const finding of findings) {
      const subject = subjectKey(finding);
      if (finding.severity !== 'error' || finding.subject.kind === 'symbol') {
        continue;
      }
      present.add(subject);
      const known = this.open.get(subject);
      const incident = { key: known?.key ?? `${subject}@${finding.firstAt}`, finding };
      this.open.set(subject, incident);
      if (known === undefined) {
        opened.push(incident);
      }
    }
    return { opened, closed: this.close(present, health) };
  }

  private close(present: ReadonlySet<string>, health: Health): readonly Incident[] {
    const closed: Incident[] = [];
    for (const [subject, incident] of this.open) {
      // Between two attempts the finding may be gone for a moment: only health ends an outage.
      const isOver = incident.finding.subject.kind !== 'connection' || health === 'healthy';
      if (isOver && !present.has(subject)) {
        this.open.delete(subject);
        closed.push(incident);
      }
    }
    return closed;
  }

  /** The incident's newest finding; undefined when it healed, even if another one opened since. */
  present(incident: Incident): Finding | undefined {
    const known = this.open.get(subjectKey(incident.finding));
    return known?.key === incident.key ? known.finding : undefined;
  }
}

function subjectKey(finding: Finding): string {
  return `${finding.subject.kind}/${finding.subject.name ?? ''}`;
}
