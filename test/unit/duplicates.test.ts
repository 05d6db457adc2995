import assert from 'node:assert/strict';
import type { ProcessInfo } from '../../src/host/machine';
import {
  type ListRunnersInput,
  type ListedProcess,
  listRunners,
} from '../../src/runner/duplicates';
import { fakeProcess, fakeSocket } from '../support/hostFakes';

const runner = 'python3 -m robo_trader.runner_async';

function list(
  processes: readonly ProcessInfo[],
  more: Partial<ListRunnersInput> = {},
): readonly ListedProcess[] {
  return listRunners({
    processes,
    sockets: [],
    workspace: '/ws',
    endpoint: { host: '127.0.0.1', port: 7497 },
    runnerCommand: [],
    supervised: undefined,
    ownPid: 1,
    ...more,
  });
}

function roles(listed: readonly ListedProcess[]): Record<number, string> {
  return Object.fromEntries(
    listed.map((entry) => [entry.pid, `${entry.role}${entry.isRightful ? ' *' : ''}`]),
  );
}

const session = (pid: number, port = 7497) =>
  fakeSocket(`127.0.0.1:5${pid}`, `127.0.0.1:${port}`, 'ESTABLISHED', pid);

describe('which runners are duplicates', () => {
  it('keeps the oldest where none has a session', () => {
    const listed = list([
      fakeProcess(30, runner),
      fakeProcess(20, runner),
      fakeProcess(40, runner),
    ]);
    assert.deepEqual(roles(listed), { 20: 'runner *', 30: 'duplicate', 40: 'duplicate' });
    assert.match(listed[0]?.why ?? '', /oldest, and none of them has a session/);
  });

  it('keeps the one with a session before the oldest, also where a worker holds it', () => {
    const worker = fakeProcess(31, 'python3 -m robo_trader.clients.ibkr_subprocess_worker', {
      parentPid: 30,
    });
    const listed = list([fakeProcess(20, runner), fakeProcess(30, runner), worker], {
      sockets: [session(31)],
    });
    assert.deepEqual(roles(listed), { 20: 'duplicate', 30: 'runner *', 31: 'worker' });
  });

  it('keeps the supervised one before any other', () => {
    const ours = fakeProcess(40, runner);
    const listed = list([fakeProcess(20, runner), ours], {
      sockets: [session(20)],
      supervised: ours,
    });
    assert.deepEqual(roles(listed), { 20: 'duplicate', 40: 'runner *' });
  });

  it('does not take a reused pid for the supervised one', () => {
    const listed = list([fakeProcess(20, runner), fakeProcess(40, runner)], {
      supervised: { pid: 40, startToken: 'boot:1' },
    });
    assert.deepEqual(roles(listed), { 20: 'runner *', 40: 'duplicate' });
  });

  it('says so where the sockets are unknown', () => {
    const listed = list([fakeProcess(20, runner), fakeProcess(30, runner)], { sockets: undefined });
    assert.match(listed[0]?.why ?? '', /cannot be seen/);
  });

  it('counts wrapper and child, and a fork, once', () => {
    const listed = list([
      fakeProcess(20, `uv run ${runner}`),
      fakeProcess(21, runner, { parentPid: 20 }),
      fakeProcess(22, runner, { parentPid: 21 }),
    ]);
    assert.deepEqual(roles(listed), { 20: 'runner *', 21: 'worker', 22: 'worker' });
  });

  it('counts a runner below a shell of the runner once, two from one shell twice', () => {
    const shell = { runnerCommand: ['./START_TRADER.sh'] };
    const nested = [
      fakeProcess(20, '/bin/bash ./START_TRADER.sh'),
      fakeProcess(21, 'bash -c x', { parentPid: 20 }),
      fakeProcess(22, runner, { parentPid: 21 }),
    ];
    assert.deepEqual(roles(list(nested, shell)), { 20: 'runner *', 22: 'worker' });
    const twice = [
      fakeProcess(20, 'bash -c x'),
      fakeProcess(21, runner, { parentPid: 20, processGroup: 20 }),
      fakeProcess(22, runner, { parentPid: 20, processGroup: 20 }),
    ];
    assert.deepEqual(roles(list(twice)), { 21: 'runner *', 22: 'duplicate' });
  });

  it('takes the whole process group of the supervised one as one runner', () => {
    const ours = fakeProcess(20, 'bash -c x');
    const listed = list([ours, fakeProcess(21, runner, { parentPid: 1, processGroup: 20 })], {
      supervised: ours,
    });
    assert.deepEqual(roles(listed), { 20: 'runner *', 21: 'worker' });
  });

  const elsewhere: readonly (readonly [string, ProcessInfo, RegExp])[] = [
    [
      'another workspace',
      fakeProcess(30, runner, { workingDirectory: '/other' }),
      /works in \/other/,
    ],
    ['a folder with a longer name', fakeProcess(30, runner, { workingDirectory: '/ws2' }), /ws2/],
    ['a hidden folder', fakeProcess(30, runner, { workingDirectory: undefined }), /hidden/],
    ['another port', fakeProcess(30, `${runner} --port 4001`), /names port 4001/],
    ['another portfolio', fakeProcess(30, `${runner} --portfolio=b`), /another portfolio b/],
    ['another client id', fakeProcess(30, `${runner} --client-id 8`), /another client id 8/],
    ['another account', fakeProcess(30, `${runner} --account U1`), /another account than/],
  ];
  for (const [name, other, why] of elsewhere) {
    it(`lists ${name} as another runner, with the reason`, () => {
      const first = fakeProcess(20, `${runner} --portfolio a --client-id 7 --account D1`);
      const listed = list([first, other]);
      assert.deepEqual(roles(listed), { 20: 'runner *', 30: 'other runner' });
      assert.match(listed.find((entry) => entry.pid === 30)?.why ?? '', why);
    });
  }

  it('lists a runner that is connected to another endpoint as another one', () => {
    const listed = list([fakeProcess(20, runner), fakeProcess(30, runner)], {
      sockets: [session(30, 7496)],
    });
    assert.deepEqual(roles(listed), { 20: 'runner *', 30: 'other runner' });
    assert.match(listed[1]?.why ?? '', /connected to 127\.0\.0\.1:7496/);
  });

  it('does not print an account', () => {
    const listed = list([
      fakeProcess(20, `${runner} --account DU1`),
      fakeProcess(30, `${runner} --account DU2`),
    ]);
    assert.doesNotMatch(listed.map((entry) => entry.why).join(), /DU/);
  });

  it('recognises a runner elsewhere by a script that lies in the workspace', () => {
    const listed = list([
      fakeProcess(20, 'python3 /ws/robo_trader/runner_async.py', { workingDirectory: '/home/u' }),
    ]);
    assert.deepEqual(roles(listed), { 20: 'runner *' });
  });

  it("finds duplicates of the user's own program", () => {
    const listed = list(
      [
        fakeProcess(20, 'uv run python bots/trend.py'),
        fakeProcess(21, 'python bots/trend.py', { parentPid: 20 }),
        fakeProcess(30, '/usr/bin/python3 /ws/bots/trend.py --fast'),
        fakeProcess(31, 'vim bots/trend.py'),
        fakeProcess(32, 'python -m pytest bots/trend.py'),
        fakeProcess(33, 'python bots/trend.py', { workingDirectory: '/other' }),
      ],
      { runnerCommand: ['python', 'bots/trend.py'] },
    );
    assert.deepEqual(roles(listed), { 20: 'runner *', 21: 'worker', 30: 'duplicate' });
  });

  it('does not mix programs: each has its own rightful one', () => {
    const listed = list([
      fakeProcess(20, 'node /x/robo/dist/runner.cjs'),
      fakeProcess(30, runner),
      fakeProcess(31, 'python3 start_ai_trading.py'),
    ]);
    assert.deepEqual(roles(listed), { 20: 'runner *', 30: 'runner *', 31: 'duplicate' });
  });

  it('never makes a Java program a duplicate', () => {
    const listed = list(
      [fakeProcess(20, 'java -jar bot.jar'), fakeProcess(30, 'java -jar bot.jar')],
      { runnerCommand: ['java', '-jar', 'bot.jar'] },
    );
    assert.deepEqual(roles(listed), { 20: 'other runner', 30: 'other runner' });
  });

  it('names the old monitor first, as the source', () => {
    const listed = list([
      fakeProcess(20, runner),
      fakeProcess(50, 'python3 ibkr_connection_monitor.py --daemon'),
      fakeProcess(60, runner, { parentPid: 50 }),
    ]);
    assert.deepEqual(
      listed.map((entry) => [entry.pid, entry.role]),
      [
        [50, 'monitor'],
        [20, 'runner'],
        [60, 'duplicate'],
      ],
    );
    assert.match(listed[2]?.why ?? '', /ibkr_connection_monitor\.py \(pid 50\) started it/);
  });

  it('lists TWS, helpers, proxies and orphaned workers, and no stranger', () => {
    const listed = list(
      [
        fakeProcess(10, 'java -cp jts4launch-1030.jar jclient.LoginFrame'),
        fakeProcess(11, 'socat TCP-LISTEN:7497,fork TCP:gw:4002'),
        fakeProcess(12, 'socat TCP-LISTEN:80,fork TCP:web:80'),
        fakeProcess(13, 'java -jar search.jar'),
        fakeProcess(14, 'python3 app.py'),
        fakeProcess(15, 'python3 app.py', { workingDirectory: '/flask' }),
        fakeProcess(16, 'python3 -m robo_trader.clients.ibkr_subprocess_worker'),
        fakeProcess(17, 'node /x/robo/dist/daemon.cjs'),
        fakeProcess(18, 'bash scripts/watchdog.sh'),
      ],
      { sockets: [fakeSocket('0.0.0.0:7497', '0.0.0.0:0', 'LISTEN', 11)] },
    );
    assert.deepEqual(roles(listed), {
      10: 'tws',
      11: 'proxy',
      14: 'helper',
      16: 'worker',
      18: 'helper',
    });
    assert.ok(listed.every((entry) => !entry.isRightful));
  });

  it('lists runners without a workspace, and preselects none', () => {
    const listed = list([fakeProcess(20, runner), fakeProcess(30, runner)], { workspace: null });
    assert.deepEqual(roles(listed), { 20: 'other runner', 30: 'other runner' });
  });

  it('survives a process table with a circle in it', () => {
    const listed = list([
      fakeProcess(20, runner, { parentPid: 21 }),
      fakeProcess(21, 'bash -c x', { parentPid: 20 }),
    ]);
    assert.deepEqual(roles(listed), { 20: 'runner *' });
  });
});
