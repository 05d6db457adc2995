import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import { systemClock } from '../../src/core/clock';
import { workspaceFolderName } from '../../src/core/paths';
import { listProcesses } from '../../src/daemon/processes';
import { createFactReader } from '../../src/diagnostics/runnerReader';
import { machineFor } from '../../src/host/thisMachine';
import { runVariable } from '../../src/runner/environment';
import { RunnerSupervisor, type SupervisorDeps } from '../../src/runner/supervisor';
import { eventually, isThere } from '../support/eventually';

const machine = machineFor(process.platform);

/** Forks twice and leaves: what is left belongs to process 1 and leads a session of its own. */
const doubleFork = `
  const { spawn } = require('node:child_process');
  const detach = (file, code) => new Promise((resolve) => {
    const launcher = \`
      const { spawn } = require('node:child_process');
      const last = spawn(process.argv[1], ['-e', process.argv[2]], { detached: true, stdio: 'ignore' });
      last.unref();
      console.log('left ' + last.pid);\`;
    const first = spawn(process.execPath, ['-e', launcher, file, code], { detached: true, stdio: 'inherit' });
    first.once('exit', resolve);
  });
  const stay = 'setInterval(() => {}, 1000)';`;

describe('processes that have detached themselves from a run', function () {
  this.timeout(30_000);
  let folder: string;
  const supervisors: RunnerSupervisor[] = [];
  const pids = new Set<number>();
  let told: string[] = [];

  before(function () {
    if (process.platform !== 'linux') {
      // Only Linux lets us see the environments of processes.
      this.skip();
    }
  });

  beforeEach(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'robo-detached-')));
    told = [];
  });

  afterEach(async () => {
    for (const supervisor of supervisors.splice(0)) {
      await supervisor.stop();
      supervisor.dispose();
    }
    for (const pid of pids) {
      if (isThere(pid)) {
        process.kill(pid, 'SIGKILL');
      }
    }
    pids.clear();
    rmSync(folder, { recursive: true, force: true });
  });

  function supervise(deps: Partial<SupervisorDeps> = {}): RunnerSupervisor {
    const supervisor = new RunnerSupervisor(folder, join(folder, 'state'), {
      clock: systemClock,
      machine,
      builtIn: { execPath: process.execPath, script: '', environment: {} },
      createReader: createFactReader,
      isUntouchable: () => false,
      onDetached: (level, words) => told.push(`${level} ${words}`),
      ...deps,
    });
    supervisors.push(supervisor);
    return supervisor;
  }

  /** Starts a command that prints `left PID` for each of `count` processes. */
  async function start(
    supervisor: RunnerSupervisor,
    code: string,
    count: number,
  ): Promise<readonly number[]> {
    const left: number[] = [];
    supervisor.onLines((lines) => {
      for (const line of lines.filter((text) => text.startsWith('left '))) {
        left.push(Number(line.slice(5)));
      }
    });
    const outcome = await supervisor.start({
      command: [process.execPath, '-e', `${doubleFork}\n(async () => { ${code} })();`],
      workingDirectory: folder,
      environment: { PATH: process.env['PATH'] ?? '', [runVariable]: 'f'.repeat(32) },
      symbols: [],
      bypassReason: null,
    });
    assert.equal(outcome.outcome, 'started');
    pids.add(outcome.pid);
    await eventually(() => left.length === count, `${count} processes are up`);
    left.forEach((pid) => pids.add(pid));
    for (const pid of left) {
      // Until it has become what it is going to be, it looks like the one that forked.
      await eventually(async () => {
        const seen = await machine.process(pid);
        return seen.known && (seen.value?.argv.includes('-e') ?? false);
      }, `${pid} is itself`);
    }
    return left;
  }

  async function isAlive(pid: number): Promise<boolean> {
    const seen = await machine.process(pid);
    return seen.known && seen.value !== undefined;
  }

  it('ends with a stop who forked twice and left the session before anyone looked', async () => {
    const supervisor = supervise();
    const [left = 0] = await start(
      supervisor,
      'await detach(process.execPath, stay); setInterval(() => {}, 1000);',
      1,
    );
    const seen = await machine.process(left);
    assert.ok(seen.known && seen.value?.parentPid !== supervisor.status()?.pid, 'it has left');
    const stopped = await supervisor.stop();
    assert.deepEqual([stopped.outcome, stopped.how], ['stopped', 'TERM']);
    assert.equal(await isAlive(left), false);
    assert.match(told.join('\n'), new RegExp(`INFO .*pid ${left}\\).*was ended`));
  });

  it('kills one that ignores TERM, and says so', async () => {
    const supervisor = supervise({ graceMs: 300 });
    const deaf = `process.on('SIGTERM', () => {}); require('node:fs').writeFileSync('up', ''); setInterval(() => {}, 1000)`;
    const [left = 0] = await start(
      supervisor,
      `await detach(process.execPath, ${JSON.stringify(deaf)}); setInterval(() => {}, 1000);`,
      1,
    );
    await eventually(() => existsSync(join(folder, 'up')), 'it is deaf');
    const stopped = await supervisor.stop();
    assert.deepEqual([stopped.outcome, stopped.wasKilled], ['stopped', true]);
    assert.equal(await isAlive(left), false);
  });

  it('knows them again when another daemon has adopted the run', async () => {
    const first = supervise();
    const [left = 0] = await start(
      first,
      'await detach(process.execPath, stay); setInterval(() => {}, 1000);',
      1,
    );
    await first.release();
    const second = supervise();
    assert.equal((await second.adopt()).outcome, 'adopted');
    assert.equal((await second.stop()).outcome, 'stopped');
    assert.equal(await isAlive(left), false);
  });

  it('spares a Java, an editor and what was started from it, and another run', async () => {
    for (const name of ['java', 'nvim']) {
      symlinkSync(process.execPath, join(folder, name));
    }
    mkdirSync(join(folder, 'dist'));
    // Robo itself may have been called by the run.
    writeFileSync(join(folder, 'dist', 'daemon.cjs'), 'setInterval(() => {}, 1000)');
    const stranger = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {
      env: { [runVariable]: 'e'.repeat(32) },
      stdio: 'ignore',
      detached: true,
    });
    await once(stranger, 'spawn');
    pids.add(stranger.pid ?? 0);
    const supervisor = supervise();
    const child = `const c = require('node:child_process').spawn(process.env.NODE, ['-e', 'setInterval(() => {}, 1000)'], { detached: true, stdio: 'ignore' }); require('node:fs').writeFileSync('child', String(c.pid)); setInterval(() => {}, 1000)`;
    const [java = 0, editor = 0, plain = 0] = await start(
      supervisor,
      `process.env.NODE = process.execPath;
       await detach(${JSON.stringify(join(folder, 'java'))}, stay);
       await detach(${JSON.stringify(join(folder, 'nvim'))}, ${JSON.stringify(child)});
       await detach(process.execPath, stay);
       const robo = spawn(process.execPath, ['dist/daemon.cjs'], { detached: true, stdio: 'ignore' });
       const { writeFileSync } = require('node:fs');
       writeFileSync('robo', String(robo.pid));
       process.exit(0);`,
      3,
    );
    const isWritten = (name: string): boolean => {
      const file = join(folder, name);
      return existsSync(file) && readFileSync(file, 'utf8') !== '';
    };
    await eventually(() => ['child', 'robo'].every(isWritten), 'all of them are up');
    const [inEditor, robo] = ['child', 'robo'].map((file) =>
      Number(readFileSync(join(folder, file), 'utf8')),
    );
    [inEditor, robo].forEach((pid) => pids.add(pid ?? 0));
    await eventually(() => supervisor.status()?.state === 'exited', 'the command has ended');
    const stopped = await supervisor.stop();
    assert.deepEqual([stopped.outcome, stopped.pid], ['stopped', plain]);
    assert.equal(await isAlive(plain), false);
    for (const pid of [java, editor, inEditor ?? 0, robo ?? 0, stranger.pid ?? 0]) {
      assert.equal(await isAlive(pid), true, `${pid} lives`);
    }
  });

  it('clears away what a command has left that failed, and leaves what a good one brought up', async () => {
    const supervisor = supervise();
    const [failed = 0] = await start(
      supervisor,
      'await detach(process.execPath, stay); process.exitCode = 3;',
      1,
    );
    await eventually(async () => !(await isAlive(failed)), 'it was ended');
    const [brought = 0] = await start(
      supervisor,
      'await detach(process.execPath, stay); process.exitCode = 0;',
      1,
    );
    await eventually(() => told.some((words) => words.includes('a stop ends')), 'it is told');
    assert.equal(await isAlive(brought), true);
    const stopped = await supervisor.stop();
    assert.deepEqual([stopped.outcome, stopped.pid], ['stopped', brought]);
    assert.equal(await isAlive(brought), false);
    assert.equal((await supervisor.stop()).outcome, 'not running');
  });

  it('is found, told and ended where the daemon of its run is gone', async () => {
    const first = supervise();
    const [left = 0] = await start(first, 'await detach(process.execPath, stay);', 1);
    await eventually(() => first.status()?.state === 'exited', 'the command has ended');
    assert.match(
      first.status()?.warnings?.join('\n') ?? '',
      new RegExp(`left .*pid ${left}\\).*robo stop`),
    );
    first.dispose();
    supervisors.splice(supervisors.indexOf(first), 1);

    const runnersDirectory = join(folder, 'runners');
    mkdirSync(runnersDirectory);
    symlinkSync(join(folder, 'state'), join(runnersDirectory, workspaceFolderName(folder)));
    const listing = await listProcesses(
      { workspace: folder },
      { machine, endpoint: { host: '127.0.0.1', port: 1 }, runnersDirectory },
    );
    const listed = listing.processes.find(({ pid }) => pid === left);
    assert.deepEqual([listed?.role, listed?.isRightful], ['worker', false]);
    assert.match(listed?.why ?? '', /last run of this folder has left it/);

    const second = supervise();
    const stopped = await second.stop();
    assert.deepEqual([stopped.outcome, stopped.pid], ['stopped', left]);
    assert.equal(await isAlive(left), false);
    assert.equal((await second.stop()).outcome, 'not running');
  });

  it('is left alone by the stop of a later run, and ended by one where nothing runs', async () => {
    const supervisor = supervise();
    const [left = 0] = await start(supervisor, 'await detach(process.execPath, stay);', 1);
    await eventually(() => supervisor.status()?.state === 'exited', 'the command has ended');
    const later = await supervisor.start({
      command: [process.execPath, '-e', 'setInterval(() => {}, 1000)'],
      workingDirectory: folder,
      environment: {},
      symbols: [],
      bypassReason: null,
    });
    assert.equal(later.outcome, 'started');
    const stopped = await supervisor.stop();
    assert.deepEqual([stopped.outcome, stopped.pid], ['stopped', later.pid]);
    assert.equal(await isAlive(left), true);
    const again = await supervisor.stop();
    assert.deepEqual([again.outcome, again.pid], ['stopped', left]);
    assert.equal(await isAlive(left), false);
  });

  it('lists by the command of the last run what somebody else has started since', async () => {
    const code = 'setInterval(() => {}, 1000)';
    const script = join(folder, 'bot.js');
    writeFileSync(script, `if (process.argv[2] === 'stay') ${code}`);
    const supervisor = supervise();
    await supervisor.start({
      command: [process.execPath, 'bot.js'],
      workingDirectory: folder,
      environment: {},
      symbols: [],
      bypassReason: null,
    });
    await eventually(() => supervisor.status()?.state === 'exited', 'the command has ended');
    const stranger = spawn(process.execPath, [script, 'stay'], { cwd: folder, stdio: 'ignore' });
    await once(stranger, 'spawn');
    pids.add(stranger.pid ?? 0);
    const runnersDirectory = join(folder, 'runners');
    mkdirSync(runnersDirectory);
    symlinkSync(join(folder, 'state'), join(runnersDirectory, workspaceFolderName(folder)));
    await eventually(async () => {
      const { processes } = await listProcesses(
        { workspace: folder },
        { machine, endpoint: { host: '127.0.0.1', port: 1 }, runnersDirectory },
      );
      return processes.some(({ pid, role }) => pid === stranger.pid && role === 'runner');
    }, 'it is listed');
  });
});
