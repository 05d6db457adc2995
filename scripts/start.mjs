// npm start: a simulated TWS (or a real one), the pre-flight, the built-in runner and the
// workbench with the extension. Ctrl-C ends everything that was started.
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { writeSampleWorkspace } from '../test/host/sampleWorkspace.mjs';
import { withoutTradingKeys } from '../test/host/workbench.mjs';
import { buildBundles } from './build.mjs';
import { openEditor } from './support/editor.mjs';
import { endTree, endWithParent, endingSignals, run } from './support/processes.mjs';
import { HumanError, fromRoot, main } from './support/project.mjs';
import { cli, spawnSimulator } from './support/simulator.mjs';

const symbols = ['AAPL', 'NVDA', 'TSLA'];
const demoFolder = fromRoot('.demo');
const stateFolder = path.join(demoFolder, 'state');
const workspace = path.join(demoFolder, 'workspace');
const usage =
  'Usage: npm start [-- --fault NAME | --endpoint HOST:PORT] [--no-editor]; robo simulate --list names the faults.';

/** How long `robo run` may take to stop its runner: TERM, wait, KILL, verify. */
const runnerGraceMs = 20_000;

function parseEndpoint(text) {
  const parts = /^(?<host>[^\s:]+|\[[0-9a-f:]+\]):(?<port>\d{1,5})$/i.exec(text)?.groups;
  const port = Number(parts?.port);
  if (!(port >= 1 && port <= 65_535)) {
    throw new HumanError(`--endpoint is "${text}"; write it as 127.0.0.1:7497. ${usage}`);
  }
  return { host: parts.host.replace(/^\[|\]$/g, ''), port };
}

/** @throws HumanError for what npm start does not understand */
export function parseOptions(args) {
  let values;
  try {
    ({ values } = parseArgs({
      args,
      options: {
        fault: { type: 'string' },
        endpoint: { type: 'string' },
        'no-editor': { type: 'boolean', default: false },
      },
    }));
  } catch (error) {
    throw new HumanError(`${error.message.split('.')[0]}. ${usage}`);
  }
  if (values.fault !== undefined && values.endpoint !== undefined) {
    throw new HumanError(`A real TWS has no --fault: give --fault or --endpoint. ${usage}`);
  }
  const endpoint = values.endpoint === undefined ? undefined : parseEndpoint(values.endpoint);
  return { fault: values.fault, endpoint, withEditor: !values['no-editor'] };
}

/** What has been started, ended once and in reverse order; what comes too late, at once. */
class Ending {
  #actions = [];
  #begin = new AbortController();

  /** @throws when the ending has begun: nothing new is started then */
  throwIfBegun() {
    this.#begin.signal.throwIfAborted();
  }

  add(action) {
    if (this.#begin.signal.aborted) void this.#end(action);
    else this.#actions.push(action);
  }

  async run() {
    this.#begin.abort();
    for (const action of this.#actions.reverse()) await this.#end(action);
  }

  async #end(action) {
    try {
      await action();
    } catch (error) {
      console.error(error.message);
    }
  }
}

function environment() {
  return { ...withoutTradingKeys(process.env), ROBO_STATE_DIR: stateFolder };
}

function robo(args, options = {}) {
  return run(process.execPath, [cli, ...args], { cwd: workspace, env: environment(), ...options });
}

async function startSimulator(fault, ending) {
  const logFile = path.join(demoFolder, 'simulator.log');
  const { child, endpoint } = await spawnSimulator({ env: environment(), fault, logFile });
  ending.add(() => endTree(child));
  // Control lines typed into this terminal reach the simulator: faults can be switched.
  process.stdin.pipe(child.stdin, { end: false });
  process.stdin.unref?.();
  return endpoint;
}

/** Starts `robo run` in a process group of its own: only the ending stops it, and in order. */
function startRunner(flags, ending) {
  const child = spawn(process.execPath, [cli, 'run', '--symbols', symbols.join(','), ...flags], {
    cwd: workspace,
    env: environment(),
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  ending.add(() => endTree(child, runnerGraceMs));
  child.once('exit', (code, signal) => {
    console.log(`robo run ended with ${signal ?? `exit code ${code}`}.`);
  });
}

async function demonstrate(options, ending) {
  mkdirSync(stateFolder, { recursive: true, mode: 0o700 });
  console.log(`Built dist: ${(await buildBundles()).join(', ')}.`);
  const endpoint = options.endpoint ?? (await startSimulator(options.fault, ending));
  const what = options.endpoint === undefined ? 'simulated TWS' : 'TWS';
  console.log(`\nThe ${what} is ${endpoint.host}:${endpoint.port}.`);
  writeSampleWorkspace(workspace, { port: endpoint.port });
  const flags = ['--host', endpoint.host, '--port', String(endpoint.port)];
  ending.add(() => robo(['shutdown', ...flags], { deadlineMs: 15_000 }));
  for (const args of [['test', '--symbol', symbols[0]], ['status']]) {
    ending.throwIfBegun();
    console.log(`\nrobo ${args.join(' ')}`);
    await robo([...args, ...flags]);
  }
  ending.throwIfBegun();
  console.log(`\nrobo run --symbols ${symbols.join(',')}`);
  startRunner(flags, ending);
  if (options.withEditor) {
    const editorFolder = path.join(demoFolder, 'editor');
    await openEditor({ editorFolder, workspace, environment: environment() }, ending);
  }
  ending.throwIfBegun();
  console.log('\nCtrl-C ends everything that was started here.');
}

await main(async (args) => {
  const options = parseOptions(args);
  endWithParent();
  const ending = new Ending();
  const interrupted = new Promise((resolve) => {
    for (const signal of endingSignals) process.on(signal, () => resolve('interrupted'));
  });
  const demonstration = demonstrate(options, ending);
  const settled = demonstration.catch(() => undefined);
  try {
    const first = await Promise.race([interrupted, demonstration]);
    if (first !== 'interrupted') await interrupted;
    console.log('\nEnding what was started.');
    return 0;
  } finally {
    await ending.run();
    await settled;
    process.stdin.destroy();
  }
});
