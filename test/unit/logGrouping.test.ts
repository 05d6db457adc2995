import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { LogFinding } from '../../src/diagnostics/logIncidents';
import { LogReader } from '../../src/diagnostics/logReader';

function read(...lines: string[]): readonly LogFinding[] {
  const reader = new LogReader();
  for (const line of lines.flatMap((part) => part.split('\n'))) {
    reader.push(line);
  }
  return reader.end();
}

/** `cause severity lines xcount`, with the symbol in front where there is one. */
function brief(...lines: string[]): readonly string[] {
  return read(...lines).map(({ subject, causes, severity, line, endLine, count }) => {
    const who = subject.kind === 'symbol' ? `${subject.name ?? '?'}: ` : '';
    return `${who}${causes[0]?.id ?? ''} ${severity} ${line}-${endLine} x${count}`;
  });
}

const connecting = (port: number, id: number): string =>
  `Connecting to 127.0.0.1:${port} with clientId ${id}...`;
const timeout = 'API connection failed: TimeoutError()';
const refused = `API connection failed: ConnectionRefusedError(111, "Connect call failed ('127.0.0.1', 7497)")`;
const silent = `${connecting(7497, 1)}\nConnected\n${timeout}`;
const ready = `${connecting(7497, 1)}\nConnected\nLogged on to server version 176\nAPI connection ready`;
const fetchFailed = (symbol: string, error = 'TimeoutError'): string =>
  `Failed to fetch data for ${symbol}: RetryError[<Future at 0x10a3b5d90 state=finished raised ${error}>]`;
const fetched = (symbol: string): string => `${symbol}: Signal=0, Price=$5.00, SMA`;
const at = (time: string, text: string): string =>
  `2026-02-03T${time}+00:00 ERROR bot.main: ${text}`;

describe('lines of one incident', () => {
  it('a line that comes a thousand times is one finding with its count', () => {
    const lines = Array.from({ length: 1000 }, () => 'Error 1100, reqId -1: lost');
    assert.deepEqual(brief(...lines), ['upstream_lost_1100 error 1-1000 x1000']);
  });

  it('a reconnect loop is one, whatever else is printed in between', () => {
    const loop = Array.from({ length: 20 }, (_, round) => [
      connecting(7497, 1),
      'Connected',
      fetchFailed('AAPL'),
      timeout,
      'Error 504, reqId 7: Not connected',
      'Traceback (most recent call last):',
      '  File "/home/t/bot.py", line 9, in main',
      '    ib.connect()',
      'TimeoutError',
      fetchFailed('TSLA'),
      `tick ${round}`,
    ]).flat();
    const findings = read(...loop);
    assert.deepEqual(
      findings.map(({ causes, endLine, source }) => [causes[0]?.id, endLine, source?.line]),
      [['silent_handshake', 219, 9]],
    );
  });

  it('what failed before the connection did is part of it', () => {
    assert.deepEqual(brief(ready, fetchFailed('AAPL'), fetchFailed('TSLA'), silent), [
      'silent_handshake error 5-9 x3',
    ]);
  });

  it('a broken pipe, a cancelled task and a lost session are one', () => {
    const findings = brief(
      ready,
      'Peer closed connection.',
      'Traceback (most recent call last):',
      '  File "/home/t/bot.py", line 3, in f',
      'BrokenPipeError: [Errno 32] Broken pipe',
      'Error 504, reqId 3: Not connected',
    );
    assert.deepEqual(findings, ['tws_daily_restart_drop warning 5-9 x2']);
  });

  it('a loss, refusals while TWS is away, and its return are a restart', () => {
    const away = `${connecting(7497, 1)}\n${refused}`;
    assert.deepEqual(brief(ready, 'Peer closed connection.', away, away, ready), [
      'tws_daily_restart_drop info 5-9 x3',
    ]);
    assert.deepEqual(brief(ready, 'Peer closed connection.', away, away), [
      'port_refused error 5-9 x3',
    ]);
  });

  it('a refused port and silence behind an open one are two', () => {
    assert.deepEqual(brief(connecting(7497, 1), refused, silent), [
      'port_refused error 2-2 x1',
      'silent_handshake error 5-5 x1',
    ]);
  });

  it('a code that names the cause is believed over the guesses around it', () => {
    const inUse = 'Error 326, reqId -1: Unable to connect as the client id is already in use';
    assert.deepEqual(brief(silent, connecting(7497, 1), 'Connected', inUse, timeout), [
      'client_id_in_use_326 error 3-7 x2',
    ]);
  });

  it('farms that break with the link, or after it, are part of it', () => {
    const farm = 'Warning 2103, reqId -1: Market data farm connection is broken:usfarm';
    assert.deepEqual(brief(farm, 'Error 1100, reqId -1: lost', farm, fetchFailed('AAPL')), [
      'upstream_lost_1100 error 1-4 x4',
    ]);
  });
});

describe('an exception and the line before it', () => {
  const stack = (error: string, line = 4): string =>
    `Traceback (most recent call last):\n  File "bot.py", line ${line}, in f\n    g()\n${error}`;
  const locked = 'could not save: database is locked';

  it('are one where both say the same, with the place that the exception names', () => {
    const both = `${locked}\n${stack('sqlite3.OperationalError: database is locked')}`;
    assert.deepEqual(brief(both, both), ['database_locked error 1-10 x2']);
    assert.deepEqual(read(both)[0]?.source, { file: 'bot.py', line: 4 });
  });

  it('are two where the exception says something else, or another exception stands there', () => {
    const full = stack('OSError: [Errno 28] No space left on device');
    assert.deepEqual(brief(locked, full), [
      'database_locked error 1-1 x1',
      'disk_full error 2-5 x1',
    ]);
    assert.deepEqual(brief(full, full), ['disk_full error 1-8 x2']);
  });

  it('give the failure its place though the end of the exception is missing', () => {
    const cut = stack('    return self.run()');
    const [finding, ...others] = read(refused, 'Make sure API port on TWS/IBG is open', cut);
    assert.deepEqual(finding?.source, { file: 'bot.py', line: 4 });
    assert.deepEqual(others, []);
    // Far behind it, it may be about anything; and what it is about is not known.
    assert.deepEqual(read(refused, 'a', 'b', 'c', 'd', cut)[0]?.source, undefined);
    assert.deepEqual(brief(cut), []);
  });

  it('are one where a fault of the program explains why connecting failed', () => {
    const vague = 'InteractiveBrokersClient-001: Connection failed';
    const misuse = "TypeError: make_msg() missing 2 required positional arguments: 'a' and 'b'";
    assert.deepEqual(brief(vague, stack(misuse)), ['client_lib_mismatch error 1-5 x2']);
    assert.deepEqual(brief(stack(misuse), vague), ['client_lib_mismatch error 1-5 x2']);
    assert.deepEqual(brief(refused, stack(misuse)), [
      'port_refused error 1-1 x1',
      'client_lib_mismatch error 2-5 x1',
    ]);
  });

  it('has its place in the program, not in a client or a Python that lies elsewhere', () => {
    const frames = [
      'C:\\bots\\go.py',
      'C:\\bots\\ib_insync\\ib.py',
      'C:\\Users\\t\\Python\\Python39\\lib\\asyncio\\tasks.py',
      'C:\\Users\\t\\miniconda3\\envs\\trade\\lib\\asyncio\\events.py',
      '/bots/ibapi/client.py',
    ].map((file, index) => `  File "${file}", line ${index + 1}, in f`);
    const text = ['Traceback (most recent call last):', ...frames, 'ValueError: x'];
    assert.deepEqual(read(...text)[0]?.source, { file: 'C:\\bots\\go.py', line: 1 });
    const own = text.map((line) => line.replace('ibapi/client.py', 'ib_insync/my_bot.py'));
    assert.deepEqual(read(...own)[0]?.source, { file: '/bots/ib_insync/my_bot.py', line: 5 });
  });

  it('that ends the requests of a session is the loss of the session', () => {
    const lost = stack('ConnectionError: Socket disconnect');
    const [finding, ...others] = read(ready, lost, lost);
    assert.equal(finding?.causes[0]?.id, 'tws_daily_restart_drop');
    assert.deepEqual(finding.source, { file: 'bot.py', line: 4 });
    assert.deepEqual(others, []);
  });

  it('is nothing where TWS or its keepers print it', () => {
    const stackOf = (...frames: string[]): string =>
      ['java.lang.NullPointerException: x', ...frames.map((frame) => `\tat ${frame}`)].join('\n');
    const wait = 'java.base/java.lang.Object.wait(Object.java:338)';
    assert.deepEqual(brief(stackOf(wait, 'ibcalpha.ibc.Task.call(Task.java:7)')), []);
    assert.deepEqual(brief(stackOf('com.acme.Bot.run(Bot.java:7)')), ['runner_error error 1-2 x1']);
    assert.deepEqual(brief(stackOf('com.ib.client.EReader.run(EReader.java:7)')), [
      'runner_error error 1-2 x1',
    ]);
    // Frames of the runtime alone tell nothing; a stopped thread is ordinary.
    assert.deepEqual(brief(stackOf(wait)), ['runner_error error 1-2 x1']);
    assert.deepEqual(brief(`java.lang.InterruptedException\n\tat ${wait}`), []);
    assert.deepEqual(
      brief(
        ...stackOf(wait)
          .split('\n')
          .map((line) => `ib-gateway-1  | ${line}`),
      ),
      [],
    );
  });
});

describe('the end of an incident', () => {
  it('what comes back an hour later is a second one', () => {
    const findings = brief(
      at('10:00:00', 'Error 1100, reqId -1: lost'),
      at('10:01:00', 'Error 1102, reqId -1: restored. All data farms are connected: usfarm.'),
      at('11:01:00', 'Error 1100, reqId -1: lost'),
    );
    assert.deepEqual(findings, [
      'upstream_lost_1100 info 1-1 x1',
      'upstream_lost_1100 error 3-3 x1',
    ]);
  });

  it('weighs by how long it lasted: two minutes cost nobody anything', () => {
    const after = (time: string) =>
      brief(at('10:00:00', refused), at(time, 'API connection ready'));
    assert.deepEqual(after('10:01:55'), ['port_refused info 1-1 x1']);
    assert.deepEqual(after('10:02:05'), ['port_refused warning 1-1 x1']);
    // Without times it is not known.
    assert.deepEqual(brief(refused, ready), ['port_refused warning 1-1 x1']);
  });

  it('what comes back at once had not ended', () => {
    const flap = [ready, 'Peer closed connection.'].join('\n');
    assert.deepEqual(brief(flap, flap, flap), ['tws_daily_restart_drop warning 5-15 x3']);
  });

  it('bars end an outage that no other word ends', () => {
    assert.deepEqual(brief('Error 1100, reqId -1: lost', fetched('AAPL'), 'x', fetched('AAPL')), [
      'upstream_lost_1100 warning 1-1 x1',
    ]);
  });

  it('a whole cycle without an error ends the errors of the program', () => {
    const cycle = 'Trading cycle complete. Equity: $1.00';
    const error = 'Traceback (most recent call last):\n  File "b.py", line 1, in f\nKeyError: 1';
    assert.deepEqual(brief(error, cycle, cycle), ['runner_error warning 1-3 x1']);
    assert.deepEqual(brief(error, cycle), ['runner_error error 1-3 x1']);
  });

  it('takes a clock that goes back, and lines without any, for no time at all', () => {
    const [first, second] = read(
      at('10:00:00', 'Error 1100, reqId -1: lost'),
      'Error 1100, reqId -1: lost',
      at('09:00:00', 'Error 1102, reqId -1: restored'),
    );
    assert.equal(second, undefined);
    assert.equal(first?.firstAt, '2026-02-03T10:00:00.000Z');
    assert.equal(first.lastAt, '2026-02-03T10:00:00.000Z');
  });
});

describe('symbols', () => {
  it('one bad ticker is its own finding, with the reason that TWS gave', () => {
    const unknown = 'Error 200, reqId 5: No security definition has been found for the request';
    const findings = read(
      fetched('AAPL'),
      unknown,
      fetchFailed('HBAR', 'RuntimeError'),
      fetched('AAPL'),
    );
    assert.deepEqual(
      findings.map(({ subject, causes }) => [subject.name, causes[0]]),
      [['HBAR', { id: 'no_secdef_200', confidence: 0.95 }]],
    );
  });

  it('all failing is one on the connection, also where they say why', () => {
    const all = ['A', 'B', 'C', 'D', 'E', 'F'].map((symbol) => fetchFailed(symbol, 'RuntimeError'));
    const [finding, ...others] = read(ready, ...all);
    assert.deepEqual(others, []);
    assert.deepEqual(finding?.subject, { kind: 'connection' });
    assert.equal(finding.count, 6);
  });

  it('a few wrong tickers are each their own', () => {
    assert.deepEqual(
      brief(fetchFailed('HBAR', 'RuntimeError'), fetchFailed('ADA', 'RuntimeError')),
      ['HBAR: no_secdef_200 warning 1-1 x1', 'ADA: no_secdef_200 warning 2-2 x1'],
    );
  });
});

describe('several clients in one log', () => {
  it('each attempt takes its own steps', () => {
    const findings = brief(
      connecting(7497, 1),
      connecting(4002, 2),
      'Connected',
      'Connected',
      'Logged on to server version 176',
      'API connection ready',
      timeout,
    );
    // The first came to a session; the second, which had connected too, was met with silence.
    assert.deepEqual(findings, ['silent_handshake error 7-7 x1']);
  });

  it('the session of one endpoint does not end the outage of another', () => {
    const other = `${connecting(4002, 2)}\nConnected\nLogged on to server version 176\nAPI connection ready`;
    assert.deepEqual(brief(silent, other), ['silent_handshake error 3-3 x1']);
    assert.deepEqual(brief(silent, ready), ['silent_handshake warning 3-3 x1']);
  });

  it('forgets the attempts at a mark that lines are missing', () => {
    const mark = '[robo: older lines are in runner.log.1; a line printed just now may be lost]';
    assert.deepEqual(brief(connecting(10_000, 1), mark, timeout), [
      'silent_handshake error 3-3 x1',
    ]);
  });
});

describe('the time of day', () => {
  /** 2026-02-04, 00:20 in New York. */
  const lost = '2026-02-04T05:20:00+00:00 Error 1100, reqId -1: lost';
  const back = (time: string): string => `2026-02-04T${time}+00:00 Error 1102, reqId -1: restored`;

  it('a reset of the night that went by is expected', () => {
    assert.deepEqual(brief(lost, back('05:23:00')), ['nightly_reset info 1-1 x1']);
  });

  it('one that goes on after it is not', () => {
    assert.deepEqual(brief(lost, back('20:00:00')), [
      'outage_outlives_reset_window warning 1-1 x1',
    ]);
    const still = '2026-02-04T20:00:00+00:00 Error 1100, reqId -1: lost';
    assert.deepEqual(brief(lost, still), ['outage_outlives_reset_window error 1-2 x2']);
  });

  it('without an offset nobody knows', () => {
    const local = '2026-02-04 05:20:00,000 Error 1100, reqId -1: lost';
    assert.deepEqual(brief(local, 'Error 1102, reqId -1: restored'), [
      'upstream_lost_1100 warning 1-1 x1',
    ]);
  });
});

it('healthy text says nothing', () => {
  const lines = [
    ready,
    'Warning 2104, reqId -1: Market data farm connection is OK:usfarm',
    'Error 2106, reqId -1: HMDS data farm connection is OK:ushmds',
    'Synchronization complete',
    fetched('AAPL'),
    'Trading cycle complete. Equity: $100,000.00',
    'Disconnecting',
    'Disconnected.',
  ];
  assert.deepEqual(read(...lines), []);
});
