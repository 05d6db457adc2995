import { readFileSync, realpathSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { inspect } from 'node:util';
import { errorCode, errorText } from '../core/errors';
import type { SourcePlace } from '../diagnostics/runnerFacts';
import type { Bar } from '../ibkr/marketData';
import type { Strategy, StrategySignal } from './strategy';
import { readTypeScript } from './typeScript';
import { TookTooLong, Watchdog } from './watchdog';

/** How long a module may take to load and to answer, in milliseconds; below the 5 s to stop in. */
const loadDeadlineMs = 4000;
const callDeadlineMs = 2000;
/** A reason is a sentence, not a report. Characters. */
const maxReasonLength = 300;

/** What is wrong with the trader's own strategy, and where in their code. */
export class StrategyFault extends Error {
  override readonly name = 'StrategyFault';

  /** @param isSlow it was stopped, and would be again: not worth asking once more soon */
  constructor(
    message: string,
    readonly source: SourcePlace,
    readonly isSlow = false,
  ) {
    super(message);
  }
}

/** Where the runner runs, as far as it decides what it can read. */
export interface Runtime {
  /** Makes it read TypeScript; false where it cannot. */
  readonly readTypeScript: () => boolean;
  /** `Node.js 22.15.1`, for a sentence. */
  readonly name: string;
}

export function thisRuntime(): Runtime {
  const isElectron = process.versions['electron'] !== undefined;
  return {
    readTypeScript,
    name: `Node.js ${process.versions.node}${isElectron ? ' of the editor' : ''}`,
  };
}

/**
 * The strategy that a module exports: `strategy`, or its default, or the module itself.
 * JavaScript of both kinds, and TypeScript where Node.js can strip its types.
 * @param file absolute
 * @throws StrategyFault with the place in the trader's own code
 */
export function loadStrategy(file: string, runtime: Runtime = thisRuntime()): Strategy {
  refuseUnreadable(file, runtime);
  const watchdog = new Watchdog();
  const code = new StrategyCode(file);
  const load = (): unknown => createRequire(file)(file) as unknown;
  let loaded: unknown;
  try {
    loaded = watchdog.run(load, loadDeadlineMs);
  } catch (error) {
    throw code.fault('could not be loaded', error);
  }
  const strategy = exportedFrom(loaded);
  if (strategy === undefined) {
    throw code.wrong(
      'exports no strategy; it must export a function named strategy, or one as its default',
    );
  }
  return (bars, symbol) => {
    let answer: unknown;
    try {
      // A copy: what it does to its bars is its own affair, and ours are kept for later cycles.
      const own = bars.map((bar) => ({ ...bar }));
      answer = watchdog.run(() => strategy(own, symbol), callDeadlineMs);
    } catch (error) {
      throw code.fault(`failed on ${symbol}`, error);
    }
    const read = readAnswer(answer, bars);
    if (typeof read === 'string') {
      throw code.wrong(
        `answered ${read} for ${symbol}; it must return { signal: 1, 0 or -1, reason: '…' }`,
      );
    }
    return read;
  };
}

/**
 * What failed outside of any question to the strategy, in a timer or a promise of its own.
 * @returns undefined where it was not its code
 */
export function strategyFaultOf(file: string, error: unknown): StrategyFault | undefined {
  const code = new StrategyCode(file);
  return code.isIn(error) ? code.fault('failed in the background', error) : undefined;
}

type AnyFunction = (bars: readonly Bar[], symbol: string) => unknown;

/** The text of the module, for the places in it. */
class StrategyCode {
  private readonly folder: string;
  private readonly realFolder: string;

  constructor(private readonly file: string) {
    this.folder = dirname(file);
    // Node.js names files by their real path; the trader knows them by their own.
    this.realFolder = dirname(realpathSync(file));
  }

  isIn(error: unknown): boolean {
    return this.placeIn(error) !== undefined;
  }

  /** What it throws, at the line that threw it. */
  fault(what: string, error: unknown): StrategyFault {
    const words =
      error instanceof TookTooLong
        ? `it ${error.message} and was stopped`
        : errorCode(error) === 'ERR_REQUIRE_ASYNC_MODULE'
          ? 'it awaits at its top level, which a strategy may not'
          : `${nameOf(error)}${firstLine(errorText(error))}`;
    const source = this.placeIn(error) ?? this.placeOfImport(error) ?? this.placeOfExport();
    return new StrategyFault(
      `The strategy ${this.file} ${what}: ${words}`,
      source,
      error instanceof TookTooLong,
    );
  }

  /** What it is, at the line of its export. */
  wrong(what: string): StrategyFault {
    return new StrategyFault(`The strategy ${this.file} ${what}.`, this.placeOfExport());
  }

  /** The first place in the trader's own folder that a stack names. */
  private placeIn(error: unknown): SourcePlace | undefined {
    if (error instanceof TookTooLong) {
      // It was stopped from outside; the stack is ours.
      return undefined;
    }
    const stack = error instanceof Error || hasStack(error) ? (error.stack ?? '') : '';
    const url = `${pathToFileURL(this.realFolder).href}/`;
    for (const line of stack.split('\n')) {
      for (const prefix of [url, `${this.realFolder}${sep}`]) {
        const from = line.indexOf(prefix);
        const found = from === -1 ? null : /^(.+?\.[cm]?[jt]s):(\d+)/.exec(line.slice(from));
        const [, path = '', number = ''] = found ?? [];
        const real = prefix === url && path !== '' ? fileURLToPath(path) : path;
        // The runner itself may lie beside it.
        if (real !== '' && !real.includes('node_modules') && real !== process.argv[1]) {
          const file = join(this.folder, relative(this.realFolder, real));
          return { file, line: Number(number) };
        }
      }
    }
    return undefined;
  }

  /** The line that imports what does not exist; its error names no line. */
  private placeOfImport(error: unknown): SourcePlace | undefined {
    const [, missing = ''] =
      /Cannot find (?:module|package) '([^']+)'/.exec(errorText(error)) ?? [];
    return missing === '' ? undefined : this.lineWith((line) => line.includes(basename(missing)));
  }

  private placeOfExport(): SourcePlace {
    const isExport =
      /^\s*export\b.*\b(?:default|strategy)\b|\bmodule\.exports\b|\bexports\.strategy\b/;
    return (
      this.lineWith((line) => isExport.test(line)) ??
      this.lineWith((line) => /\bstrategy\b/.test(line)) ?? { file: this.file, line: 1 }
    );
  }

  private lineWith(isMeant: (line: string) => boolean): SourcePlace | undefined {
    const index = readFileSync(this.file, 'utf8').split('\n').findIndex(isMeant);
    return index === -1 ? undefined : { file: this.file, line: index + 1 };
  }
}

function refuseUnreadable(file: string, { readTypeScript: read, name }: Runtime): void {
  const source = { file, line: 1 };
  const stats = statSync(file, { throwIfNoEntry: false });
  if (stats?.isFile() !== true) {
    throw new StrategyFault(
      `There is no strategy ${file}; correct --strategy or robo.runner.strategy.`,
      source,
    );
  }
  if (!/\.[cm]?[jt]s$/.test(file)) {
    throw new StrategyFault(
      `The strategy ${file} is neither JavaScript nor TypeScript; its name must end in .js, .mjs, .cjs, .ts, .mts or .cts.`,
      source,
    );
  }
  if (/\.[cm]?ts$/.test(file) && !read()) {
    throw new StrategyFault(
      `The strategy ${file} is TypeScript, which ${name} cannot read; write it in JavaScript, or let robo.nodePath name a Node.js from 22.15 on.`,
      source,
    );
  }
}

function exportedFrom(loaded: unknown): AnyFunction | undefined {
  const inside = (value: unknown, key: string): unknown =>
    typeof value === 'object' && value !== null
      ? (value as Record<string, unknown>)[key]
      : undefined;
  const standard = inside(loaded, 'default');
  const candidates = [
    inside(loaded, 'strategy'),
    standard,
    inside(standard, 'strategy'),
    // CommonJS that was compiled from an ES module.
    inside(standard, 'default'),
    loaded,
  ];
  return candidates.find((each) => typeof each === 'function') as AnyFunction | undefined;
}

const signals: ReadonlyMap<unknown, 1 | 0 | -1> = new Map<unknown, 1 | 0 | -1>([
  [1, 1],
  [0, 0],
  [-1, -1],
  ['buy', 1],
  ['hold', 0],
  ['sell', -1],
]);

/** The signal, or in words what it was instead. */
function readAnswer(answer: unknown, bars: readonly Bar[]): StrategySignal | string {
  if (typeof answer !== 'object' || answer === null) {
    return answer === undefined ? 'nothing' : `with ${describe(answer)}`;
  }
  if ('then' in answer) {
    // Nobody waits for it; if it fails later, that must not end the runner.
    Promise.resolve(answer).catch(() => undefined);
    return 'with a promise';
  }
  const { signal, reason } = answer as { readonly signal?: unknown; readonly reason?: unknown };
  const value = signals.get(signal);
  if (value === undefined) {
    return `with the signal ${describe(signal)}`;
  }
  if (typeof reason !== 'string' || reason.trim() === '') {
    return 'without a reason';
  }
  const price = bars.at(-1)?.close ?? null;
  return { value, price, fast: null, slow: null, reason: reason.slice(0, maxReasonLength) };
}

function describe(value: unknown): string {
  const text = inspect(value, { depth: 0, breakLength: Infinity, maxStringLength: 60 });
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}

function hasStack(error: unknown): error is { readonly stack?: string } {
  return typeof error === 'object' && error !== null && 'stack' in error;
}

function nameOf(error: unknown): string {
  return error instanceof Error && error.name !== 'Error' ? `${error.name}: ` : '';
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}
