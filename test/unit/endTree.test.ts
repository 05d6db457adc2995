import assert from 'node:assert/strict';
import { known, type Observed, unknown } from '../../src/core/observed';
import type { ProcessInfo } from '../../src/host/machine';
import { endOwnTree, type TreeEnd } from '../../src/host/endProcess';
import { FakeClock } from '../support/fakeClock';

function entry(pid: number, parentPid: number, processGroup: number, name = 'x'): ProcessInfo {
  return {
    pid,
    parentPid,
    processGroup,
    startToken: `start of ${pid}`,
    argv: [name],
    startedAtMs: 0,
    workingDirectory: undefined,
    name,
    userId: 1,
    isStopped: false,
  };
}

/** A process table whose processes die of the signals that they do not ignore. */
class FakeTable {
  readonly clock = new FakeClock();
  readonly sent: string[] = [];
  deaf = new Set<number>();
  unreadable: string | undefined;
  isOwnAlive = false;

  constructor(public table: ProcessInfo[]) {}

  platform: NodeJS.Platform = 'linux';
  /** Answers whether the input could be ended. */
  askPolitely: (() => boolean) | undefined;

  processes = (): Promise<Observed<readonly ProcessInfo[]>> =>
    Promise.resolve(this.unreadable === undefined ? known(this.table) : unknown(this.unreadable));

  signal = (pid: number, name: NodeJS.Signals): void => {
    this.sent.push(`${name} ${pid}`);
    this.table = this.table.filter((each) => {
      const isHit = pid < 0 ? each.processGroup === -pid : each.pid === pid;
      return !isHit || (name === 'SIGTERM' && this.deaf.has(each.pid));
    });
    this.isOwnAlive &&= name === 'SIGTERM' && this.deaf.has(Math.abs(pid));
  };

  async end(leader = entry(100, 1, 100)): Promise<TreeEnd> {
    const { askPolitely } = this;
    const ending = endOwnTree(
      leader,
      {
        clock: this.clock,
        machine: {
          platform: this.platform,
          processes: this.processes,
          process: () => Promise.resolve(unknown('nobody asks for one')),
        },
        signal: this.signal,
        ownPid: 7,
      },
      {
        isUntouchable: (process) => process.name === 'java',
        isOwnAlive: () => this.isOwnAlive,
        ...(askPolitely === undefined ? {} : { askPolitely }),
      },
    );
    await this.clock.advance(60_000);
    return await ending;
  }
}

describe('ending a tree', () => {
  it('signals the group in one stroke, and those that left it', async () => {
    const table = new FakeTable([
      entry(100, 1, 100),
      entry(101, 100, 100),
      entry(102, 101, 102),
      entry(200, 1, 200),
    ]);
    const ended = await table.end();
    assert.deepEqual(ended, {
      outcome: 'stopped',
      how: 'TERM',
      wasKilled: false,
      left: [],
      why: null,
    });
    assert.deepEqual(table.sent, ['SIGTERM -100', 'SIGTERM 102']);
    assert.deepEqual(
      table.table.map(({ pid }) => pid),
      [200],
    );
  });

  it('kills after the grace what is left, only that', async () => {
    const table = new FakeTable([entry(100, 1, 100), entry(102, 100, 102)]);
    table.deaf.add(102);
    const ended = await table.end();
    assert.deepEqual([ended.outcome, ended.wasKilled], ['stopped', true]);
    assert.deepEqual(table.sent, ['SIGTERM -100', 'SIGTERM 102', 'SIGKILL 102']);
  });

  it('leaves a Gateway that the runner started alone, and the script that keeps it', async () => {
    const table = new FakeTable([
      entry(100, 1, 100, 'bash'),
      entry(101, 100, 100, 'python3'),
      entry(102, 100, 100, 'ibcstart.sh'),
      entry(103, 102, 100, 'java'),
    ]);
    const ended = await table.end();
    assert.equal(ended.outcome, 'stopped');
    assert.deepEqual(table.sent, ['SIGTERM 100', 'SIGTERM 101']);
    assert.deepEqual(
      table.table.map(({ pid }) => pid),
      [102, 103],
    );
  });

  it('hits nobody who has the pid now', async () => {
    const table = new FakeTable([
      { ...entry(100, 1, 100), startToken: 'later' },
      entry(101, 100, 100),
    ]);
    const ended = await table.end();
    assert.equal(ended.outcome, 'not running');
    assert.deepEqual(table.sent, []);
  });

  it('takes no process for ended that only has no arguments: it may be replacing itself', async () => {
    const table = new FakeTable([{ ...entry(100, 1, 100), argv: [] }]);
    assert.equal((await table.end()).outcome, 'stopped');
    assert.deepEqual(table.sent, ['SIGTERM -100']);
  });

  it('signals nobody else where the table cannot be read, but its own child', async () => {
    const table = new FakeTable([entry(100, 1, 100)]);
    table.unreadable = 'ps took too long';
    const stranger = await table.end();
    assert.equal(stranger.outcome, 'still alive');
    assert.match(stranger.why ?? '', /ps took too long/);
    assert.deepEqual(table.sent, []);
    table.isOwnAlive = true;
    table.deaf.add(100);
    const own = await table.end();
    assert.deepEqual([own.outcome, own.wasKilled], ['stopped', true]);
    assert.deepEqual(table.sent, ['SIGTERM -100', 'SIGKILL -100']);
  });

  it('says who does not end', async () => {
    const table = new FakeTable([entry(100, 1, 100)]);
    table.signal = (): void => undefined;
    const ended = await table.end();
    assert.deepEqual([ended.outcome, ended.wasKilled, ended.left], ['still alive', true, [100]]);
    assert.match(ended.why ?? '', /100 is still there 5 s after KILL/);
  });

  it('asks a latecomer to end too, and nobody twice', async () => {
    const table = new FakeTable([entry(100, 1, 100)]);
    table.deaf.add(100);
    table.clock.setTimer(1000, () => {
      table.table.push(entry(101, 100, 100));
    });
    const ended = await table.end();
    assert.equal(ended.how, 'KILL');
    assert.deepEqual(table.sent, ['SIGTERM -100', 'SIGTERM 101', 'SIGKILL -100']);
  });

  it('never signals the group that we ourselves are in', async () => {
    const table = new FakeTable([entry(100, 1, 100), entry(6, 100, 100), entry(7, 6, 100)]);
    await table.end();
    assert.deepEqual(table.sent, ['SIGTERM 100']);
  });

  for (const [name, heeds, how, sent] of [
    ['ends the input of a program that heeds it, and signals nobody', true, 'end of input', []],
    ['says not graceful where the input is not heeded', false, 'not graceful', ['SIGTERM 100']],
    [
      'says not graceful where there is no input to end',
      undefined,
      'not graceful',
      ['SIGTERM 100'],
    ],
  ] as const) {
    it(`on Windows ${name}`, async () => {
      const table = new FakeTable([entry(100, 1, 0)]);
      table.platform = 'win32';
      table.isOwnAlive = true;
      table.askPolitely = () => {
        table.isOwnAlive = heeds !== true;
        table.table = heeds === true ? [] : table.table;
        return heeds !== undefined;
      };
      const ended = await table.end();
      assert.deepEqual([ended.outcome, ended.how, ended.wasKilled], ['stopped', how, !heeds]);
      assert.deepEqual(table.sent, sent);
    });
  }
});
