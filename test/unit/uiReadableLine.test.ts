import assert from 'node:assert/strict';
import type { Severity } from '../../src/diagnostics/finding';
import { readableLine } from '../../src/ui/readableLine';

const at = '2026-11-20T15:00:31.200Z';

function event(name: string, fields: object = {}): string {
  return JSON.stringify({ robo: 1, event: name, at, ...fields });
}

/** A line of the trader's system: what was said is JSON in the message of a JSON line. */
function nested(inner: object, level = 'INFO'): string {
  const timestamp = '2026-07-01T09:31:02.400000';
  const said = { logger: 'robo_trader.runner_async', level: level.toLowerCase(), timestamp };
  const where = { hostname: 'mini', environment: 'dev', filename: 'runner.py', lineno: 77 };
  return JSON.stringify({
    timestamp,
    level,
    logger: 'robo_trader.runner_async',
    message: JSON.stringify({ ...inner, ...said, ...where }),
    module: 'm',
    line: 10,
  });
}

describe('A line of a log in readable words', () => {
  const cases: readonly [line: string, level: Severity, words: string][] = [
    [event('fetch', { symbol: 'AAPL', ok: true, price: 231.4 }), 'info', 'fetch AAPL at 231.4'],
    [
      event('signal', {
        symbol: 'AAPL',
        price: 0.1 + 0.2,
        fast: 40.403999999999996,
        n: 1234567890,
      }),
      'info',
      'signal AAPL at 0.3 fast=40.404 n=1234567890',
    ],
    [
      event('fetch', { symbol: 'NVDA', ok: false, error: 'TimeoutError', message: 'no answer' }),
      'warning',
      'fetch NVDA failed: TimeoutError, no answer',
    ],
    [
      event('signal', { symbol: 'TSLA', signal: -1, price: 5, reason: 'SMA crossed' }),
      'info',
      'signal TSLA SELL at 5: SMA crossed',
    ],
    [
      event('fill', { symbol: 'AAPL', side: 'buy', quantity: 8, price: 231.4, cash: 98148.8 }),
      'info',
      'fill AAPL BUY 8 at 231.4 cash=98148.8',
    ],
    [
      event('cycle', { number: 1, failed: 0, durationMs: 30078, nextInMs: 250 }),
      'info',
      'cycle number=1 failed=0 duration=30.1s nextIn=250ms',
    ],
    [
      event('error', { message: 'division by zero', source: { file: '/h/s.py', line: 12 } }),
      'error',
      'error: division by zero File "/h/s.py", line 12',
    ],
    [event('of my own', { a: [1], b: 'two words' }), 'info', 'of my own a=[1] b="two words"'],
  ];
  const names = { info: 'INFO', warning: 'WARN', error: 'ERROR' };
  for (const [line, level, words] of cases) {
    it(`says ${words}`, () => {
      assert.equal(readableLine(line, level), `${at} ${names[level]} ${words}`);
    });
  }

  it('takes what was said out of a message in a message, and keeps its other values', () => {
    const line = nested({ attempt: 2, event: 'Failed to fetch data for NVDA' }, 'ERROR');
    assert.equal(
      readableLine(line, 'error'),
      '2026-07-01T09:31:02.400 ERROR robo_trader.runner_async Failed to fetch data for NVDA attempt=2',
    );
  });

  it('tells the error at the end of a traceback in one line', () => {
    const exception = 'Traceback (most recent call last):\n  File "a.py", line 1\nValueError: no';
    const words = readableLine(nested({ event: 'Cycle failed', exception }, 'ERROR'), 'error');
    assert.match(words ?? '', / Cycle failed \| ValueError: no$/);
  });

  it('finds the JSON behind what a container or a logger has put before it', () => {
    const inner = JSON.stringify({ level: 'warning', event: 'slow', ms: 900 });
    for (const line of [
      `2026-11-20 10:00:01,000 - robo_trader - INFO - ${inner}`,
      JSON.stringify({ log: `${inner}\n`, stream: 'stdout', time: at }),
    ]) {
      assert.match(readableLine(line, 'warning') ?? '', /^2026-11-20T.* WARNING .*slow ms=900$/);
    }
  });

  it('leaves every other line as it is', () => {
    for (const line of [
      '2026-11-20 10:00:00,000 - robo_trader - INFO - started',
      'time=2026-11-20T10:00:00Z level=info msg="started {"',
      '{"connected": false, "error": null}',
      '{"event": "torn',
      `{"event": "x", "much": "${'y'.repeat(70_000)}"}`,
      'received {"a": 1} from TWS',
      '[{"event": "x"}]',
      '',
    ]) {
      assert.equal(readableLine(line, 'info'), undefined, line.slice(0, 80));
    }
  });
});
