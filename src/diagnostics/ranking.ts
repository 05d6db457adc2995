import type { CauseId } from './causeIds';
import type { RankedCause } from './finding';

/** What one rule says about one cause, with the reason in words. */
export interface Adjustment {
  readonly cause: CauseId;
  /** Speaks for the cause; weights of all rules add up. */
  readonly add?: number;
  /** Speaks against it when below 1; multiplies the sum. */
  readonly times?: number;
  readonly why: string;
  /** Only conclusive evidence lifts a cause above `inconclusiveLimit`. */
  readonly isConclusive?: boolean;
}

/** Highest confidence of a cause that no conclusive evidence supports (0 to 1). */
export const inconclusiveLimit = 0.69;

/**
 * Evidence of one kind supports its cause in several ways at once, so that weights as such claim
 * too little for the first and too much for the rest; fitted with `npm run bench -- calibration`.
 */
const sharpness = 1.25;

/** Share that always stays for what nobody thought of. */
const openShare = 0.05;
const maxCauses = 6;
const minConfidence = 0.02;

interface Tally {
  sum: number;
  factor: number;
  isConclusive: boolean;
  strongest: number;
  why: string;
  against: string[];
}

/** Adds the adjustments up; causes best first, confidences sum to at most 1. */
export function rank(adjustments: readonly Adjustment[]): readonly RankedCause[] {
  const tallies = new Map<CauseId, Tally>();
  for (const adjustment of adjustments) {
    apply(tallies, adjustment);
  }
  const weighted = [...tallies]
    .map(([id, tally]) => ({ id, tally, weight: (tally.sum * tally.factor) ** sharpness }))
    .filter(({ weight }) => weight > 0)
    .sort((a, b) => b.weight - a.weight);
  const total = weighted.reduce((sum, { weight }) => sum + weight, 0);
  return weighted
    .slice(0, maxCauses)
    .map(({ id, tally, weight }) => {
      const share = (weight / total) * (1 - openShare);
      const limited = tally.isConclusive ? share : Math.min(share, inconclusiveLimit);
      return {
        id,
        // Rounded down, so that the sum cannot pass 1.
        confidence: Math.floor(limited * 100) / 100,
        why: [tally.why, ...tally.against.map((reason) => `but ${reason}`)].join('; '),
      };
    })
    .filter(({ confidence }) => confidence >= minConfidence);
}

function apply(tallies: Map<CauseId, Tally>, adjustment: Adjustment): void {
  const tally = tallies.get(adjustment.cause) ?? {
    sum: 0,
    factor: 1,
    isConclusive: false,
    strongest: 0,
    why: '',
    against: [],
  };
  const { add = 0, times = 1, why } = adjustment;
  tally.sum += add;
  tally.factor *= times;
  tally.isConclusive ||= adjustment.isConclusive ?? false;
  // The reason shown is that of the strongest voice for the cause, with each one against it.
  if (add > tally.strongest) {
    tally.strongest = add;
    tally.why = why;
  }
  if (times < 1 && !tally.against.includes(why)) {
    tally.against.push(why);
  }
  tallies.set(adjustment.cause, tally);
}
