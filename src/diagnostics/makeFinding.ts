import { isoTime } from '../core/clock';
import { catalogue } from './catalogue';
import type { Evidence, Finding, Layer, RankedCause, Severity, Subject } from './finding';

export interface FindingParts {
  readonly subject: Subject;
  readonly causes: readonly RankedCause[];
  readonly message: string;
  readonly nowMs: number;
  readonly evidence?: readonly Evidence[];
  readonly layer?: Layer;
  readonly severity?: Severity;
}

/** Completes a finding from the catalogue entry of its best cause. */
export function makeFinding(parts: FindingParts): Finding | undefined {
  const best = parts.causes[0];
  if (best === undefined) {
    return undefined;
  }
  const cause = catalogue[best.id];
  const layer = parts.layer ?? cause.layer;
  const at = isoTime(parts.nowMs);
  return {
    subject: parts.subject,
    severity: parts.severity ?? cause.severity,
    ...(layer === null ? {} : { layer }),
    causes: parts.causes,
    message: parts.message,
    evidence: parts.evidence ?? [],
    remedy: cause.remedy,
    guide: best.id,
    firstAt: at,
    lastAt: at,
    count: 1,
  };
}
