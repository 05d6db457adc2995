import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/core/clock';
import { unknown } from '../../src/core/observed';
import { createFactReader } from '../../src/diagnostics/runnerReader';
import type { RunnerStatus } from '../../src/diagnostics/status';
import { machineFor } from '../../src/host/thisMachine';
import { readLease, writeLease } from '../../src/runner/lease';
import {
  type RunnerRequest,
  RunnerSupervisor,
  type SupervisorDeps,
} from '../../src/runner/supervisor';
import { runVariable } from '../../src/runner/environment';
import { newRunName, type StartIntent, writeIntent } from '../../src/runner/startIntent';
import { eventually, isThere } from '../support/eventually';
import { until } from '../support/until';

const machine = machineFor(process.platform);
const seeing: SupervisorDeps['machine'] = {
  platform: machine.platform,
  processes: async () => machine.processes(),
  process: async (pid) => machine.process(pid),
};

describe('runner supervisor', function () {
  this.timeout(30_000);
  let folder: string;
  let directory: string;
  const supervisors: RunnerSupervisor[] = [];
  const pids = new Set<number>();

  beforeEach(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'robo-runner-')));
    directory = join(folder, 'state');
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
    const supervisor = new RunnerSupervisor(folder, directory, {
      clock: systemClock,
      machine,
      builtIn: { execPath: process.execPath, script: '', environment: {} },
      createReader: createFactReader,
      isUntouchable: () => false,
      ...deps,
    });
    supervisors.push(supervisor);
    return supervisor;
  }

  function request(command: readonly string[], more: Partial<RunnerRequest> = {}): RunnerRequest {
    return {
      command,
      workingDirectory: folder,
      environment: { PATH: process.env['PATH'] ?? '' },
      symbols: ['AAPL', 'NVDA'],
      bypassReason: null,
      ...more,
    };
  }

  function node(code: string): readonly string[] {
    return [process.execPath, '-e', code];
  }

  async function started(supervisor: RunnerSupervisor, wish: RunnerRequest): Promise<number> {
    const outcome = await supervisor.start(wish);
    assert.equal(outcome.outcome, 'started');
    assert.ok('pid' in outcome);
    pids.add(outcome.pid);
    return outcome.pid;
  }

  /** What a daemon leaves that dies right behind the spawn. */
  function spawnedBy(argv: readonly string[], run: string): ChildProcess {
    const [file = '', ...args] = argv;
    const child = spawn(file, args, {
      env: { PATH: process.env['PATH'] ?? '', [runVariable]: run },
      stdio: 'ignore',
      detached: true,
    });
    pids.add(child.pid ?? 0);
    return child;
  }

  function whenExited(supervisor: RunnerSupervisor): Promise<RunnerStatus> {
    return until(
      supervisor.onDidChange,
      (status) => status.exit !== null && !existsSync(join(directory, 'lease.json')),
    );
  }

  it('adopts what a start has led to that was cut off before its lease', async () => {
    const run = newRunName();
    const argv = node('setInterval(() => {}, 1000)');
    mkdirSync(directory, { recursive: true });
    const intent: StartIntent = {
      schema: 1,
      run,
      askedAt: new Date(Date.now() - 1000).toISOString(),
      argv: [...argv],
      workspace: folder,
      command: [...argv],
      symbols: ['AAPL'],
      offset: 0,
      bypassReason: null,
    };
    await writeIntent(directory, intent);
    const bystander = spawnedBy(argv, 'f'.repeat(32));
    const child = spawnedBy(argv, run);
    await Promise.all([once(child, 'spawn'), once(bystander, 'spawn')]);
    const unfinished = join(directory, '.lease.json.0123456789ab');
    writeFileSync(unfinished, '{"schema":');
    // A folder cannot be removed like a file: it stands for whatever cannot be removed.
    mkdirSync(join(directory, '.lease.json.ffffffffffff'));
    const supervisor = supervise();
    assert.deepEqual(await supervisor.adopt(), { outcome: 'adopted', pid: child.pid });
    assert.equal(existsSync(unfinished), false);
    assert.deepEqual(supervisor.status()?.symbols, ['AAPL']);
    assert.deepEqual(readdirSync(directory).sort(), ['.lease.json.ffffffffffff', 'lease.json']);
    const again = await supervisor.start(request(argv));
    assert.deepEqual(again, { outcome: 'already running', pid: child.pid });
  });

  it('forgets a start that has led to nothing, and refuses where nobody can see', async () => {
    mkdirSync(directory, { recursive: true });
    const intent: StartIntent = {
      schema: 1,
      run: newRunName(),
      askedAt: new Date().toISOString(),
      argv: ['nothing-of-this-name'],
      workspace: folder,
      command: [],
      symbols: [],
      offset: 0,
      bypassReason: null,
    };
    await writeIntent(directory, intent);
    const blind = supervise({
      machine: { ...seeing, processes: async () => Promise.resolve(unknown('no rights')) },
    });
    const refused = await blind.start(request(node('')));
    assert.equal(refused.outcome, 'failed');
    assert.ok(existsSync(join(directory, 'start.json')));
    assert.deepEqual(await supervise().adopt(), { outcome: 'none' });
    assert.equal(existsSync(join(directory, 'start.json')), false);
  });

  it('turns the lines of the outage into one connection finding', async () => {
    const supervisor = supervise();
    const code = `
      for (const symbol of ['AAPL', 'NVDA'])
        console.log('Failed to fetch data for ' + symbol + ': RetryError[<Future at 0x7f3 state=finished raised TimeoutError>]');
      setInterval(() => {}, 1000);`;
    const failing = until(supervisor.onDidChange, ({ work }) => work === 'failing');
    await started(supervisor, request(node(code)));
    const status = await failing;
    assert.deepEqual(
      status.findings.map(({ subject }) => subject.kind),
      ['connection'],
    );
    assert.equal(status.state, 'running');
    assert.deepEqual(
      status.symbolStatus.map(({ failures }) => failures),
      [1, 1],
    );
  });

  it('calls three ends just after the start a crash loop, and a stop the end of it', async () => {
    const supervisor = supervise();
    let status: RunnerStatus | undefined;
    for (let run = 0; run < 3; run += 1) {
      const exited = whenExited(supervisor);
      await started(supervisor, request(node('process.exit(3)')));
      status = await exited;
      assert.equal(status.findings[0]?.guide, run < 2 ? 'runner_exited' : 'runner_crash_loop');
    }
    assert.match(status?.findings[0]?.message ?? '', /3 times.*exit code 3/);
    await started(supervisor, request(node('setInterval(() => {}, 1000)')));
    await supervisor.stop();
    const last = whenExited(supervisor);
    await started(supervisor, request(node('process.exit(3)')));
    assert.equal((await last).findings[0]?.guide, 'runner_exited');
  });

  it('sees that the program was changed after it was started', async () => {
    const supervisor = supervise();
    const script = join(folder, 'bot.js');
    writeFileSync(script, 'setInterval(() => {}, 1000);');
    const changed = until(
      supervisor.onDidChange,
      ({ findings }) => findings.some(({ guide }) => guide === 'runner_older_than_source'),
      20_000,
    );
    await started(supervisor, request([process.execPath, 'bot.js']));
    const later = Date.now() / 1000 + 3600;
    utimesSync(script, later, later);
    const { findings } = await changed;
    assert.match(findings[0]?.message ?? '', /bot\.js was changed at/);
  });

  it('keeps code, last 20 lines and the unaltered log of a runner that falls', async () => {
    const supervisor = supervise();
    const exited = whenExited(supervisor);
    const code = `for (let n = 0; n < 30; n += 1) console.log('l' + n); process.stderr.write('boom'); process.exitCode = 3;`;
    await started(supervisor, request(node(code)));
    const { exit, state, findings, pid } = await exited;
    assert.equal(state, 'exited');
    assert.equal(pid, null);
    assert.deepEqual([exit?.code, exit?.signal, exit?.how], [3, null, 'by itself']);
    assert.deepEqual(exit?.lastLines, [
      ...Array.from({ length: 19 }, (_, n) => `l${n + 11}`),
      'boom',
    ]);
    assert.equal(findings[0]?.guide, 'runner_exited');
    assert.match(findings[0].message, /exit code 3.*boom/);
    assert.match(readFileSync(join(directory, 'runner.log'), 'utf8'), /^l0\nl1\n[^]*l29\nboom$/);
  });

  it('keeps the last cycle of a runner that ended', async () => {
    const supervisor = supervise();
    const exited = whenExited(supervisor);
    const cycle = { robo: 1, event: 'cycle', time: '2026-11-20T15:00:00.000Z' };
    const code = `console.log(${JSON.stringify(JSON.stringify(cycle))}); process.exitCode = 3;`;
    await started(supervisor, request(node(code)));
    const { exit, lastCycleAt } = await exited;
    assert.deepEqual([exit?.code, lastCycleAt], [3, '2026-11-20T15:00:00.000Z']);
    assert.deepEqual([exit?.lastCycleAt, exit?.cause], [lastCycleAt, 'runner_exited']);
  });

  it('shows the end at its own line where a traceback is its last word', async () => {
    const supervisor = supervise();
    const seen: RunnerStatus[] = [];
    supervisor.onDidChange((status) => seen.push(status));
    const exited = whenExited(supervisor);
    const file = '/ws/bot.py';
    const words = `Traceback (most recent call last):\n  File "${file}", line 29, in <module>\n    cycle()\nKeyError: 'x'`;
    await started(
      supervisor,
      request(node(`console.log(${JSON.stringify(words)}); process.exitCode = 1;`)),
    );
    const { findings } = await exited;
    assert.deepEqual(
      findings.map(({ guide, source }) => [guide, source]),
      [['runner_exited', { file, line: 29 }]],
    );
    const early = seen.filter(({ state, exit }) => state !== 'exited' && exit !== null);
    assert.deepEqual(early, [], 'nothing is said of its end before its last lines are read');
  });

  it('gives the request its directory and environment, without the editor’s variables', async () => {
    const supervisor = supervise();
    const exited = whenExited(supervisor);
    const environment = {
      PATH: process.env['PATH'] ?? '',
      VSCODE_PID: '1',
      NODE_OPTIONS: '',
      MINE: 'é',
    };
    const code = `console.log(process.cwd()); console.log(JSON.stringify([process.env.MINE, process.env.VSCODE_PID ?? null, process.env.PYTHONUNBUFFERED]))`;
    await started(supervisor, request(node(code), { environment }));
    assert.deepEqual((await exited).exit?.lastLines, [folder, '["é",null,"1"]']);
  });

  it('starts the built-in runner with the symbols and its own environment', async () => {
    const script = join(folder, 'runner.cjs');
    writeFileSync(
      script,
      'console.log(process.argv.slice(2).join(" ") + " " + process.env.IBKR_PORT)',
    );
    const environment = { IBKR_PORT: '7497' };
    const supervisor = supervise({ builtIn: { execPath: process.execPath, script, environment } });
    const exited = whenExited(supervisor);
    await started(supervisor, request([]));
    assert.deepEqual((await exited).exit?.lastLines, ['--symbols AAPL,NVDA 7497']);
  });

  it('starts one at a time', async () => {
    const supervisor = supervise();
    const wish = request(node('setInterval(() => {}, 1000)'));
    const [first, second] = await Promise.all([supervisor.start(wish), supervisor.start(wish)]);
    assert.equal(first.outcome, 'started');
    // Whoever came second has started nothing, and is told so.
    assert.deepEqual(second, { ...first, outcome: 'already running' });
    assert.deepEqual(await supervisor.start(wish), second);
  });

  it('says that a runner has ended only after its last lines', async () => {
    const supervisor = supervise();
    const heard: string[] = [];
    supervisor.onLines((lines) => heard.push(...lines));
    const exited = whenExited(supervisor).then(() => [...heard]);
    await started(supervisor, request(node('console.log("one\\ntwo\\nlast words")')));
    assert.deepEqual(await exited, ['one', 'two', 'last words']);
  });

  it('leaves a lease also for a runner that is being started when it lets go', async () => {
    const supervisor = supervise();
    const starting = supervisor.start(request(node('setInterval(() => {}, 1000)')));
    await supervisor.release();
    const outcome = await starting;
    assert.equal(outcome.outcome, 'started');
    pids.add(outcome.pid);
    const lease = await readLease(directory);
    assert.equal(lease.known && lease.value?.pid, outcome.pid);
  });

  it('stops on TERM, says that it was asked, and leaves no lease', async () => {
    const supervisor = supervise();
    const code = `process.on('SIGTERM', () => { console.log('bye'); process.exit(0); }); console.log('up'); setInterval(() => {}, 1000);`;
    const up = until(supervisor.onLines, (lines) => lines.includes('up'));
    const pid = await started(supervisor, request(node(code)));
    await up;
    assert.equal((await readLease(directory)).known, true);
    const stopped = await supervisor.stop();
    assert.deepEqual(stopped, {
      outcome: 'stopped',
      pid,
      how: 'TERM',
      wasKilled: false,
      why: null,
    });
    const exit = supervisor.status()?.exit;
    assert.deepEqual([exit?.code, exit?.how, exit?.lastLines.at(-1)], [0, 'asked', 'bye']);
    assert.deepEqual(await readLease(directory), { known: true, value: undefined });
    assert.equal((await supervisor.stop()).outcome, 'not running');
  });

  it('kills a runner that ignores TERM, with grandchildren in and out of its group', async () => {
    const supervisor = supervise({ graceMs: 300 });
    const deaf = `process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log('pid ' + process.pid);`;
    const code = `
      const { spawn } = require('node:child_process');
      for (const detached of [false, true])
        spawn(process.execPath, ['-e', ${JSON.stringify(deaf)}], { detached, stdio: 'inherit' });
      ${deaf}`;
    const seen: number[] = [];
    supervisor.onLines((lines) => {
      seen.push(...lines.map((line) => Number(line.replace('pid ', ''))));
    });
    await started(supervisor, request(node(code)));
    await eventually(() => seen.length === 3, 'three processes are up');
    seen.forEach((pid) => pids.add(pid));
    const stopped = await supervisor.stop();
    assert.equal(stopped.outcome, 'stopped');
    assert.equal(stopped.wasKilled, true);
    assert.equal(supervisor.status()?.exit?.signal, 'SIGKILL');
    for (const pid of seen) {
      const now = await machine.process(pid);
      assert.ok(
        now.known && (now.value === undefined || now.value.argv.length === 0),
        `${pid} is gone`,
      );
    }
  });

  it('never signals what is untouchable, and says so', async () => {
    const sent: number[] = [];
    const supervisor = supervise({
      isUntouchable: (entry) => entry.argv.includes('--like-java'),
      signal: (pid) => sent.push(pid),
    });
    const pid = await started(
      supervisor,
      request([...node('setInterval(() => {}, 1000)'), '--', '--like-java']),
    );
    const stopped = await supervisor.stop();
    assert.equal(stopped.outcome, 'still alive');
    assert.match(stopped.why ?? '', /never signals/);
    assert.deepEqual(sent, []);
    assert.equal(supervisor.status()?.state, 'running');
    process.kill(pid, 'SIGKILL');
    await whenExited(supervisor);
  });

  describe('where TERM kills at once', () => {
    /** This machine as if it were Windows: no groups, no TERM that asks, an input that can end. */
    const windows = Object.assign(Object.create(machine) as typeof machine, {
      platform: 'win32' as const,
    });
    const signal = (pid: number): void => {
      assert.ok(pid > 0, 'there are no groups');
      process.kill(pid, 'SIGKILL');
    };

    it('ends the input first, and a program that heeds it ends in good order', async () => {
      const supervisor = supervise({ machine: windows, signal });
      const code = `process.stdin.on('end', () => { console.log('bye'); process.exit(0); }).resume(); console.log('up');`;
      const up = until(supervisor.onLines, (lines) => lines.includes('up'));
      const pid = await started(supervisor, request(node(code)));
      await up;
      const stopped = await supervisor.stop();
      assert.deepEqual(
        [stopped.outcome, stopped.pid, stopped.how, stopped.wasKilled],
        ['stopped', pid, 'end of input', false],
      );
      const exit = supervisor.status()?.exit;
      assert.deepEqual([exit?.code, exit?.how, exit?.lastLines.at(-1)], [0, 'asked', 'bye']);
    });

    it('says not graceful for one that heeds nothing, and leaves nothing behind', async () => {
      const supervisor = supervise({ machine: windows, signal, politeMs: 200 });
      const code = `
        const { spawn } = require('node:child_process');
        const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
        console.log(child.pid); setInterval(() => {}, 1000);`;
      const up = until(supervisor.onLines, (lines) => /^\d+$/.test(lines[0] ?? ''));
      const pid = await started(supervisor, request(node(code)));
      const child = Number((await up)[0]);
      pids.add(child);
      const stopped = await supervisor.stop();
      assert.deepEqual([stopped.outcome, stopped.how], ['stopped', 'not graceful']);
      for (const each of [pid, child]) {
        const now = await machine.process(each);
        assert.ok(now.known && now.value === undefined, `${each} is gone`);
      }
    });
  });

  it('lets a runner print on when its daemon is killed, and another one adopts it', async () => {
    const code = `
      let n = 0;
      setInterval(() => console.log('tick ' + n++), 20);`;
    const host = spawn(
      process.execPath,
      [
        '--import',
        'tsx',
        join(import.meta.dirname, '../support/supervisorHost.ts'),
        folder,
        directory,
        ...node(code),
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const [line] = (await once(host.stdout, 'data')) as [Buffer];
    const { pid } = JSON.parse(line.toString()) as { pid: number };
    pids.add(pid);
    const log = join(directory, 'runner.log');
    await eventually(
      () => existsSync(log) && readFileSync(log, 'utf8').includes('tick 5\n'),
      'ticks',
    );
    host.kill('SIGKILL');
    await once(host, 'exit');
    const before = readFileSync(log, 'utf8').split('\n').length;

    const supervisor = supervise();
    const lines: string[] = [];
    supervisor.onLines((batch) => lines.push(...batch));
    assert.deepEqual(await supervisor.adopt(), { outcome: 'adopted', pid });
    await eventually(() => lines.includes(`tick ${before + 10}`), 'it prints on');
    const numbers = lines.map((text) => Number(text.replace('tick ', '')));
    assert.deepEqual(
      numbers,
      numbers.map((_, index) => (numbers[0] ?? 0) + index),
      'no line missing',
    );
    const status = supervisor.status();
    assert.deepEqual(
      [status?.state, status?.pid, status?.symbols],
      ['running', pid, ['AAPL', 'NVDA']],
    );
    const again = await supervisor.start(request(node('')));
    assert.deepEqual(again, { outcome: 'already running', pid });
    const stopped = await supervisor.stop();
    assert.deepEqual([stopped.outcome, stopped.wasKilled], ['stopped', false]);
    assert.equal(supervisor.status()?.exit?.how, 'asked');
  });

  it('sees the end of an adopted runner, but never calls it clean', async () => {
    const first = supervise();
    const pid = await started(first, request(node('setInterval(() => {}, 1000)')));
    await first.release();
    const second = supervise();
    assert.deepEqual(await second.adopt(), { outcome: 'adopted', pid });
    const exited = whenExited(second);
    process.kill(pid, 'SIGKILL');
    const { exit, findings } = await exited;
    assert.deepEqual([exit?.code, exit?.signal, exit?.how], [null, null, 'unseen']);
    assert.match(findings[0]?.message ?? '', /nobody watched/);
  });

  it('takes a lease whose pid is another process now for an unseen end, and harms nobody', async () => {
    mkdirSync(directory);
    writeFileSync(join(directory, 'runner.log'), 'last words\n');
    const stranger = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    await once(stranger, 'spawn');
    const pid = stranger.pid ?? 0;
    pids.add(pid);
    await writeLease(directory, {
      schema: 1,
      pid,
      startToken: 'of another one',
      argv: stranger.spawnargs,
      workspace: folder,
      command: [],
      symbols: [],
      startedAt: '2026-11-20T15:00:00.000Z',
      offset: 0,
      bypassReason: null,
    });
    const supervisor = supervise();
    assert.deepEqual(await supervisor.adopt(), { outcome: 'gone' });
    assert.equal(supervisor.status()?.exit?.how, 'unseen');
    assert.deepEqual(supervisor.status()?.exit?.lastLines, ['last words']);
    assert.equal((await supervisor.stop()).outcome, 'not running');
    assert.ok(isThere(pid));
  });

  it('risks no second runner where it cannot tell whether the first lives', async () => {
    mkdirSync(directory);
    writeFileSync(join(directory, 'lease.json'), '{"schema":1,');
    const outcome = await supervise().start(request(node('')));
    assert.equal(outcome.outcome, 'failed');
    assert.ok('finding' in outcome);
    assert.match(outcome.finding.message, /could not be read.*second one must not be risked/);
  });

  for (const [what, command, guide, words] of [
    [
      'a name that is not on the PATH',
      ['no-such-program-xyz'],
      'command_not_found',
      /"no-such-program-xyz" was not found: looked in the \d+ folders of PATH/,
    ],
    [
      'a path that does not exist',
      ['./no/such'],
      'command_not_found',
      /there is no .*\/no\/such; correct the path/,
    ],
    [
      'a file that may not be executed',
      ['./plain'],
      'command_not_found',
      /may not be executed; make it executable/,
    ],
    ['a script without its interpreter', ['./orphan'], 'command_not_found', /first line/],
  ] as const) {
    it(`says in one sentence what is wrong with ${what}`, async () => {
      writeFileSync(join(folder, 'plain'), 'x');
      writeFileSync(join(folder, 'orphan'), '#!/no/such/interpreter\n');
      chmodSync(join(folder, 'orphan'), 0o755);
      const supervisor = supervise();
      const outcome = await supervisor.start(request(command));
      assert.ok('finding' in outcome);
      assert.equal(outcome.finding.guide, guide);
      assert.match(outcome.finding.message, words);
      assert.equal(supervisor.status()?.state, 'exited');
      assert.deepEqual(await readLease(directory), { known: true, value: undefined });
    });
  }

  it('names a working directory that is gone, and a log that cannot be written', async () => {
    const supervisor = supervise();
    const gone = await supervisor.start(
      request(node(''), { workingDirectory: join(folder, 'gone') }),
    );
    assert.ok('finding' in gone);
    assert.equal(gone.finding.guide, 'bad_configuration');
    rmSync(directory, { recursive: true });
    writeFileSync(directory, 'a file where the folder should be');
    const unwritable = await supervisor.start(request(node('')));
    assert.ok('finding' in unwritable);
    assert.equal(unwritable.finding.guide, 'records_unwritable');
  });
});
