import type { Finding } from '../diagnostics/finding';
import type { StatusRecord } from '../diagnostics/status';

/**
 * What the last test or start found, kept beside the monitor's own findings until the connection
 * healed after it or a later one passed.
 */
export class GateFindings {
  private findings: readonly Finding[] = [];
  private atMs = 0;

  /** Replaces what was noted; an empty list clears it. */
  note(findings: readonly Finding[], atMs: number): void {
    this.findings = findings;
    this.atMs = atMs;
  }

  /** All findings to show: the monitor's word counts over ours where both speak of one subject. */
  merge(status: StatusRecord | undefined, own: readonly Finding[]): readonly Finding[] {
    if (status?.health === 'healthy' && Date.parse(status.since) > this.atMs) {
      this.findings = [];
    }
    const present = [...(status?.findings ?? []), ...own];
    const spokenOf = new Set(present.map(subject));
    const noted = this.findings.filter((finding) => !spokenOf.has(subject(finding)));
    return [...present, ...noted.map((finding) => inItsTime(finding, status))];
  }
}

/** A loss inside a planned interruption is no error, whoever has found it. */
function inItsTime(finding: Finding, status: StatusRecord | undefined): Finding {
  return status?.health === 'expected' && finding.subject.kind === 'connection'
    ? { ...finding, severity: 'info' }
    : finding;
}

function subject(finding: Finding): string {
  return `${finding.subject.kind}/${finding.subject.name ?? ''}`;
}
