import { isAbsolute } from 'node:path';
import type { Finding, Subject } from '../diagnostics/finding';
import type { IncidentStatus } from '../diagnostics/status';

/** What changed since the last state. */
export interface IncidentChange {
  readonly opened: readonly IncidentStatus[];
  /** Over, as last seen. */
  readonly closed: readonly IncidentStatus[];
}

/**
 * The incidents that the monitor process knows, as this window has seen them. What is worth a word,
 * and when, the monitor decides for all windows (law 11): it sets `toldAt`.
 */
export class IncidentBook {
  private open = new Map<string, IncidentStatus>();

  update(incidents: readonly IncidentStatus[]): IncidentChange {
    const before = this.open;
    this.open = new Map(incidents.map((incident) => [incident.key, incident]));
    return {
      opened: incidents.filter(({ key }) => !before.has(key)),
      closed: [...before.values()].filter(({ key }) => !this.open.has(key)),
    };
  }

  get present(): readonly IncidentStatus[] {
    return [...this.open.values()];
  }
}

/** False for another folder's runner or its duplicates: they are another window's affair. */
export function isOfWindow({ kind, name }: Subject, workspace: string | undefined): boolean {
  const isOfFolder = kind === 'runner' || (kind === 'process' && isAbsolute(name ?? ''));
  return !isOfFolder || name === undefined || name === workspace;
}

/** The incidents of this window. */
export function ownIncidents(
  incidents: readonly IncidentStatus[],
  workspace: string | undefined,
): readonly IncidentStatus[] {
  return incidents.filter(({ subject }) => isOfWindow(subject, workspace));
}

/** The name of one word about an incident, the same in every window: growing worse is another one. */
export function wordKey({ key, toldAt }: IncidentStatus): string {
  return `${key} ${toldAt ?? ''}`;
}

/** The newest diagnosis of an incident, the worst first; undefined while there is none. */
export function findingOf(
  { subject }: { readonly subject: Subject },
  findings: readonly Finding[],
): Finding | undefined {
  const own = findings.filter(
    (finding) => finding.subject.kind === subject.kind && finding.subject.name === subject.name,
  );
  return own.find(({ severity }) => severity === 'error') ?? own[0];
}
