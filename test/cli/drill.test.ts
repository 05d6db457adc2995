import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDrillCommand } from '../../src/cli/drill';
import { systemClock } from '../../src/core/clock';
import { machineFor } from '../../src/host/thisMachine';
import type { DrillReport } from '../../src/monitor/drillRecord';
import { type Expectation, expectations } from '../../src/rehearsal/expectations';
import { Simulator } from '../../src/simulator/simulator';
import { eventually, isThere } from '../support/eventually';

const dist = join(__dirname, '..', '..', 'dist');

interface DrillRun {
  readonly child: ChildProcess;
  readonly said: { stdout: string; stderr: string };
  readonly done: Promise<number | null>;
}

describe('robo drill', function () {
  this.timeout(120_000);
  const trader = new Simulator();
  let root: string;
  let temporary: string;
  let port: number;
  let children: ChildProcess[];

  before(async () => {
    ({ port } = await trader.start());
  });

  beforeEach(() => {
    root = realpathSync(mkdtempSync(join(tmpdir(), 'robo-r-')));
    temporary = realpathSync(mkdtempSync(join(root, 't-')));
    children = [];
  });

  afterEach(() => {
    children.forEach((child) => child.kill('SIGKILL'));
    rmSync(root, { recursive: true, force: true, maxRetries: 5 });
  });

  after(async () => {
    await trader.stop();
  });

  function robo(args: readonly string[]): DrillRun {
    const child = spawn(process.execPath, [join(dist, 'cli.cjs'), ...args], {
      cwd: root,
      env: {
        PATH: process.env['PATH'],
        HOME: root,
        TMPDIR: temporary,
        TEMP: temporary,
        ROBO_STATE_DIR: join(root, 'state'),
        IBKR_PORT: String(port),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    children.push(child);
    const said = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (said.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said.stderr += text));
    const done = new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    return { child, said, done };
  }

  /** The daemons and runners of a rehearsal below this test's temporary directory. */
  async function leftBehind(): Promise<readonly number[]> {
    const all = await machineFor(process.platform).processes();
    assert.ok(all.known);
    return all.value
      .filter(({ argv }) => argv.some((part) => part.includes(temporary)))
      .map(({ pid }) => pid);
  }

  it('holds for faults of three kinds, leaves nothing behind and touches nothing of the trader', async () => {
    const { said, done } = robo(['drill', '--json', 'client_id_in_use', 'hmds_broken', 'drop']);
    assert.equal(await done, 0, said.stdout + said.stderr);
    const report = JSON.parse(said.stdout) as DrillReport;
    assert.deepEqual(
      report.faults.map(({ fault, held }) => [fault, held]),
      [
        ['client_id_in_use', true],
        ['hmds_broken', true],
        ['drop', true],
      ],
    );
    assert.deepEqual([report.schema, report.ok, report.held, report.total], [1, true, 3, 3]);
    const seen = report.faults.map(({ checks }) =>
      Object.fromEntries(checks.map((check) => [check.check, check.seen])),
    );
    assert.deepEqual(
      seen.map(({ gate, alert }) => [gate, alert]),
      [
        ['shut', 'raised, and cleared after healing'],
        ['shut', 'none'],
        ['open', 'raised, and cleared by itself'],
      ],
    );
    assert.match(seen[0]?.['cause'] ?? '', /alert: client_id_in_use_326/);
    assert.deepEqual(readdirSync(temporary), []);
    assert.deepEqual(await leftBehind(), []);
    assert.equal(trader.statistics.connectionsAccepted, 0);
    assert.deepEqual(readdirSync(join(root, 'state', `127.0.0.1_${port}`)), ['drill.json']);
    const status = robo(['status']);
    assert.equal(await status.done, 3);
    assert.match(
      status.said.stdout,
      new RegExp(
        `last rehearsal: ${report.startedAt.slice(0, 10)}, 3 of 3 held, of ${report.known} faults`,
      ),
    );
  });

  it('fails where what happens is not what should happen, and names it in the status', async () => {
    const drop = expectations['drop'];
    assert.ok(drop);
    const wrong: Readonly<Record<string, Expectation>> = { drop: { ...drop, gate: 'shut' } };
    const said = { stdout: '', stderr: '' };
    const drill = createDrillCommand({
      clock: systemClock,
      expectations: wrong,
      launch: () => ({
        runtime: { execPath: process.execPath, environment: {} },
        daemonScript: join(dist, 'daemon.cjs'),
      }),
    });
    const stateDirectory = join(root, 'state');
    const code = await drill({
      args: ['drop', 'none', `--port=${port}`, `--state-dir=${stateDirectory}`],
      environment: {},
      workingDirectory: root,
      stdout: (text) => (said.stdout += text),
      stderr: (text) => (said.stderr += text),
      isTerminal: false,
      signal: new AbortController().signal,
    });
    assert.equal(code, 1);
    assert.match(said.stdout, /NOT HELD +drop/);
    assert.match(said.stdout, /gate: expected shut; seen open/);
    assert.match(said.stdout, /NOT HELD +none[^\n]*\n +It is not written down/);
    assert.match(said.stdout, /0 of 2 held/);
    const status = robo(['status']);
    await status.done;
    assert.match(status.said.stdout, /0 of 2 held, of \d+ faults \(not: drop, none\)/);
  });

  it('ends everything when it is interrupted, and does not count then', async () => {
    const { child, said, done } = robo(['drill', 'frozen_ready', 'silent_handshake']);
    await eventually(async () => (await leftBehind()).length >= 4, 'two daemons, two runners');
    child.kill('SIGINT');
    assert.equal(await done, 1);
    assert.match(said.stderr, /called off/);
    assert.deepEqual(await leftBehind(), []);
    assert.deepEqual(readdirSync(temporary), []);
    assert.equal(existsSync(join(root, 'state')), false);
  });

  it('leaves no process even when it is killed', async () => {
    const { child, done } = robo(['drill', 'frozen_ready']);
    await eventually(async () => (await leftBehind()).length >= 2, 'a daemon and a runner');
    const pids = await leftBehind();
    child.kill('SIGKILL');
    await done;
    await eventually(() => pids.every((pid) => !isThere(pid)), 'they end by themselves');
  });

  it('knows its faults', async () => {
    const { said, done } = robo(['drill', 'silent_handshak']);
    assert.equal(await done, 64);
    assert.match(said.stderr, /no fault of the simulator.*silent_handshake/);
  });
});
