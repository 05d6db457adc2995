import type { CauseId } from './causeIds';

/** A step on the way to data, in the order in which the pre-flight takes them. */
export const layers = [
  'process',
  'port',
  'sockets',
  'tcp',
  'hello',
  'ready',
  'clock',
  'account',
  'data',
] as const;
export type Layer = (typeof layers)[number];

export type Severity = 'error' | 'warning' | 'info';

/** One observation: what was seen, where, and when. `at` is ISO 8601 in UTC. */
export interface Evidence {
  readonly kind:
    | 'process'
    | 'socket'
    | 'notice'
    | 'answer'
    | 'timing'
    | 'log'
    | 'exit'
    | 'file'
    | 'setting'
    | 'unknown';
  readonly source: string;
  readonly at: string;
  readonly text: string;
}

/** A cause with how sure we are (0 to 1) and the reason in words. */
export interface RankedCause {
  readonly id: CauseId;
  readonly confidence: number;
  readonly why: string;
}

/** Whom a finding is about. `name` is the symbol, pid or workspace where there is one. */
export interface Subject {
  readonly kind: 'connection' | 'symbol' | 'process' | 'runner';
  readonly name?: string;
}

/**
 * What is wrong with one subject: causes best first (confidences sum to at most 1),
 * with evidence and remedy. The only form in which a problem is shown anywhere.
 */
export interface Finding {
  readonly subject: Subject;
  readonly severity: Severity;
  readonly layer?: Layer;
  readonly causes: readonly RankedCause[];
  /** One sentence: what happened, what was seen. */
  readonly message: string;
  readonly evidence: readonly Evidence[];
  /** Steps for the person, first one first. */
  readonly remedy: readonly string[];
  /** Anchor of the setup guide: the id of the best cause. */
  readonly guide: CauseId;
  readonly firstAt: string;
  readonly lastAt: string;
  readonly count: number;
  /**
   * Other usual API ports of this machine on which somebody listens, where nobody does on the one
   * that was asked for. Not a word about their mode: who offers one must look at it.
   */
  readonly listeningPorts?: readonly number[];
  /** Where the trader's own code or file decides it, if a traceback or configuration names it. */
  readonly source?: { readonly file: string; readonly line: number };
}

/** The identity of a finding over time: subject and best cause. */
export function findingKey(finding: Finding): string {
  return `${finding.subject.kind}/${finding.subject.name ?? ''}/${finding.guide}`;
}
