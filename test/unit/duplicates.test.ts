import assert from 'node:assert/strict';
import type { ProcessInfo } from '../../src/host/machine';
import type { ProcessBackground } from '../../src/host/processBackground';
import { listRunners } from '../../src/runner/duplicates';
import type { ListedProcess, ListRunnersInput } from '../../src/runner/listedProcess';
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

  it('finds the duplicate of a runner whose start script has replaced itself', () => {
    const ours = fakeProcess(20, 'python3 /ws/bot.py');
    const listed = list(
      [
        ours,
        fakeProcess(30, 'python3 bot.py'),
        fakeProcess(40, 'sh start.sh'),
        fakeProcess(41, 'python3 bot.py', { parentPid: 40 }),
        fakeProcess(50, 'python3 other.py'),
      ],
      { runnerCommand: ['sh', 'start.sh'], supervised: ours },
    );
    assert.deepEqual(roles(listed), {
      20: 'runner *',
      30: 'duplicate',
      40: 'duplicate',
      41: 'worker',
    });
  });

  it('takes programs that differ in their arguments alone for no duplicates of what is watched', () => {
    for (const [one, other] of [
      [
        'python3 -m ipykernel_launcher -f kernel-1.json',
        'python3 -m ipykernel_launcher -f kernel-2.json',
      ],
      ['python3 -m freqtrade trade --config a.json', 'python3 -m freqtrade trade --config b.json'],
      ['python3 /ws/bot.py AAPL', 'python3 /ws/bot.py MSFT'],
      ['mybot', 'mybot'],
    ] as const) {
      const watched = fakeProcess(20, one);
      const listed = list([watched, fakeProcess(30, other)], {
        runnerCommand: [],
        watched: [watched],
      });
      assert.notEqual(roles(listed)[30], 'duplicate', one);
    }
  });

  it('takes another use of the same module for no duplicate of what a start script became', () => {
    const ours = fakeProcess(20, 'python3 -m freqtrade trade --config a.json');
    const listed = list([ours, fakeProcess(30, 'python3 -m freqtrade trade --config b.json')], {
      runnerCommand: ['sh', 'start.sh'],
      supervised: ours,
    });
    assert.notEqual(roles(listed)[30], 'duplicate');
  });

  it('shows what nobody has named and has a session with the endpoint, as no duplicate', () => {
    const listed = list(
      [
        fakeProcess(20, runner),
        fakeProcess(30, 'python3 bot.py'),
        fakeProcess(31, 'python3 bot.py'),
        fakeProcess(32, 'python3 bot.py'),
        fakeProcess(33, 'python3 other.py'),
        fakeProcess(34, 'code --type=utility'),
        fakeProcess(35, 'node /opt/robo/dist/daemon.cjs'),
      ],
      { sockets: [...[20, 30, 31, 34, 35].map((pid) => session(pid)), session(33, 4002)] },
    );
    assert.deepEqual(roles(listed), { 20: 'runner *', 30: 'other runner', 31: 'other runner' });
    const [, bot] = listed;
    assert.match(bot?.why ?? '', /session with 127\.0\.0\.1:7497, and nobody has named/);
    assert.equal(bot?.isBoundHere, true);
    assert.equal(bot.isHelper, false);
  });

  it('does not take a reused pid for the supervised one', () => {
    const listed = list([fakeProcess(20, runner), fakeProcess(40, runner)], {
      supervised: { pid: 40, startToken: 'boot:1' },
    });
    assert.deepEqual(roles(listed), { 20: 'runner *', 40: 'duplicate' });
  });

  it('keeps the one that Robo was asked to watch before one with a session', () => {
    const watched = fakeProcess(40, runner);
    const listed = list([fakeProcess(20, runner), watched], {
      sockets: [session(20)],
      watched: [watched],
    });
    assert.deepEqual(roles(listed), { 20: 'duplicate', 40: 'runner *' });
    const keep = listed.find(({ pid }) => pid === 40);
    assert.match(keep?.why ?? '', /Robo was asked to watch it/);
    assert.equal(listed.find(({ pid }) => pid === 20)?.duplicateOf, 40);
  });

  it('takes two projects below one folder for two, by module, by file and by name', () => {
    const at = (workingDirectory: string) => ({ workingDirectory });
    for (const [command, other] of [
      [runner, runner],
      ['python3 robo_trader/runner_async.py', runner],
      ['npm run trade', 'npm run trade'],
      ['node /opt/robo/dist/runner.cjs', 'node /opt/robo/dist/runner.cjs'],
    ] as const) {
      const listed = list(
        [fakeProcess(20, command, at('/ws/a')), fakeProcess(30, other, at('/ws/b'))],
        {
          runnerCommand: command.split(' '),
        },
      );
      assert.deepEqual(roles(listed), { 20: 'runner *', 30: 'runner *' }, command);
    }
    const same = list([
      fakeProcess(20, runner, at('/ws/a')),
      fakeProcess(30, 'python3 /ws/a/robo_trader/runner_async.py', at('/ws')),
    ]);
    assert.deepEqual(roles(same), { 20: 'runner *', 30: 'duplicate' });
  });

  it('never takes one that names a portfolio for the double of one that names none', () => {
    const listed = list([
      fakeProcess(20, runner),
      fakeProcess(30, `${runner} --portfolio aggressive`),
      fakeProcess(40, `${runner} --portfolio aggressive`),
    ]);
    assert.deepEqual(roles(listed), { 20: 'runner *', 30: 'other runner', 40: 'duplicate' });
    assert.match(
      listed.find(({ pid }) => pid === 30)?.why ?? '',
      /portfolio aggressive, and 20 names none/,
    );
    assert.equal(listed.find(({ pid }) => pid === 40)?.duplicateOf, 30);
  });

  it('knows the client id of the trading system where nothing names one, and of no other', () => {
    const told = (pid: number, id?: string): [number, ProcessBackground] => [
      pid,
      {
        environment: new Map(id === undefined ? [] : [['IBKR_CLIENT_ID', id]]),
        controlGroup: undefined,
        launchdLabel: undefined,
      },
    ];
    const pair = (command: string, id: string): Record<number, string> =>
      roles(
        list([fakeProcess(20, command), fakeProcess(30, command)], {
          runnerCommand: command.split(' '),
          background: new Map([told(20), told(30, id)]),
          envFile: new Map(),
        }),
      );
    assert.deepEqual(pair(runner, '9'), { 20: 'runner *', 30: 'other runner' });
    assert.deepEqual(pair(runner, '123'), { 20: 'runner *', 30: 'duplicate' });
    assert.deepEqual(pair('python3 bot.py', '9'), { 20: 'runner *', 30: 'duplicate' });
  });

  it('says so of one whose folder was deleted', () => {
    const [gone] = list([fakeProcess(20, runner, { workingDirectory: '/ws (deleted)' })]);
    assert.equal(gone?.role, 'other runner');
    assert.match(gone.why, /folder that it works in was deleted \(\/ws\)/);
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

  describe('by what they were told', () => {
    const told = (pids: Readonly<Record<number, Readonly<Record<string, string>>>>) =>
      new Map(
        Object.entries(pids).map(([pid, environment]) => [
          Number(pid),
          {
            environment: new Map(Object.entries(environment)),
            controlGroup: undefined,
            launchdLabel: undefined,
          },
        ]),
      );
    const two = [fakeProcess(20, runner), fakeProcess(30, runner)];
    const envFile = new Map([
      ['IBKR_CLIENT_ID', '7'],
      ['TRADING_MODE', 'paper'],
    ]);
    const variables: readonly (readonly [string, Record<string, string>, RegExp])[] = [
      ['client id', { IBKR_CLIENT_ID: '8' }, /another client id 8 than 20/],
      ['mode', { TRADING_MODE: 'live' }, /another mode \(live\) than 20/],
      ['mode by its other name', { EXECUTION_MODE: 'LIVE' }, /another mode \(live\)/],
      ['portfolios', { PORTFOLIOS: '[{"id":"b"}]' }, /another list of portfolios/],
      ['account', { IBKR_ACCOUNT: 'U123' }, /another account than 20/],
      ['port', { IBKR_PORT: '4001' }, /names port 4001/],
      ['host', { IBKR_HOST: '10.0.0.5' }, /names host 10\.0\.0\.5/],
    ];
    for (const [what, environment, why] of variables) {
      it(`keeps apart what differs in its ${what}, by the environment`, () => {
        const background = told({
          20: { PORTFOLIOS: '[ {"id": "a"} ]', IBKR_ACCOUNT: 'DU1', TRADING_MODE: 'paper' },
          30: environment,
        });
        const listed = list(two, { background, envFile });
        assert.deepEqual(roles(listed), { 20: 'runner *', 30: 'other runner' });
        assert.match(listed[1]?.why ?? '', why);
        assert.doesNotMatch(listed[1]?.why ?? '', /U123|"b"/);
      });
    }

    it('takes two spellings of one value for one value', () => {
      const background = told({
        20: { PORTFOLIOS: '[{"id": "a"}]', IBKR_CLIENT_ID: '07' },
        30: { PORTFOLIOS: '[ { "id":"a" } ]', IBKR_HOST: 'localhost' },
      });
      const listed = list(two, { background, envFile });
      assert.deepEqual(roles(listed), { 20: 'runner *', 30: 'duplicate' });
    });

    it('takes flags over the environment, and it over .env', () => {
      const flagged = [fakeProcess(20, `${runner} --client_id=9`), fakeProcess(30, runner)];
      const background = told({ 20: { IBKR_CLIENT_ID: '1' }, 30: { IBKR_CLIENT_ID: '9' } });
      const listed = list(flagged, { background, envFile });
      assert.deepEqual(roles(listed), { 20: 'runner *', 30: 'duplicate' });
    });

    it('asks .env where the environment is hidden or says nothing', () => {
      const flagged = [fakeProcess(20, runner), fakeProcess(30, `${runner} --client-id 8`)];
      assert.equal(roles(list(flagged))[30], 'duplicate');
      assert.equal(roles(list(flagged, { envFile }))[30], 'other runner');
      const elsewhere = list(two, { envFile: new Map([['IBKR_PORT', '4002']]) });
      assert.deepEqual(roles(elsewhere), { 20: 'other runner', 30: 'other runner' });
    });

    it('finds the duplicate of a second portfolio', () => {
      const listed = list([
        fakeProcess(20, `${runner} --portfolio a`),
        fakeProcess(30, `${runner} --portfolio b`),
        fakeProcess(40, `${runner} --portfolio b`),
      ]);
      assert.deepEqual(roles(listed), { 20: 'runner *', 30: 'other runner', 40: 'duplicate' });
      assert.match(listed.find(({ pid }) => pid === 40)?.why ?? '', /as 30$/);
    });

    it('knows which of them trade on a live account', () => {
      const live = (more: Partial<ListRunnersInput>): readonly boolean[] =>
        list(two, more).map(({ isLive }) => isLive);
      assert.deepEqual(live({}), [false, false]);
      assert.deepEqual(live({ endpoint: { host: '127.0.0.1', port: 7496 } }), [true, true]);
      assert.deepEqual(live({ mode: 'live' }), [true, true]);
      assert.deepEqual(live({ background: told({ 30: { IBKR_PORT: '4001' } }) }), [false, true]);
      assert.deepEqual(live({ background: told({ 30: { TRADING_MODE: 'live' } }) }), [false, true]);
      assert.deepEqual(live({ sockets: [session(30, 7496)] }), [false, true]);
    });
  });

  it('tells parent, connections and folder, and that it does not know them', () => {
    const [seen] = list([fakeProcess(20, runner, { parentPid: 7 })], { sockets: [session(20)] });
    assert.deepEqual(
      [seen?.parentPid, seen?.workingDirectory, seen?.sockets, seen?.isBoundHere],
      [7, '/ws', ['127.0.0.1:520 ESTABLISHED'], true],
    );
    const hidden = list([fakeProcess(20, runner, { workingDirectory: undefined })], {
      sockets: undefined,
    });
    assert.deepEqual([hidden[0]?.workingDirectory, hidden[0]?.sockets], [null, null]);
  });

  it('judges on Windows by what is seen there: no folder, and the interpreter of the workspace', () => {
    const windows = (pid: number, python: string, parentPid = 0): ProcessInfo =>
      fakeProcess(pid, 'x', {
        argv: [python, '-m', 'robo_trader.runner_async'],
        name: 'python.exe',
        workingDirectory: undefined,
        processGroup: 0,
        parentPid,
      });
    const own = 'C:\\Work\\Trader\\.venv\\Scripts\\python.exe';
    const listed = list(
      [
        windows(20, own),
        // The interpreter of a virtual environment starts the one that it was made from.
        windows(21, 'C:\\Python312\\python.exe', 20),
        windows(30, own.toLowerCase()),
        windows(40, 'C:\\Python312\\python.exe'),
      ],
      { workspace: 'C:\\work\\trader', sockets: undefined },
    );
    assert.deepEqual(roles(listed), {
      20: 'runner *',
      21: 'worker',
      30: 'duplicate',
      40: 'other runner',
    });
    assert.match(listed.find(({ pid }) => pid === 40)?.why ?? '', /hidden/);
  });

  it('counts no wrapper that has started nothing', () => {
    const waiting = [
      `sudo -u trader ${runner}`,
      `timeout 60 ${runner}`,
      `nohup ${runner}`,
      `env A=b ${runner}`,
    ].map((line, index) => fakeProcess(40 + index, line));
    assert.deepEqual(roles(list([fakeProcess(20, runner), ...waiting])), { 20: 'runner *' });
    const started = fakeProcess(50, runner, { parentPid: 40 });
    assert.deepEqual(roles(list([...waiting.slice(0, 1), started])), {
      40: 'runner *',
      50: 'worker',
    });
  });

  it('counts nothing that merely names a runner', () => {
    const lines: readonly (readonly string[])[] = [
      ['vim', 'robo_trader/runner_async.py'],
      ['/usr/share/code/code', '/ws/robo_trader/runner_async.py'],
      ['grep', '-rn', 'runner_async', '.'],
      ['sh', '-c', 'ps aux | grep runner_async'],
      ['pgrep', '-f', 'robo_trader.runner_async'],
      ['tail', '-f', 'runner_async.log'],
      ['less', 'robo_trader/runner_async.py'],
      ['python3', '-m', 'pytest', 'tests/test_runner_async.py', '-k', 'robo_trader.runner_async'],
      ['/ws/.venv/bin/python', '/ws/.venv/bin/pytest', 'robo_trader/runner_async.py'],
      ['python3', '-m', 'pylint', 'robo_trader/runner_async.py'],
      ['bash', '-c', 'python3 -m robo_trader.runner_async'],
      ['tmux', 'new-session', '-d', 'python3 -m robo_trader.runner_async'],
      ['SCREEN', '-dmS', 'r', 'python3', '-m', 'robo_trader.runner_async'],
      ['docker', 'exec', 'box', 'python3', '-m', 'robo_trader.runner_async'],
      ['ssh', 'box', 'python3', '-m', 'robo_trader.runner_async'],
      ['watch', 'pgrep -f robo_trader.runner_async'],
      ['git', 'log', '--', 'robo_trader/runner_async.py'],
    ];
    const bystanders = lines.map((argv, index) => fakeProcess(40 + index, 'x', { argv }));
    assert.deepEqual(roles(list([fakeProcess(20, runner), ...bystanders])), { 20: 'runner *' });
  });

  describe("of other people's programs", () => {
    const programs: readonly (readonly [string, readonly string[], readonly string[]])[] = [
      ['tsx', ['tsx', 'src/bot.ts'], ['node', '--import', 'tsx', 'src/bot.ts']],
      ['tsx that watches', ['npx', 'tsx', 'src/bot.ts'], ['npx', 'tsx', 'src/bot.ts']],
      ['uv', ['uv', 'run', 'bot.py'], ['/ws/.venv/bin/python3', 'bot.py']],
      ['poetry', ['poetry', 'run', 'python', '-m', 'bots'], ['python3', '-m', 'bots']],
      ['a binary', ['./target/release/trader'], ['/ws/target/release/trader', '--fast']],
      ['a title of pm2', ['node', 'bot.js'], ['node bot.js ']],
    ];
    for (const [name, command, other] of programs) {
      it(`finds the duplicate of ${name}`, () => {
        const listed = list(
          [
            fakeProcess(20, 'x', { argv: other }),
            fakeProcess(21, 'x', { argv: other }),
            fakeProcess(30, 'x', { argv: other, workingDirectory: '/elsewhere' }),
            // Both stand below it, so that a wrapper has started something.
            fakeProcess(22, 'sleep 1', { parentPid: 21 }),
          ].slice(0, name === 'a binary' ? 2 : 4),
          { runnerCommand: command },
        );
        assert.equal(roles(listed)[20], 'runner *');
        assert.equal(roles(listed)[21], 'duplicate');
        assert.notEqual(roles(listed)[30], 'duplicate');
      });
    }

    it('finds the program that a launcher leads to, started without it', () => {
      const listed = list(
        [
          fakeProcess(20, 'npm run trade'),
          fakeProcess(21, 'x', { argv: ['sh', '-c', 'node src/bot.js'], parentPid: 20 }),
          fakeProcess(22, 'node src/bot.js', { parentPid: 21 }),
          fakeProcess(23, 'tail -f bot.log', { parentPid: 22 }),
          fakeProcess(30, 'node src/bot.js'),
          fakeProcess(31, 'tail -f bot.log'),
        ],
        { runnerCommand: ['npm', 'run', 'trade'] },
      );
      assert.deepEqual(roles(listed), { 20: 'runner *', 22: 'worker', 30: 'duplicate' });
    });
  });

  describe('helpers', () => {
    const feed = 'python3 -m robo_trader.websocket_server';
    const dashboard = 'python3 app.py';
    const listener = (pid: number, port: number) =>
      fakeSocket(`127.0.0.1:${port}`, '0.0.0.0:0', 'LISTEN', pid);

    it('are judged by the same rule: the one that listens is kept, else the oldest', () => {
      const listed = list(
        [
          fakeProcess(20, feed),
          fakeProcess(30, feed),
          fakeProcess(40, dashboard),
          fakeProcess(50, dashboard),
          fakeProcess(51, dashboard, { parentPid: 50 }),
          fakeProcess(60, dashboard, { workingDirectory: '/other' }),
        ],
        { sockets: [listener(30, 8765)] },
      );
      assert.deepEqual(roles(listed), {
        20: 'duplicate',
        30: 'helper',
        40: 'helper',
        50: 'duplicate',
      });
      assert.ok(listed.every(({ isHelper, isRightful }) => isHelper && !isRightful));
    });

    it('of the supervised runner, or started by Robo, come before one that listens', () => {
      const ours = fakeProcess(20, runner);
      const daemon = fakeProcess(10, 'node /x/robo/dist/daemon.cjs');
      const listed = list(
        [
          ours,
          daemon,
          fakeProcess(60, feed, { parentPid: 20 }),
          fakeProcess(30, feed),
          fakeProcess(70, dashboard, { parentPid: 10 }),
          fakeProcess(40, dashboard),
        ],
        { supervised: ours, sockets: [listener(30, 8765), listener(40, 5555)] },
      );
      assert.deepEqual(roles(listed), {
        20: 'runner *',
        30: 'duplicate',
        40: 'duplicate',
        60: 'helper',
        70: 'helper',
      });
    });

    it('on ports of their own are no duplicates', () => {
      const listed = list([
        fakeProcess(20, `${dashboard} --port 5555`),
        fakeProcess(30, `${dashboard} --port 5556`),
      ]);
      assert.deepEqual(roles(listed), { 20: 'helper', 30: 'helper' });
    });
  });
});
