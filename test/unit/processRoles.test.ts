import assert from 'node:assert/strict';
import {
  type ProcessKind,
  type TwsProduct,
  classifyProcess,
  untouchableReason,
} from '../../src/host/processRoles';
import { isInside, isSameProgram, programOf } from '../../src/host/program';

type Row = readonly [ProcessKind, readonly string[] | string, TwsProduct?];

const rows: readonly Row[] = [
  ['runner', 'python3 -m robo_trader.runner_async --symbols AAPL'],
  ['runner', '/ws/.venv/bin/python -u -m robo_trader.runner_async'],
  ['runner', 'python3.12 -um robo_trader.runner_async'],
  ['runner', 'python3 -X dev -W ignore -m robo_trader.runner_async'],
  ['runner', 'python3 robo_trader/runner_async.py'],
  ['runner', '/usr/bin/python3 /ws/robo_trader/runner_async.py --once'],
  ['runner', 'python -m robo_trader.runner'],
  ['runner', 'python start_ai_trading.py'],
  ['runner', 'env LOG_FILE=x.log nohup nice -n 5 python3 -m robo_trader.runner_async'],
  ['runner', 'timeout -k 5 3600 python3 -m robo_trader.runner_async'],
  ['runner', 'setsid stdbuf -oL python3 -m robo_trader.runner_async'],
  ['runner', 'flock -n /tmp/lock python3 -m robo_trader.runner_async'],
  ['runner', 'uv run --with rich python -m robo_trader.runner_async'],
  ['runner', 'uv run -m robo_trader.runner_async'],
  ['runner', 'uv run robo_trader/runner_async.py'],
  ['runner', 'poetry run python -m robo_trader.runner_async'],
  [
    'runner',
    '/opt/conda/bin/python /opt/conda/bin/conda run -n t python -m robo_trader.runner_async',
  ],
  ['runner', 'python -m pdb -m robo_trader.runner_async'],
  ['runner', 'python -m cProfile -o out.prof robo_trader/runner_async.py'],
  ['runner', 'python /x/bundled/libs/debugpy/launcher 54321 -- -m robo_trader.runner_async'],
  [
    'runner',
    'python /x/libs/debugpy --connect 127.0.0.1:5 --configure-qt none -m robo_trader.runner_async',
  ],
  ['runner', ['C:\\Py\\python.exe', '-m', 'robo_trader.runner_async']],
  ['runner', 'node /opt/robo/dist/runner.cjs'],
  ['runner', '/usr/share/code/code /home/u/.config/Code/User/globalStorage/robo.robo/runner.cjs'],
  ['worker', 'python3 -m robo_trader.clients.ibkr_subprocess_worker'],
  [
    'worker',
    ['python3', '-I', '-c', 'import runpy', '/ws/robo_trader/clients/ibkr_subprocess_worker.py'],
  ],
  ['helper', 'python3 -m robo_trader.websocket_server'],
  ['helper', 'python3 app.py'],
  ['helper', '/bin/bash scripts/watchdog.sh 5'],
  ['helper', 'python3 ops/runner_watchdog.py'],
  ['other', 'python3 tests/test_watchdog.py'],
  ['other', 'vim scripts/watchdog.sh'],
  ['other', 'watchmedo auto-restart'],
  ['monitor', 'python3 ibkr_connection_monitor.py --port 7497 --daemon'],
  ['robo', 'node /opt/robo/dist/daemon.cjs --port 7497'],
  ['robo', 'node /usr/local/bin/robo run -- python3 -m robo_trader.runner_async'],
  // Look-alikes: the words are there, the program is another.
  ['other', 'vim robo_trader/runner_async.py'],
  ['other', 'grep -r runner_async .'],
  ['other', 'tail -f runner_async.log'],
  ['other', 'less robo_trader/runner_async.py'],
  ['other', 'pkill -f runner_async'],
  ['other', 'code /ws/robo_trader/runner_async.py'],
  ['other', 'code /work/robo/dist/runner.cjs'],
  ['other', 'python -m pytest tests/test_runner_async.py'],
  ['other', 'python -m coverage run -m pytest robo_trader/runner_async.py'],
  ['other', 'python -m py_compile robo_trader/runner_async.py'],
  ['other', '/ws/.venv/bin/python /ws/.venv/bin/black robo_trader/runner_async.py'],
  ['other', 'python /x/debugpy/adapter --port 1 -m robo_trader.runner_async'],
  ['other', ['bash', '-c', 'python3 -m robo_trader.runner_async']],
  ['other', ['sh', '-ec', 'exec python3 robo_trader/runner_async.py']],
  ['other', ['python3', '-c', 'print("robo_trader.runner_async")']],
  ['other', 'python3 other.py -m robo_trader.runner_async'],
  ['other', 'ssh box python3 -m robo_trader.runner_async'],
  ['other', 'docker exec t python3 -m robo_trader.runner_async'],
  ['other', 'SCREEN -dmS t python3 -m robo_trader.runner_async'],
  ['other', 'node server.js runner.cjs'],
  ['other', 'python3 other/runner_async.py'],
  ['other', 'python3 backup/app.py.bak'],
  ['other', 'grep java'],
  ['other', 'node bot.js simulate'],
  ['other', 'bash'],
  ['other', 'python3'],
  ['other', ''],
  // TWS, Gateway, IBC.
  [
    'tws',
    'java -cp /root/Jts/1030/jars/jts4launch-1030.jar:/x.jar jclient.LoginFrame /root/Jts',
    'TWS',
  ],
  [
    'tws',
    'java -Xmx768m -cp /root/Jts/ibgateway/1030/jars/total.jar com.install4j.runtime.launcher.UnixLauncher launch ab ibgateway.GWClient',
    'IB Gateway',
  ],
  [
    'tws',
    'java -cp /o/IBC.jar:/Jts/ibgateway/1030/jars/jts4launch.jar ibcalpha.ibc.IbcGateway /o/config.ini',
    'IB Gateway',
  ],
  ['tws', 'java -cp /o/IBC.jar ibcalpha.ibc.IbcTws /o/config.ini', 'TWS'],
  ['tws', 'java -cp /o/IBC.jar ibcalpha.ibc.Something', 'IBC'],
  [
    'tws',
    [
      '/Users/u/Applications/IB Gateway 10.30/IB Gateway 10.30.app/Contents/MacOS/JavaApplicationStub',
    ],
    'IB Gateway',
  ],
  [
    'tws',
    [
      '/Users/u/Applications/Trader Workstation/Trader Workstation.app/Contents/MacOS/JavaApplicationStub',
    ],
    'TWS',
  ],
  ['tws', ['C:\\Jts\\tws.exe'], 'TWS'],
  ['tws', '/bin/sh /root/Jts/ibgateway/1030/ibgateway', 'IB Gateway'],
  ['tws', '/bin/bash /opt/ibc/gatewaystart.sh -inline', 'IBC'],
  ['tws', 'node /opt/robo/dist/cli.cjs simulate --port 7497', 'simulator'],
  ['tws', 'node /usr/local/bin/robo simulate', 'simulator'],
  ['java', 'java -jar /opt/tool.jar'],
  ['java', 'java -cp TwsApi.jar:. com.me.Trader'],
  ['java', ['/Library/Java/JavaAppli']],
  // Under another name its options give it away.
  ['java', '/opt/thing/engine -Xmx768m -cp a.jar com.me.Main'],
  ['tws', '/opt/thing/engine -XX:+UseG1GC -cp x.jar jclient.LoginFrame', 'TWS'],
  ['other', 'pgrep -f jclient.LoginFrame'],
  ['proxy', 'socat TCP-LISTEN:4002,fork TCP:127.0.0.1:4000'],
  ['proxy', '/usr/bin/docker-proxy -proto tcp -host-port 4002'],
  ['proxy', 'ssh -L 7497:localhost:7497 box'],
  ['proxy', 'ssh -o ServerAliveInterval=5 -fNL 7497:localhost:7497 box'],
  ['proxy', 'kubectl port-forward svc/tws 7497'],
  ['other', 'ssh box -L'],
  ['other', 'ssh -i key box'],
];

describe('what a process is', () => {
  for (const [kind, line, product] of rows) {
    const argv = typeof line === 'string' ? line.split(' ').filter((arg) => arg !== '') : line;
    it(`${argv.join(' ')} is ${product ?? kind}`, () => {
      const seen = classifyProcess({ argv, name: 'x', workingDirectory: '/ws' });
      assert.deepEqual([seen.kind, seen.product], [kind, product]);
    });
  }

  it('knows java by its name where the command line is hidden', () => {
    const look = { argv: [], name: 'java', workingDirectory: undefined };
    assert.equal(classifyProcess(look).kind, 'java');
  });

  it('knows java by the name that the system keeps, whatever it is called in its arguments', () => {
    const argv = ['broker', '-cp', 'x.jar', 'ibgateway.GWClient'];
    const seen = classifyProcess({ argv, name: 'java', workingDirectory: undefined });
    assert.deepEqual([seen.kind, seen.product], ['tws', 'IB Gateway']);
    const script = { argv: ['python3', 'bot.py'], name: 'java', workingDirectory: '/ws' };
    assert.equal(classifyProcess(script).kind, 'other');
  });

  it('resolves a script against the working directory', () => {
    const look = { argv: ['python3', 'runner_async.py'], name: 'python3' };
    const kind = (workingDirectory: string): ProcessKind =>
      classifyProcess({ ...look, workingDirectory }).kind;
    assert.equal(kind('/ws/robo_trader'), 'runner');
    assert.equal(kind('/ws/elsewhere'), 'other');
  });

  it('holds TWS, java and proxies untouchable, TWS even below our own child', () => {
    const reason = (kind: ProcessKind, product?: TwsProduct, ours = false): boolean =>
      untouchableReason({ kind, product }, ours) !== undefined;
    assert.equal(reason('tws', 'TWS', true), true);
    assert.equal(reason('tws', 'IBC', true), true);
    assert.equal(reason('tws', 'simulator'), true);
    assert.equal(reason('tws', 'simulator', true), false);
    assert.equal(reason('java'), true);
    assert.equal(reason('java', undefined, true), false);
    assert.equal(reason('proxy'), true);
    assert.equal(reason('runner'), false);
    assert.equal(reason('other'), false);
  });
});

describe('the same program', () => {
  const pairs: readonly (readonly [boolean, string, string, string?])[] = [
    [true, 'python3 trade.py', '/usr/bin/python3.12 -u /ws/trade.py --live'],
    [true, 'python3 -m bots.main', 'uv run python -m bots.main'],
    [true, 'python3 -m bots.main', 'python3 bots/main.py'],
    [true, 'python3 -m bots', '/x/python3 /ws/bots/__main__.py'],
    [true, './trade.py', 'python3 ./trade.py'],
    [true, 'trade-bot', '/ws/.venv/bin/python /ws/.venv/bin/trade-bot'],
    [true, 'node --import tsx src/bot.ts', 'tsx src/bot.ts'],
    [true, 'tsx src/bot.ts', 'tsx watch src/bot.ts'],
    [true, 'npm run trade', 'npm run trade --silent'],
    [true, 'deno run -A bot.ts', 'deno run bot.ts'],
    [true, './START_TRADER.sh', '/bin/bash ./START_TRADER.sh'],
    [true, 'java -jar bot.jar', 'java -Xmx1g -jar /ws/bot.jar'],
    [false, 'python3 trade.py', 'python3 trade.py', '/other'],
    [false, 'python3 trade.py', 'vim trade.py'],
    [false, 'python3 trade.py', 'python3 -m pytest trade.py'],
    [false, 'python3 -m bots.main', 'python3 -m bots.other'],
    [false, 'npm run trade', 'npm run lint'],
    [false, 'node bot.js', 'node -r ./bot.js server.js'],
    [false, 'python3 -m bots.main', 'node bots.main'],
  ];
  for (const [expected, one, other, directory = '/ws'] of pairs) {
    it(`${one} and ${other} in ${directory}: ${expected ? 'yes' : 'no'}`, () => {
      const command = programOf(one.split(' '), '/ws');
      const running = programOf(other.split(' '), directory);
      assert.ok(command !== undefined && running !== undefined);
      assert.equal(isSameProgram(command, running), expected);
      assert.equal(isSameProgram(running, command), expected);
    });
  }

  it('reads the one-argument titles of npm', () => {
    assert.equal(programOf(['npm run trade'], '/ws')?.name, 'npm run trade');
  });

  it('compares folders by whole names', () => {
    assert.equal(isInside('/ws', '/ws'), true);
    assert.equal(isInside('/ws/sub', '/ws/'), true);
    assert.equal(isInside('/wsx', '/ws'), false);
    assert.equal(isInside('/ws', '/'), true);
    assert.equal(isInside('c:/Work/Bot/x', 'C:\\work\\bot'), true);
  });
});
