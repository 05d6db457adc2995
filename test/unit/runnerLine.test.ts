import assert from 'node:assert/strict';
import { runnerLineWriter } from '../../src/cli/runnerLine';
import { styleFor } from '../../src/cli/style';

const plain = styleFor({ isTerminal: false, environment: {} });

describe('a runner line for a person', () => {
  const write = runnerLineWriter(plain);
  const event = (fields: object): string => JSON.stringify({ robo: 1, ...fields });

  it('says a signal in words', () => {
    const line = event({ event: 'signal', symbol: 'AAPL', signal: 1, price: 911.9, reason: 'up' });
    assert.match(write(line), /signal {2}AAPL +buy +911\.90 +up/);
  });

  it('keeps a line that it does not know, without control sequences', () => {
    assert.equal(write('hello\u001b[31m\u0007 world'), 'hello world');
    assert.equal(write('{"robo":1,"event":"frobnicate"}'), '{"robo":1,"event":"frobnicate"}');
  });

  it('lets no control sequence through an event', () => {
    const line = event({ event: 'signal', symbol: 'AAPL', signal: 0, reason: '\u001b]0;x\u0007y' });
    // eslint-disable-next-line no-control-regex -- exactly these are looked for
    assert.doesNotMatch(write(line), /[\u0000-\u001f]/);
  });
});
