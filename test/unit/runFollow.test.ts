import assert from 'node:assert/strict';
import { type FollowedClient, followRunner } from '../../src/cli/runFollow';
import { Emitter } from '../../src/core/emitter';
import type { StopRunnerResult } from '../../src/daemon/protocol';
import type { ExitEvidence, RunnerStatus, StatusRecord } from '../../src/diagnostics/status';
import { statusRecordOf } from '../support/statusRecords';

const at = '2026-11-23T15:00:00.000Z';
const next = '2026-11-23T15:00:10.000Z';
const exit: ExitEvidence = { at, code: 7, signal: null, how: 'by itself', lastLines: [] };
const running: RunnerStatus = {
  workspace: '/w',
  state: 'running',
  pid: 100,
  command: [],
  symbols: [],
  startedAt: at,
  logFile: '/l',
  work: 'unknown',
  lastCycleAt: null,
  lastFetchAt: null,
  symbolStatus: [],
  bypassReason: null,
  exit: null,
  findings: [],
};
const exited: RunnerStatus = { ...running, state: 'exited', pid: null, exit };

function restart(nextAt: string | null, why: string): Pick<RunnerStatus, 'restart'> {
  return {
    restart: { isAutomatic: true, why, nextAt, restarts: 1, isPersonCalled: nextAt === null },
  };
}

/** A monitor that shows what it is told to, and what the command says of it. */
class Scene {
  private readonly changes = new Emitter<StatusRecord>();
  private readonly closes = new Emitter<string>();
  private runner: RunnerStatus = running;
  private readonly controller = new AbortController();
  stopResult: StopRunnerResult = { outcome: 'stopped', pid: 100, wasKilled: false };
  afterStop: RunnerStatus = { ...exited, exit: { ...exit, how: 'asked', code: 0 } };
  stops = 0;
  said = '';
  readonly code: Promise<number>;

  constructor() {
    const client: FollowedClient = {
      status: async () => Promise.resolve(this.record()),
      stopRunner: async () => {
        this.stops += 1;
        this.runner = this.afterStop;
        return Promise.resolve(this.stopResult);
      },
      onDidChangeStatus: this.changes.event,
      onDidClose: this.closes.event,
    };
    const stderr = (text: string): void => {
      this.said += text;
    };
    this.code = followRunner(client, '/w', { stderr, signal: this.controller.signal });
  }

  show(runner: RunnerStatus): void {
    this.runner = runner;
    this.changes.fire(this.record());
  }

  interrupt(): void {
    this.controller.abort();
  }

  close(): void {
    this.closes.fire('The monitor is gone.');
  }

  /** Whether the command goes on; all that was due has run before. */
  async goesOn(): Promise<boolean> {
    await new Promise((resolve) => setImmediate(resolve));
    return Promise.race([this.code.then(() => false), Promise.resolve(true)]);
  }

  private record(): StatusRecord {
    return { ...statusRecordOf(), runner: [this.runner] };
  }
}

describe('robo run, following its runner', () => {
  let scene: Scene;
  beforeEach(async () => {
    scene = new Scene();
    assert.ok(await scene.goesOn());
  });

  it("ends with the runner's own code where nothing starts it again, and says why", async () => {
    scene.show({ ...exited, ...restart(null, 'An exit 7 is never started again.') });
    assert.equal(await scene.code, 7);
    assert.match(scene.said, /ended by itself: exit 7\.\nAn exit 7 is never started again\.\n$/);
  });

  for (const [signal, code] of [
    ['SIGKILL', 137],
    ['SIGSEGV', 139],
    [null, 1],
  ] as const) {
    it(`ends with ${code} where ${signal ?? 'nobody knows what'} ended the runner`, async () => {
      scene.show({ ...exited, exit: { ...exit, code: null, signal }, ...restart(null, 'No.') });
      assert.equal(await scene.code, code);
    });
  }

  it('goes on while a restart is due, says it once, and tells when it came', async () => {
    scene.show({ ...exited, ...restart(next, 'Paper account.') });
    scene.show({ ...exited, ...restart('2026-11-23T15:01:00.000Z', 'Paper account.') });
    assert.ok(await scene.goesOn());
    assert.equal(scene.said.match(/to be started again/g)?.length, 1);
    assert.match(scene.said, new RegExp(`exit 7.* at ${next}\\. Paper account\\.`));
    scene.show({ ...running, pid: 101, ...restart(null, 'Started again.') });
    assert.match(scene.said, /Runner started again, pid 101\.\n$/);
    scene.show({ ...exited, exit: { ...exit, code: 3 }, ...restart(null, 'Three failures.') });
    assert.equal(await scene.code, 3);
    assert.match(scene.said, /Three failures\.\n$/);
  });

  it('stops a running runner at a signal', async () => {
    scene.interrupt();
    assert.equal(await scene.code, 0);
    assert.equal(scene.stops, 1);
    assert.equal(scene.said, 'Runner stopped.\n');
  });

  it('ends the wait for a restart at a signal, though nothing more comes', async () => {
    scene.stopResult = { outcome: 'not running', pid: null, wasKilled: false };
    scene.afterStop = { ...exited, ...restart(next, 'Paper account.') };
    scene.show(scene.afterStop);
    assert.ok(await scene.goesOn());
    scene.interrupt();
    assert.equal(await scene.code, 7);
  });

  it('says the time of the next start once, where the reason names it already', async () => {
    const why = `It is to be started again at ${next}: it ended by itself with exit code 7.`;
    scene.show({ ...exited, ...restart(next, why) });
    assert.ok(await scene.goesOn());
    assert.equal(scene.said.match(/to be started again/g)?.length, 1);
    assert.match(scene.said, /^Runner ended by itself: exit 7\. It is to be started again at /);
  });

  it('does not take word of a start that is due for the answer to its stop', async () => {
    const calledOff = 'Its next start was called off on request.';
    scene.stopResult = { outcome: 'not running', pid: null, wasKilled: false };
    scene.afterStop = { ...exited, ...restart(null, calledOff) };
    scene.show({ ...exited, ...restart(next, 'Paper account.') });
    scene.interrupt();
    // Another workspace's change tells everybody's state, this one's as it was before.
    scene.show({ ...exited, ...restart(next, 'Paper account.') });
    scene.show(scene.afterStop);
    assert.equal(await scene.code, 7);
    assert.match(scene.said, /called off on request\.\n$/);
  });

  it('says that asking was not enough, and that the system cannot ask', async () => {
    scene.stopResult = { outcome: 'stopped', pid: 100, wasKilled: true, how: 'KILL' };
    scene.interrupt();
    await scene.code;
    assert.match(scene.said, /did not end when it was asked to and was killed/);
  });

  it('says that a runner could not be ended', async () => {
    scene.stopResult = { outcome: 'still alive', pid: 100, wasKilled: true };
    scene.afterStop = running;
    scene.interrupt();
    assert.equal(await scene.code, 1);
    assert.match(scene.said, /pid 100\) could not be ended/);
  });

  it('leaves a runner to itself when the monitor is gone', async () => {
    scene.close();
    assert.equal(await scene.code, 1);
    assert.match(scene.said, /The monitor is gone\. The runner goes on by itself/);
  });

  it('says a helper that fell while the runner works, and no helper that ended with it', async () => {
    const helper = { name: 'app.py', pid: 5, port: 5555 };
    const fell = { ...helper, state: 'failed', why: 'port 5555 is taken by pid 9' } as const;
    scene.show({ ...running, helpers: [fell], warnings: ['A logout ends everything.'] });
    scene.show({ ...running, helpers: [fell], warnings: ['A logout ends everything.'] });
    const gone = { ...helper, name: 'feed', state: 'exited', why: 'it was stopped' } as const;
    scene.show({ ...exited, exit: { ...exit, how: 'asked', code: 0 }, helpers: [gone] });
    assert.equal(await scene.code, 0);
    assert.equal(
      scene.said,
      'Note: A logout ends everything.\nHelper app.py (pid 5) does not run: port 5555 is taken by pid 9\nRunner stopped.\n',
    );
  });
});
