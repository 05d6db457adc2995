import { deepEqual, rejects } from 'node:assert/strict';
import { Coalescer } from '../../src/core/coalescer';

/** Acts that end when they are told to. */
class Acts {
  readonly wishes: (readonly string[])[] = [];
  private readonly ends: ((error?: Error) => void)[] = [];
  readonly coalescer = new Coalescer<string, number>(async (wishes) => {
    const count = this.wishes.push(wishes);
    await new Promise<void>((resolve, reject) => {
      this.ends.push((error) => {
        if (error === undefined) {
          resolve();
        } else {
          reject(error);
        }
      });
    });
    return count;
  });

  async end(error?: Error): Promise<void> {
    this.ends.shift()?.(error);
    await new Promise(setImmediate);
  }
}

describe('wishes that coalesce', () => {
  it('are granted at once while nothing runs', async () => {
    const acts = new Acts();
    const first = acts.coalescer.run('a');
    await acts.end();
    const second = acts.coalescer.run('b');
    await acts.end();
    deepEqual([await first, await second], [1, 2]);
  });

  it('share one act when they come while another runs', async () => {
    const acts = new Acts();
    const results = ['a', 'b', 'c'].map((wish) => acts.coalescer.run(wish));
    await acts.end();
    await acts.end();
    deepEqual(await Promise.all(results), [1, 2, 2]);
    deepEqual(acts.wishes, [['a'], ['b', 'c']]);
  });

  it('are granted after an act that failed', async () => {
    const acts = new Acts();
    const first = rejects(acts.coalescer.run('a'), /disk/);
    const second = acts.coalescer.run('b');
    await acts.end(new Error('the disk is full'));
    await first;
    await acts.end();
    deepEqual(await second, 2);
    deepEqual(acts.wishes, [['a'], ['b']]);
  });
});
