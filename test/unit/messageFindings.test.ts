import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { Outage } from '../../src/diagnostics/outage';
import type { TwsMessage } from '../../src/ibkr/connection';
import { farmStates } from '../../src/ibkr/messageCodes';
import { ActiveMessages } from '../../src/monitor/activeMessages';
import { messageFindings } from '../../src/monitor/messageFindings';

/** What is told after these messages, by the best cause of each finding. */
function told(codes: readonly (readonly [code: number, text: string])[]): readonly string[] {
  const active = new ActiveMessages();
  let lost: TwsMessage | undefined;
  for (const [code, text] of codes) {
    const message: TwsMessage = { requestId: -1, code, text, atMs: 0 };
    lost = code === 1100 ? message : lost;
    active.note(message, farmStates(code, text));
  }
  const outage: Outage | undefined =
    lost === undefined ? undefined : { message: lost, nowMs: 1000, sinceMs: 0, windows: [] };
  const findings = messageFindings(active, { isUnverified: false, outage });
  return findings.map(({ guide }) => guide);
}

const lost = [1100, 'Connectivity between IB and TWS has been lost.'] as const;
const broken = (farm: string): readonly [number, string] => [
  2103,
  `Market data farm connection is broken:${farm}`,
];

describe('what TWS complains of', () => {
  it('begins with the lost IBKR, also where a farm was broken before it', () => {
    assert.deepEqual(told([broken('usfarm'), lost]), ['upstream_lost_1100', 'farm_broken_2103']);
  });

  it('keeps the lost IBKR among many farms that break after it', () => {
    const farms = Array.from({ length: 100 }, (_, index) => broken(`farm${index}`));
    const findings = told([lost, ...farms]);
    assert.equal(findings[0], 'upstream_lost_1100');
    assert.ok(findings.length <= 31, 'nobody reads a hundred');
  });
});
