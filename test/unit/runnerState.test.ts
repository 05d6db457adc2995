import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  reduceRunner,
  type RunnerEvent,
  type RunnerPhase,
  type RunnerProcess,
} from '../../src/runner/runnerState';

const child: RunnerProcess = {
  pid: 10,
  startToken: 't',
  argv: ['x'],
  startedAtMs: 1,
  isOurChild: true,
};
const adopted: RunnerProcess = { ...child, isOurChild: false };
const stopped = { outcome: 'stopped', how: 'TERM', wasKilled: false, left: [], why: null } as const;
const alive = { outcome: 'still alive', how: null, wasKilled: true, left: [10], why: 'x' } as const;

function play(...events: RunnerEvent[]): { phase: RunnerPhase; effects: string[] } {
  let phase: RunnerPhase = { name: 'none' };
  const effects: string[] = [];
  for (const event of events) {
    const step = reduceRunner(phase, event, 1000);
    phase = step.phase;
    effects.push(...step.effects);
  }
  return { phase, effects };
}

const started: RunnerEvent[] = [{ kind: 'start asked' }, { kind: 'spawned', process: child }];
const ended: RunnerEvent = { kind: 'ended', code: 3, signal: null };

describe('runner state', () => {
  it('tells a fall from a stop that was asked for', () => {
    const fell = play(...started, ended);
    assert.deepEqual(fell.phase, {
      name: 'exited',
      process: child,
      exit: { atMs: 1000, code: 3, signal: null, how: 'by itself' },
    });
    assert.deepEqual(fell.effects, ['watch', 'close']);
    const asked = play(...started, { kind: 'stop asked' }, ended, {
      kind: 'tree ended',
      tree: stopped,
    });
    assert.equal(asked.phase.name === 'exited' && asked.phase.exit.how, 'asked');
    assert.deepEqual(asked.effects, ['watch', 'end tree', 'close']);
  });

  it('waits for the whole tree, and for the word how the leader ended', () => {
    const leaderFirst = play(...started, { kind: 'stop asked' }, ended);
    assert.equal(leaderFirst.phase.name, 'stopping');
    const treeFirst = play(
      ...started,
      { kind: 'stop asked' },
      { kind: 'tree ended', tree: stopped },
    );
    assert.equal(treeFirst.phase.name, 'stopping');
    const both = reduceRunner(treeFirst.phase, ended, 1000).phase;
    assert.equal(both.name === 'exited' && both.exit.code, 3);
  });

  it('goes on supervising what could not be ended', () => {
    const end = play(...started, { kind: 'stop asked' }, { kind: 'tree ended', tree: alive });
    assert.equal(end.phase.name, 'running');
    assert.deepEqual(end.effects, ['watch', 'end tree', 'watch']);
  });

  it('never calls an unseen end clean', () => {
    const gone = play({ kind: 'found gone', process: adopted });
    const vanished = play({ kind: 'adopted', process: adopted }, { kind: 'vanished' });
    for (const { phase } of [gone, vanished]) {
      assert.deepEqual(phase.name === 'exited' && phase.exit, {
        atMs: 1000,
        code: null,
        signal: null,
        how: 'unseen',
      });
    }
  });

  it('never runs two at once, whatever happens in whatever order', () => {
    const event = fc.constantFrom<RunnerEvent>(
      { kind: 'start asked' },
      { kind: 'spawned', process: child },
      { kind: 'adopted', process: adopted },
      { kind: 'stop asked' },
      ended,
      { kind: 'vanished' },
      { kind: 'tree ended', tree: stopped },
      { kind: 'tree ended', tree: alive },
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), (events) => {
        let phase: RunnerPhase = { name: 'none' };
        for (const next of events) {
          const before = phase;
          phase = reduceRunner(phase, next, 0).phase;
          if (before.name === 'running' || before.name === 'stopping') {
            // A living process is only ever replaced by its own end.
            assert.ok('process' in phase && phase.process === before.process);
          }
        }
      }),
    );
  });
});
