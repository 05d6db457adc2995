import assert from 'node:assert/strict';
import { farmStates } from '../../src/ibkr/messageCodes';
import { ActiveMessages } from '../../src/monitor/activeMessages';

/** The codes in force after these messages. */
function after(...messages: readonly (readonly [code: number, text?: string])[]): number[] {
  const active = new ActiveMessages();
  for (const [code, text = ''] of messages) {
    active.note({ requestId: -1, code, text, atMs: 0 }, farmStates(code, text));
  }
  return active.list().map(({ code }) => code);
}

const broken = 'Market data farm connection is broken:usfarm';
const fine = 'Market data farm connection is OK:usfarm';
const partly =
  'Connectivity between IB and Trader Workstation has been restored - data maintained. The following farms are not connected: ushmds.';

describe('the messages in force', () => {
  for (const [what, codes, messages] of [
    ['a lost upstream', [1100], [[1100]]],
    ['a broken server link', [2110], [[2110]]],
    ['nothing after it is restored', [], [[1100], [1102]]],
    ['nothing after a broken server link, once a farm is back', [], [[2110], [2104, fine]]],
    ['a broken server link still, although a farm is at rest', [2110], [[2110], [2108, fine]]],
    ['a lost upstream still, although a farm is back', [1100], [[2110], [1100], [2104, fine]]],
    ['nothing after it is restored with data lost', [], [[1100], [1101]]],
    ['one loss that is told twice', [1100], [[2110], [1100]]],
    ['a broken farm', [2103], [[2103, broken]]],
    [
      'nothing after its farm is well',
      [],
      [
        [2103, broken],
        [2104, fine],
      ],
    ],
    [
      'a farm that only connects',
      [2103],
      [
        [2103, broken],
        [2119, 'Market data farm is connecting:usfarm'],
      ],
    ],
    [
      'a farm beside another that is well',
      [2103],
      [
        [2103, broken],
        [2104, `${fine}.nj`],
      ],
    ],
    [
      'a broken farm without a name beside another kind',
      [2105],
      [
        [2103, 'x'],
        [2105, 'x'],
        [2104, 'x'],
      ],
    ],
    ['farms that did not come back', [1102], [[1100], [1102, partly]]],
    [
      'nothing when they come back one by one',
      [],
      [
        [1102, partly],
        [2106, 'HMDS data farm connection is OK:ushmds'],
      ],
    ],
    ['a competing session', [10197], [[10197]]],
    ['a moved port', [1300], [[1300]]],
    ['nothing of good news and notes', [], [[2104, fine], [2107, 'x'], [162], [200], [9999]]],
  ] as const) {
    it(`are ${what}`, () => {
      assert.deepEqual(after(...messages), codes);
    });
  }

  it('forget data trouble when data has come, and nothing else', () => {
    const active = new ActiveMessages();
    for (const code of [1100, 10197]) {
      active.note({ requestId: -1, code, text: '', atMs: 0 }, []);
    }
    active.clearDataTrouble();
    assert.deepEqual(
      active.list().map(({ code }) => code),
      [1100],
    );
    active.clear();
    assert.deepEqual(active.list(), []);
  });
});
