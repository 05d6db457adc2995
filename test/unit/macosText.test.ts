import assert from 'node:assert/strict';
import { parseLsofDirectories, parseLsofSockets } from '../../src/host/lsofText';
import { parseListenQueues, parseNetstat } from '../../src/host/netstatText';
import { parsePs } from '../../src/host/psText';

const ports = new Set([7497]);

/**
 * `netstat -anv -p tcp` as each macOS prints it: the same three sockets, columns and widths of
 * the system. 26 writes the header wider than the rows, and names with blanks.
 */
const tables: Readonly<Record<string, string>> = {
  'macOS 10.14': `Active Internet connections (including servers)
Proto Recv-Q Send-Q  Local Address          Foreign Address        (state)     rhiwat shiwat    pid   epid  state    options
tcp4       0      0  127.0.0.1.7497         *.*                    LISTEN      131072 131072  13551      0 0x0100 0x00000006
tcp4     218      0  127.0.0.1.7497         127.0.0.1.57324        CLOSE_WAIT  408268 146988  13551      0 0x0122 0x00000008
tcp4       0      0  127.0.0.1.57331        127.0.0.1.7497         ESTABLISHED 408268 146988  20788      0 0x0102 0x00000000
tcp4       0      0  192.168.1.191.52044    31.13.66.35.443        ESTABLISHED 131072 131860   9811      0 0x0102 0x00000008
`,
  'macOS 12': `Active Internet connections (including servers)
Proto Recv-Q Send-Q  Local Address          Foreign Address        (state)     rhiwat shiwat    pid   epid  state    options           gencnt    flags   flags1 usscnt rtncnt fltrs
tcp4       0      0  127.0.0.1.7497         *.*                    LISTEN      131072 131072  13551      0 00100 00000006 000000000003a1b2 00000000 00000800      1      0 000001
tcp4     218      0  127.0.0.1.7497         127.0.0.1.57324        CLOSE_WAIT  408268 146988  13551      0 00122 00000008 000000000003a1c0 00000080 04000900      2      0 000001
tcp4       0      0  127.0.0.1.57331        127.0.0.1.7497         ESTABLISHED 408268 146988  20788      0 00102 00000000 000000000003a1d0 00000080 04080900      2      0 000001
`,
  'macOS 15.4': `Active Internet connections (including servers)
Proto Recv-Q Send-Q  Local Address          Foreign Address        (state)          rxbytes      txbytes  rhiwat  shiwat    pid   epid state  options           gencnt    flags   flags1 usecnt rtncnt fltrs
tcp4       0      0  127.0.0.1.7497         *.*                    LISTEN                 0            0  131072  131072  13551      0 00100 00000006 000000000003a1b2 00000000 00000800      1      0 000000
tcp4     218      0  127.0.0.1.7497         127.0.0.1.57324        CLOSE_WAIT           218           73  408268  146988  13551      0 00122 00000008 000000000003a1c0 00000080 04000900      2      0 000000
tcp4       0      0  127.0.0.1.57331        127.0.0.1.7497         ESTABLISHED         1024         2048  408268  146988  20788      0 00102 00000000 000000000003a1d0 00000080 04080900      2      0 000000
Some tcp sockets may have been created.
`,
  'macOS 26': `Active Internet connections (including servers)
Proto Recv-Q Send-Q  Local Address                                 Foreign Address                               (state)          rxbytes      txbytes  rhiwat  shiwat          process:pid    state  options           gencnt    flags   flags1 usecnt rtncnt fltrs
tcp4       0      0  127.0.0.1.7497         *.*                    LISTEN                 0            0  131072  131072 Trader Workstation 10.37:13551  00100 00000006 000000000003a1b2 00000000 00000800      1      0 000000
tcp4     218      0  127.0.0.1.7497         127.0.0.1.57324        CLOSE_WAIT           218           73  408268  146988 Trader Workstation 10.37:13551  00122 00000008 000000000003a1c0 00000080 04000900      2      0 000000
tcp4       0      0  127.0.0.1.57331        127.0.0.1.7497         ESTABLISHED         1024         2048  408268  146988           a: 7:b:20788  00102 00000000 000000000003a1d0 00000080 04080900      2      0 000000
`,
};

describe('the TCP table of macOS', () => {
  for (const [system, text] of Object.entries(tables)) {
    it(`of ${system}`, () => {
      const isNumbered = system !== 'macOS 10.14';
      const generation = (last: string): string | undefined =>
        isNumbered ? `000000000003a1${last}` : undefined;
      const local = { address: '127.0.0.1', port: 7497 };
      assert.deepEqual(parseNetstat(text, ports), [
        {
          local,
          remote: { address: '0.0.0.0', port: 0 },
          state: 'LISTEN',
          receiveQueue: 0,
          pid: 13551,
          generation: generation('b2'),
        },
        {
          local,
          remote: { address: '127.0.0.1', port: 57324 },
          state: 'CLOSE_WAIT',
          receiveQueue: 218,
          pid: 13551,
          generation: generation('c0'),
        },
        {
          local: { address: '127.0.0.1', port: 57331 },
          remote: local,
          state: 'ESTABLISHED',
          receiveQueue: 0,
          pid: 20788,
          generation: generation('d0'),
        },
      ]);
    });
  }

  const header = `Active Internet connections (including servers)
Proto Recv-Q Send-Q  Local Address          Foreign Address        (state)     rhiwat shiwat    pid   epid  state    options
`;
  const row = (family: string, local: string, remote: string, state: string): string =>
    `tcp${family}       0      0  ${local}  ${remote}  ${state}      131072 131072      0      0 0x0100 0x00000006\n`;

  it('reads every family, every state, and ends that have no port', () => {
    const text =
      header +
      row('46', '*.7497', '*.*', 'LISTEN') +
      row('6 ', '*.7497', '*.*', 'LISTEN') +
      row('6 ', '::1.7497', '::1.50001', 'SYN_RCVD') +
      row('6 ', 'fe80::1%lo0.7497', 'fe80::1%lo0.50002', 'FIN_WAIT_2') +
      row('6 ', '::ffff:127.0.0.1.7497', '::ffff:127.0.0.1.50003', 'LAST_ACK') +
      row('4 ', '*.*', '*.*', 'CLOSED');
    assert.deepEqual(
      parseNetstat(text, ports)?.map((one) => [one.local.address, one.remote.port, one.state]),
      [
        ['::', 0, 'LISTEN'],
        ['::', 0, 'LISTEN'],
        ['::1', 50001, 'SYN_RECV'],
        ['fe80::1%lo0', 50002, 'FIN_WAIT2'],
        ['127.0.0.1', 50003, 'LAST_ACK'],
      ],
    );
  });

  it('knows no owner where the kernel names process 0 and where columns are missing', () => {
    const bare = 'Proto Recv-Q Send-Q  Local Address  Foreign Address  (state)\n';
    const line = 'tcp4  0  0  127.0.0.1.7497  *.*  LISTEN\n';
    for (const text of [header + row('4 ', '*.7497', '*.*', 'TIME_WAIT'), bare + line]) {
      const rows = parseNetstat(text, ports);
      assert.equal(rows?.length, 1);
      assert.deepEqual([rows[0]?.pid, rows[0]?.generation], [undefined, undefined]);
    }
  });

  it('does not take for an empty table what it does not understand', () => {
    const texts = [
      '',
      'netstat: sysctl: net.inet.tcp.pcblist_n: Operation not permitted\n',
      'tcp4  0  0  127.0.0.1.7497  *.*  LISTEN\n',
      header + row('4 ', '127.0.0.1.7497', '*.*', '11'),
      header + row('4 ', '127.0.0.1.7497', '*.*', 'WARTET'),
      header + 'tcp4       0      0  127.0.0.1.74',
    ];
    assert.deepEqual(
      texts.map((text) => parseNetstat(text, ports)),
      texts.map(() => undefined),
    );
    assert.deepEqual(parseNetstat(header, ports), []);
  });
});

describe('the accept queues of macOS', () => {
  it('counts what is complete: the first number holds what is in the making too', () => {
    const text = `Current listen queue sizes (qlen/incqlen/maxqlen)
Listen         Local Address                          
0/0/128        127.0.0.1.8082         
37/2/50        *.7497                 
1/0/128        ::1.7497               
Some tcp sockets may have been created or deleted`;
    assert.deepEqual(parseListenQueues(text), [
      { end: '127.0.0.1.8082', waiting: 0 },
      { end: '*.7497', waiting: 35 },
      { end: '::1.7497', waiting: 1 },
    ]);
  });

  it('reads the form with a protocol, and nothing else', () => {
    const title = 'Current listen queue sizes (qlen/incqlen/maxqlen)\n';
    assert.deepEqual(
      parseListenQueues(
        `${title}Proto Listen         Local Address\ntcp4  10/0/128       *.7497\n`,
      ),
      [{ end: '*.7497', waiting: 10 }],
    );
    assert.equal(parseListenQueues('0/0/128  *.7497\n'), undefined);
    assert.equal(parseListenQueues(''), undefined);
  });
});

describe('what lsof prints', () => {
  it('gives sockets with their process', () => {
    const text = `p13551
f55
tIPv6
PTCP
n*:7497
TST=LISTEN
TQR=0
TQS=0
f61
tIPv6
n127.0.0.1:7497->127.0.0.1:57324
TST=CLOSE_WAIT
p20788
f9
tIPv4
n*:*
f10
tIPv6
n[::1]:57331->[::1]:7497
`;
    const at = (address: string, port: number): object => ({ address, port });
    assert.deepEqual(parseLsofSockets(text), [
      { pid: 13551, local: at('::', 7497), remote: undefined },
      { pid: 13551, local: at('127.0.0.1', 7497), remote: at('127.0.0.1', 57324) },
      { pid: 20788, local: at('0.0.0.0', 0), remote: undefined },
      { pid: 20788, local: at('::1', 57331), remote: at('::1', 7497) },
    ]);
    assert.deepEqual(parseLsofSockets(''), []);
    assert.equal(parseLsofSockets('lsof: illegal option\n'), undefined);
  });

  it('gives working directories, with their escaped letters', () => {
    const text = `p10
fcwd
n/Users/j\\xc3\\xbcrg/my trader
p11
fcwd
n/private/tmp
p12
fcwd
nunknown
`;
    assert.deepEqual(
      [...parseLsofDirectories(text)],
      [
        [10, '/Users/jürg/my trader'],
        [11, '/private/tmp'],
      ],
    );
  });
});

const start = 'Sun Nov 22 11:01:11 2026    ';
const list = (command: string, more: { pid?: number; stat?: string } = {}): string =>
  `${String(more.pid ?? 700).padStart(5)}     1   700   501 ${(more.stat ?? 'S').padEnd(4)} ${start} ${command}\n`;
const names = (name: string, pid = 700): string => `${String(pid).padStart(5)} ${start} ${name}\n`;

describe('the processes of ps on macOS', () => {
  it('reads a row whole', () => {
    assert.deepEqual(
      parsePs(
        list('/opt/homebrew/bin/python3 -m robo_trader.runner_async --symbols AAPL,NVDA', {
          stat: 'T+',
        }),
        names('/opt/homebrew/bin/python3'),
      ),
      [
        {
          pid: 700,
          parentPid: 1,
          processGroup: 700,
          userId: 501,
          state: 'T+',
          started: 'Sun Nov 22 11:01:11 2026',
          startedAtMs: Date.UTC(2026, 10, 22, 11, 1, 11),
          argv: [
            '/opt/homebrew/bin/python3',
            '-m',
            'robo_trader.runner_async',
            '--symbols',
            'AAPL,NVDA',
          ],
          name: 'python3',
        },
      ],
    );
  });

  const gateway =
    '/Users/x/Applications/IB Gateway 10.37/IB Gateway 10.37.app/Contents/MacOS/JavaApplicationStub';
  const splits: readonly (readonly [string, string, string, readonly string[], string])[] = [
    [
      'a program with blanks in its path',
      `${gateway} -q`,
      gateway,
      [gateway, '-q'],
      'JavaApplicationStub',
    ],
    ['one without arguments', gateway, gateway, [gateway], 'JavaApplicationStub'],
    ['a login shell', '-zsh', '-zsh', ['-zsh'], '-zsh'],
    ['a hidden command line', '(WindowServer)', '(WindowServer)', [], 'WindowServer'],
    [
      'a program that was replaced between the lists',
      'node a b',
      '/bin/sh',
      ['node', 'a', 'b'],
      'sh',
    ],
    [
      'a title that a program wrote itself',
      'node: worker 1',
      'node:',
      ['node:', 'worker', '1'],
      'node:',
    ],
    ['umlauts', '/Users/jürg/run me', '/Users/jürg/run', ['/Users/jürg/run', 'me'], 'run'],
  ];
  for (const [what, command, name, argv, shortName] of splits) {
    it(`splits ${what}`, () => {
      const [found] = parsePs(list(command), names(name)) ?? [];
      assert.deepEqual([found?.argv, found?.name], [argv, shortName]);
    });
  }

  it('leaves out zombies and what is in one of the lists only', () => {
    const text =
      list('a', { pid: 1 }) + list('<defunct>', { pid: 2, stat: 'Z' }) + list('b', { pid: 3 });
    const found = parsePs(text, names('a', 1) + names('<defunct>', 2) + names('c', 4));
    assert.deepEqual(
      found?.map(({ pid }) => pid),
      [1],
    );
  });

  it('does not join two processes that had one number', () => {
    const later = names('a', 1).replace('11:01:11', '11:01:12');
    assert.deepEqual(parsePs(list('a', { pid: 1 }), later), []);
  });

  it('gives up on what it does not understand', () => {
    const strange = list('a').replace('Sun Nov 22', 'So 22 Nov');
    assert.equal(parsePs(strange, names('a')), undefined);
    assert.equal(parsePs(list('a'), 'ps: no valid keywords\n'), undefined);
    assert.equal(parsePs('usage: ps [-AaCcEefhjlMmrSTvwXx]\n', ''), undefined);
  });
});
