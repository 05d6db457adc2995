import assert from 'node:assert/strict';
import { known } from '../../src/core/observed';
import type { ProcessInfo } from '../../src/host/machine';
import { isPersonsProgram } from '../../src/host/personsProgram';
import type { ProcessBackground } from '../../src/host/processBackground';
import { runVariable } from '../../src/runner/environment';
import { endable, endMarked, type MarkedEnd } from '../../src/runner/markedProcesses';
import { FakeClock } from '../support/fakeClock';
import { FakeMachine, fakeProcess } from '../support/hostFakes';

const run = 'a'.repeat(32);
const ownPid = 500;

/** Processes with a mark each, by pid. */
class World extends FakeMachine {
  readonly clock = new FakeClock();
  readonly sent: string[] = [];
  readonly marks = new Map<number, string>();
  onSignal: (pid: number, name: string) => void = (pid) => {
    this.remove(pid);
  };
  onBackground: () => void = () => undefined;

  constructor(...all: readonly ProcessInfo[]) {
    super();
    this.table = known([fakeProcess(ownPid, 'node dist/daemon.cjs'), ...all]);
    all.forEach(({ pid }) => this.marks.set(pid, run));
  }

  get all(): readonly ProcessInfo[] {
    return this.table.known ? this.table.value : [];
  }

  remove(pid: number): void {
    this.table = known(this.all.filter((info) => info.pid !== pid));
  }

  replace(info: ProcessInfo): void {
    this.table = known([...this.all.filter(({ pid }) => pid !== info.pid), info]);
  }

  background(
    processes: readonly Pick<ProcessInfo, 'pid'>[],
  ): Promise<ReadonlyMap<number, ProcessBackground>> {
    const found = processes.map(({ pid }): [number, ProcessBackground] => {
      const mark = this.marks.get(pid);
      const environment = new Map(mark === undefined ? [] : [[runVariable, mark]]);
      return [pid, { environment, controlGroup: undefined, launchdLabel: undefined }];
    });
    this.onBackground();
    return Promise.resolve(new Map(found));
  }

  async end(sinceMs = 0): Promise<MarkedEnd> {
    const ending = endMarked(
      { run, sinceMs },
      {
        machine: this,
        clock: this.clock,
        ownPid,
        signal: (pid, name) => {
          this.sent.push(`${name} ${pid}`);
          this.onSignal(pid, name);
        },
      },
    );
    await this.clock.advance(60_000);
    return ending;
  }
}

const worker = fakeProcess(100, 'python3 -c work()');

describe('what carries the mark of a run', () => {
  it('is ended, and what has another mark, none, another user or an older start is not', async () => {
    const world = new World(
      worker,
      fakeProcess(101, 'python3 other.py'),
      fakeProcess(102, 'python3 none.py'),
      fakeProcess(103, 'python3 theirs.py', { userId: 1001 }),
      fakeProcess(99, 'python3 older.py', { startedAtMs: worker.startedAtMs - 60_000 }),
    );
    world.marks.set(101, 'b'.repeat(32));
    world.marks.delete(102);
    const { ended, left, wasKilled } = await world.end(worker.startedAtMs);
    assert.deepEqual(world.sent, ['SIGTERM 100']);
    assert.deepEqual([ended.map(({ pid }) => pid), left, wasKilled], [[100], [], false]);
  });

  it('is looked for again after each end: it may have started another one', async () => {
    const world = new World(worker);
    world.onSignal = (pid) => {
      world.remove(pid);
      if (pid === 100) {
        world.replace(fakeProcess(105, 'python3 -c next()'));
        world.marks.set(105, run);
      }
    };
    const { ended } = await world.end();
    assert.deepEqual(
      ended.map(({ pid }) => pid),
      [100, 105],
    );
  });

  it('is never hit by a number that is another process by the time of the signal', async () => {
    const world = new World(worker);
    let looks = 0;
    world.onBackground = () => {
      looks += 1;
      if (looks === 1) {
        world.replace(fakeProcess(100, 'vim notes.txt', { startToken: 'boot:later' }));
        world.marks.delete(100);
      }
    };
    await world.end();
    assert.deepEqual(world.sent, []);
  });

  it('is waited for while it replaces itself', async () => {
    const world = new World({ ...worker, argv: [] });
    world.marks.delete(100);
    world.clock.setTimer(30, () => {
      world.replace(worker);
      world.marks.set(100, run);
    });
    const { ended } = await world.end();
    assert.deepEqual(
      ended.map(({ pid }) => pid),
      [100],
    );
  });

  it('is told where it cannot be ended', async () => {
    const world = new World(worker);
    world.onSignal = () => {
      throw Object.assign(new Error('no'), { code: 'EPERM' });
    };
    const { left } = await world.end();
    assert.match(left[0]?.why ?? '', /did not permit SIGTERM/);
  });

  it('is not looked for where the system hides environments', async () => {
    const world = new World(worker);
    const { ended } = await endMarked(
      { run, sinceMs: 0 },
      {
        machine: Object.assign(Object.create(world) as World, { platform: 'darwin' as never }),
        clock: world.clock,
        ownPid,
        signal: () => {
          assert.fail('nothing is proven here');
        },
      },
    );
    assert.deepEqual(ended, []);
  });

  for (const [what, argv] of [
    ['TWS', 'java -cp /opt/Jts/jars/jts4launch-1030.jar jclient.LoginFrame /opt/Jts'],
    ['IB Gateway', '/opt/Jts/ibgateway/1030/ibgateway'],
    ['IBC', '/bin/bash /opt/ibc/scripts/displaybannerandlaunch.sh'],
    ['any Java', '/usr/bin/java -jar bot.jar'],
    ['a forwarder', 'socat TCP-LISTEN:4003 TCP:127.0.0.1:4002'],
    ['a monitor of ours', 'node /opt/robo/dist/daemon.cjs --port 7497'],
    ['an editor', '/usr/share/code/code --unity-launch'],
    ['the server of an editor', 'node /home/joe/.vscode-server/bin/1a2b/out/server-main.js'],
    ['a terminal', 'tmux new-session -d -s trade'],
    ['an open shell', '-bash'],
    ['a browser', '/usr/lib/firefox/firefox http://127.0.0.1:5555'],
    ['a display', 'Xvfb :99 -screen 0 1024x768x24'],
  ] as const) {
    it(`spares ${what}, and what runs in it`, () => {
      const kept = fakeProcess(200, argv);
      const inside = fakeProcess(201, 'python3 notebook.py', { parentPid: 200 });
      assert.deepEqual(endable([kept, inside, worker]), [worker]);
    });
  }

  it('spares the script that keeps a Gateway, and ends the one that has opened a browser', () => {
    const keeper = fakeProcess(200, 'bash keep-gateway.sh');
    const gateway = fakeProcess(201, '/opt/Jts/ibgateway/1030/ibgateway', { parentPid: 200 });
    const opener = fakeProcess(300, 'python3 dashboard.py');
    const browser = fakeProcess(301, 'firefox', { parentPid: 300 });
    assert.deepEqual(endable([keeper, gateway, opener, browser]), [opener]);
  });

  it('takes programs for what they are, not for the folder or the words they name', () => {
    const isPersons = (argv: string): boolean => isPersonsProgram(fakeProcess(1, argv));
    for (const argv of [
      'python3 /home/joe/code/bot.py',
      'python3 code.py --editor vim',
      '/home/joe/.vscode-server/bin/1a2b/node /ws/bot.js',
      'node /home/joe/.vscode-server/extensions/joe.bot/worker.js',
      'sleep 1000',
      'bash -c loop',
      'perl daemon.pl',
    ]) {
      assert.equal(isPersons(argv), false, argv);
    }
    assert.equal(
      isPersonsProgram(fakeProcess(1, 'x', { argv: ['tmux: server'], name: 'tmux: server' })),
      true,
    );
    assert.equal(isPersonsProgram(fakeProcess(1, 'x', { argv: [], name: 'x' })), true);
  });
});
