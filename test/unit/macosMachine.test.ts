import assert from 'node:assert/strict';
import { MacosMachine } from '../../src/host/macos';
import { observePort } from '../../src/host/portObservation';
import { machineFor } from '../../src/host/thisMachine';
import { FakeTools } from '../support/toolFakes';

const header = `Active Internet connections (including servers)
Proto Recv-Q Send-Q  Local Address          Foreign Address        (state)          rxbytes      txbytes  rhiwat  shiwat          process:pid    state  options           gencnt    flags   flags1 usecnt rtncnt fltrs
`;

function socketLine(local: string, remote: string, state: string, owner: string): string {
  const generation = Buffer.from(`${local}${remote}`).toString('hex').slice(-16);
  return `tcp4       0      0  ${local.padEnd(22)} ${remote.padEnd(22)} ${state.padEnd(11)}            0            0  131072  131072 ${owner}  00100 00000006 ${generation} 00000000 00000800      1      0 000000\n`;
}

const queueTitle = `Current listen queue sizes (qlen/incqlen/maxqlen)
Listen         Local Address                          
`;
const javaPath =
  '/Users/x/Applications/Trader Workstation/Trader Workstation.app/Contents/MacOS/JavaApplicationStub';
const start = 'Sun Nov 22 11:01:11 2026    ';
const processes = `    1     0     1     0 Ss   ${start} /sbin/launchd
  700     1   700   501 T    ${start} ${javaPath} -x
  800     1   800   501 S+   ${start} /opt/homebrew/bin/python3 -m robo_trader.runner_async
  900     1   900   502 S    ${start} /usr/local/bin/other
`;
const names = `    1 ${start} /sbin/launchd
  700 ${start} ${javaPath}
  800 ${start} /opt/homebrew/bin/python3
  900 ${start} /usr/local/bin/other
`;

const listening = socketLine('127.0.0.1.7497', '*.*', 'LISTEN', 'JavaApplicationStub:700');
const server = socketLine(
  '127.0.0.1.7497',
  '127.0.0.1.50001',
  'ESTABLISHED',
  'JavaApplicationStub:700',
);
const client = socketLine('127.0.0.1.50001', '127.0.0.1.7497', 'ESTABLISHED', 'Python:800');

function machineWith(tools: FakeTools, userId = 501): MacosMachine {
  const surroundings = { platform: 'darwin' as const, home: '/nowhere', root: '/nowhere' };
  return new MacosMachine({ run: tools.run, userId, surroundings });
}

/** ps and the working directories as in every test; the sockets are a test's own. */
function withProcesses(): FakeTools {
  return new FakeTools()
    .prints('command=', processes)
    .prints('comm=', names)
    .prints('-d cwd', 'p700\nfcwd\nn/Users/x/Jts\np800\nfcwd\nn/Users/x/trader\n');
}

describe('reading macOS', () => {
  it('knows the job of launchd that runs a process, and nothing of its environment', async () => {
    const jobs = 'PID\tStatus\tLabel\n-\t0\tcom.apple.x\n800\t0\tcom.robotrader.runner\n';
    const asked = [700, 800].map((pid) => ({ pid, startToken: 'any' }));
    const tools = new FakeTools().prints('launchctl list', jobs);
    const seen = await machineWith(tools).background(asked);
    assert.deepEqual(
      [...seen].map(([pid, { launchdLabel, environment }]) => [pid, launchdLabel, environment]),
      [
        [700, undefined, undefined],
        [800, 'com.robotrader.runner', undefined],
      ],
    );
    const without = await machineWith(new FakeTools()).background(asked);
    assert.ok([...without.values()].every(({ launchdLabel }) => launchdLabel === undefined));
  });

  it('lists processes with working directories, state and identity', async () => {
    const tools = withProcesses();
    const seen = await machineWith(tools).processes();
    assert.ok(seen.known);
    assert.deepEqual(
      seen.value.map(({ pid, argv, workingDirectory, isStopped }) => [
        pid,
        argv[0],
        workingDirectory,
        isStopped,
      ]),
      [
        [1, '/sbin/launchd', undefined, false],
        [700, javaPath, '/Users/x/Jts', true],
        [800, '/opt/homebrew/bin/python3', '/Users/x/trader', false],
        [900, '/usr/local/bin/other', undefined, false],
      ],
    );
    assert.equal(seen.value[2]?.startToken, 'Sun Nov 22 11:01:11 2026');
    const asked = tools.calls.find((call) => call.args.includes('cwd'));
    assert.ok(asked?.args.includes('700,800'), 'only our own, and none of the system');
    assert.ok(tools.calls.every((call) => call.file.startsWith('/')));
  });

  it('looks at one process, and knows when there is none', async () => {
    const [, , row = ''] = processes.split('\n');
    const tools = new FakeTools()
      .prints('-p 800 -o pid=,ppid', `${row}\n`)
      .prints('-p 800 -o pid=,lstart', `  800 ${start} /opt/homebrew/bin/python3\n`)
      .prints('-p 801', '', 1)
      .prints('-d cwd', '', 1);
    const machine = machineWith(tools);
    const seen = await machine.process(800);
    assert.ok(seen.known);
    assert.deepEqual(seen.value?.argv.slice(1), ['-m', 'robo_trader.runner_async']);
    assert.deepEqual(await machine.process(801), { known: true, value: undefined });
    assert.deepEqual(await machine.process(-1), { known: true, value: undefined });
  });

  it('gives every socket its owner, and the queue of the listener', async () => {
    const tools = new FakeTools()
      .prints('-anv', header + listening + server + client)
      .prints('-Lan', `${queueTitle}2/0/50         127.0.0.1.7497         \n`)
      .prints('lsof', 'p800\nf3\ntIPv4\nn127.0.0.1:50001->127.0.0.1:7497\n');
    const seen = await machineWith(tools).sockets([7497]);
    assert.deepEqual(
      seen.known && seen.value.map((row) => [row.state, row.ownerPid, row.receiveQueue]),
      [
        ['LISTEN', 700, 2],
        ['ESTABLISHED', 700, 0],
        ['ESTABLISHED', 800, 0],
      ],
    );
  });

  it('says that a connection was not accepted only where queue and files agree', async () => {
    const heldByJava = 'p700\nf55\ntIPv6\nn*:7497\n';
    const any = listening.replace('127.0.0.1.7497', '*.7497        ');
    const cases = [
      { queue: '1/0/50', lsof: heldByJava, isUnheld: true },
      { queue: '0/0/50', lsof: heldByJava, isUnheld: false },
      { queue: '1/1/50', lsof: heldByJava, isUnheld: false },
      { queue: '1/0/50', lsof: '', isUnheld: false },
      {
        queue: '1/0/50',
        lsof: `${heldByJava}f60\ntIPv6\nn127.0.0.1:7497->127.0.0.1:50001\n`,
        isUnheld: false,
      },
    ];
    for (const { queue, lsof, isUnheld } of cases) {
      const tools = withProcesses()
        .prints('-anv', header + any + server + client)
        .prints('-Lan', `${queueTitle}${queue}         *.7497         \n`)
        .prints('lsof', lsof, lsof === '' ? 1 : 0);
      const seen = await observePort(machineWith(tools), 7497, true);
      assert.ok(seen.established.known);
      assert.deepEqual(
        seen.established.value.map(({ clientPid, serverOwned }) => [clientPid, serverOwned]),
        [[800, !isUnheld]],
        JSON.stringify({ queue, lsof }),
      );
    }
  });

  it('keeps two listeners of one name apart, and their queues unknown where lists differ', async () => {
    const v4 = socketLine('*.7497', '*.*', 'LISTEN', 'java:700');
    const v6 = v4.replace('tcp4 ', 'tcp6 ').replace('java:700', 'java:701');
    const queues = async (lines: string): Promise<unknown> => {
      const tools = new FakeTools()
        .prints('-anv', header + v4 + v6)
        .prints('-Lan', queueTitle + lines)
        .prints('lsof', '', 1);
      const seen = await machineWith(tools).sockets([7497]);
      return seen.known && seen.value.map((row) => [row.ownerPid, row.receiveQueue]);
    };
    assert.deepEqual(await queues('3/0/50  *.7497\n4/0/50  *.7497\n'), [
      [700, 3],
      [701, 4],
    ]);
    assert.deepEqual(await queues('3/0/50  *.7497\n'), [
      [700, undefined],
      [701, undefined],
    ]);
  });

  it('knows the rows where only lsof or the queues fail', async () => {
    const tools = new FakeTools()
      .prints('-anv', header + listening + server)
      .fails('lsof', '/usr/sbin/lsof did not answer within 5 s')
      .prints('-Lan', '', 1, 'netstat: broken');
    const seen = await machineWith(tools).sockets([7497]);
    assert.deepEqual(
      seen.known && seen.value.map((row) => [row.ownerPid, row.receiveQueue, row.socketId === '0']),
      [
        [700, undefined, false],
        [700, 0, false],
      ],
    );
  });

  it('asks netstat alone for listeners, with the numbers that the sockets have', async () => {
    const tools = new FakeTools()
      .prints('-anv', header + listening + server + client)
      .prints('-Lan', queueTitle)
      .prints('lsof', '', 1);
    const machine = machineWith(tools);
    const listeners = await machine.listeners(7497);
    assert.equal(tools.calls.length, 1);
    const sockets = await machine.sockets([7497]);
    assert.ok(listeners.known && sockets.known);
    assert.deepEqual(listeners.value, [sockets.value[0]?.socketId]);
    assert.deepEqual(await machine.listeners(50001), { known: true, value: [] });
  });

  it('shares a look with those who ask at once', async () => {
    const tools = withProcesses();
    const machine = machineWith(tools);
    await Promise.all([machine.processes(), machine.processes(), machine.processes()]);
    assert.equal(tools.count('command='), 2, 'one that ran, and one for those who came later');
  });

  it('is unknown, never empty, where a tool is missing, fails, is slow or speaks otherwise', async () => {
    const broken: readonly (readonly [string, FakeTools])[] = [
      ['is not on this machine', new FakeTools()],
      ['exit code 2: no', new FakeTools().prints('', '', 2, 'no')],
      ['exit code 1: no', new FakeTools().prints('', '', 1, 'no')],
      ['did not answer', new FakeTools().fails('', 'it did not answer within 5 s')],
      ['', new FakeTools().prints('', '')],
      ['unknown form', new FakeTools().prints('', 'something else\n')],
    ];
    for (const [why, tools] of broken) {
      const machine = machineWith(tools);
      const looks = [
        await machine.processes(),
        await machine.sockets([7497]),
        await machine.listeners(7497),
      ];
      for (const look of looks) {
        assert.ok(!look.known && look.why.includes(why), `${why}: ${JSON.stringify(look)}`);
      }
    }
    const one = await machineWith(new FakeTools()).process(7);
    assert.ok(!one.known && one.why.includes('/bin/ps is not on this machine'));
  });

  it('is the machine of darwin', () => {
    assert.ok(machineFor('darwin') instanceof MacosMachine);
  });
});
