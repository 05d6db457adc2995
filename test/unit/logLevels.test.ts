import assert from 'node:assert/strict';
import { LineLevels } from '../../src/diagnostics/logLevels';

describe('the level of a line of a log', () => {
  for (const [level, line] of [
    ['info', '2026-11-20 10:00:00,000 - robo_trader - INFO - started'],
    ['error', '2026-11-20 10:00:00,000 - robo_trader - ERROR - it broke'],
    ['error', '2026-11-20 10:00:00,000 CRITICAL bot: it broke'],
    ['warning', 'WARNING: low'],
    ['error', '{"level":"error","msg":"boom"}'],
    ['error', '{"robo":1,"event":"error","message":"boom"}'],
    ['warning', '2026-11-20T15:00:00.000+00:00 WARN connection.down the port is closed'],
    ['info', 'nothing that anybody has heard of'],
    // What TWS says counts by its code.
    ['info', 'Error 2104, reqId -1: Market data farm connection is OK:usfarm'],
    [
      'info',
      '10:00:00 ib.wrapper - ERROR - Error 2106, reqId -1: HMDS data farm connection is OK:a',
    ],
    ['info', 'ERROR -1 2104 Market data farm connection is OK:usfarm'],
    ['error', 'ERROR -1 1100 Connectivity between IB and Trader Workstation has been lost.'],
  ] as const) {
    it(`is ${level} for ${line}`, () => {
      assert.equal(new LineLevels().push(line), level);
    });
  }

  it('is that of the error for each line of its traceback, and ends with it', () => {
    const levels = new LineLevels();
    const lines = [
      ['info', '10:00:00 INFO fetching'],
      ['error', 'Traceback (most recent call last):'],
      ['error', '  File "bot.py", line 3, in <module>'],
      ['error', '    trade()'],
      ['error', 'ValueError: bad'],
      ['info', 'going on'],
      ['error', '10:00:01 ERROR cannot'],
      ['error', '    because of this'],
      ['info', '10:00:02 INFO fine'],
    ] as const;
    for (const [level, line] of lines) {
      assert.equal(levels.push(line), level, line);
    }
  });

  it('is the same for a line that is repeated', () => {
    const levels = new LineLevels();
    const line = 'Error 2104, reqId -1: Market data farm connection is OK:usfarm';
    assert.deepEqual([levels.push(line), levels.push(line)], ['info', 'info']);
  });
});
