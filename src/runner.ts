import { readFile } from 'node:fs/promises';
import { systemClock } from './core/clock';
import { parseEnvFile } from './core/envFile';
import { errorCode, errorText } from './core/errors';
import { eventLine, type Say } from './trading/events';
import { openSession } from './trading/openSession';
import { readOptions, type TradingOptions } from './trading/options';
import { trade } from './trading/tradingLoop';

const say: Say = (event) => {
  process.stdout.write(eventLine(event, systemClock.now()));
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

async function readOwnOptions(): Promise<TradingOptions | undefined> {
  try {
    return readOptions(process.argv.slice(2), process.env, parseEnvFile(await readEnvFile()));
  } catch (error) {
    say({ event: 'error', message: errorText(error) });
    return undefined;
  }
}

async function main(): Promise<number> {
  const stop = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.once(name, () => {
      stop.abort();
    });
  }
  // A full disk or a reader that went away must not end the trading.
  process.stdout.on('error', () => undefined);
  const options = await readOwnOptions();
  if (options === undefined) {
    return 2;
  }
  return await trade(options, {
    clock: systemClock,
    say,
    openSession: async (signal) => await openSession(options, systemClock, signal),
    signal: stop.signal,
  });
}

void main().then((code) => {
  process.exitCode = code;
});
