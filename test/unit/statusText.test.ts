import assert from 'node:assert/strict';
import { statusText } from '../../src/cli/statusText';
import { styleFor } from '../../src/cli/style';
import type { Finding, Subject } from '../../src/diagnostics/finding';
import { makeFinding } from '../../src/diagnostics/makeFinding';
import type { RunnerStatus, StatusRecord } from '../../src/diagnostics/status';
import { runnerOf } from '../support/historyFixtures';
import { recordAtMs, statusRecordOf } from '../support/statusRecords';

function finding(message: string, subject: Subject): Finding {
  return makeFinding({
    subject,
    severity: 'error',
    causes: [{ id: 'runner_exited', confidence: 0.9, why: 'it did' }],
    message,
    nowMs: recordAtMs,
    evidence: [],
    setup: { platform: 'linux' },
  });
}

function runner(workspace: string, ...findings: readonly Finding[]): RunnerStatus {
  return runnerOf({ workspace, findings });
}

function text(change: Partial<StatusRecord>): string {
  return statusText({ ...statusRecordOf(), ...change }, true, {
    lastDrill: undefined,
    style: styleFor({ isTerminal: false, environment: {} }),
    nowMs: recordAtMs,
  });
}

describe('robo status for people', () => {
  const ended = finding('It ended.', { kind: 'runner', name: '/joe/one' });
  const symbol = finding('AAPL fails.', { kind: 'symbol', name: 'AAPL' });
  const twice = finding('2 runners of this workspace run.', { kind: 'process', name: '/joe/two' });
  const silent = finding('No answer.', { kind: 'connection' });

  it('says of each finding and incident which folder it is about where there are several', () => {
    const shown = text({
      findings: [silent, twice],
      duplicates: [{ workspace: '/joe/two', runners: [1, 2], helpers: [] }],
      runner: [runner('/joe/one', ended), runner('/joe/three', symbol)],
      incidents: [
        {
          key: 'k',
          subject: { kind: 'runner', name: '/joe/one' },
          severity: 'error',
          cause: null,
          layer: null,
          message: 'It ended.',
          since: '2026-11-20T14:00:00.000Z',
          toldAt: null,
          acknowledgedAt: null,
        },
      ],
    });
    assert.match(shown, /^Problem: No answer\.$/m);
    assert.match(shown, /^Problem in \/joe\/two: 2 runners of this workspace run\.$/m);
    assert.match(shown, /^Problem in \/joe\/one: It ended\.$/m);
    assert.match(shown, /^Problem in \/joe\/three: AAPL fails\.$/m);
    assert.match(shown, /^ {2}incident in \/joe\/one since 2026/m);
  });

  it('repeats no folder where there is one', () => {
    const shown = text({ findings: [silent], runner: [runner('/joe/one', ended, symbol)] });
    assert.doesNotMatch(shown, /Problem in/);
    assert.match(shown, /^Problem: AAPL fails\.$/m);
  });
});
