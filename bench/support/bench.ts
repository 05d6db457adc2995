import { readdirSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** What a bench measures with, and where it leaves what must be ended. */
export interface Bench {
  /** True for the short form, which shows that the bench works and gives a rough figure. */
  readonly isShort: boolean;
  /** Runs `end` when the bench is over or interrupted, the last one first. */
  defer(end: () => unknown): void;
}

/** The folder of the project. */
export const projectRoot = join(__dirname, '..', '..');

/**
 * Runs a bench to its end, on a line that names the machine. What it started is ended also when
 * it fails or is interrupted.
 */
export function runBench(measure: (bench: Bench) => Promise<void>): void {
  const ends: (() => unknown)[] = [];
  const endAll = async (): Promise<void> => {
    for (const end of ends.splice(0).reverse()) {
      await end();
    }
  };
  const interrupted = (): void => {
    void endAll().finally(() => process.exit(130));
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, interrupted);
  }
  const isShort = process.env['ROBO_BENCH_SHORT'] === '1';
  console.log(machineLine());
  measure({ isShort, defer: (end) => void ends.push(end) })
    .finally(endAll)
    .then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
}

/** The scripts are plain JavaScript without types; the caller says what it uses of one. */
export async function loadScript<T>(file: string): Promise<T> {
  return (await import(pathToFileURL(join(projectRoot, file)).href)) as T;
}

/** How many processes this machine shows, kernel threads included; undefined outside Linux. */
export function processCount(): number | undefined {
  return process.platform === 'linux'
    ? readdirSync('/proc').filter((name) => /^\d+$/.test(name)).length
    : undefined;
}

function machineLine(): string {
  const [cpu] = cpus();
  const [load = 0] = loadavg();
  const count = processCount();
  return [
    `${cpus().length} cores (${cpu?.model.trim() ?? 'unknown'})`,
    `load ${load.toFixed(1)}`,
    ...(count === undefined ? [] : [`${count} processes`]),
    `Node ${process.versions.node}`,
    `${process.platform}-${process.arch}`,
  ].join(', ');
}
