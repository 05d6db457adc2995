import { writeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { systemClock } from './core/clock';
import { parseEnvFile } from './core/envFile';
import { errorCode, errorText } from './core/errors';
import { defaultStateDirectory, endpointPaths, workspaceFolderName } from './core/paths';
import { BookStore } from './trading/bookStore';
import { EventOutput } from './trading/eventOutput';
import { eventLine, type Say } from './trading/events';
import { openSession } from './trading/openSession';
import { readOptions, type TradingOptions } from './trading/options';
import { PaperBook } from './trading/paperBook';
import { smaCrossover, type Strategy } from './trading/strategy';
import { loadStrategy, StrategyFault, strategyFaultOf } from './trading/strategyModule';
import { trade } from './trading/tradingLoop';

const output = new EventOutput((bytes) => writeSync(1, bytes));

const say: Say = (event) => {
  output.write(eventLine(event, systemClock.now()));
};

/** `.env` of the working directory, as text; it never enters the process's environment. */
async function readEnvFile(): Promise<string> {
  try {
    return await readFile('.env', 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') {
      return '';
    }
    throw error;
  }
}

/** Where a daemon would let a runner of this folder keep its book, unless another file is named. */
function paperFile({ paperFile: named, endpoint }: TradingOptions): string {
  if (named !== undefined) {
    return resolve(named);
  }
  const context = {
    platform: process.platform,
    environment: process.env,
    homeDirectory: homedir(),
    userId: process.getuid?.(),
  };
  const { runners } = endpointPaths(resolve(defaultStateDirectory(context)), endpoint, context);
  return join(runners, workspaceFolderName(process.cwd()), 'paper.db');
}

function openPaper(options: TradingOptions): PaperBook {
  const opening = { kind: 'opened', atMs: systemClock.now(), cash: options.openingCash } as const;
  const store = BookStore.open(paperFile(options), opening);
  return new PaperBook(store, options.rules, { clock: systemClock, say });
}

interface Setup {
  readonly options: TradingOptions;
  readonly strategy: Strategy;
  readonly paper: PaperBook;
}

/** Everything that may be wrong with how it is set up, before TWS is touched. */
async function setUp(): Promise<Setup | undefined> {
  try {
    const envFile = parseEnvFile(await readEnvFile());
    const options = readOptions(process.argv.slice(2), process.env, envFile);
    const { strategyFile } = options;
    const strategy: Strategy =
      strategyFile === undefined
        ? (bars) => smaCrossover(bars)
        : loadStrategy(resolve(strategyFile));
    return { options, strategy, paper: openPaper(options) };
  } catch (error) {
    sayError(error);
    return undefined;
  }
}

function sayError(error: unknown): void {
  const place = error instanceof StrategyFault ? { source: error.source } : {};
  say({ event: 'error', message: errorText(error), ...place });
}

/** What the strategy's own timers and promises throw is said once a place, and ends nothing. */
function surviveStrategy(file: string): void {
  const said = new Set<string>();
  process.on('uncaughtException', (error) => {
    const fault = strategyFaultOf(file, error);
    if (fault === undefined) {
      writeSync(2, `${error.stack ?? errorText(error)}\n`);
      process.exit(1);
    }
    const place = `${fault.source.file}:${fault.source.line}`;
    if (!said.has(place)) {
      said.add(place);
      sayError(fault);
    }
  });
}

async function main(): Promise<number> {
  const stop = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT', 'SIGBREAK'] as const) {
    process.once(name, () => {
      stop.abort();
    });
  }
  const setup = await setUp();
  if (setup === undefined) {
    return 2;
  }
  const { options, strategy, paper } = setup;
  if (options.strategyFile !== undefined) {
    surviveStrategy(resolve(options.strategyFile));
  }
  try {
    return await trade(options, {
      clock: systemClock,
      say,
      strategy,
      paper,
      openSession: async (signal) => await openSession(options, systemClock, signal),
      signal: stop.signal,
    });
  } finally {
    paper.close();
  }
}

void main().then((code) => {
  // Timers and sockets of a strategy would keep the process alive for ever.
  process.exit(code);
});
