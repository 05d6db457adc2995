import assert from 'node:assert/strict';
import { delay } from '../../src/core/clock';
import { DisposableStore, toDisposable } from '../../src/core/disposables';
import { Emitter } from '../../src/core/emitter';
import { FakeClock } from '../support/fakeClock';

describe('an emitter', () => {
  it('tells every listener, in order, until it is unsubscribed', () => {
    const emitter = new Emitter<number>();
    const heard: string[] = [];
    const first = emitter.event((value) => heard.push(`first ${value}`));
    emitter.event((value) => heard.push(`second ${value}`));
    emitter.fire(1);
    first.dispose();
    first.dispose();
    emitter.fire(2);
    assert.deepEqual(heard, ['first 1', 'second 1', 'second 2']);
  });

  it('counts one function that subscribes twice as two', () => {
    const emitter = new Emitter<number>();
    let heard = 0;
    const listener = (): void => {
      heard += 1;
    };
    const once = emitter.event(listener);
    emitter.event(listener);
    emitter.fire(1);
    once.dispose();
    emitter.fire(2);
    assert.equal(heard, 3);
  });

  it('lets one bad listener keep nobody from hearing', () => {
    const errors: unknown[] = [];
    const emitter = new Emitter<number>((error) => errors.push(error));
    const heard: number[] = [];
    emitter.event(() => {
      throw new Error('bad');
    });
    emitter.event((value) => heard.push(value));
    emitter.fire(7);
    assert.deepEqual(heard, [7]);
    assert.equal(errors.length, 1);
  });

  it('tells nothing more to a listener that another one has just unsubscribed', () => {
    const emitter = new Emitter<number>();
    let heard = 0;
    emitter.event(() => {
      second.dispose();
    });
    const second = emitter.event(() => {
      heard += 1;
    });
    emitter.fire(1);
    assert.equal(heard, 0);
  });

  it('leaves one that subscribes meanwhile to the next event', () => {
    const emitter = new Emitter<number>();
    const heard: number[] = [];
    const first = emitter.event(() => {
      first.dispose();
      emitter.event((value) => heard.push(value));
    });
    emitter.fire(1);
    emitter.fire(2);
    assert.deepEqual(heard, [2]);
  });

  it('is silent after its end', () => {
    const emitter = new Emitter<number>();
    let heard = 0;
    emitter.event(() => {
      heard += 1;
    });
    emitter.dispose();
    emitter.fire(1);
    assert.equal(heard, 0);
  });
});

describe('a store of disposables', () => {
  it('releases everything once, the newest first', () => {
    const store = new DisposableStore();
    const released: string[] = [];
    for (const name of ['a', 'b']) {
      store.add(toDisposable(() => released.push(name)));
    }
    store.dispose();
    store.dispose();
    assert.deepEqual(released, ['b', 'a']);
  });

  it('releases at once what comes after its end', () => {
    const store = new DisposableStore();
    store.dispose();
    let released = 0;
    store.add(toDisposable(() => (released += 1)));
    assert.equal(released, 1);
  });

  it('releases the rest when one of them throws, and still tells of it', () => {
    const store = new DisposableStore();
    let released = 0;
    store.add(toDisposable(() => (released += 1)));
    store.add({
      dispose: () => {
        throw new Error('stuck');
      },
    });
    store.add(toDisposable(() => (released += 1)));
    assert.throws(() => {
      store.dispose();
    }, /stuck/);
    assert.equal(released, 2);
  });
});

describe('a delay', () => {
  it('ends when its time is over, and not before', async () => {
    const clock = new FakeClock();
    let isOver = false;
    void delay(clock, 1000).then(() => (isOver = true));
    await clock.advance(999);
    assert.equal(isOver, false);
    await clock.advance(1);
    assert.equal(isOver, true);
    assert.equal(clock.pending, 0);
  });

  it('ends at once when it is cancelled, before or meanwhile, and leaves no timer', async () => {
    const clock = new FakeClock();
    await delay(clock, 1000, AbortSignal.abort());
    const controller = new AbortController();
    const waiting = delay(clock, 1000, controller.signal);
    assert.equal(clock.pending, 1);
    controller.abort();
    await waiting;
    assert.equal(clock.pending, 0);
  });
});
