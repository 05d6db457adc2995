import { readFileSync } from 'node:fs';
import * as v from 'valibot';
import type { EndpointPaths } from '../core/paths';
import { ensurePrivateDirectory, replaceFile } from './records';

/** What a rehearsal looks at, for each fault. */
export type DrillCheckName = 'gate' | 'cause' | 'alert' | 'recovery' | 'runner';

export interface DrillCheck {
  readonly check: DrillCheckName;
  readonly held: boolean;
  readonly expected: string;
  readonly seen: string;
}

/** How one fault went. */
export interface FaultResult {
  readonly fault: string;
  readonly held: boolean;
  readonly durationMs: number;
  /** Why this is what should happen. */
  readonly why: string;
  /** Empty where the fault could not be rehearsed; `problem` says why not. */
  readonly checks: readonly DrillCheck[];
  readonly problem?: string;
}

/** `robo drill --json`. */
export interface DrillReport {
  readonly schema: 1;
  readonly ok: boolean;
  readonly startedAt: string;
  readonly durationMs: number;
  readonly held: number;
  readonly total: number;
  /** How many faults the simulator has; more than `total` where only some were asked for. */
  readonly known: number;
  /** What differs from a usual monitor and gate, in milliseconds. */
  readonly timings: { readonly livenessIntervalMs: number; readonly refuseAfterMs: number };
  readonly faults: readonly FaultResult[];
}

const lastDrillSchema = v.object({
  schema: v.literal(1),
  at: v.pipe(v.string(), v.isoTimestamp()),
  durationMs: v.number(),
  held: v.number(),
  total: v.number(),
  known: v.number(),
  notHeld: v.array(v.string()),
});

/** `drill.json` in the folder of the trader's endpoint: the last rehearsal that ran to its end. */
export type LastDrill = Readonly<v.InferOutput<typeof lastDrillSchema>>;

/**
 * Keeps the sum of a rehearsal beside the endpoint's other records.
 * @throws HumanError or a system error when it cannot be written.
 */
export function writeLastDrill(paths: EndpointPaths, report: DrillReport): void {
  const last: LastDrill = {
    schema: 1,
    at: report.startedAt,
    durationMs: report.durationMs,
    held: report.held,
    total: report.total,
    known: report.known,
    notHeld: report.faults.filter(({ held }) => !held).map(({ fault }) => fault),
  };
  ensurePrivateDirectory(paths.directory);
  replaceFile(paths.drill, `${JSON.stringify(last, undefined, 2)}\n`);
}

/** The last rehearsal; undefined where there was none, or where its record cannot be read. */
export function readLastDrill(paths: EndpointPaths): LastDrill | undefined {
  try {
    const parsed = v.safeParse(lastDrillSchema, JSON.parse(readFileSync(paths.drill, 'utf8')));
    return parsed.success ? parsed.output : undefined;
  } catch {
    return undefined;
  }
}
