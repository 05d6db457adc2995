import assert from 'node:assert/strict';
import { isoTime } from '../../src/core/clock';
import { type FeedMessage, FeedTalk } from '../../src/daemon/feed/feedTalk';
import { createFactReader } from '../../src/diagnostics/runnerReader';
import { FakeClock } from '../support/fakeClock';
import { recordAtMs, statusRecordOf } from '../support/statusRecords';

const at = isoTime(recordAtMs);

describe('what the feed says to other programs', () => {
  let clock: FakeClock;
  let talk: FeedTalk;
  let heard: FeedMessage[];

  beforeEach(() => {
    clock = new FakeClock(recordAtMs);
    talk = new FeedTalk({ clock, status: () => statusRecordOf() });
    heard = [];
  });

  const listen = () => talk.subscribe((message) => heard.push(message));

  it('is who it is and how it stands, and then what happens', async () => {
    listen();
    assert.deepEqual(
      heard.map(({ type }) => type),
      ['hello', 'health'],
    );
    const read = createFactReader();
    const facts = [
      { event: 'signal', at, symbol: 'AAPL', signal: -1, price: 231 },
      { event: 'fill', at, symbol: 'AAPL', side: 'sell', quantity: 8, price: 231.5 },
      { event: 'book', at, equity: 99_990, cash: 5 },
      { event: 'book', at, equity: 'much' },
      { event: 'cycle', at },
    ].flatMap((event) => read(JSON.stringify({ robo: 1, ...event })));
    talk.hear('/ws', facts);
    talk.hearLines('/ws', ['a line']);
    talk.stateChanged();
    await clock.advance(250);
    assert.deepEqual(
      heard.slice(2).map((message) => (message.type === 'health' ? 'health' : message)),
      [
        'health',
        {
          ...{ type: 'signal', at, workspace: '/ws', symbol: 'AAPL' },
          ...{ signal: 'sell', price: 231, reason: null },
        },
        {
          ...{ type: 'fill', at, workspace: '/ws', symbol: 'AAPL' },
          ...{ side: 'sell', quantity: 8, price: 231.5 },
        },
        { type: 'book', at, workspace: '/ws', equity: 99_990 },
        { type: 'log', workspace: '/ws', lines: ['a line'] },
      ],
    );
  });

  it('says what came too fast by its number, and keeps nothing of it', async () => {
    listen();
    heard.splice(0);
    for (let step = 0; step < 1000; step += 1) {
      talk.hear('/ws', [{ kind: 'book', equity: step }]);
      talk.hearLines('/ws', ['x'.repeat(10_000), 'y']);
    }
    await clock.advance(250);
    const lines = heard.flatMap((message) => (message.type === 'log' ? message.lines : []));
    assert.equal(heard.filter(({ type }) => type === 'book').length, 200);
    assert.deepEqual([lines.length, Math.max(...lines.map(({ length }) => length))], [500, 2000]);
    assert.deepEqual(heard.at(-1), { type: 'leftOut', events: 800, lines: 1500 });
    heard.splice(0);
    await clock.advance(1000);
    assert.deepEqual([heard, clock.pending], [[], 0]);
  });

  it('is nothing while nobody listens', async () => {
    listen().dispose();
    heard.splice(0);
    talk.stateChanged();
    talk.hear('/ws', [{ kind: 'book', equity: 1 }]);
    talk.hearLines('/ws', ['x']);
    await clock.advance(1000);
    assert.deepEqual([heard, clock.pending], [[], 0]);
    listen();
    assert.equal(heard.length, 2);
  });
});
