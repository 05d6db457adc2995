import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { type LogLine, parseLogLine } from '../../src/diagnostics/logLine';

const esc = '\u001B';
const say = 'Connecting to 127.0.0.1:7497';

describe('parseLogLine: what stands in front', () => {
  /** Each line says the same: with its time, level and logger as far as it tells them. */
  const table: readonly [string, Partial<LogLine>][] = [
    // Python
    [
      `2024-01-02 10:00:00,123 - bot - INFO - ${say}`,
      { at: '2024-01-02T10:00:00.123', level: 'INFO', logger: 'bot' },
    ],
    [`2024-01-02 10:00:00 INFO ${say}`, { at: '2024-01-02T10:00:00.000', level: 'INFO' }],
    [
      `2024-01-02 10:00:00.123456 [INFO] ib_async.client: ${say}`,
      { at: '2024-01-02T10:00:00.123', logger: 'ib_async.client' },
    ],
    [`INFO:ib_insync.client:${say}`, { level: 'INFO', logger: 'ib_insync.client' }],
    [`INFO:bot:${say}`, { level: 'INFO', logger: 'bot' }],
    [`[2024-01-02 10:00:00,123][INFO][bot.main] ${say}`, { level: 'INFO', logger: 'bot.main' }],
    [`2024-01-02 10:00:00,123 bot INFO ${say}`, { level: 'INFO', logger: 'bot' }],
    [`2024-01-02 10:00:00,123 [MainThread] INFO  bot.core bot.py:88 - ${say}`, { level: 'INFO' }],
    [`2024-01-02 10:00:00,123 (MainThread) [INFO] ${say}`, { level: 'INFO' }],
    [
      `INFO 2024-01-02 10:00:00,123 bot.py:88 ${say}`,
      { level: 'INFO', at: '2024-01-02T10:00:00.123' },
    ],
    [`[10:00:00] INFO     ${say}`, { level: 'INFO' }],
    [`2024-01-02 10:00:00,123 - 12345 - INFO - ${say}`.replace('12345 - ', ''), { level: 'INFO' }],
    [`> 2024-01-02 10:00:00,123 bot INFO ${say}`, { level: 'INFO', logger: 'bot' }],
    // loguru, structlog
    [`2024-01-02 10:00:00.123 | INFO     | __main__:main:12 - ${say}`, { level: 'INFO' }],
    [`2024-01-02 10:00:00.123 | INFO | vnpy_ib.gateway:connect:88 - ${say}`, { level: 'INFO' }],
    [
      `${esc}[2m2024-01-02T10:00:00.1Z${esc}[0m [${esc}[32m${esc}[1minfo     ${esc}[0m] ${esc}[1m${say}${esc}[0m`,
      { level: 'INFO', at: '2024-01-02T10:00:00.100Z' },
    ],
    [
      `timestamp=2024-01-02T10:00:00Z level=info event='${say}' port=7497`,
      { level: 'INFO', at: '2024-01-02T10:00:00.000Z' },
    ],
    [
      `time="2024-01-02T10:00:00+01:00" level=info msg="${say}" symbol=AAPL`,
      { at: '2024-01-02T09:00:00.000Z' },
    ],
    // Java
    [`10:00:00.123 [main] INFO  com.acme.Bot - ${say}`, { level: 'INFO' }],
    [
      `2024-01-02T10:00:00.123+01:00  INFO 12345 --- [main] com.acme.Bot : ${say}`,
      { level: 'INFO', at: '2024-01-02T09:00:00.123Z' },
    ],
    [`INFO: ${say}`, { level: 'INFO' }],
    [`SEVERE: ${say}`, { level: 'SEVERE' }],
    [`[INFO ] 2024-01-02 10:00:00.123 [Reader-2] com.acme.Bot - ${say}`, { level: 'INFO' }],
    // .NET
    [`2024-01-02 10:00:00.1234|INFO|Acme.Bot|${say}`, { level: 'INFO', logger: 'Acme.Bot' }],
    [`[10:00:00 INF] ${say}`, { level: 'INF' }],
    [
      `2024-01-02 10:00:00.123 +01:00 [INF] ${say}`,
      { level: 'INF', at: '2024-01-02T09:00:00.123Z' },
    ],
    [`info: Acme.Bot[0]`, { level: 'INFO', text: '', logger: 'Acme.Bot[0]' }],
    [`      ${say}`, { isIndented: true }],
    // Rust, Go, C++
    [
      `[2024-01-02T10:00:00Z INFO  ibapi::client] ${say}`,
      { level: 'INFO', logger: 'ibapi::client', at: '2024-01-02T10:00:00.000Z' },
    ],
    [
      `2024-01-02T10:00:00.123456Z  INFO ibapi::client: ${say}`,
      { level: 'INFO', logger: 'ibapi::client' },
    ],
    [`[2024-01-02][10:00:00][bot][INFO] ${say}`, { level: 'INFO' }],
    [`2024/01/02 10:00:00 main.go:12: ${say}`, { at: '2024-01-02T10:00:00.000' }],
    [`2024-01-02T10:00:00.000Z\tINFO\tbot/main.go:12\t${say}`, { level: 'INFO' }],
    [`I0102 10:00:00.123456 12345 bot.cc:88] ${say}`, { level: 'INFO' }],
    [`[2024-01-02 10:00:00.123] [bot] [info] ${say}`, { level: 'INFO', logger: 'bot' }],
    [`[I 2024-01-02 10:00:00.123 bot:88] ${say}`, { level: 'INFO', at: '2024-01-02T10:00:00.123' }],
    // Trading platforms
    [
      `2024-01-02T10:00:00.000000000Z [INFO] TRADER-001.ExecClient-IB: ${say}`,
      { level: 'INFO', logger: 'TRADER-001.ExecClient-IB' },
    ],
    [`20240102 10:00:00.123 TRACE:: ${say}`, { level: 'TRACE', at: '2024-01-02T10:00:00.123' }],
    [`20240102 10:00:00.123 ERROR:: ${say}`, { level: 'ERROR' }],
    [
      `2024-01-02T10:00:00.1579926Z TRACE:: ${say}`,
      { level: 'TRACE', at: '2024-01-02T10:00:00.157Z' },
    ],
    [`2024-01-02 10:00:00.123 | INFO | ${say}`, { level: 'INFO' }],
    [`2024-01-02 10:00:00:123 ${say}`, { at: '2024-01-02T10:00:00.123' }],
    [
      `2024-01-02 10:00:00.123 [TE] INFO [JTS-EServerSocket-1971] - [-:157:157:1:0:0:0:SYS] ${say}`,
      { level: 'INFO', logger: 'JTS-EServerSocket-1971' },
    ],
    [
      `2024-01-02 10:00:00.123 [AB] INFO  [JTS-EServerSocket-11] - [0:173:173:1:0:0:0:ERR] ${say}`,
      { level: 'INFO' },
    ],
    // Containers and services
    [`ib-gateway-1  | ${say}`, {}],
    [`ib-gateway-1  | 2024-01-02 10:00:00,123 INFO bot.x: ${say}`, { level: 'INFO' }],
    [`0|bot  | ${say}`, {}],
    [`0|bot  | 2024-01-02T10:00:00: ${say}`, { at: '2024-01-02T10:00:00.000' }],
    [`[pod/bot-7d9f/main] 2024-01-02 10:00:00 INFO ${say}`, { level: 'INFO' }],
    [`2024-05-01T10:00:00.123456789Z stderr F ${say}`, { at: '2024-05-01T10:00:00.123Z' }],
    [`2024-05-01T10:00:00.123456789Z ${say}`, { at: '2024-05-01T10:00:00.123Z' }],
    [`Nov 22 10:00:00 host bot[123]: ${say}`, { logger: 'bot' }],
    [
      `2024-05-01T10:00:00+0200 host bot[123]: 2024-05-01 10:00:00 INFO ${say}`,
      { at: '2024-05-01T08:00:00.000Z', level: 'INFO' },
    ],
    [`<30>Nov 22 10:00:00 host bot[123]: ${say}`, { logger: 'bot' }],
    // Other times
    [`02.01.2024 10:00:00 INFO ${say}`, { at: '2024-01-02T10:00:00.000' }],
    [`22/01/2024 10:00:00 INFO ${say}`, { at: '2024-01-22T10:00:00.000' }],
    [`1/22/2024 10:00:00 PM INFO ${say}`, { at: '2024-01-22T22:00:00.000' }],
    [`22 Jan 2024 10:00:00 INFO ${say}`, { at: '2024-01-22T10:00:00.000' }],
    [`Jan 22, 2024 12:00:00 AM INFO ${say}`, { at: '2024-01-22T00:00:00.000' }],
    [`Mon Jan 22 10:00:00 2024 INFO ${say}`, { at: '2024-01-22T10:00:00.000' }],
    [`2024-01-02 10:00:00 UTC INFO ${say}`, { at: '2024-01-02T10:00:00.000Z' }],
    [`2024-01-02 10:00:00 EST INFO ${say}`, { at: '2024-01-02T10:00:00.000' }],
    [`1704189600 INFO ${say}`, { at: '2024-01-02T10:00:00.000Z' }],
    [`1704189600.123 INFO ${say}`, { at: '2024-01-02T10:00:00.123Z' }],
    [`[1704189600123] INFO ${say}`, { at: '2024-01-02T10:00:00.123Z' }],
  ];
  for (const [raw, expected] of table) {
    it(raw.replaceAll(esc, '').slice(0, 100), () => {
      const line = parseLogLine(raw);
      for (const [key, value] of Object.entries({ text: say, ...expected })) {
        assert.deepEqual(line[key as keyof LogLine], value, key);
      }
    });
  }

  it('does not guess which of day and month comes first, nor the year', () => {
    assert.equal(parseLogLine(`03/04/2024 10:00:00 INFO ${say}`).at, undefined);
    assert.equal(parseLogLine(`Nov 22 10:00:00 host bot[1]: ${say}`).at, undefined);
    assert.equal(parseLogLine(`10:00:00 INFO ${say}`).at, undefined);
  });

  it('does not call local time UTC', () => {
    assert.doesNotMatch(parseLogLine(`2024-01-02 10:00:00 ${say}`).at ?? '', /Z|[+-]\d\d:\d\d$/);
  });
});

describe('parseLogLine: what belongs to the text', () => {
  const kept: readonly string[] = [
    'Error 1100, reqId -1: lost',
    '[2104] Market data farm connection is OK:usfarm',
    '[AAPL] no data',
    '[Errno 111] Connect call failed',
    'AAPL: Signal=1, Price=$2',
    'BRK.B: Signal=1, Price=$2',
    'java.net.ConnectException: Connection refused',
    'TimeoutError: x',
    'asyncio.exceptions.TimeoutError: x',
    'Info about nothing',
    '-1 2104 Market data farm connection is OK:usfarm',
    '1732000000 200 No security definition',
    'Warning 2103, reqId -1: gone',
    'event=kill_switch_auto_reset reason=connection',
    '{"broken": "Connected',
    'Traceback (most recent call last):',
    'code: 2104, msg: fine',
    'AAPL | 100 | 200',
  ];
  for (const text of kept) {
    it(text, () => {
      assert.equal(parseLogLine(text).text, text);
    });
    it(`behind a time and a level: ${text}`, () => {
      assert.equal(parseLogLine(`2024-01-02 10:00:00,123 ERROR bot.main: ${text}`).text, text);
    });
  }
});

describe('parseLogLine: who printed it', () => {
  it('is what the keeper of containers or processes says', () => {
    const serviceOf = (raw: string): string | undefined => parseLogLine(raw).service;
    assert.equal(
      serviceOf('ib-gateway-1  | \tat java.lang.Thread.run(Thread.java:1)'),
      'ib-gateway-1',
    );
    assert.equal(serviceOf('0|bot  | text'), 'bot');
    assert.equal(serviceOf('> quoted'), undefined);
    assert.equal(serviceOf('2026-01-02 10:00:00 bot ERROR text'), undefined);
  });

  it('leaves a name in brackets that is all that is said', () => {
    assert.equal(parseLogLine('2026-01-02 10:00:00 <connectionClosed>').text, '<connectionClosed>');
    assert.equal(parseLogLine('2026-01-02 10:00:00 <main> text').text, 'text');
  });
});

describe('parseLogLine: JSON', () => {
  const at = '2024-01-02T10:00:00.123Z';
  const table: readonly [string, string, Partial<LogLine>][] = [
    [
      'pino',
      `{"level":50,"time":1704189600123,"pid":1,"hostname":"h","msg":"${say}"}`,
      { at, level: 'ERROR' },
    ],
    [
      'bunyan',
      `{"name":"bot","level":40,"msg":"${say}","time":"${at}","v":0}`,
      { at, level: 'WARN', logger: 'bot' },
    ],
    ['winston', `{"level":"error","message":"${say}","timestamp":"${at}"}`, { at, level: 'ERROR' }],
    [
      'zap',
      `{"level":"error","ts":1704189600.123,"logger":"bot","caller":"a.go:1","msg":"${say}"}`,
      { at, logger: 'bot' },
    ],
    ['serilog compact', `{"@t":"${at}","@l":"Error","@mt":"${say}"}`, { at, level: 'ERROR' }],
    [
      'log4j2',
      `{"instant":{"epochSecond":1704189600,"nanoOfSecond":1},"level":"ERROR","loggerName":"com.acme.Bot","message":"${say}"}`,
      { at: '2024-01-02T10:00:00.000Z', logger: 'com.acme.Bot' },
    ],
    [
      'docker',
      `{"log":"2024-01-02 11:00:00 ERROR bot.x: ${say}\\n","stream":"stderr","time":"2024-01-02T10:00:00.123456789Z"}`,
      { at, level: 'ERROR', logger: 'bot.x' },
    ],
    [
      'journalctl',
      `{"MESSAGE":"${say}","PRIORITY":"3","__REALTIME_TIMESTAMP":"1704189600123000","SYSLOG_IDENTIFIER":"bot"}`,
      { at },
    ],
    [
      'logstash',
      `{"@timestamp":"${at}","message":"${say}","log.level":"ERROR","logger_name":"bot"}`,
      { at, level: 'ERROR', logger: 'bot' },
    ],
    [
      'loguru',
      `{"text":"2024 | x","record":{"level":{"name":"ERROR","no":40},"message":"${say}","name":"bot","time":{"repr":"2024-01-02 10:00:00.123+00:00","timestamp":1704189600.123}}}`,
      { at, level: 'ERROR' },
    ],
    [
      'tracing',
      `{"timestamp":"${at}","level":"ERROR","fields":{"message":"${say}"},"target":"ibapi::client"}`,
      { at, logger: 'ibapi::client' },
    ],
    [
      'NautilusTrader',
      `{"timestamp":1704189600123000000,"level":"ERROR","component":"IB","message":"${say}"}`,
      { at, logger: 'IB' },
    ],
    [
      'structlog, keys in any order',
      `{"symbol":"X","level":"error","timestamp":"${at}","event":"${say}"}`,
      { at },
    ],
    [
      'JSON in a JSON message',
      JSON.stringify({ timestamp: at, message: JSON.stringify({ level: 'error', event: say }) }),
      { at, level: 'ERROR' },
    ],
    [
      'a prefix before it',
      `bot-1  | 2024-01-02 10:00:00 ERROR {"event":"${say}"}`,
      { level: 'ERROR', at: '2024-01-02T10:00:00.000' },
    ],
    [
      'escapes',
      '{"msg":"\\u8bf7\\u6c42 Error 1100, reqId -1: x"}',
      { text: '请求 Error 1100, reqId -1: x' },
    ],
  ];
  for (const [name, raw, expected] of table) {
    it(name, () => {
      const line = parseLogLine(raw);
      for (const [key, value] of Object.entries({ text: say, ...expected })) {
        assert.deepEqual(line[key as keyof LogLine], value, key);
      }
    });
  }

  it('finds a stack wherever loggers put it', () => {
    const stack = 'Error: x\n    at f (/home/t/a.js:1:2)';
    for (const fields of [
      { msg: 'x', stack },
      { msg: 'x', err: { type: 'Error', stack } },
      { message: 'x', exc_info: stack },
      { message: 'x', 'error.stack_trace': stack },
      { '@mt': 'x', '@x': stack },
      { message: 'x', thrown: { extendedStackTrace: stack } },
      { message: stack },
    ]) {
      assert.equal(parseLogLine(JSON.stringify(fields)).exception, stack, JSON.stringify(fields));
    }
    assert.equal(parseLogLine('{"msg":"x","error":"refused"}').exception, undefined);
  });

  it('goes no deeper than loggers do', () => {
    let raw = say;
    for (let depth = 0; depth < 12; depth += 1) {
      raw = JSON.stringify({ message: raw });
    }
    assert.ok(parseLogLine(raw).text.length > 0);
  });
});

describe('parseLogLine: any text', () => {
  it('never fails, and never grows', () => {
    const pieces = fc.constantFrom(
      '2024-01-02 10:00:00',
      '[',
      ']',
      ' ',
      '|',
      'INFO',
      ':',
      '-',
      'bot.x',
      '{"message":"',
      '"}',
      'a=',
      '"',
      '99/99/2024 10:00:00',
      '2024-99-99 99:99:99Z ',
      'level=info msg=',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(pieces, fc.string()), { maxLength: 14 }), (parts) => {
        const raw = parts.join('');
        assert.ok(parseLogLine(raw).text.length <= Math.max(raw.length, 1));
      }),
      { numRuns: 500 },
    );
  });

  it('stays quick on hostile lines', () => {
    const started = process.cpuUsage().user;
    for (const part of [
      '[',
      'a.',
      'a::',
      ' ',
      '|',
      '-',
      ':',
      '[a]',
      'INFO ',
      '10:00:00 ',
      'a=b ',
      "a='",
      'a="\\',
      '{',
      '1',
      'a-',
      '[pod/',
      'a b[1]: ',
    ]) {
      const text = part.repeat(100_000 / part.length);
      parseLogLine(text);
      parseLogLine(`2024-01-02 10:00:00 ${text}`);
      parseLogLine(`level=info ${text}`);
      parseLogLine(`INFO:${text}`);
    }
    const spentMs = (process.cpuUsage().user - started) / 1000;
    assert.ok(spentMs < 1000, `${spentMs} ms of processor time`);
  });
});
