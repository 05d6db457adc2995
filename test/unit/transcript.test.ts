import assert from 'node:assert/strict';
import { createFactReader } from '../../src/diagnostics/runnerReader';
import type { RunnerFact } from '../../src/diagnostics/runnerFacts';
import { RunnerTranscript } from '../../src/runner/transcript';
import { FakeClock } from '../support/fakeClock';

const start = Date.parse('2026-11-20T15:00:00Z');
const fetched = (symbol: string, at = start): string =>
  JSON.stringify({
    robo: 1,
    event: 'fetch',
    symbol,
    ok: true,
    price: 3,
    at: new Date(at).toISOString(),
  });

describe('what a runner has printed', () => {
  let clock: FakeClock;
  let transcript: RunnerTranscript;
  let order: string[];
  let facts: RunnerFact[];

  beforeEach(() => {
    clock = new FakeClock(start);
    transcript = new RunnerTranscript({ clock, createReader: createFactReader });
    order = [];
    facts = [];
    transcript.onLines((lines) => order.push(`lines ${lines.length}`));
    transcript.onFacts((heard) => {
      facts.push(...heard);
      order.push(`facts ${heard.length}`);
    });
    transcript.onDidChange(() => order.push('change'));
  });

  it('is told as lines, then as facts, then as a change where it says something new', () => {
    transcript.take([fetched('AAPL'), 'hello']);
    transcript.take(['nothing that is understood']);
    assert.deepEqual(order, ['lines 2', 'facts 1', 'change', 'lines 1', 'facts 0']);
    assert.deepEqual([...transcript.says.symbols.keys()], ['AAPL']);
  });

  it('keeps the last twenty lines and when they came', async () => {
    assert.equal(transcript.lastLineMs, null);
    transcript.take(Array.from({ length: 15 }, (_, n) => `a${n}`));
    await clock.advance(1000);
    transcript.take(Array.from({ length: 10 }, (_, n) => `b${n}`));
    assert.deepEqual(
      [transcript.lastLines.length, transcript.lastLines[0], transcript.lastLines.at(-1)],
      [20, 'a5', 'b9'],
    );
    assert.equal(transcript.lastLineMs, start + 1000);
    await clock.advance(1000);
    transcript.take([]);
    assert.equal(transcript.lastLineMs, start + 1000);
  });

  it('shows a traceback that is its last word once nothing more comes', () => {
    transcript.take(
      `Traceback (most recent call last):\n  File "/ws/bot.py", line 29, in <module>\n    cycle()\nKeyError: 'x'`.split(
        '\n',
      ),
    );
    assert.deepEqual(facts, []);
    transcript.finish();
    assert.ok(facts.length > 0);
  });

  it('takes of what was printed before only what counts, and tells nobody', () => {
    transcript.recall(
      [fetched('AAPL', start - 1), fetched('NVDA', start)],
      ({ at }) => at !== undefined && Date.parse(at) >= start,
    );
    assert.deepEqual([...transcript.says.symbols.keys()], ['NVDA']);
    assert.deepEqual(order, []);
    assert.deepEqual([transcript.lastLines, transcript.lastLineMs], [[], null]);
  });

  it('begins anew with each run', () => {
    transcript.take([fetched('AAPL')]);
    transcript.restart(['NVDA']);
    assert.deepEqual([transcript.lastLines, transcript.lastLineMs], [[], null]);
    assert.deepEqual(transcript.says.configured, ['NVDA']);
    assert.equal(transcript.says.symbols.has('AAPL'), false);
    transcript.expect(['TSLA']);
    assert.deepEqual(transcript.says.configured, ['TSLA']);
  });
});
