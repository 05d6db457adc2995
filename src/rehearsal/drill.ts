import { isoTime } from '../core/clock';
import { machineFor } from '../host/thisMachine';
import type { Endpoint } from '../ibkr/endpoint';
import type { DrillReport, FaultResult } from '../monitor/drillRecord';
import { faults } from '../simulator/faults';
import { CalledOff } from './audience';
import type { Expectation } from './expectations';
import { drillTimings, Rehearsal, type RehearsalDeps } from './rehearsal';
import { Stage } from './stage';

/** Most of a rehearsal is waiting; what costs is the start of three processes for each. */
const lanes = 8;

export interface DrillParams {
  /** Names of the simulator's faults. */
  readonly faults: readonly string[];
  readonly expectations: Readonly<Record<string, Expectation>>;
  /** Where the trader's own TWS is, to keep away from it. */
  readonly trader: Endpoint;
}

export interface DrillDeps extends Pick<RehearsalDeps, 'clock' | 'signal' | 'launch'> {
  /** Told of every fault when it is over. */
  readonly onResult: (result: FaultResult, done: number) => void;
}

/**
 * Rehearses each fault, some at a time, and leaves nothing behind.
 * @returns undefined when it was called off.
 * @throws HumanError where no stage can be had.
 */
export async function runDrill(
  params: DrillParams,
  deps: DrillDeps,
): Promise<DrillReport | undefined> {
  const { clock } = deps;
  const startedAt = isoTime(clock.now());
  const from = clock.monotonicMs();
  const stage = new Stage(params.trader);
  const results = new Map<string, FaultResult>();
  const waiting = [...params.faults];
  const lane = async (): Promise<void> => {
    for (let fault = waiting.shift(); fault !== undefined; fault = waiting.shift()) {
      const result = await rehearse(fault, params, { ...deps, stage });
      results.set(fault, result);
      deps.onResult(result, results.size);
    }
  };
  try {
    const ends = await Promise.allSettled(Array.from({ length: lanes }, lane));
    const failed = ends.find((end) => end.status === 'rejected');
    if (failed !== undefined) {
      throw failed.reason;
    }
  } catch (error) {
    if (error instanceof CalledOff) {
      return undefined;
    }
    throw error;
  } finally {
    stage.remove();
  }
  const inOrder = params.faults.flatMap((fault) => results.get(fault) ?? []);
  const held = inOrder.filter((result) => result.held).length;
  return {
    schema: 1,
    ok: held === inOrder.length,
    startedAt,
    durationMs: Math.round(clock.monotonicMs() - from),
    held,
    total: inOrder.length,
    known: faults.length,
    timings: drillTimings,
    faults: inOrder,
  };
}

async function rehearse(
  fault: string,
  { expectations }: DrillParams,
  deps: Omit<RehearsalDeps, 'machine'>,
): Promise<FaultResult> {
  const expected = expectations[fault];
  if (expected === undefined) {
    const problem = 'It is not written down what should happen, so it was not rehearsed.';
    return { fault, held: false, durationMs: 0, why: '', checks: [], problem };
  }
  return new Rehearsal(fault, expected, { ...deps, machine: machineFor(process.platform) }).run();
}
