import assert from 'node:assert/strict';
import { known, unknown } from '../../src/core/observed';
import { type EndProcessOptions, endProcess, endProcessTree } from '../../src/host/endProcess';
import type { ProcessInfo } from '../../src/host/machine';
import { FakeClock } from '../support/fakeClock';
import { FakeMachine, fakeProcess } from '../support/hostFakes';

/** Processes that die, or do not, by a rule that each test writes. */
class World {
  readonly machine = new FakeMachine();
  readonly clock = new FakeClock();
  readonly sent: string[] = [];
  table: ProcessInfo[];
  onSignal: (pid: number, signal: string) => void = (pid) => {
    this.remove(pid);
  };

  constructor(...table: readonly ProcessInfo[]) {
    this.table = [fakeProcess(1, 'init', { parentPid: 0 }), ...table];
    this.show();
  }

  show(): void {
    this.machine.table = known([...this.table]);
  }

  remove(pid: number): void {
    this.table = this.table
      .filter((info) => info.pid !== pid)
      .map((info) => (info.parentPid === pid ? { ...info, parentPid: 1 } : info));
    this.show();
  }

  replace(info: ProcessInfo): void {
    this.remove(info.pid);
    this.table.push(info);
    this.show();
  }

  get deps(): Parameters<typeof endProcess>[1] {
    return {
      machine: this.machine,
      clock: this.clock,
      ownPid: 500,
      signal: (pid, signal) => {
        this.sent.push(`${signal} ${pid}`);
        this.onSignal(pid, signal);
      },
    };
  }

  async end(info: ProcessInfo, options?: EndProcessOptions): Promise<string> {
    const ending = endProcess(info, this.deps, options);
    await this.clock.advance(60_000);
    return (await ending).outcome;
  }

  async endTree(info: ProcessInfo, options?: EndProcessOptions): Promise<readonly string[]> {
    const ending = endProcessTree(info, this.deps, options);
    await this.clock.advance(60_000);
    return (await ending).map(({ pid, outcome }) => `${pid} ${outcome}`);
  }
}

const victim = fakeProcess(100, 'python3 -m robo_trader.runner_async');

describe('ending a process', () => {
  it('sends TERM, and no KILL to what obeys', async () => {
    const world = new World(victim);
    assert.equal(await world.end(victim), 'ended');
    assert.deepEqual(world.sent, ['SIGTERM 100']);
    assert.equal(world.clock.pending, 0);
  });

  it('waits ten seconds for TERM, then kills', async () => {
    const world = new World(victim);
    const times: number[] = [];
    world.onSignal = (pid, signal) => {
      times.push(world.clock.monotonicMs());
      if (signal === 'SIGKILL') {
        world.remove(pid);
      }
    };
    assert.equal(await world.end(victim), 'killed');
    assert.deepEqual(world.sent, ['SIGTERM 100', 'SIGKILL 100']);
    assert.equal((times[1] ?? 0) - (times[0] ?? 0), 10_000);
  });

  it('says still alive where KILL does not show', async () => {
    const world = new World(victim);
    world.onSignal = () => undefined;
    assert.equal(await world.end(victim), 'still alive');
  });

  it('never hits a pid that was reused before TERM', async () => {
    const world = new World({ ...victim, startToken: 'boot:other' });
    assert.equal(await world.end(victim), 'refused');
    assert.deepEqual(world.sent, []);
  });

  it('never hits a pid that is reused between TERM and KILL', async () => {
    const world = new World(victim);
    world.onSignal = () => {
      world.replace({ ...victim, startToken: 'boot:other' });
    };
    assert.equal(await world.end(victim), 'ended');
    assert.deepEqual(world.sent, ['SIGTERM 100']);
  });

  it('does not kill what became another program after TERM', async () => {
    const world = new World(victim);
    world.onSignal = () => {
      world.replace({ ...victim, argv: ['vim'] });
    };
    assert.equal(await world.end(victim), 'still alive');
    assert.deepEqual(world.sent, ['SIGTERM 100']);
  });

  it('waits for a process that has lost its arguments while it ends', async () => {
    const world = new World({ ...victim, argv: [] });
    world.clock.setTimer(500, () => {
      world.remove(100);
    });
    assert.equal(await world.end(victim), 'already gone');
    assert.deepEqual(world.sent, []);
  });

  it('says already gone for what is gone, and for ESRCH', async () => {
    assert.equal(await new World().end(victim), 'already gone');
    const world = new World(victim);
    world.onSignal = () => {
      throw Object.assign(new Error('kill ESRCH'), { code: 'ESRCH' });
    };
    assert.equal(await world.end(victim), 'already gone');
  });

  it('refuses where the system does not permit it', async () => {
    const world = new World(victim);
    world.onSignal = () => {
      throw Object.assign(new Error('kill EPERM'), { code: 'EPERM' });
    };
    assert.equal(await world.end(victim), 'refused');
  });

  it('refuses where the table cannot be read', async () => {
    const world = new World(victim);
    world.machine.table = unknown('hidden');
    assert.equal(await world.end(victim), 'refused');
    assert.deepEqual(world.sent, []);
  });

  it('takes a look that fails while waiting for no proof of the end', async () => {
    const world = new World(victim);
    world.onSignal = () => {
      world.machine.table = unknown('hidden');
    };
    assert.equal(await world.end(victim), 'still alive');
    assert.deepEqual(world.sent, ['SIGTERM 100']);
  });

  const parent = fakeProcess(400, 'bash');
  const own = fakeProcess(500, 'node daemon.cjs', { parentPid: 400 });
  const refused: readonly (readonly [string, ProcessInfo])[] = [
    ['itself', own],
    ['its parent', parent],
    ['init', fakeProcess(1, 'init')],
    ['pid 0', fakeProcess(0, 'x')],
    ['a negative pid', fakeProcess(-5, 'x')],
    ['TWS', fakeProcess(100, 'java -cp jts4launch-1030.jar jclient.LoginFrame')],
    ['IBC', fakeProcess(100, 'bash /opt/ibc/gatewaystart.sh')],
    ['any java', fakeProcess(100, 'java -jar x.jar')],
    ['a proxy', fakeProcess(100, 'socat TCP-LISTEN:4002 TCP:x:4002')],
  ];
  for (const [name, info] of refused) {
    it(`refuses ${name}`, async () => {
      const world = new World(parent, own, info);
      assert.equal(await world.end(info), 'refused');
      assert.deepEqual(world.sent, []);
    });
  }

  it('ends a Java runner that Robo itself started, never TWS', async () => {
    const java = fakeProcess(100, 'java -jar bot.jar');
    assert.equal(await new World(java).end(java, { startedByUs: true }), 'ended');
    const tws = fakeProcess(100, 'java jclient.LoginFrame');
    assert.equal(await new World(tws).end(tws, { startedByUs: true }), 'refused');
  });
});

describe('ending a process with its children', () => {
  const child = fakeProcess(101, 'python3 worker.py', { parentPid: 100 });
  const grandchild = fakeProcess(102, 'python3 other.py', { parentPid: 101, processGroup: 102 });
  const stranger = fakeProcess(103, 'python3 x.py');

  it('ends the root first, then what is left of the tree, and nobody else', async () => {
    const world = new World(victim, child, grandchild, stranger);
    assert.deepEqual(await world.endTree(victim), ['100 ended', '101 ended', '102 ended']);
    assert.equal(world.sent[0], 'SIGTERM 100');
    assert.deepEqual(
      world.table.map((info) => info.pid),
      [1, 103],
    );
  });

  it('ends a daemonised member of the group that the root leads', async () => {
    const member = fakeProcess(104, 'python3 y.py', { processGroup: 100 });
    const world = new World(victim, member);
    assert.deepEqual(await world.endTree(victim), ['100 ended', '104 ended']);
  });

  it('ends a child that was started while the root was ending', async () => {
    const late = fakeProcess(105, 'python3 late.py', { processGroup: 100 });
    const world = new World(victim);
    world.onSignal = (pid) => {
      world.remove(pid);
      if (pid === 100) {
        world.table.push(late);
        world.show();
      }
    };
    assert.deepEqual(await world.endTree(victim), ['100 ended', '105 ended']);
  });

  it('leaves a Gateway below it alone, and the shell between them', async () => {
    const shell = fakeProcess(110, 'bash run.sh', { parentPid: 100 });
    const gateway = fakeProcess(111, 'java ibgateway.GWClient', { parentPid: 110 });
    const world = new World(victim, child, shell, gateway);
    assert.deepEqual(await world.endTree(victim), ['100 ended', '101 ended']);
    assert.deepEqual(world.sent, ['SIGTERM 100', 'SIGTERM 101']);
  });

  it('touches nothing below a root that it must not touch', async () => {
    const world = new World({ ...victim, startToken: 'boot:other' }, child);
    assert.deepEqual(await world.endTree(victim), ['100 refused']);
    assert.deepEqual(world.sent, []);
  });

  it('finds what our own dead child has left in its group; nothing of another', async () => {
    const member = fakeProcess(104, 'python3 y.py', { processGroup: 100 });
    const ours = new World(member);
    assert.deepEqual(await ours.endTree(victim, { startedByUs: true }), [
      '100 already gone',
      '104 ended',
    ]);
    assert.deepEqual(await new World(member).endTree(victim), ['100 already gone']);
  });
});
