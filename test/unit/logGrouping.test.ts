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

describe('the end of an incident', () => {
  it('what comes back an hour later is a second one', () => {
    const findings = brief(
      at('10:00:00', 'Error 1100, reqId -1: lost'),
      at('10:01:00', 'Error 1102, reqId -1: restored. All data farms are connected: usfarm.'),
      at('11:01:00', 'Error 1100, reqId -1: lost'),
    );
    assert.deepEqual(findings, [
      'upstream_lost_1100 warning 1-1 x1',
      'upstream_lost_1100 error 3-3 x1',
    ]);
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
    assert.deepEqual(brief(error, cycle, cycle), ['runner_error warning 3-3 x1']);
    assert.deepEqual(brief(error, cycle), ['runner_error error 3-3 x1']);
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
