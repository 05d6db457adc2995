import assert from 'node:assert/strict';
import { SharedLook } from '../../src/host/sharedLook';

/** A look whose end a test decides. */
class Looks {
  readonly ends: { readonly give: (value: number) => void; readonly fail: () => void }[] = [];
  readonly shared = new SharedLook(
    () =>
      new Promise<number>((resolve, reject) => {
        this.ends.push({
          give: resolve,
          fail: () => {
            reject(new Error('broken'));
          },
        });
      }),
  );
}

describe('sharing a look', () => {
  it('gives to nobody an answer that is older than the question', async () => {
    const looks = new Looks();
    const first = looks.shared.ask();
    const late = [looks.shared.ask(), looks.shared.ask()];
    assert.equal(looks.ends.length, 1);
    looks.ends[0]?.give(1);
    assert.equal(await first, 1);
    assert.equal(looks.ends.length, 2);
    looks.ends[1]?.give(2);
    assert.deepEqual(await Promise.all(late), [2, 2]);
    assert.equal(looks.ends.length, 2);
  });

  it('looks anew for each that asks later', async () => {
    const looks = new Looks();
    for (const value of [1, 2, 3]) {
      const asked = looks.shared.ask();
      looks.ends.at(-1)?.give(value);
      assert.equal(await asked, value);
    }
  });

  it('goes on after a look that failed', async () => {
    const looks = new Looks();
    const first = looks.shared.ask();
    const second = looks.shared.ask();
    looks.ends[0]?.fail();
    await assert.rejects(first, /broken/);
    looks.ends[1]?.give(2);
    assert.equal(await second, 2);
  });
});
