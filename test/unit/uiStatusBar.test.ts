import assert from 'node:assert/strict';
import type { StatusRecord } from '../../src/diagnostics/status';
import type { StatusBar } from '../../src/ui/statusBar';
import { FakeClock } from '../support/fakeClock';
import { type FakeEditor, installFakeVscode } from '../support/fakeVscode';
import { ago, findingWith, startMs, statusWith } from '../support/uiFixtures';

const endpoint = { host: '127.0.0.1', port: 7497 };

/** What the editor is told of the item: each assignment closes a hover that is open. */
describe('The status bar item', () => {
  let editor: FakeEditor;
  let removeFake: () => void;
  let clock: FakeClock;
  let bar: StatusBar;

  beforeEach(async () => {
    ({ editor, remove: removeFake } = installFakeVscode());
    const module = await import('../../src/ui/statusBar');
    clock = new FakeClock(startMs);
    bar = new module.StatusBar(clock);
  });

  afterEach(() => {
    bar.dispose();
    removeFake();
  });

  function show(status: StatusRecord): readonly string[] {
    editor.statusItem.length = 0;
    bar.update({ state: { kind: 'watching', endpoint, status }, workspace: undefined });
    return editor.statusItem.map(([name]) => name);
  }

  it('is set once, and not again while nothing new is to be said', async () => {
    assert.deepEqual(show(statusWith()).toSorted(), [
      'accessibilityInformation',
      'backgroundColor',
      'command',
      'text',
      'tooltip',
    ]);
    for (let count = 0; count < 4; count += 1) {
      await clock.advance(10_000);
      const session = { ...statusWith().session, roundTripMs: count, lastAnswerAt: ago(-5) };
      assert.deepEqual(show(statusWith({ timestamp: ago(-10 * count), session })), []);
    }
  });

  it('is set at once when something changes', () => {
    show(statusWith());
    assert.ok(show(statusWith({ health: 'down', findings: [findingWith()] })).includes('tooltip'));
    assert.ok(show(statusWith()).includes('tooltip'));
  });

  it('lets an age in a sentence grow once a minute, not with each word of the monitor', async () => {
    const silentFor = (seconds: number): readonly string[] => {
      const message = `TCP accepted, no answer to the API hello for ${seconds} s.`;
      return show(statusWith({ health: 'down', findings: [findingWith({ message })] }));
    };
    assert.ok(silentFor(3).includes('tooltip'));
    await clock.advance(30_000);
    assert.deepEqual(silentFor(33), []);
    await clock.advance(30_000);
    assert.ok(silentFor(63).includes('tooltip'));
    assert.deepEqual(silentFor(64), []);
  });
});
