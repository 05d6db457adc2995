import { isoTime } from '../core/clock';
import { catalogue } from './catalogue';
import type { Setup } from './cause';
import type { Evidence, Finding, Layer, RankedCause, Severity, Subject } from './finding';
import { remedyFor } from './remedy';

export interface FindingParts {
  readonly subject: Subject;
  readonly causes: readonly RankedCause[];
  readonly message: string;
  readonly nowMs: number;
  readonly evidence?: readonly Evidence[];
  readonly layer?: Layer;
  readonly severity?: Severity;
  /** System and program that the remedy is for; where unknown, its steps name all variants. */
  readonly setup?: Setup;
  readonly listeningPorts?: readonly number[];
}

/** Causes of which there is at least one. */
export type SomeCauses = readonly [RankedCause, ...RankedCause[]];

/** Completes a finding from the catalogue entry of its best cause; none without causes. */
export function makeFinding(parts: FindingParts & { readonly causes: SomeCauses }): Finding;
export function makeFinding(parts: FindingParts): Finding | undefined;
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
    remedy: remedyFor(best.id, parts.setup),
    guide: best.id,
    firstAt: at,
    lastAt: at,
    count: 1,
    ...(parts.listeningPorts === undefined ? {} : { listeningPorts: parts.listeningPorts }),
  };
}
