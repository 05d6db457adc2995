import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Writes an event of a runner into its log every 50 ms. */
function code(logFile: string): string {
  return `
const { appendFileSync } = require('node:fs');
const say = (event, fields) =>
  appendFileSync(${JSON.stringify(logFile)}, JSON.stringify({ robo: 1, event, ...fields }) + '\\n');
setInterval(() => {
  say('fetch', { symbol: 'AAPL', ok: true, price: 231.4 });
  say('cycle', { nextInMs: 50 });
}, 50);
`;
}

/**
 * Starts what looks like the trader's own runner, in a terminal of the trader's: nobody of ours
 * supervises it. It writes `robo_trader.log` in `workspace` unless told otherwise.
 */
export function startStray(
  workspace: string,
  { logFile = join(workspace, 'robo_trader.log'), stdout }: StrayOptions = {},
): ChildProcess {
  const folder = join(workspace, 'robo_trader');
  mkdirSync(folder, { recursive: true });
  const script = join(folder, 'runner_async.py');
  writeFileSync(script, code(logFile));
  const output = stdout === undefined ? 'ignore' : openSync(stdout, 'a');
  const child = spawn(process.execPath, [script], {
    argv0: 'python3',
    cwd: workspace,
    stdio: ['ignore', output, output],
  });
  if (typeof output === 'number') {
    closeSync(output);
  }
  return child;
}

export interface StrayOptions {
  readonly logFile?: string;
  /** A file for its stdout and stderr. */
  readonly stdout?: string;
}
