import type { Health } from '../diagnostics/status';
import type { DrillCheck } from '../monitor/drillRecord';
import type { Expectation } from './expectations';

/** What was seen of one fault, from its beginning to its end. */
export interface Observation {
  readonly gate: 'shut' | 'open' | 'failed';
  /** The cause that leads the gate's report. */
  readonly namedByGate: string | undefined;
  /** The cause in the alert file, shortly before the fault ended. */
  readonly namedByAlert: string | undefined;
  /** The causes that led findings of the status while the fault lasted. */
  readonly namedInStatus: readonly string[];
  readonly wasAlertSeen: boolean;
  /** Whether there was an alert shortly before the fault ended, and after it. */
  readonly isAlertBeforeHealing: boolean;
  readonly isAlertAfterwards: boolean;
  /** The health after the fault ended; undefined where nobody said. */
  readonly healthAfterwards: Health | undefined;
  readonly runner: RunnerObservation;
}

export interface RunnerObservation {
  readonly pid: number;
  /** What became of it; undefined where it is the same process and goes on printing. */
  readonly trouble: string | undefined;
}

/** Compares what was seen with what is right. Pure. */
export function judge(expected: Expectation, seen: Observation): readonly DrillCheck[] {
  return [
    {
      check: 'gate',
      held: seen.gate === expected.gate,
      expected: expected.gate,
      seen: seen.gate,
    },
    judgeCause(expected, seen),
    judgeAlert(expected, seen),
    {
      check: 'recovery',
      held: seen.healthAfterwards === expected.afterwards,
      expected: expected.afterwards,
      seen: seen.healthAfterwards ?? 'no word',
    },
    {
      check: 'runner',
      held: seen.runner.trouble === undefined,
      expected: 'left in peace',
      seen: seen.runner.trouble ?? `left in peace, pid ${seen.runner.pid}`,
    },
  ];
}

/** Wherever Robo speaks of the fault, it must name a cause that may rightly come first. */
function judgeCause({ causes, gate, alert }: Expectation, seen: Observation): DrillCheck {
  const isRight = (id: string | undefined): boolean => causes.some((cause) => cause === id);
  const told = [
    ...(seen.namedByGate === undefined ? [] : [`gate: ${seen.namedByGate}`]),
    ...(seen.namedByAlert === undefined ? [] : [`alert: ${seen.namedByAlert}`]),
    ...(seen.namedInStatus.length === 0 ? [] : [`status: ${seen.namedInStatus.join(', ')}`]),
  ].join('; ');
  const base = { check: 'cause', seen: told === '' ? 'none' : told } as const;
  if (causes.length === 0) {
    // A restart, by which a harmless fault is met, is named in the status while it lasts.
    const isQuiet = alert === 'passing' || seen.namedInStatus.length === 0;
    return { ...base, held: seen.namedByGate === undefined && isQuiet, expected: 'none' };
  }
  const held =
    gate === 'open' && alert !== 'until healed'
      ? isRight(seen.namedByGate) || seen.namedInStatus.some(isRight)
      : (gate === 'open' || isRight(seen.namedByGate)) &&
        (alert !== 'until healed' || isRight(seen.namedByAlert));
  return { ...base, held, expected: causes.join(' or ') };
}

function judgeAlert({ alert }: Expectation, seen: Observation): DrillCheck {
  const words = {
    'until healed': 'raised, and cleared after healing',
    passing: 'raised, and cleared by itself',
    none: 'none',
  } as const;
  const held = {
    'until healed': seen.wasAlertSeen && seen.isAlertBeforeHealing && !seen.isAlertAfterwards,
    passing: seen.wasAlertSeen && !seen.isAlertBeforeHealing && !seen.isAlertAfterwards,
    none: !seen.wasAlertSeen && !seen.isAlertAfterwards,
  } as const;
  return { check: 'alert', held: held[alert], expected: words[alert], seen: alertWords(seen) };
}

function alertWords(seen: Observation): string {
  if (!seen.wasAlertSeen) {
    return seen.isAlertAfterwards ? 'raised after healing' : 'none';
  }
  if (seen.isAlertAfterwards) {
    return 'raised, and not cleared';
  }
  return seen.isAlertBeforeHealing
    ? 'raised, and cleared after healing'
    : 'raised, and cleared by itself';
}
