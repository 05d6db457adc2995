import { type Finding, findingKey } from '../diagnostics/finding';

/** Since when each finding of a time of trouble has stood. */
export class FindingHistory {
  private readonly firstSeen = new Map<string, string>();

  /** The same finding with the time at which it was seen first. */
  date(finding: Finding): Finding {
    const key = findingKey(finding);
    const firstAt = this.firstSeen.get(key) ?? finding.firstAt;
    this.firstSeen.set(key, firstAt);
    return { ...finding, firstAt };
  }

  /** The trouble is over. */
  forget(): void {
    this.firstSeen.clear();
  }
}
