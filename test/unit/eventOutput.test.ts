import assert from 'node:assert/strict';
import { EventOutput } from '../../src/trading/eventOutput';

describe('what the runner says', () => {
  it('is written whole, whatever the system takes at a time', () => {
    let written = '';
    const output = new EventOutput((bytes) => {
      written += bytes.toString('latin1', 0, 3);
      return Math.min(3, bytes.length);
    });
    output.write('{"robo":1}\n');
    output.write('{"robo":2}\n');
    assert.equal(written, '{"robo":1}\n{"robo":2}\n');
  });

  it('is said again after a full disk, with no line glued to half of another', () => {
    let written = '';
    let room = 4;
    const output = new EventOutput((bytes) => {
      if (room === 0) {
        throw new Error('ENOSPC');
      }
      const taken = Math.min(room, bytes.length);
      written += bytes.toString('latin1', 0, taken);
      room -= taken;
      return taken;
    });
    output.write('first\n');
    output.write('lost\n');
    room = 100;
    output.write('second\n');
    output.write('third\n');
    assert.equal(written, 'firs\nsecond\nthird\n');
  });
});
