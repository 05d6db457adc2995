import assert from 'node:assert/strict';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { known, unknown } from '../../src/core/observed';
import { createFactReader } from '../../src/diagnostics/runnerReader';
import { marketState } from '../../src/ibkr/marketState';
import type { ProcessInfo } from '../../src/host/machine';
import { findRunnerLog, type LogOwner, symbolsOf } from '../../src/runner/externalLog';
import { ExternalRunner } from '../../src/runner/externalRunner';
import { folderOf, onlyCandidate, watchCandidates } from '../../src/runner/watchCandidates';
import type { ListedProcess } from '../../src/runner/listedProcess';
import { eventually } from '../support/eventually';
import { FakeClock } from '../support/fakeClock';
import { FakeMachine, fakeProcess, fakeSocket } from '../support/hostFakes';

const start = Date.parse('2026-11-20T15:00:00Z');
const minute = 60_000;
const endpoint = { host: '127.0.0.1', port: 7497 };

/** A machine that tells variables of processes, too. */
class TellingMachine extends FakeMachine {
  readonly variables = new Map<number, ReadonlyMap<string, string>>();
  /** How often somebody has looked at the sockets. */
  looks = 0;

  override sockets(ports: readonly number[]) {
    this.looks += 1;
    return super.sockets(ports);
  }

  background(processes: readonly Pick<ProcessInfo, 'pid'>[]) {
    return Promise.resolve(
      new Map(
        processes.map(({ pid }) => [
          pid,
          {
            environment: this.variables.get(pid),
            controlGroup: undefined,
            launchdLabel: undefined,
          },
        ]),
      ),
    );
  }
}

describe('a runner that was started elsewhere', () => {
  let folder: string;
  let machine: TellingMachine;
  let clock: FakeClock;
  let runner: ExternalRunner | undefined;

  beforeEach(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'robo-ext-')));
    machine = new TellingMachine();
    clock = new FakeClock(start);
    place(
      fakeProcess(4711, 'python3 -m robo_trader.runner_async --symbols AAPL,NVDA', {
        workingDirectory: folder,
        startedAtMs: start - 60 * minute,
      }),
    );
  });

  afterEach(() => {
    runner?.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  function place(...processes: readonly ProcessInfo[]): void {
    machine.table = known(processes);
  }

  function present(): ProcessInfo {
    assert.ok(machine.table.known);
    const [info] = machine.table.value;
    assert.ok(info !== undefined);
    return info;
  }

  async function watch(logFile: string | null = null): Promise<ExternalRunner> {
    const { pid, startToken, argv, startedAtMs } = present();
    const made = new ExternalRunner(
      { pid, startToken, argv, startedAtMs, workspace: folder, logFile },
      {
        clock,
        machine,
        endpoint,
        createReader: createFactReader,
        procRoot: join(folder, 'no-proc'),
        marketOf: () => ({
          ...marketState(clock.now(), undefined),
          state: 'open',
          sinceMs: start - 60 * minute,
        }),
      },
    );
    runner = made;
    await made.begin();
    return made;
  }

  function log(name: string, text: string, modifiedAtMs = start): string {
    const file = join(folder, name);
    writeFileSync(file, text);
    utimesSync(file, modifiedAtMs / 1000, modifiedAtMs / 1000);
    return file;
  }

  /** Lets time go by until the runner was looked at again, and for so long. */
  async function pass(ms: number): Promise<void> {
    const end = clock.now() + ms;
    const looks = machine.looks;
    await eventually(async () => {
      await clock.advance(5000);
      return clock.now() >= end && machine.looks >= looks + 2;
    }, 'two looks');
  }

  const said = (event: string, at: number, fields: object = {}): string =>
    `${JSON.stringify({ robo: 1, event, at: new Date(at).toISOString(), ...fields })}\n`;

  it('is told at once by what its log has said since its start, and by nothing older', async () => {
    log(
      'robo_trader.log',
      [
        said('cycle', start - 90 * minute, { nextInMs: 1000 }),
        said('fetch', start - 20 * minute, { symbol: 'AAPL', ok: true, price: 3 }),
        said('cycle', start - 20 * minute, { nextInMs: 15_000 }),
        'Trading cycle complete. Equity: $1\n',
      ].join(''),
    );
    const made = await watch();
    const status = made.status();
    assert.equal(status.state, 'external');
    assert.equal(status.pid, 4711);
    assert.deepEqual(status.symbols, ['AAPL', 'NVDA']);
    assert.equal(status.lastCycleAt, new Date(start - 20 * minute).toISOString());
    assert.equal(status.work, 'stalled');
    assert.equal(
      status.findings[0]?.evidence.every(({ source }) => source !== 'runner.log'),
      true,
    );
    log('robo_trader.log', said('cycle', start - 90 * minute));
    made.dispose();
    assert.equal((await watch()).status().work, 'unknown', 'an earlier run tells nothing');
  });

  it('ends unseen, once, and only when it is known to be gone', async () => {
    const made = await watch(log('robo_trader.log', ''));
    const states: string[] = [];
    made.onDidChange(({ state }) => states.push(state));
    const [info] = [present()];
    machine.table = unknown('no permission');
    await clock.advance(10_000);
    assert.equal(made.isAlive, true, 'a look that failed tells nothing');
    place({ ...info, startToken: 'boot:other' });
    await eventually(async () => {
      await clock.advance(1000);
      return !made.isAlive;
    }, 'the end');
    await clock.advance(60_000);
    assert.deepEqual(
      states.filter((state) => state === 'exited'),
      ['exited'],
    );
    const { exit, findings, pid } = made.status();
    assert.equal(pid, null);
    assert.deepEqual([exit?.how, exit?.code, exit?.signal], ['unseen', null, null]);
    assert.equal(findings[0]?.guide, 'runner_exited');
    assert.match(
      findings[0].message,
      /started elsewhere \(pid 4711\) has ended; how cannot be seen/,
    );
  });

  it('keeps no timer when it is left', async () => {
    const made = await watch(log('robo_trader.log', ''));
    made.dispose();
    await clock.advance(60_000);
    assert.equal(clock.pending, 0);
  });

  it('is judged by its connection where no log tells of its work', async () => {
    machine.rows = known([fakeSocket('127.0.0.1:50001', '127.0.0.1:7497', 'ESTABLISHED', 4712)]);
    place(present(), fakeProcess(4712, 'python3 worker.py', { parentPid: 4711 }));
    const made = await watch();
    assert.match(
      made.status().warnings?.[0] ?? '',
      /No log of it was found.*robo watch 4711 --log FILE/,
    );
    await pass(10 * minute);
    assert.deepEqual(made.status().findings, [], 'its child has the session');
    machine.rows = known([fakeSocket('127.0.0.1:50001', '127.0.0.1:7497', 'ESTABLISHED')]);
    await pass(10 * minute);
    assert.deepEqual(made.status().findings, [], 'a hidden owner may be it');
    machine.rows = known([]);
    await pass(3 * minute);
    const [finding] = made.status().findings;
    assert.match(finding?.message ?? '', /no connection to 127\.0\.0\.1:7497/);
    assert.equal(finding?.severity, 'warning');
  });

  it('says when it is stopped by a debugger', async () => {
    place({ ...present(), isStopped: true });
    assert.match((await watch()).status().warnings?.join() ?? '', /stopped by a debugger/);
  });

  it('is followed from where its log was found later', async () => {
    const made = await watch();
    assert.equal(made.status().logFile, '');
    log('robo_trader.log', said('cycle', start, { nextInMs: 15_000 }));
    await eventually(async () => {
      await clock.advance(5000);
      return made.status().logFile !== '';
    }, 'the log');
    appendFileSync(
      join(folder, 'robo_trader.log'),
      said('fetch', start, { symbol: 'AAPL', ok: true }),
    );
    await eventually(async () => {
      await clock.advance(500);
      return made.status().lastFetchAt !== null;
    }, 'the fetch');
  });

  describe('has a log', () => {
    function owner(change: Partial<LogOwner> = {}): LogOwner {
      return { info: present(), below: [], workspace: folder, explicit: null, ...change };
    }

    async function found(change: Partial<LogOwner> = {}, procRoot = join(folder, 'no-proc')) {
      const log = await findRunnerLog(owner(change), { machine, procRoot });
      return log?.file.replace(`${folder}/`, '');
    }

    it('by the best that names it', async () => {
      assert.equal(await found(), undefined);
      log('runner_stdout.log', '');
      assert.equal(await found(), 'runner_stdout.log');
      log('robo_trader.log', '');
      assert.equal(await found(), 'robo_trader.log');
      log('dot.log', '');
      writeFileSync(join(folder, '.env'), 'LOG_FILE="dot.log" # mine\nSYMBOLS=SPY\n');
      assert.equal(await found(), 'dot.log');
      log('own.log', '');
      machine.variables.set(4711, new Map([['LOG_FILE', 'own.log']]));
      assert.equal(await found(), 'own.log');
      assert.equal(await found({ explicit: '/elsewhere/x.log' }), '/elsewhere/x.log');
    });

    it('which was written since it was started, rather than one of an earlier run', async () => {
      log('dot.log', 'old', start - 24 * 60 * minute);
      writeFileSync(join(folder, '.env'), 'LOG_FILE=dot.log\n');
      assert.equal(await found(), 'dot.log', 'better than none');
      log('robo_trader.log', '');
      assert.equal(await found(), 'robo_trader.log');
      log('robo_trader.log', '', start - 24 * 60 * minute);
      rmSync(join(folder, '.env'));
      assert.equal(await found(), undefined, 'a usual name alone proves nothing');
    });

    it('that it or its child has open for writing (Linux)', async () => {
      const proc = join(folder, 'proc');
      const handle = (pid: number, number: number, target: string, flags: string): void => {
        for (const part of ['fd', 'fdinfo']) {
          mkdirSync(join(proc, String(pid), part), { recursive: true });
        }
        symlinkSync(target, join(proc, String(pid), 'fd', String(number)));
        writeFileSync(
          join(proc, String(pid), 'fdinfo', String(number)),
          `pos:\t0\nflags:\t${flags}\n`,
        );
      };
      handle(4711, 0, '/dev/null', '0100000');
      handle(4711, 1, 'pipe:[1234]', '01');
      handle(4711, 5, log('read.log', ''), '0100000');
      handle(4712, 1, log('out.txt', ''), '0102001');
      handle(4712, 7, log('trades.db', ''), '0102002');
      const below = [
        fakeProcess(4712, 'python3 bot.py', { parentPid: 4711, workingDirectory: folder }),
      ];
      assert.equal(await found({ below }, proc), 'out.txt');
    });

    it('and symbols, by its command, its environment or .env', async () => {
      const symbols = (change: Partial<LogOwner> = {}) => symbolsOf(owner(change), { machine });
      assert.deepEqual(await symbols(), ['AAPL', 'NVDA']);
      place({ ...present(), argv: ['python3', 'bot.py'] });
      assert.deepEqual(await symbols(), []);
      writeFileSync(join(folder, '.env'), 'SYMBOLS=spy, QQQ\n');
      assert.deepEqual(await symbols(), ['SPY', 'QQQ']);
      machine.variables.set(4711, new Map([['SYMBOLS', 'not a list']]));
      assert.deepEqual(await symbols(), []);
    });
  });
});

describe('the runners that could be watched', () => {
  const listed = (pid: number, change: Partial<ListedProcess> = {}): ListedProcess => ({
    pid,
    startToken: 'b:1',
    argv: ['python3', 'bot.py'],
    role: 'runner',
    why: 'it is one',
    startedAt: '',
    workingDirectory: '/ws',
    isRightful: false,
    isHelper: false,
    parentPid: 1,
    isLive: false,
    isBoundHere: false,
    sockets: null,
    respawnedBy: null,
    ...change,
  });

  it('are those that Robo does not know, and one is chosen only where there is no choice', () => {
    const all = [
      listed(1),
      listed(2, { role: 'duplicate' }),
      listed(3, { role: 'duplicate', isHelper: true }),
      listed(4, { role: 'tws' }),
      listed(5, { role: 'other runner' }),
      listed(6, { role: 'worker' }),
    ];
    const pids = (processes: readonly ListedProcess[]) => processes.map(({ pid }) => pid);
    assert.deepEqual(pids(watchCandidates(all, [])), [1, 2, 5]);
    const left = watchCandidates(all, [{ pid: 2, state: 'running' }]);
    assert.deepEqual(pids(left), [1, 5]);
    assert.equal(onlyCandidate(left)?.pid, 1);
    assert.equal(onlyCandidate(watchCandidates(all, [])), undefined);
    const other = listed(7, { role: 'other runner' });
    assert.equal(onlyCandidate([other]), undefined, 'it may trade elsewhere');
    assert.equal(onlyCandidate([{ ...other, isBoundHere: true }])?.pid, 7);
  });

  it('belong to the folder that asks where they work inside, else to their own', () => {
    assert.equal(folderOf('/ws/sub', '/ws'), '/ws');
    assert.equal(folderOf('/other', '/ws'), '/other');
    assert.equal(folderOf(null, '/ws'), '/ws');
  });
});
