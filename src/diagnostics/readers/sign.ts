import type { CauseId } from '../causeIds';
import type { Subject } from '../finding';
import { shorten } from '../notices';
import type { LinePattern } from './reader';

/** Causes that a line points to, best first; confidences sum to at most 1. */
export type Guesses = readonly { readonly id: CauseId; readonly confidence: number }[];

export const connection: Subject = { kind: 'connection' };
export const runner: Subject = { kind: 'runner' };
export const process: Subject = { kind: 'process' };

/** A pattern whose mere presence points to causes. */
export function sign(has: string, pattern: RegExp, subject: Subject, causes: Guesses): LinePattern {
  return {
    has,
    pattern,
    read: (_match, line) => [{ kind: 'sign', subject, causes, text: shorten(line.text) }],
  };
}

/** One cause alone. */
export function one(id: CauseId, confidence = 0.85): Guesses {
  return [{ id, confidence }];
}

/** Ports of TWS and IB Gateway as a pattern, 4003 and 4004 being those of the usual images. */
export const apiPort = '(?:749[67]|400[1-4])';
