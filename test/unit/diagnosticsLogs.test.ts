import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import type { CommandContext } from '../../src/cli/command';
import { diagnoseCommand } from '../../src/cli/diagnose';
import { causeIds } from '../../src/diagnostics/causeIds';
import { parseLogLine } from '../../src/diagnostics/logLine';
import type { LogFinding } from '../../src/diagnostics/logIncidents';
import { LogReader } from '../../src/diagnostics/logReader';
import type { RunnerFact } from '../../src/diagnostics/runnerFacts';
import { createFactReader } from '../../src/diagnostics/runnerReader';

const esc = '\u001B';

function facts(...lines: string[]): readonly RunnerFact[] {
  const read = createFactReader();
  return lines.flatMap((line) => read(line));
}

/** Facts without their time, which has tests of its own. */
function bare(...lines: string[]): readonly Omit<RunnerFact, 'at'>[] {
  return facts(...lines).map((fact) => {
    const copy = { ...fact };
    delete copy.at;
    return copy;
  });
}

function findings(text: string | readonly string[]): readonly LogFinding[] {
  const reader = new LogReader();
  for (const line of typeof text === 'string' ? text.trim().split('\n') : text) {
    reader.push(line);
  }
  return reader.end();
}

/** `subject: cause severity lines xcount` */
function summary(text: string | readonly string[]): readonly string[] {
  return findings(text).map(
    ({ subject, causes, severity, line, endLine, count }) =>
      `${subject.kind}${subject.name === undefined ? '' : ` ${subject.name}`}: ${causes[0]?.id ?? ''} ${severity} ${line}-${endLine} x${count}`,
  );
}

function fetchFailure(symbol: string, error: string): string {
  return `Failed to fetch data for ${symbol}: RetryError[<Future at 0x10a3b5d90 state=finished raised ${error}>]`;
}

function asJson(message: string, extra: object = {}): string {
  return JSON.stringify({
    timestamp: '2025-09-16T13:56:01.250000+00:00',
    level: 'ERROR',
    logger: 'robo_trader.runner_async',
    message,
    module: 'runner_async',
    ...extra,
  });
}

function asJsonInJson(event: string, extra: object = {}): string {
  return asJson(
    JSON.stringify({ symbol: 'X', ...extra, event, level: 'error', lineno: 77, hostname: 'mac' }),
  );
}

describe('parseLogLine', () => {
  const table: readonly [string, string, Partial<ReturnType<typeof parseLogLine>>][] = [
    ['a bare print', 'Connected', { text: 'Connected' }],
    [
      'time, level and logger in brackets',
      '[2025-09-16 13:56:00,123] ERROR ib_insync.client: API connection failed: TimeoutError()',
      {
        text: 'API connection failed: TimeoutError()',
        at: '2025-09-16T13:56:00.123',
        level: 'ERROR',
        logger: 'ib_insync.client',
      },
    ],
    [
      'structlog behind it, in colour',
      `[2025-09-16 13:56:00,123] INFO robo_trader.runner: ${esc}[2m2025-09-16T17:56:00.1Z${esc}[0m [${esc}[31m${esc}[1merror    ${esc}[0m] ${esc}[1mTrading cycle complete${esc}[0m`,
      { text: 'Trading cycle complete', logger: 'robo_trader.runner' },
    ],
    [
      'the monitor log',
      '[2025-09-16 13:56:00] [CRITICAL] text',
      { text: 'text', level: 'CRITICAL' },
    ],
    ['the watchdog log', '[2025-09-16 13:56:00] STALL DETECTED: x', { text: 'STALL DETECTED: x' }],
    [
      'name before level',
      '2025-09-16 13:56:00,1 ib_async.wrapper INFO Warning 2104, reqId -1: ok',
      { text: 'Warning 2104, reqId -1: ok', level: 'INFO' },
    ],
    [
      'dashes',
      '2025-09-16 13:56:00,123 - ib_async.client - INFO - Connected',
      { text: 'Connected', logger: 'ib_async.client' },
    ],
    [
      'basicConfig',
      'ERROR:ib_insync.wrapper:Error 200, reqId 4: No',
      { text: 'Error 200, reqId 4: No' },
    ],
    [
      'no level, though it begins like one',
      'Error 1100, reqId -1: lost',
      { text: 'Error 1100, reqId -1: lost' },
    ],
    [
      'the official client',
      'ERROR -1 2104 Market data farm connection is OK:usfarm',
      { text: '-1 2104 Market data farm connection is OK:usfarm', level: 'ERROR' },
    ],
    ['a symbol is no logger', 'AAPL: Signal=1, Price=$2', { text: 'AAPL: Signal=1, Price=$2' }],
    [
      'JSON',
      asJson('Connected'),
      { text: 'Connected', at: '2025-09-16T13:56:01.250Z', level: 'ERROR' },
    ],
    [
      'JSON in JSON, keys in any order',
      asJsonInJson('Trading cycle complete'),
      { text: 'Trading cycle complete' },
    ],
    [
      'JSON in JSON with a message beside',
      asJsonInJson('subprocess_stderr', { message: 'Connected' }),
      { text: 'subprocess_stderr Connected' },
    ],
    ['broken JSON', '{"message": "Conn', { text: '{"message": "Conn' }],
    ['epoch seconds', '{"ts":1758030961,"msg":"x"}', { at: '2025-09-16T13:56:01.000Z' }],
    ['an offset', '2025-09-16T09:56:01-0400 x', { at: '2025-09-16T13:56:01.000Z', text: 'x' }],
    ['CRLF', 'Connected\r', { text: 'Connected' }],
  ];
  for (const [name, raw, expected] of table) {
    it(name, () => {
      const line = parseLogLine(raw);
      for (const [key, value] of Object.entries(expected)) {
        assert.deepEqual(line[key as keyof typeof line], value, key);
      }
    });
  }
});

describe('the facts of a line', () => {
  const table: readonly [string, readonly object[]][] = [
    // Robo's own events
    ['{"robo":1,"event":"cycle","number":3,"symbols":2}', [{ kind: 'cycle' }]],
    [
      '{"robo":1,"event":"error","message":"no close","source":{"file":"/w/mine.ts","line":7}}',
      [{ kind: 'error', text: 'no close', source: { file: '/w/mine.ts', line: 7 } }],
    ],
    [
      '{"robo":1,"event":"error","message":"no close","source":{"file":"/w/mine.ts","line":-7}}',
      [{ kind: 'error', text: 'no close' }],
    ],
    [
      '{"robo":1,"event":"fetch","symbol":"AAPL","ok":true,"price":231.5}',
      [{ kind: 'fetch ok', symbol: 'AAPL', price: 231.5 }],
    ],
    [
      '{"robo":1,"event":"fetch","symbol":"HBAR","ok":false,"error":"TwsMessage","code":200,"message":"no"}',
      [{ kind: 'fetch failed', symbol: 'HBAR', errorClass: 'TwsMessage', code: 200, text: 'no' }],
    ],
    [
      '{"robo":1,"event":"signal","symbol":"AAPL","signal":-1,"price":2,"reason":"cross"}',
      [{ kind: 'signal', symbol: 'AAPL', signal: 'sell', price: 2, reason: 'cross' }],
    ],
    [
      '{"robo":1,"event":"fill","symbol":"AAPL","side":"BUY","quantity":3,"price":2}',
      [{ kind: 'fill', symbol: 'AAPL', side: 'buy', quantity: 3, price: 2 }],
    ],
    [
      '{"robo":1,"event":"waiting","forMs":5,"message":"closed"}',
      [{ kind: 'waiting', forMs: 5, text: 'closed' }],
    ],
    ['{"robo":1,"event":"connected","host":"127.0.0.1","port":7497}', [{ kind: 'connected' }]],
    ['{"robo":1,"event":"error","message":"bad"}', [{ kind: 'error', text: 'bad' }]],
    ['{"robo":1,"event":"something new"}', []],
    ['{"robo":1,"event":"fetch"}', []],
    // The trader's system
    [
      fetchFailure('AAPL', 'TimeoutError'),
      [
        {
          kind: 'fetch failed',
          symbol: 'AAPL',
          errorClass: 'TimeoutError',
          text: fetchFailure('AAPL', 'TimeoutError'),
        },
      ],
    ],
    [
      'BRK.B: Signal=0, Price=$1,234.50, Holding',
      [
        { kind: 'fetch ok', symbol: 'BRK.B', price: 1234.5 },
        { kind: 'signal', symbol: 'BRK.B', signal: 'hold', price: 1234.5, reason: 'Holding' },
      ],
    ],
    [
      'AAPL: Signal=0, Price=$0.00, No data available',
      [{ kind: 'signal', symbol: 'AAPL', signal: 'hold', price: 0, reason: 'No data available' }],
    ],
    ['Trading cycle complete. Equity: $100,250.75', [{ kind: 'cycle', equity: 100_250.75 }]],
    [
      'Waiting 5.0 minutes before next iteration...',
      [{ kind: 'waiting', forMs: 300_000, text: 'Waiting 5.0 minutes before next iteration' }],
    ],
    [
      'Command timeout after 60.0s (get_historical_bars for SPY)',
      [
        {
          kind: 'sign',
          subject: { kind: 'runner' },
          causes: [
            { id: 'worker_unresponsive', confidence: 0.5 },
            { id: 'hist_timeout', confidence: 0.2 },
            { id: 'half_open_zombie', confidence: 0.1 },
          ],
          text: 'Command timeout after 60.0s (get_historical_bars for SPY)',
        },
      ],
    ],
    // ib_insync, ib_async
    [
      'Connecting to 127.0.0.1:7497 with clientId 123...',
      [{ kind: 'connecting', host: '127.0.0.1', port: 7497, clientId: 123 }],
    ],
    ['Connected', [{ kind: 'tcp connected' }]],
    ['Logged on to server version 176', [{ kind: 'hello', serverVersion: 176 }]],
    ['API connection ready', [{ kind: 'connected' }]],
    [
      'API connection failed: TimeoutError()',
      [
        {
          kind: 'connection failed',
          errorClass: 'TimeoutError',
          text: 'API connection failed: TimeoutError()',
        },
      ],
    ],
    ['Disconnecting', []],
    // Codes in any wrapping
    [
      'Error 1100, reqId -1: Connectivity has been lost.',
      [{ kind: 'tws message', code: 1100, requestId: -1, text: 'Connectivity has been lost.' }],
    ],
    [
      "Error 200, reqId 5: No security definition, contract: Stock(symbol='HBAR', exchange='SMART')",
      [
        {
          kind: 'tws message',
          code: 200,
          requestId: 5,
          symbol: 'HBAR',
          text: "No security definition, contract: Stock(symbol='HBAR', exchange='SMART')",
        },
      ],
    ],
    [
      'errorCode=502, errorMsg=Could not connect',
      [{ kind: 'tws message', code: 502, requestId: -1, text: 'Could not connect' }],
    ],
    [
      '[#354] Requested market data is not subscribed.',
      [
        {
          kind: 'tws message',
          code: 354,
          requestId: -1,
          text: 'Requested market data is not subscribed.',
        },
      ],
    ],
    [
      'Error 504 req_id=1: Not connected',
      [{ kind: 'tws message', code: 504, requestId: 1, text: 'Not connected' }],
    ],
    [
      'ERROR -1 2110 Connectivity is broken',
      [{ kind: 'tws message', code: 2110, requestId: -1, text: 'Connectivity is broken' }],
    ],
    [
      'Error. Id: 9, Code: 10197, Msg: No market data',
      [{ kind: 'tws message', code: 10_197, requestId: 9, text: 'No market data' }],
    ],
    [
      '{"errorCode":1100,"errorMsg":"lost","reqId":-1}',
      [{ kind: 'tws message', code: 1100, requestId: -1, text: 'lost' }],
    ],
    [
      '2105: HMDS data farm connection is broken: ushmds',
      [
        {
          kind: 'tws message',
          code: 2105,
          requestId: -1,
          text: 'HMDS data farm connection is broken: ushmds',
        },
      ],
    ],
    // What is not ours, or not understood
    ['200 OK', []],
    ['HTTP 502 Bad Gateway', []],
    ['2025 was a good year', []],
    ['GET /v1/api/iserver/auth/status,401', []],
    ['Processed 24 symbols, executed 0 trades', []],
    ['ERROR something odd happened', []],
    ['Connected to WebSocket server at ws://localhost:8765', []],
    ['Failed to connect to redis at localhost:6379: Connection refused', []],
    ['event=kill_switch_auto_reset reason=connection', []],
    ['', []],
    ['{}', []],
    ['null', []],
  ];
  for (const [line, expected] of table) {
    it(line.slice(0, 80) || '(empty)', () => {
      assert.deepEqual(bare(line), expected);
    });
  }

  it('carry the time of their line', () => {
    const [fact] = facts('[2025-09-16 13:56:00,123] INFO ib_async.client: Connected');
    assert.equal(fact?.at, '2025-09-16T13:56:00.123');
  });

  it('are the same in every wrapping of the trader’s system', () => {
    const text = fetchFailure('TSLA', 'RuntimeError');
    const wrapped = [
      text,
      asJson(text),
      asJsonInJson(text),
      `[2025-09-16 13:56:00,123] ERROR robo_trader.runner_async: ${text}`,
      `[2025-09-16 13:56:00,123] ERROR __main__: ${esc}[2m2025-09-16T17:56:00.123Z${esc}[0m [${esc}[31merror    ${esc}[0m] ${esc}[1m${text}${esc}[0m`,
    ];
    for (const line of wrapped) {
      assert.deepEqual(bare(line), [
        { kind: 'fetch failed', symbol: 'TSLA', errorClass: 'RuntimeError', text },
      ]);
    }
  });

  it('swallow the end that the program asked for', () => {
    assert.deepEqual(bare('Disconnecting', 'Disconnected.'), []);
    assert.equal(bare('Disconnected.')[0]?.kind, 'connection lost');
  });

  it('give a traceback its last frame in the trader’s own code', () => {
    const lines = `
Traceback (most recent call last):
  File "/home/t/bot/run.py", line 10, in main
    go()
  File "/home/t/bot/strategy.py", line 42, in go
    return df.iloc[5]
  File "/usr/lib/python3/dist-packages/pandas/core/indexing.py", line 1073, in __getitem__
    raise KeyError(key)
KeyError: 'close'
next`
      .trim()
      .split('\n');
    assert.deepEqual(bare(...lines), [
      {
        kind: 'error',
        text: "KeyError: 'close'",
        source: { file: '/home/t/bot/strategy.py', line: 42 },
      },
    ]);
  });

  it('take the last of chained exceptions', () => {
    const lines = [
      'Traceback (most recent call last):',
      '  File "a.py", line 1, in f',
      'ValueError: first',
      '',
      'During handling of the above exception, another exception occurred:',
      '',
      'Traceback (most recent call last):',
      '  File "b.py", line 2, in g',
      'RuntimeError: second',
      'after',
    ];
    assert.deepEqual(bare(...lines), [
      { kind: 'error', text: 'RuntimeError: second', source: { file: 'b.py', line: 2 } },
    ]);
  });

  it('read a traceback inside JSON', () => {
    const exception =
      'Traceback (most recent call last):\n  File "bot.py", line 7, in f\nZeroDivisionError: division by zero';
    assert.deepEqual(bare(asJson('crashed', { exception })), [
      {
        kind: 'error',
        text: 'ZeroDivisionError: division by zero',
        source: { file: 'bot.py', line: 7 },
      },
    ]);
  });
});

const handshake = `
Connecting to 127.0.0.1:7497 with clientId 123...
Connected
API connection failed: TimeoutError()`.trim();

describe('LogReader', () => {
  const symbols = ['AAPL', 'NVDA', 'TSLA'];
  const table: readonly [string, string | readonly string[], readonly string[]][] = [
    [
      'a healthy start',
      'Connecting to 127.0.0.1:7497 with clientId 1...\nConnected\nLogged on to server version 176\nError 2104, reqId -1: Market data farm connection is OK:usfarm\nWarning 2158, reqId -1: Sec-def data farm connection is OK:secdefil\nAPI connection ready\nTrading cycle complete. Equity: $1',
      [],
    ],
    ['a silent handshake', handshake, ['connection: silent_handshake error 3-3 x1']],
    [
      'the same three times',
      [handshake, handshake, handshake].join('\n'),
      ['connection: silent_handshake error 3-9 x3'],
    ],
    [
      'silent after the hello',
      'Connecting to 127.0.0.1:7497 with clientId 1...\nConnected\nLogged on to server version 176\nAPI connection failed: TimeoutError()',
      ['connection: partial_handshake_no_next_valid_id error 4-4 x1'],
    ],
    [
      'refused',
      'API connection failed: ConnectionRefusedError(111, "Connect call failed (\'127.0.0.1\', 7497)")\nMake sure API port on TWS/IBG is open',
      ['connection: port_refused error 1-1 x1'],
    ],
    [
      'TCP itself times out on loopback',
      'Connecting to 127.0.0.1:4002 with clientId 1...\nAPI connection failed: TimeoutError()',
      ['connection: accept_queue_wedge error 2-2 x1'],
    ],
    [
      'TCP itself times out elsewhere',
      'Connecting to 10.0.0.9:4002 with clientId 1...\nAPI connection failed: TimeoutError()',
      ['connection: tcp_timeout_unreachable error 2-2 x1'],
    ],
    [
      '326 believed over the guess',
      'Connecting to 127.0.0.1:7497 with clientId 1...\nConnected\nLogged on to server version 176\nError 326, reqId -1: Unable to connect\nPeer closed connection. clientId 1 already in use?\nAPI connection failed: TimeoutError()',
      ['connection: client_id_in_use_326 error 4-6 x1'],
    ],
    [
      'the guess alone',
      'Connected\nLogged on to server version 176\nPeer closed connection. clientId 1 already in use?',
      ['connection: peer_closed_after_startapi error 3-3 x1'],
    ],
    [
      'closed at once',
      'Connecting to 127.0.0.1:7497 with clientId 1...\nConnected\nDisconnected.',
      ['connection: closed_at_once_untrusted error 3-3 x1'],
    ],
    [
      'a ready session lost',
      'API connection ready\nPeer closed connection.\nDisconnected.',
      ['connection: tws_daily_restart_drop warning 2-3 x1'],
    ],
    [
      'recovered',
      `${handshake}\nConnecting to 127.0.0.1:7497 with clientId 1...\nConnected\nAPI connection ready`,
      ['connection: silent_handshake warning 3-3 x1'],
    ],
    [
      'every symbol silent',
      symbols.map((symbol) => fetchFailure(symbol, 'TimeoutError')),
      ['connection: silent_handshake error 1-3 x3'],
    ],
    [
      'every symbol silent on a ready session',
      ['API connection ready', ...symbols.map((symbol) => fetchFailure(symbol, 'TimeoutError'))],
      ['connection: hist_timeout error 2-4 x3'],
    ],
    [
      'the outage: handshake and symbols are one',
      [...handshake.split('\n'), ...symbols.map((symbol) => fetchFailure(symbol, 'TimeoutError'))],
      ['connection: silent_handshake error 3-6 x4'],
    ],
    [
      'one symbol silent',
      [fetchFailure('AAPL', 'TimeoutError'), 'TSLA: Signal=0, Price=$5, x'],
      ['symbol AAPL: hist_timeout warning 1-1 x1'],
    ],
    [
      'one bad ticker, repeated',
      [fetchFailure('HBAR', 'RuntimeError'), fetchFailure('HBAR', 'RuntimeError')],
      ['symbol HBAR: no_secdef_200 warning 1-2 x2'],
    ],
    [
      'two bad tickers',
      [fetchFailure('HBAR', 'RuntimeError'), fetchFailure('ADA', 'RuntimeError')],
      ['symbol HBAR: no_secdef_200 warning 1-1 x1', 'symbol ADA: no_secdef_200 warning 2-2 x1'],
    ],
    [
      'a symbol that came back',
      [fetchFailure('AAPL', 'TimeoutError'), 'AAPL: Signal=0, Price=$5, x'],
      ['symbol AAPL: hist_timeout info 1-1 x1'],
    ],
    [
      'an outage of all that healed',
      [
        ...symbols.map((symbol) => fetchFailure(symbol, 'TimeoutError')),
        ...symbols.map((symbol) => `${symbol}: Signal=0, Price=$5, x`),
      ],
      ['connection: silent_handshake warning 1-3 x3'],
    ],
    [
      'many in a row, others not asked yet',
      ['OK', 'F', 'G']
        .map((symbol) => `${symbol}: Signal=0, Price=$5, x`)
        .concat(['A', 'B', 'C', 'D', 'E'].map((symbol) => fetchFailure(symbol, 'TimeoutError'))),
      ['connection: silent_handshake error 4-8 x5'],
    ],
    [
      'no data while 1100 is open',
      [
        'Error 1100, reqId -1: lost',
        ...symbols.map((symbol) => fetchFailure(symbol, 'TimeoutError')),
      ],
      ['connection: upstream_lost_1100 error 1-4 x4'],
    ],
    [
      '1100 and back',
      'Error 1100, reqId -1: lost\nError 1102, reqId -1: restored. All data farms are connected: usfarm.',
      ['connection: upstream_lost_1100 warning 1-1 x1'],
    ],
    [
      'back, but not whole',
      'Error 1102, reqId -1: restored. The following farms are not connected: cashhmds.',
      ['connection: restored_partial_farms warning 1-1 x1'],
    ],
    [
      'a farm away',
      'Warning 2103, reqId -1: Market data farm connection is broken:usfarm\nWarning 2104, reqId -1: ok:eufarm',
      ['connection: farm_broken_2103 warning 1-1 x1'],
    ],
    [
      'a farm that flapped',
      '2026-01-01 10:00:00,000 Warning 2103, reqId -1: broken:usfarm\n2026-01-01 10:00:03,000 Warning 2104, reqId -1: ok:usfarm',
      ['connection: farm_flap info 1-1 x1'],
    ],
    [
      'localised',
      'Error 1100, reqId -1: 与盈透的连接已断开',
      ['connection: upstream_lost_1100 error 1-1 x1'],
    ],
    [
      '504 after a failure is its echo',
      `${handshake}\nError 504 req_id=1: Not connected`,
      ['connection: silent_handshake error 3-4 x2'],
    ],
    [
      'kill switch',
      'KILL SWITCH TRIGGERED: daily loss',
      ['runner: kill_switch_triggered error 1-1 x1'],
    ],
    [
      'stall',
      '[2026-02-03 13:12:00] STALL DETECTED: Log updating but NO TRADING CYCLES',
      ['runner: runner_stalled error 1-1 x1'],
    ],
    [
      'zombies of TWS in lsof',
      'JavaAppli 13551 me 55u IPv6 0x1 0t0 TCP localhost:4002->localhost:60199 (CLOSE_WAIT)',
      ['connection: wedged_close_wait error 1-1 x1'],
    ],
    [
      'zombies of a client in lsof',
      'python3.1 777 me 55u IPv4 0x1 0t0 TCP localhost:60199->localhost:4002 (CLOSE_WAIT)',
      ['connection: self_inflicted_probe_zombies warning 1-1 x1'],
    ],
    [
      'ss',
      'CLOSE-WAIT 1      0          127.0.0.1:7497      127.0.0.1:57324',
      ['connection: wedged_close_wait error 1-1 x1'],
    ],
    [
      'socat',
      '2026/01/01 00:00:00 socat[119] E connect(5, AF=2 127.0.0.1:4000, 16): Connection refused',
      ['connection: proxy_upstream_refused error 1-1 x1'],
    ],
    [
      'IBC',
      'IBC closing because login has not completed after Second Factor Authentication',
      ['process: twofa_timeout error 1-1 x1'],
    ],
    [
      'API not accepted',
      "Ignoring API request 'jextend.a1' since API is not accepted.",
      ['connection: silent_accept_dialog error 1-1 x1'],
    ],
    [
      'event loop',
      'RuntimeError: This event loop is already running',
      ['runner: event_loop_misuse error 1-1 x1'],
    ],
    [
      'command not found',
      'sh: 1: pyhton: command not found',
      ['runner: command_not_found error 1-1 x1'],
    ],
    [
      'own words about the broker',
      '[2025-09-16 13:56:00] [ERROR] Failed to connect to IBKR: timed out',
      ['connection: silent_handshake error 1-1 x1'],
    ],
    [
      'refused in another form',
      'Error: connect ECONNREFUSED 127.0.0.1:7497',
      ['connection: port_refused error 1-1 x1'],
    ],
  ];
  for (const [name, text, expected] of table) {
    it(name, () => {
      assert.deepEqual(summary(text), expected);
    });
  }

  it('puts the trader’s own line on an exception that repeats the failure', () => {
    const [finding, ...rest] = findings([
      ...handshake.split('\n'),
      'Traceback (most recent call last):',
      '  File "/home/t/bot.py", line 9, in main',
      '    ib.connect()',
      'TimeoutError',
    ]);
    assert.deepEqual(rest, []);
    assert.equal(finding?.causes[0]?.id, 'silent_handshake');
    assert.deepEqual(finding.source, { file: '/home/t/bot.py', line: 9 });
  });

  it('gives first and last time', () => {
    const [finding] = findings([
      `2026-01-01 10:00:00,000 ERROR bot.main: ${fetchFailure('A', 'RuntimeError')}`,
      `2026-01-01 11:00:00,000 ERROR bot.main: ${fetchFailure('A', 'RuntimeError')}`,
    ]);
    assert.equal(finding?.firstAt, '2026-01-01T10:00:00.000');
    assert.equal(finding.lastAt, '2026-01-01T11:00:00.000');
  });

  it('takes any text, and names only causes of the catalogue', () => {
    const pieces = fc.constantFrom(
      'Error ',
      '1100',
      ', reqId -1: ',
      'Connected',
      '{"message":"',
      '"}',
      '[2025-01-01 00:00:00] ',
      fetchFailure('A', 'X'),
      'Traceback (most recent call last):',
      'CLOSE_WAIT',
      ' ',
      '\u001B[',
      'API connection ready',
    );
    const line = fc.oneof(
      fc.string(),
      fc.array(pieces, { maxLength: 6 }).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), (lines) => {
        for (const { causes, line: first, endLine, count } of findings(lines)) {
          assert.ok(causes.length > 0 && causes.every(({ id }) => causeIds.includes(id)));
          assert.ok(causes.reduce((sum, { confidence }) => sum + confidence, 0) <= 1 + 1e-9);
          assert.ok(first >= 1 && endLine >= first && endLine <= lines.length && count >= 1);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('stays bounded and quick on hostile lines', () => {
    const hostile = [
      'a',
      ' ',
      '-',
      '{',
      '[',
      ':',
      '.',
      'Error ',
      'a.',
      'kill switch ',
      "symbol='",
      'Timeout',
      '1 ',
    ].map((part) => part.repeat(100_000 / part.length));
    const started = process.cpuUsage().user;
    for (const line of hostile) {
      findings([line, `Error 200, reqId 1: ${line}`, `Failed to connect to TWS ${line}`, line]);
    }
    const spentMs = (process.cpuUsage().user - started) / 1000;
    assert.ok(spentMs < 2000, `${spentMs} ms of processor time`);
  });

  it('does not grow with the number of symbols and incidents', () => {
    const reader = new LogReader();
    for (let i = 0; i < 20_000; i += 1) {
      reader.push(fetchFailure(`S${i}`, 'RuntimeError'));
      reader.push(`Error 2103, reqId -1: broken:farm${i}`);
    }
    assert.ok(reader.end().length <= 1000);
  });
});

describe('robo diagnose', () => {
  async function diagnose(
    text: string,
    ...flags: string[]
  ): Promise<{ out: string; code: number }> {
    const folder = mkdtempSync(join(tmpdir(), 'robo-diagnose-'));
    try {
      writeFileSync(join(folder, 'bot.log'), text);
      return await runIn(folder, 'bot.log', ...flags);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  async function runIn(folder: string, ...args: string[]): Promise<{ out: string; code: number }> {
    const written: string[] = [];
    const context: CommandContext = {
      args,
      environment: {},
      workingDirectory: folder,
      stdout: (part) => written.push(part),
      stderr: () => undefined,
      isTerminal: false,
      signal: new AbortController().signal,
    };
    const code = await diagnoseCommand(context);
    return { out: written.join(''), code };
  }

  it('prints one JSON object a line, in the order of the text', async () => {
    const { out, code } = await diagnose(
      `${fetchFailure('HBAR', 'RuntimeError')}\n${handshake}`,
      '--json',
    );
    assert.equal(code, 1);
    const objects = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as LogFinding & { schema: number });
    assert.deepEqual(
      objects.map(({ line }) => line),
      [1, 4],
    );
    assert.deepEqual(Object.keys(objects[0] ?? {}), [
      'schema',
      'line',
      'endLine',
      'severity',
      'subject',
      'causes',
      'message',
      'count',
      'firstAt',
      'lastAt',
    ]);
    assert.deepEqual(objects[0]?.subject, { kind: 'symbol', name: 'HBAR' });
  });

  it('prints lines for a problem matcher', async () => {
    const { out } = await diagnose(handshake, '--format', 'problem');
    assert.match(
      out,
      /^\S+bot\.log:3:1: error silent_handshake: API connection failed: TimeoutError\(\)\n$/,
    );
  });

  it('exits 0 for a healthy log, and says so to a person only', async () => {
    assert.deepEqual(await diagnose('API connection ready\n', '--json'), { out: '', code: 0 });
    assert.deepEqual(await diagnose(''), { out: 'Nothing wrong was found.\n', code: 0 });
  });

  it('tells a person what, where and what to do', async () => {
    const { out } = await diagnose(handshake);
    assert.match(out, /silent_handshake 0\.50/);
    assert.match(out, /line 3/);
    assert.match(out, /do: {5}Look at TWS/);
  });

  it('lets no control sequence of the log reach the terminal', async () => {
    const { out } = await diagnose(`Failed to connect to IBKR ${esc}]0;owned\u0007 timed out`);
    assert.ok(!out.includes(esc) && !out.includes('\u0007'));
  });

  it('refuses wrong usage and unreadable files in one sentence', async () => {
    await assert.rejects(runIn('/', '--format', 'xml'), { name: 'UsageError' });
    await assert.rejects(runIn('/', '--nonsense'), { name: 'UsageError' });
    await assert.rejects(runIn('/', 'a', 'b'), { name: 'UsageError' });
    await assert.rejects(runIn('/nowhere', 'missing.log'), {
      name: 'HumanError',
      message: /^\/nowhere\/missing\.log cannot be read: there is no such file/,
    });
    await assert.rejects(runIn('/', 'tmp'), { name: 'HumanError', message: /folder/ });
  });
});
