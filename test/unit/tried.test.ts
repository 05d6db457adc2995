import assert from 'node:assert/strict';
import { alertText } from '../../src/daemon/statusRecord';
import type { RecoveryAttempt } from '../../src/diagnostics/status';
import { triedSteps, triedText } from '../../src/diagnostics/tried';
import { statusBarView } from '../../src/ui/statusBarView';
import { english, startMs, statusWith } from '../support/uiFixtures';

const at = '2026-11-20T15:00:00.000Z';
const recovery: readonly RecoveryAttempt[] = [
  { step: 'hold', at, evidence: '', outcome: 'kept' },
  { step: 'RECONNECTDATA', at, evidence: '', outcome: 'IBC has taken it' },
  { step: 'call', at, evidence: '', outcome: 'nothing more' },
];
const words = 'held the silent connection (kept); RECONNECTDATA (IBC has taken it)';

describe('what was tried', () => {
  it('is each step with its outcome, and no call', () => {
    assert.equal(triedSteps(recovery), words);
    assert.equal(triedText(recovery), `tried: ${words}`);
    assert.equal(triedText([]), undefined);
    assert.equal(triedText(undefined), undefined);
  });

  it('stands in the alert', () => {
    const status = statusWith({ health: 'down' });
    assert.ok(alertText({ ...status, recovery })?.includes(`\nRobo has tried: ${words}\n`));
    assert.doesNotMatch(alertText({ ...status, recovery: [] }) ?? '', /tried/);
  });

  it('stands in the status bar, until all is well', () => {
    const label = (health: 'down' | 'healthy'): string => {
      const status = { ...statusWith({ health }), recovery };
      const endpoint = { host: '127.0.0.1', port: 7497 };
      const state = { kind: 'watching', endpoint, status } as const;
      return statusBarView({ state, workspace: undefined, nowMs: startMs }, english).label;
    };
    assert.match(label('down'), /Tried: held the silent connection \(kept\)/);
    assert.doesNotMatch(label('healthy'), /Tried/);
  });
});
