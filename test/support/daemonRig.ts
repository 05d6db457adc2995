import {
  existsSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EndpointPaths } from '../../src/core/paths';
import type { DaemonClient, StartRequest } from '../../src/daemon/client';
import { connectToDaemon, type DaemonOptions, daemonPaths } from '../../src/daemon/launcher';
import type { StatusRecord } from '../../src/diagnostics/status';
import { machineFor } from '../../src/host/thisMachine';
import { Simulator } from '../../src/simulator/simulator';
import { eventually, isThere } from './eventually';

const projectRoot = join(__dirname, '..', '..');
const machine = machineFor(process.platform);

/** Nobody who runs the tests on a desktop wants their incidents shown there. */
const noDesktop = { DBUS_SESSION_BUS_ADDRESS: '', DISPLAY: '', WAYLAND_DISPLAY: '' };

/** Prints a line every 20 ms, for ever. */
export const tickingRunner = `
let count = 0;
setInterval(() => { count += 1; console.log('tick ' + count); }, 20);
`;

/**
 * A simulated TWS and real daemons of the built bundle, in a directory of the test's own. `end`
 * ends every daemon and runner by its pid.
 */
export class DaemonRig {
  readonly root = realpathSync(mkdtempSync(join(tmpdir(), 'robo-d-')));
  readonly options: DaemonOptions;
  private readonly clients: DaemonClient[] = [];
  private readonly runnerPids = new Set<number>();

  private constructor(
    readonly simulator: Simulator,
    readonly port: number,
  ) {
    this.options = {
      stateDirectory: join(this.root, 'state'),
      endpoint: { host: '127.0.0.1', port },
      clientId: 9000,
      kind: 'cli',
      runtime: {
        execPath: process.execPath,
        environment: { ROBO_RESET_WINDOWS: 'off', ...noDesktop },
      },
      daemonScript: join(projectRoot, 'dist', 'daemon.cjs'),
      runnerScript: join(projectRoot, 'dist', 'runner.cjs'),
    };
  }

  static async start(): Promise<DaemonRig> {
    const simulator = new Simulator();
    const { port } = await simulator.start();
    return new DaemonRig(simulator, port);
  }

  get paths(): EndpointPaths {
    return daemonPaths(this.options);
  }

  /** The status file; undefined while there is none. */
  get record(): StatusRecord | undefined {
    return existsSync(this.paths.status)
      ? (JSON.parse(readFileSync(this.paths.status, 'utf8')) as StatusRecord)
      : undefined;
  }

  async connect(options: Partial<DaemonOptions> = {}): Promise<DaemonClient> {
    const client = await connectToDaemon({ ...this.options, ...options });
    this.clients.push(client);
    return client;
  }

  /** Starts a script as the runner of a workspace of the rig; resolves with its pid. */
  async startRunner(client: DaemonClient, code: string): Promise<number> {
    const script = join(this.root, 'runner.js');
    writeFileSync(script, code);
    const request: StartRequest = {
      workspace: this.root,
      command: [process.execPath, script],
      workingDirectory: this.root,
      environment: { PATH: process.env['PATH'] ?? '' },
      symbols: ['AAPL'],
      restart: false,
      refuseAfterMs: 5000,
    };
    const result = await client.startRunner(request, () => undefined, new AbortController().signal);
    if (result.outcome !== 'started') {
      throw new Error(`no runner: ${JSON.stringify(result)}`);
    }
    this.runnerPids.add(result.pid);
    return result.pid;
  }

  /** The pids of all daemons of this rig that live. */
  async daemonPids(): Promise<readonly number[]> {
    const all = await machine.processes();
    if (!all.known) {
      throw new Error(all.why);
    }
    return all.value
      .filter(({ argv }) =>
        argv.some((part) => part === `--state-dir=${this.options.stateDirectory}`),
      )
      .map(({ pid }) => pid);
  }

  async kill(pid: number, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    process.kill(pid, signal);
    await eventually(async () => !(await isAlive(pid)), `${pid} ends on ${signal}`, 3000);
  }

  async end(): Promise<void> {
    this.clients.forEach((client) => {
      client.dispose();
    });
    for (const pid of [...(await this.daemonPids()), ...this.runnerPids]) {
      if (isThere(pid)) {
        process.kill(pid, 'SIGKILL');
      }
    }
    await eventually(async () => (await this.daemonPids()).length === 0, 'the daemons end');
    await this.simulator.stop();
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** False for a zombie too: our own children stay as such until they are waited for. */
export async function isAlive(pid: number): Promise<boolean> {
  const seen = await machine.process(pid);
  return !seen.known || seen.value !== undefined;
}
