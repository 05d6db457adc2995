import assert from 'node:assert/strict';
import { type Importance, type Toast, Toasts, toastTurnMs } from '../../src/ui/toasts';
import { FakeClock, settle } from '../support/fakeClock';

/** A screen on which the queue shows its toasts; counts how many stand at once. */
class Screen {
  readonly clock = new FakeClock();
  readonly standing = new Map<string, (chosen: string | undefined) => void>();
  readonly history: string[] = [];
  most = 0;
  readonly toasts = new Toasts({
    clock: this.clock,
    hide: () => {
      this.hidden = [...this.hidden, ...this.standing.keys()];
      this.onScreen = 0;
      return this.hiding;
    },
  });
  /** Undefined where the editor hides at once. */
  hiding: Promise<void> | undefined;
  hidden: readonly string[] = [];
  private onScreen = 0;

  toast(name: string, importance: Importance, isDue?: () => boolean): Toast {
    return {
      importance,
      ...(isDue === undefined ? {} : { isDue }),
      show: () => {
        this.history.push(name);
        this.onScreen += 1;
        this.most = Math.max(this.most, this.onScreen);
        return new Promise((resolve) => {
          this.standing.set(name, resolve);
        });
      },
    };
  }

  async close(name: string, chosen?: string): Promise<void> {
    this.onScreen -= this.hidden.includes(name) ? 0 : 1;
    this.standing.get(name)?.(chosen);
    this.standing.delete(name);
    await settle();
  }
}

describe('The queue of toasts', () => {
  it('lets the answer of a test take the place of the question that stood there', async () => {
    const screen = new Screen();
    let isUnwatched = true;
    const offer = screen.toasts.ask(screen.toast('watch?', 'offer', () => isUnwatched));
    await screen.toasts.during(() => {
      assert.deepEqual(screen.hidden, ['watch?']);
      isUnwatched = false;
      return Promise.resolve();
    });
    const answer = screen.toasts.ask(screen.toast('passed', 'answer'));
    assert.deepEqual(screen.history, ['watch?', 'passed']);
    assert.equal(screen.most, 1);
    // The editor's list still keeps the question, and it can be answered there.
    await screen.close('watch?', 'Watch');
    assert.equal(await offer, 'Watch');
    await screen.close('passed', 'Start Runner');
    assert.equal(await answer, 'Start Runner');
  });

  it('does not put a question any more that was answered while it waited', async () => {
    const screen = new Screen();
    let isUnwatched = true;
    void screen.toasts.ask(screen.toast('passed', 'answer'));
    const offer = screen.toasts.ask(screen.toast('watch?', 'offer', () => isUnwatched));
    isUnwatched = false;
    screen.toasts.recheck();
    assert.equal(await offer, undefined);
    await screen.close('passed');
    assert.deepEqual(screen.history, ['passed']);
  });

  it('shows an incident at once over a question, and each incident in its turn', async () => {
    const screen = new Screen();
    void screen.toasts.ask(screen.toast('watch?', 'offer'));
    void screen.toasts.ask(screen.toast('down', 'incident'));
    void screen.toasts.ask(screen.toast('runner', 'incident'));
    assert.deepEqual(screen.history, ['watch?', 'down']);
    await screen.clock.advance(toastTurnMs - 1);
    assert.deepEqual(screen.history, ['watch?', 'down']);
    await screen.clock.advance(1);
    assert.deepEqual(screen.history, ['watch?', 'down', 'runner']);
    assert.equal(screen.most, 1);
  });

  it('lets no question push an incident away, however long it stands', async () => {
    const screen = new Screen();
    void screen.toasts.ask(screen.toast('down', 'incident'));
    void screen.toasts.ask(screen.toast('watch?', 'offer'));
    await screen.clock.advance(3_600_000);
    assert.deepEqual(screen.history, ['down']);
    await screen.close('down');
    assert.deepEqual(screen.history, ['down', 'watch?']);
  });

  it('lets an incident wait while somebody reads an answer, and the next answer come at once', async () => {
    const screen = new Screen();
    void screen.toasts.ask(screen.toast('failed', 'answer'));
    void screen.toasts.ask(screen.toast('down', 'incident'));
    void screen.toasts.ask(screen.toast('stopped', 'answer'));
    assert.deepEqual(screen.history, ['failed', 'stopped']);
    await screen.close('stopped');
    assert.deepEqual(screen.history, ['failed', 'stopped', 'down']);
    assert.equal(screen.most, 1);
  });

  it('takes an incident away as soon as it is over', () => {
    const screen = new Screen();
    let isOpen = true;
    void screen.toasts.ask(screen.toast('down', 'incident', () => isOpen));
    isOpen = false;
    screen.toasts.recheck();
    assert.deepEqual(screen.hidden, ['down']);
    void screen.toasts.ask(screen.toast('next', 'offer'));
    assert.deepEqual(screen.history, ['down', 'next']);
    assert.equal(screen.most, 1);
  });

  it('shows nothing beside progress, also where two tasks overlap', async () => {
    const screen = new Screen();
    const ends: (() => void)[] = [];
    const task = (): Promise<void> => new Promise((resolve) => ends.push(resolve));
    const tasks = [screen.toasts.during(task), screen.toasts.during(task)];
    void screen.toasts.ask(screen.toast('first', 'answer'));
    void screen.toasts.ask(screen.toast('second', 'answer'));
    ends[0]?.();
    await tasks[0];
    assert.deepEqual(screen.history, []);
    ends[1]?.();
    await tasks[1];
    // The newest answer is what somebody waits for; the older one comes in its turn.
    assert.deepEqual(screen.history, ['second']);
    await screen.clock.advance(toastTurnMs);
    assert.deepEqual(screen.history, ['second', 'first']);
    assert.equal(screen.most, 1);
  });

  it('goes on after a task and a toast that failed, and leaves no timer behind', async () => {
    const screen = new Screen();
    await assert.rejects(
      screen.toasts.during(() => Promise.reject(new Error('no'))),
      /no/,
    );
    const broken = screen.toasts.ask({
      importance: 'answer',
      show: () => Promise.reject(new Error('gone')),
    });
    await assert.rejects(broken, /gone/);
    void screen.toasts.ask(screen.toast('next', 'offer'));
    assert.deepEqual(screen.history, ['next']);
    void screen.toasts.ask(screen.toast('waits', 'offer'));
    assert.equal(screen.clock.pending, 1);
    screen.toasts.dispose();
    assert.equal(screen.clock.pending, 0);
  });

  it('shows the next one only when the editor has hidden the one before', async () => {
    const screen = new Screen();
    let hasHidden: () => void = () => undefined;
    screen.hiding = new Promise((resolve) => (hasHidden = resolve));
    void screen.toasts.ask(screen.toast('started', 'answer'));
    void screen.toasts.ask(screen.toast('down', 'incident'));
    await screen.clock.advance(toastTurnMs);
    assert.deepEqual(screen.hidden, ['started']);
    assert.deepEqual(screen.history, ['started']);
    hasHidden();
    await settle();
    assert.deepEqual(screen.history, ['started', 'down']);
    assert.equal(screen.most, 1);
  });
});
