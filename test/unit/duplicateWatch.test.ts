import assert from 'node:assert/strict';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { known, unknown } from '../../src/core/observed';
import { DuplicateWatch } from '../../src/daemon/duplicateWatch';
import type { ProcessInfo } from '../../src/host/machine';
import { eventually } from '../support/eventually';
import { FakeClock } from '../support/fakeClock';
import { fakeProcess, fakeSocket, FakeMachine } from '../support/hostFakes';

const runner = 'python3 -m robo_trader.runner_async';

/** Counts what it is asked for. */
class CountingMachine extends FakeMachine {
  tables = 0;
  socketLooks = 0;

  override processes() {
    this.tables += 1;
    return super.processes();
  }

  override sockets(ports: readonly number[]) {
    this.socketLooks += 1;
    return super.sockets(ports);
  }
}

describe('the watch for duplicates', () => {
  let folder: string;
  let clock: FakeClock;
  let machine: CountingMachine;
  let watch: DuplicateWatch;
  let changes: number;
  let runners: { workspace: string; command: readonly string[] }[];

  beforeEach(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'robo-w-')));
    clock = new FakeClock();
    machine = new CountingMachine();
    runners = [];
    changes = 0;
    watch = new DuplicateWatch({
      clock,
      machine,
      endpoint: { host: '127.0.0.1', port: 7497 },
      runnersDirectory: join(folder, 'runners'),
      runners: () => runners,
      onProblem: (why) => {
        assert.fail(why);
      },
    });
    watch.onDidChange(() => {
      changes += 1;
    });
  });

  afterEach(() => {
    watch.dispose();
    rmSync(folder, { recursive: true });
  });

  const one = (pid: number, more: Partial<ProcessInfo> = {}): ProcessInfo =>
    fakeProcess(pid, runner, { workingDirectory: folder, ...more });

  function show(...processes: readonly ProcessInfo[]): void {
    machine.table = known(processes);
  }

  /** Lets a time pass, and the look that falls into it come to its end: it reads real files. */
  async function pass(ms: number): Promise<void> {
    const looks = machine.tables;
    await clock.advance(ms);
    await eventually(() => machine.tables > looks && clock.pending === 1, 'the look is over');
  }

  it('tells two runners once they stay, once, and that it is over', async () => {
    runners.push({ workspace: folder, command: [] });
    show(one(20), one(30));
    watch.begin();
    await pass(0);
    assert.equal(watch.findings.length, 0);
    await pass(15_000);
    const [finding] = watch.findings;
    assert.equal(finding?.guide, 'duplicate_runner');
    assert.deepEqual(finding.subject, { kind: 'process', name: folder });
    assert.deepEqual(watch.status, [{ workspace: folder, runners: [20, 30], helpers: [] }]);
    const { firstAt } = finding;
    await pass(30_000);
    await pass(30_000);
    assert.equal(changes, 1);
    assert.equal(watch.findings[0]?.firstAt, firstAt);
    show(one(20));
    await pass(30_000);
    assert.equal(watch.findings.length, 1);
    await pass(15_000);
    assert.deepEqual([watch.findings.length, watch.status.length, changes], [0, 0, 2]);
  });

  it('says nothing of a restart, in which the old one takes its time to end', async () => {
    runners.push({ workspace: folder, command: [] });
    show(one(20), one(30));
    watch.begin();
    await pass(0);
    show(one(30));
    await pass(15_000);
    show(one(30), one(40));
    await pass(30_000);
    show(one(40));
    await pass(15_000);
    assert.equal(changes, 0);
  });

  it('is one trouble while something starts the next one again and again', async () => {
    runners.push({ workspace: folder, command: [] });
    show(one(20), one(30));
    watch.begin();
    await pass(0);
    await pass(15_000);
    const firstAt = watch.findings[0]?.firstAt;
    show(one(20), one(31));
    await pass(30_000);
    show(one(20));
    await pass(30_000);
    show(one(20), one(32));
    await pass(15_000);
    assert.equal(watch.findings.length, 1);
    assert.equal(watch.findings[0]?.firstAt, firstAt);
  });

  it('keeps its word while the table cannot be read', async () => {
    runners.push({ workspace: folder, command: [] });
    show(one(20), one(30));
    watch.begin();
    await pass(0);
    await pass(15_000);
    machine.table = unknown('no procfs');
    await pass(30_000);
    await pass(30_000);
    assert.equal(watch.findings.length, 1);
    assert.equal(changes, 1);
  });

  it('is over at once when they were ended through Robo', async () => {
    runners.push({ workspace: folder, command: [] });
    show(one(20), one(30));
    watch.begin();
    await pass(0);
    await pass(15_000);
    await watch.ended();
    assert.equal(watch.findings.length, 1);
    show(one(20));
    await watch.ended();
    assert.equal(watch.findings.length, 0);
  });

  it('knows the program of a window that has asked', async () => {
    const bot = (pid: number): ProcessInfo =>
      fakeProcess(pid, 'python3 bot.py', { workingDirectory: folder });
    show(bot(20), bot(30));
    watch.begin();
    await pass(0);
    await pass(30_000);
    assert.equal(watch.findings.length, 0);
    watch.note({ workspace: folder, command: ['python3', 'bot.py'] });
    await pass(30_000);
    await pass(15_000);
    assert.equal(watch.findings.length, 1);
  });

  it('finds runners that nobody named, only where they are bound for this endpoint', async () => {
    show(one(20), one(30));
    watch.begin();
    await pass(0);
    await pass(30_000);
    assert.equal(watch.findings.length, 0);
    machine.rows = known([fakeSocket('127.0.0.1:5001', '127.0.0.1:7497', 'ESTABLISHED', 20)]);
    await pass(30_000);
    // Its session says that 20 is bound here; 30 says nothing, and .env does.
    assert.equal(watch.findings.length, 0);
    writeFileSync(join(folder, '.env'), 'IBKR_PORT=7497\n');
    await pass(30_000);
    await pass(15_000);
    assert.equal(watch.findings.length, 1);
    writeFileSync(join(folder, '.env'), 'IBKR_PORT=4002\n');
    await pass(30_000);
    await pass(15_000);
    assert.equal(watch.findings.length, 0);
  });

  it('looks at the table alone while nothing can be double', async () => {
    runners.push({ workspace: folder, command: [] });
    show(one(20), fakeProcess(30, `grep ${runner}`, { workingDirectory: folder }));
    watch.begin();
    await pass(0);
    for (let round = 0; round < 5; round += 1) {
      await pass(30_000);
    }
    assert.deepEqual([machine.tables, machine.socketLooks], [6, 0]);
  });

  it('leaves no timer behind', async () => {
    watch.begin();
    await pass(0);
    watch.dispose();
    assert.equal(clock.pending, 0);
  });
});
