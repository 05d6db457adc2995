import type { CauseId } from '../../src/diagnostics/causeIds';
import { inconclusiveLimit } from '../../src/diagnostics/ranking';
import type { Finding } from '../../src/diagnostics/finding';
import type { DrawnCase } from './situationModel';

/** What an umbrella covers, by the catalogue: it is right for its family and for nothing else. */
const families: Readonly<Partial<Record<CauseId, readonly CauseId[]>>> = {
  silent_handshake: [
    'silent_accept_dialog',
    'silent_modal_dialog',
    'silent_api_not_enabled',
    'wedged_close_wait',
    'accept_queue_wedge',
    'ipv6_trusted_ip_mismatch',
  ],
  peer_closed_after_startapi: [
    'client_id_in_use_326',
    'paper_disclaimer_10141',
    'startup_window_reset',
  ],
};

/** Answers with about the same confidence. */
export interface Bin {
  /** Lower end; a bin is a tenth wide. */
  readonly from: number;
  readonly count: number;
  /** Mean of what was claimed, and the share that was right. */
  readonly claimed: number;
  readonly right: number;
}

interface Answer {
  readonly confidence: number;
  readonly isRight: boolean;
}

export interface Calibration {
  /** The first cause, where it names one. */
  readonly first: readonly Bin[];
  /** The same, held at the limit for what nothing proves: it claims that much or more. */
  readonly held: readonly Bin[];
  /**
   * The first cause, where it is an umbrella. It claims its family as a whole: the confidences of
   * umbrella and members together, since the members that are listed share the same evidence.
   */
  readonly umbrella: readonly Bin[];
  /** Every cause listed, umbrellas apart. */
  readonly listed: readonly Bin[];
  /** Answers of 0.7 or more, and those of them that were wrong. */
  readonly confident: number;
  readonly confidentWrong: readonly string[];
  /** Share of cases whose first cause is right, the umbrella for its family included. */
  readonly firstRight: number;
  /**
   * Mean distance between claim and truth over all first answers, weighted by their number; of
   * those held at the limit only what is right less often than claimed.
   */
  readonly error: number;
}

/** How honest the confidences are over many cases. */
export function calibrate(
  cases: readonly DrawnCase[],
  diagnose: (given: DrawnCase['given']) => Finding | undefined,
): Calibration {
  const first: Answer[] = [];
  const held: Answer[] = [];
  const umbrella: Answer[] = [];
  const listed: Answer[] = [];
  const confidentWrong: string[] = [];
  let confident = 0;
  for (const { truth, given } of cases) {
    const causes = diagnose(given)?.causes ?? [];
    const [best] = causes;
    const family = best === undefined ? undefined : families[best.id];
    const isRight = best?.id === truth || (family?.some((id) => id === truth) ?? false);
    if (best !== undefined && family !== undefined) {
      const members = causes.filter(({ id }) => id === best.id || family.includes(id));
      umbrella.push({ confidence: sum(members.map(({ confidence }) => confidence)), isRight });
    } else {
      const confidence = best?.confidence ?? 0;
      (confidence === inconclusiveLimit ? held : first).push({ confidence, isRight });
    }
    if (best !== undefined && best.confidence >= 0.7) {
      confident += 1;
      if (!isRight) {
        confidentWrong.push(`${best.id} ${best.confidence.toFixed(2)}, but it was ${truth}`);
      }
    }
    for (const { id, confidence } of causes) {
      if (families[id] === undefined) {
        listed.push({ confidence, isRight: id === truth });
      }
    }
  }
  const answers = [...first, ...held, ...umbrella];
  const bins = {
    first: binned(first),
    held: binned(held),
    umbrella: binned(umbrella),
    listed: binned(listed),
  };
  return {
    ...bins,
    confident,
    confidentWrong,
    firstRight: answers.filter(({ isRight }) => isRight).length / answers.length,
    error:
      sum([
        ...[...bins.first, ...bins.umbrella].map(
          (bin) => bin.count * Math.abs(bin.claimed - bin.right),
        ),
        ...bins.held.map((bin) => bin.count * Math.max(0, bin.claimed - bin.right)),
      ]) / answers.length,
  };
}

function binned(answers: readonly Answer[]): readonly Bin[] {
  return Array.from({ length: 10 }, (_, index) => {
    const inBin = answers.filter(
      ({ confidence }) => Math.min(9, Math.floor(confidence * 10 + 1e-9)) === index,
    );
    return {
      from: index / 10,
      count: inBin.length,
      claimed: sum(inBin.map(({ confidence }) => confidence)) / inBin.length,
      right: inBin.filter(({ isRight }) => isRight).length / inBin.length,
    };
  }).filter(({ count }) => count > 0);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
