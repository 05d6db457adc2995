import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { known } from '../../src/core/observed';
import type { PortObservation } from '../../src/host/portObservation';
import { passiveLayers } from '../../src/preflight/passiveLayers';
import { blind, calm, empty, nowMs, oldTws, twsProcess } from '../support/situations';

const endpoint = { host: '127.0.0.1', port: 7497 };

function port(os: PortObservation) {
  const found = passiveLayers(os, endpoint, nowMs).find(({ layer }) => layer === 'port');
  assert.ok(found);
  return found;
}

describe('the look at the port', () => {
  it('passes where TWS listens, and is unknown where nobody could look', () => {
    assert.equal(port(calm).status, 'pass');
    assert.equal(port(blind).status, 'unknown');
  });

  it('warns where a program listens that is neither java nor TWS', () => {
    const foreign = {
      ...oldTws,
      role: 'other',
      product: undefined,
      argv: ['/opt/thingd'],
    } as const;
    const { status, summary } = port({ ...calm, listeners: known([foreign]) });
    assert.equal(status, 'warn');
    assert.match(summary, /thingd/);
    const script = { ...foreign, argv: ['node', 'server.js'] };
    assert.equal(port({ ...calm, listeners: known([script]) }).status, 'pass');
  });

  it('says that a TWS of two minutes is starting or at its login, and an old one is not', () => {
    const started = (agoMs: number): PortObservation => ({
      ...empty,
      twsProcesses: known([{ ...twsProcess, startedAtMs: nowMs - agoMs }]),
    });
    assert.match(port(started(120_000)).summary, /started 2 min ago: starting, or waiting/);
    assert.equal(port(started(120_000)).status, 'fail');
    assert.doesNotMatch(port(started(5 * 3_600_000)).summary, /starting/);
    assert.doesNotMatch(port(empty).summary, /starting/);
  });
});
