import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { classify, farmStates, messageCodes } from '../../src/ibkr/messageCodes';

describe('classify', () => {
  for (const [code, expected] of [
    [2104, 'good'],
    [2106, 'good'],
    [2158, 'good'],
    [1102, 'good'],
    [2107, 'info'],
    [2119, 'info'],
    [2103, 'warning'],
    [1101, 'warning'],
    [1100, 'error'],
    [200, 'error'],
    [326, 'fatal'],
    [10141, 'fatal'],
  ] as const) {
    it(`${code} is ${expected}`, () => {
      assert.equal(classify(code).class, expected);
      assert.equal(classify(code).isDocumented, true);
    });
  }

  it('guesses unknown codes by their range and says so', () => {
    assert.deepEqual(classify(2199), {
      code: 2199,
      class: 'warning',
      scope: 'request',
      text: '',
      isDocumented: false,
    });
    assert.equal(classify(98_765).class, 'error');
  });

  it('has every row whole', () => {
    assert.ok(messageCodes.length > 450);
    assert.deepEqual(
      messageCodes,
      messageCodes.toSorted((a, b) => a - b),
    );
    for (const code of messageCodes) {
      assert.ok(Number.isInteger(code));
      assert.doesNotMatch(classify(code).text, /[^\x20-\x7e]/, `${code} is garbled`);
    }
    assert.match(classify(144).text, /"Modify > Share Allocation\."$/);
  });
});

describe('farmStates', () => {
  it('reads the farm behind a colon, in any language', () => {
    assert.deepEqual(farmStates(2103, 'Market data farm connection is broken:usfarm.nj'), [
      { farm: 'usfarm.nj', kind: 'market data', state: 'broken' },
    ]);
    assert.equal(farmStates(2104, '市场数据连接正常：usfarm')[0]?.farm, 'usfarm');
    assert.equal(farmStates(2158, 'Sec-def data farm connection is OK:secdefil')[0]?.state, 'ok');
  });

  it('reads the farm behind the full stop of 2107', () => {
    const text = 'HMDS data farm connection is inactive but should be available upon demand.ushmds';
    assert.deepEqual(farmStates(2107, text), [
      { farm: 'ushmds', kind: 'historical data', state: 'inactive' },
    ]);
  });

  it('reads both lists of 1102', () => {
    const text =
      'restored - data maintained. The following farms are connected: usfarm; eufarm. The following farms are not connected: cashhmds.';
    assert.deepEqual(
      farmStates(1102, text).map(({ farm, state }) => `${farm} ${state}`),
      ['cashhmds broken', 'usfarm ok', 'eufarm ok'],
    );
    assert.deepEqual(
      farmStates(1102, 'All data farms are connected: usfarm.nj; ushmds.').map(({ farm }) => farm),
      ['usfarm.nj', 'ushmds'],
    );
  });

  it('says nothing about other messages', () => {
    assert.deepEqual(farmStates(1100, 'usfarm: broken'), []);
    assert.deepEqual(
      farmStates(2104, '').map(({ farm }) => farm),
      [''],
    );
  });
});
