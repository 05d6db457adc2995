import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { Emitter } from '../../src/core/emitter';
import { known } from '../../src/core/observed';
import { runPreflight } from '../../src/preflight/preflight';
import type { SessionSource } from '../../src/preflight/sessionSource';
import { FakeClock } from '../support/fakeClock';
import { FakeMachine, fakeProcess, fakeSocket } from '../support/hostFakes';
import { calm, situation, waiting } from '../support/situations';

/** A kept session that answers nothing and notes how long it was waited for. */
function frozenSession(clock: FakeClock, deadlines: number[]): SessionSource {
  const progress = { ...waiting('open'), openAtMs: clock.now() };
  return {
    endpoint: { host: '127.0.0.1', port: 7497 },
    clientId: 9000,
    progress,
    marketData: undefined,
    onDidChange: new Emitter<void>().event,
    ask: () => undefined,
    askTime: (deadlineMs) => {
      deadlines.push(deadlineMs);
      return Promise.resolve(undefined);
    },
    situation: () => situation(progress, calm, { unansweredForMs: 3000 }),
    activeCodes: [],
    outage: undefined,
    loginFinding: undefined,
    acceptLogin: () => undefined,
    dataChecked: () => undefined,
  };
}

describe('how long the pre-flight waits for the server time of a kept session', () => {
  for (const [timeoutMs, expected] of [
    [3000, 3000],
    [15_000, 5000],
    [100, 3000],
  ] as const) {
    it(`${expected} ms where the whole may take ${timeoutMs} ms`, async () => {
      const clock = new FakeClock();
      const machine = new FakeMachine();
      machine.table = known([fakeProcess(10, 'java jclient.LoginFrame')]);
      machine.rows = known([fakeSocket('127.0.0.1:7497', '0.0.0.0:0', 'LISTEN', 10)]);
      const deadlines: number[] = [];
      const report = await runPreflight(
        { symbols: [], withData: true, mode: undefined, timeoutMs, dataTimeoutMs: () => 1000 },
        {
          clock,
          machine,
          source: frozenSession(clock, deadlines),
          onLayer: () => undefined,
          signal: new AbortController().signal,
        },
      );
      assert.deepEqual(deadlines, [expected]);
      assert.equal(report.failedLayer, 'clock');
      assert.equal(report.findings[0]?.layer, 'clock');
    });
  }
});
