import assert from 'node:assert/strict';
import type { Layer } from '../../src/diagnostics/finding';
import type { IncidentStatus, StatusRecord } from '../../src/diagnostics/status';
import type { LayerStatus, PreflightReport } from '../../src/preflight/report';
import { windowContexts } from '../../src/ui/contexts';
import { contextKeys, walkthroughKeys } from '../../src/ui/ids';
import type { StatusModel } from '../../src/ui/statusBarView';
import { factsOfReport, factsOfState, WalkthroughFacts } from '../../src/ui/walkthroughFacts';
import { ago, runnerWith, startMs, statusWith } from '../support/uiFixtures';

const endpoint = { host: '127.0.0.1', port: 7497 };
const workspace = '/work/trading';

function watching(changes: Partial<StatusRecord>): StatusModel {
  const state = { kind: 'watching', endpoint, status: statusWith(changes) } as const;
  return { state, workspace, nowMs: startMs };
}

const incident: IncidentStatus = {
  key: 'connection/1',
  subject: { kind: 'connection' },
  severity: 'error',
  cause: null,
  layer: null,
  message: 'It is down.',
  since: ago(60),
  toldAt: null,
  acknowledgedAt: null,
};

describe('The contexts of menus', () => {
  const { state, runner, watchesOthers, news } = contextKeys;
  const keys = [state, runner, watchesOthers, news].sort();

  it('are all set in every state', () => {
    for (const windowState of [
      { kind: 'reading' },
      { kind: 'restricted' },
      { kind: 'notWatched', endpoint, record: undefined },
      { kind: 'noMonitor', endpoint, why: 'gone' },
    ] as const) {
      const contexts = windowContexts({ state: windowState, workspace, nowMs: startMs });
      assert.deepEqual(Object.keys(contexts).sort(), keys, windowState.kind);
      assert.equal(contexts[contextKeys.runner], 'none');
      assert.equal(contexts[contextKeys.news], false);
    }
  });

  for (const [what, runner, expected] of [
    ['one that runs', runnerWith(), 'alive'],
    ['one that has ended', runnerWith({ state: 'exited', pid: null }), 'none'],
    ['one that was started elsewhere', runnerWith({ state: 'external' }), 'external'],
    [
      'one that was started elsewhere and has ended',
      runnerWith({ state: 'exited', pid: null, watchedPid: 4711 }),
      'none',
    ],
    ['one of another folder', runnerWith({ workspace: '/other' }), 'none'],
  ] as const) {
    it(`say of the runner, ${what}: ${expected}`, () => {
      const contexts = windowContexts(watching({ runner: [runner] }));
      assert.equal(contexts[contextKeys.runner], expected);
      // One that is gone stays on the list until somebody takes it off.
      const isOnList = runner.state === 'external' || runner.watchedPid !== undefined;
      assert.equal(contexts[contextKeys.watchesOthers], isOnList);
    });
  }

  it('know news until they are acknowledged', () => {
    const contexts = windowContexts(watching({ incidents: [incident] }));
    assert.equal(contexts[contextKeys.news], true);
    const known = [{ ...incident, acknowledgedAt: ago(1) }];
    assert.equal(windowContexts(watching({ incidents: known }))[contextKeys.news], false);
  });
});

describe('The steps of the walkthrough', () => {
  const report = (statuses: Partial<Record<Layer, LayerStatus>>): PreflightReport => ({
    schema: 1,
    ok: true,
    endpoint: { ...endpoint, clientId: 9000 },
    startedAt: ago(1),
    durationMs: 5,
    layers: Object.entries(statuses).map(([layer, status]) => ({
      layer: layer as Layer,
      status,
      durationMs: 1,
      summary: '',
      evidence: [],
    })),
    findings: [],
  });

  it('are done by layers that passed, not by those that warned or were skipped', () => {
    const facts = factsOfReport(report({ port: 'pass', ready: 'pass', data: 'warn' }));
    assert.deepEqual(facts, ['port', 'ready']);
    assert.deepEqual(factsOfReport(report({ port: 'unknown', ready: 'skipped' })), []);
  });

  it('are done by what the monitor has reached, and by a runner that works', () => {
    assert.deepEqual(factsOfState(watching({ layer: 'hello', health: 'down' })), [
      'watched',
      'port',
    ]);
    assert.deepEqual(factsOfState(watching({ layer: null, health: 'down' })), ['watched']);
    assert.deepEqual(factsOfState(watching({ layer: 'account', runner: [runnerWith()] })), [
      'watched',
      'port',
      'ready',
      'runnerWorked',
    ]);
    const silent = watching({ layer: 'account', runner: [runnerWith({ work: 'unknown' })] });
    assert.ok(!factsOfState(silent).includes('runnerWorked'));
    assert.deepEqual(factsOfState({ state: { kind: 'restricted' }, workspace, nowMs: 0 }), []);
  });

  it('are told once, and stay done', () => {
    const told: string[] = [];
    const facts = new WalkthroughFacts((key, value) => told.push(`${key} ${String(value)}`));
    facts.note(['watched', 'port']);
    facts.note(['watched']);
    facts.note([]);
    assert.deepEqual(told, [`${walkthroughKeys.watched} true`, `${walkthroughKeys.port} true`]);
  });
});
