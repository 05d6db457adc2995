import assert from 'node:assert/strict';
import {
  connectionsCommand,
  parseConnections,
  parseProcesses,
  parseWindowsNetstat,
  processesCommand,
} from '../../src/host/windowsText';

const ports = new Set([7497]);

interface Language {
  readonly titles: string;
  readonly listen: string;
  readonly established: string;
  readonly closeWait: string;
  readonly timeWait: string;
}

const english = {
  listen: 'LISTENING',
  established: 'ESTABLISHED',
  closeWait: 'CLOSE_WAIT',
  timeWait: 'TIME_WAIT',
};
const german = {
  established: 'HERGESTELLT',
  closeWait: 'SCHLIESSEN_WARTEN',
  timeWait: 'WARTEND',
};
const germanTitles = `
Aktive Verbindungen

  Proto  Lokale Adresse         Remoteadresse          Status           PID`;

/** `netstat -ano` with the titles and words of each Windows. */
const languages: Readonly<Record<string, Language>> = {
  English: {
    ...english,
    titles: `
Active Connections

  Proto  Local Address          Foreign Address        State           PID`,
  },
  'German in code page 850': { ...german, titles: germanTitles, listen: 'ABH\u0099REN' },
  'German in code page 1252': { ...german, titles: germanTitles, listen: 'ABH\u00d6REN' },
  'German in UTF-8': { ...german, titles: germanTitles, listen: 'ABH\u00c3\u0096REN' },
  'German with the letter lost': { ...german, titles: germanTitles, listen: 'ABH?REN' },
  French: {
    ...english,
    titles: `
Connexions actives

  Proto  Adresse locale         Adresse distante       \u0090tat`,
  },
  Spanish: {
    ...english,
    titles: `
Conexiones activas

  Proto  Direcci\u00a2n local          Direcci\u00a2n remota        Estado           PID`,
  },
  Japanese: {
    ...english,
    titles: Buffer.from(
      '\nアクティブな接続\n\n  プロトコル  ローカル アドレス  外部アドレス  状態  PID',
    ).toString('latin1'),
  },
  Chinese: {
    ...english,
    titles: Buffer.from('\n活动连接\n\n  协议  本地地址  外部地址  状态  PID').toString('latin1'),
  },
};

function table({ titles, listen, established, closeWait, timeWait }: Language): string {
  const row = (local: string, remote: string, state: string, pid: number): string =>
    `  TCP    ${local.padEnd(22)} ${remote.padEnd(22)} ${state.padEnd(15)} ${pid}`;
  return [
    titles,
    row('0.0.0.0:135', '0.0.0.0:0', listen, 1060),
    row('0.0.0.0:7497', '0.0.0.0:0', listen, 4321),
    row('127.0.0.1:7497', '127.0.0.1:50123', established, 4321),
    row('127.0.0.1:7497', '127.0.0.1:50124', timeWait, 0),
    row('127.0.0.1:50125', '127.0.0.1:7497', closeWait, 2468),
    row('[::]:7497', '[::]:0', listen, 4321),
    row('[::1]:7497', '[::1]:50126', established, 4321),
    row('[fe80::1c2d%12]:50127', '[fe80::1c2d%12]:7497', established, 2468),
    '  UDP    0.0.0.0:7497           *:*                                    8888',
    '  UDP    [::]:7497              *:*                                    8888',
    '',
  ].join('\r\n');
}

describe('netstat of Windows', () => {
  for (const [language, words] of Object.entries(languages)) {
    it(`in ${language}`, () => {
      const parsed = parseWindowsNetstat(table(words), ports);
      assert.equal(parsed?.isIncomplete, false);
      assert.deepEqual(
        parsed.rows.map((row) => [
          `${row.local.address} ${row.local.port}`,
          `${row.remote.address} ${row.remote.port}`,
          row.state,
          row.ownerPid,
        ]),
        [
          ['0.0.0.0 7497', '0.0.0.0 0', 'LISTEN', 4321],
          ['127.0.0.1 7497', '127.0.0.1 50123', 'ESTABLISHED', 4321],
          ['127.0.0.1 7497', '127.0.0.1 50124', 'TIME_WAIT', undefined],
          ['127.0.0.1 50125', '127.0.0.1 7497', 'CLOSE_WAIT', 2468],
          [':: 7497', ':: 0', 'LISTEN', 4321],
          ['::1 7497', '::1 50126', 'ESTABLISHED', 4321],
          ['fe80::1c2d%12 50127', 'fe80::1c2d%12 7497', 'ESTABLISHED', 2468],
        ],
      );
      assert.ok(parsed.rows.every((row) => row.receiveQueue === undefined));
      assert.deepEqual(
        parsed.rows.map((row) => row.socketId === '0'),
        parsed.rows.map((row) => row.state === 'TIME_WAIT'),
      );
      assert.equal(new Set(parsed.rows.map((row) => row.socketId)).size, 7);
    });
  }

  it('finds listeners in a language that it does not know, and says that the rest is missing', () => {
    const polish = {
      titles: '\nAktywne po\u0088czenia\n',
      listen: 'NAS\u009dUCHIWANIE',
      established: 'USTANOWIONO',
      closeWait: 'CZEKA NA KONIEC',
      timeWait: 'CZAS_OCZEKIWANIA',
    };
    const parsed = parseWindowsNetstat(table(polish), ports);
    assert.equal(parsed?.isIncomplete, true);
    assert.deepEqual(
      parsed.rows.map((row) => [row.state, row.ownerPid]),
      [
        ['LISTEN', 4321],
        ['LISTEN', 4321],
      ],
    );
    const elsewhere = parseWindowsNetstat(table(polish), new Set([135]));
    assert.equal(elsewhere?.isIncomplete, false, 'no unread row has this port');
  });

  it('takes sockets that are only bound, or closed, for no listeners', () => {
    const text = `
  TCP    0.0.0.0:7497           0.0.0.0:0              BOUND           77
  TCP    0.0.0.0:7497           0.0.0.0:0              77
  TCP    0.0.0.0:7497           0.0.0.0:0              CLOSED          77
`;
    const parsed = parseWindowsNetstat(text, ports);
    assert.deepEqual(
      parsed?.rows.map(({ state }) => state),
      ['CLOSE'],
    );
  });

  it('does not take for an empty table what it does not understand', () => {
    const texts = [
      '',
      'Der Befehl "netstat" ist entweder falsch geschrieben\r\n',
      '  UDP    0.0.0.0:7497           *:*             8888\r\n',
      '  TCP    0.0.0.0:7497\r\n',
      '  TCP    host:http    0.0.0.0:0    LISTENING    4\r\n',
    ];
    assert.deepEqual(
      texts.map((text) => parseWindowsNetstat(text, ports)),
      texts.map(() => undefined),
    );
    const other = '  TCP    0.0.0.0:135   0.0.0.0:0   LISTENING   4\r\n';
    assert.deepEqual(parseWindowsNetstat(other, ports), { rows: [], isIncomplete: false });
  });
});

describe('Get-NetTCPConnection', () => {
  const item = (state: number, more: object = {}): object => ({
    LocalAddress: '127.0.0.1',
    LocalPort: 7497,
    RemoteAddress: '127.0.0.1',
    RemotePort: 50123,
    State: state,
    OwningProcess: 4321,
    ...more,
  });

  it('gives states by their numbers', () => {
    const states = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 100];
    const rows = parseConnections(JSON.stringify(states.map((state) => item(state))));
    assert.deepEqual(
      rows?.map(({ state }) => state),
      'CLOSE LISTEN SYN_SENT SYN_RECV ESTABLISHED FIN_WAIT1 FIN_WAIT2 CLOSE_WAIT CLOSING LAST_ACK TIME_WAIT'.split(
        ' ',
      ),
    );
  });

  it('reads one row alone, a wrapped list, no rows, and IPv6', () => {
    const v6 = item(2, { LocalAddress: '::', RemoteAddress: '::', RemotePort: 0 });
    for (const json of [[v6], v6, { value: [v6], Count: 1 }]) {
      const rows = parseConnections(`\uFEFF${JSON.stringify(json)}\r\n`);
      assert.deepEqual(
        rows?.map((row) => [row.local.address, row.ownerPid]),
        [['::', 4321]],
      );
    }
    assert.deepEqual(parseConnections('[]'), []);
  });

  it('does not take for an empty table what it does not understand', () => {
    const texts = ['', 'Get-NetTCPConnection : not found', '{}', '[1]', JSON.stringify([item(55)])];
    assert.deepEqual(
      texts.map((text) => parseConnections(text)),
      texts.map(() => undefined),
    );
  });

  it('is asked for numbers only, without a quote that the command line would swallow', () => {
    const command = connectionsCommand([7497, 4002]);
    assert.ok(command.includes('@(7497,4002) -contains $_.LocalPort'));
    assert.ok(!`${command}${processesCommand}`.includes('"'));
  });
});

describe('Win32_Process', () => {
  /** 2026-11-22T11:01:11.123Z as Windows counts. */
  const start = '134398188711230000';
  const item = (ProcessId: number, more: object = {}): object => ({
    ProcessId,
    ParentProcessId: 4,
    Name: 'python.exe',
    CommandLine: 'python -m robo_trader.runner_async',
    Start: start,
    ...more,
  });
  const parse = (...items: readonly object[]): ReturnType<typeof parseProcesses> =>
    parseProcesses(JSON.stringify(items));

  it('reads a process whole', () => {
    const commandLine = '"C:\\Program Files\\Python\\python.exe" "C:\\Händler\\run me.py" --x';
    assert.deepEqual(parse(item(700, { CommandLine: commandLine })), [
      {
        pid: 700,
        startToken: start,
        argv: ['C:\\Program Files\\Python\\python.exe', 'C:\\Händler\\run me.py', '--x'],
        parentPid: 0,
        processGroup: 0,
        startedAtMs: Date.UTC(2026, 10, 22, 11, 1, 11, 123),
        workingDirectory: undefined,
        name: 'python.exe',
        userId: undefined,
        isStopped: false,
      },
    ]);
  });

  it('invents no command line where it is hidden', () => {
    const [hidden] = parse(item(700, { Name: 'tws.exe', CommandLine: null })) ?? [];
    assert.deepEqual([hidden?.argv, hidden?.name], [[], 'tws.exe']);
  });

  it('keeps starts apart that are a millionth of a second apart', () => {
    const found = parse(
      item(1, { Start: '134398188711230001' }),
      item(2, { Start: '134398188711230002' }),
    );
    assert.equal(new Set(found?.map(({ startToken }) => startToken)).size, 2);
  });

  it('leaves out the idle process and what has no start', () => {
    const found = parse(item(0), item(4, { Start: '' }), item(8));
    assert.deepEqual(
      found?.map(({ pid }) => pid),
      [8],
    );
  });

  it('takes no process for the child of one that is younger, or gone', () => {
    const found = parse(
      item(100, { Start: '134398188711230005' }),
      item(200, { ParentProcessId: 100, Start: '134398188711230009' }),
      item(300, { ParentProcessId: 100, Start: '134398188711230001' }),
      item(400, { ParentProcessId: 999 }),
    );
    assert.deepEqual(
      found?.map(({ pid, parentPid }) => [pid, parentPid]),
      [
        [100, 0],
        [200, 100],
        [300, 0],
        [400, 0],
      ],
    );
  });

  it('does not take for an empty table what it does not understand', () => {
    const texts = ['', 'Get-CimInstance : Access denied', '[{"ProcessId":1}]', '"x"', 'null'];
    assert.deepEqual(
      texts.map((text) => parseProcesses(text)),
      texts.map(() => undefined),
    );
    assert.equal(parse(item(1, { Start: '/Date(1726316096789)/' })), undefined);
  });
});
