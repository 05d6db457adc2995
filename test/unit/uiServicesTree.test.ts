import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { IncidentStatus, RunnerStatus, StatusRecord } from '../../src/diagnostics/status';
import { defaultEndpoint } from '../../src/ibkr/endpoint';
import {
  badgeOf,
  servicesTree,
  type TreeModel,
  type TreeNode,
  viewState,
} from '../../src/ui/servicesTree';
import { newlyOpen, treeChanges } from '../../src/ui/treeChanges';
import { watchedRunners } from '../../src/ui/watchedRunners';
import { ago, english, findingWith, runnerWith, startMs, statusWith } from '../support/uiFixtures';

function watching(status: Partial<StatusRecord> = {}, more: Partial<TreeModel> = {}): TreeModel {
  return {
    state: { kind: 'watching', endpoint: defaultEndpoint, status: statusWith(status) },
    workspace: '/work/trading',
    nowMs: startMs,
    processes: undefined,
    ...more,
  };
}

function all(nodes: readonly TreeNode[]): readonly TreeNode[] {
  return nodes.flatMap((node) => [node, ...all(node.children)]);
}

function find(model: TreeModel, id: string): TreeNode {
  const found = all(servicesTree(model, english)).find((node) => node.id === id);
  assert.ok(found !== undefined, `${id} is not in the tree`);
  return found;
}

const incident: IncidentStatus = {
  key: 'connection 1',
  subject: { kind: 'connection' },
  severity: 'error',
  cause: 'silent_accept_dialog',
  layer: 'hello',
  message: 'no answer',
  since: ago(90),
  toldAt: ago(89),
  acknowledgedAt: null,
};

describe('The services tree', () => {
  it('shows broker, runner, processes and incidents, and paper or live in words', () => {
    const roots = servicesTree(watching(), english);
    assert.deepEqual(
      roots.map(({ id }) => id),
      ['broker', 'runner', 'processes', 'incidents'],
    );
    assert.match(find(watching(), 'broker').label, /paper/);
    const live = statusWith().session;
    assert.match(find(watching({ session: { ...live, mode: 'live' } }), 'broker').label, /LIVE/);
  });

  it('lets go of a runner that was started elsewhere, also when it is gone', () => {
    const watched = (change: Partial<RunnerStatus>): TreeNode =>
      find(watching({ runner: [runnerWith({ watchedPid: 4711, ...change })] }), 'runner');
    const lives = watched({ state: 'external' });
    assert.deepEqual([lives.contextValue, lives.argument], ['runner.external', '4711']);
    const gone = watched({ state: 'exited', pid: null });
    assert.deepEqual([gone.contextValue, gone.argument], ['runner.gone', '4711']);
    const own = find(watching({ runner: [runnerWith({ state: 'exited', pid: null })] }), 'runner');
    assert.deepEqual([own.contextValue, own.argument], ['runner.none', undefined]);
  });

  it('can be asked to let go of every runner on the list, and of no other', () => {
    const runners = [
      runnerWith(),
      runnerWith({ state: 'external', pid: 1, workspace: '/of/an/older/monitor' }),
      runnerWith({ state: 'external', pid: 2, watchedPid: 2 }),
      runnerWith({ state: 'exited', pid: null, watchedPid: 3 }),
      runnerWith({ state: 'exited', pid: null }),
    ];
    assert.deepEqual(
      watchedRunners(runners).map(({ pid, isGone }) => [pid, isGone]),
      [
        [1, false],
        [2, false],
        [3, true],
      ],
    );
  });

  it('marks the layer that failed, those below it as passed, and none above it', () => {
    const model = watching({ health: 'down', layer: 'tcp', findings: [findingWith()] });
    const icons = ['process', 'tcp', 'hello', 'ready'].map((l) => find(model, `layer/${l}`).icon);
    assert.deepEqual(icons, ['pass', 'pass', 'error', 'circle-outline']);
    assert.equal(find(model, 'layer/hello').contextValue, 'layer.stopped');
    const cause = find(model, 'cause/silent_accept_dialog');
    assert.equal(cause.description, '55%');
    assert.deepEqual(cause.command?.arguments, ['silent_accept_dialog']);
  });

  it('names no cause while all is well', () => {
    const ids = all(servicesTree(watching({ findings: [findingWith()] }), english)).map(
      ({ id }) => id,
    );
    assert.equal(
      ids.some((id) => id.startsWith('cause/')),
      false,
    );
  });

  it('shows farms with their state, and counts the broken ones', () => {
    const farms = [
      { name: 'usfarm', kind: 'market data', state: 'ok' },
      { name: 'ushmds', kind: 'historical data', state: 'broken' },
    ] as const;
    const model = watching({ session: { ...statusWith().session, farms } });
    assert.match(find(model, 'farms').description, /1 of 2/);
    assert.equal(find(model, 'farm/historical data/ushmds').tone, 'bad');
  });

  it('shows each symbol with the age of its data and its failures', () => {
    const symbol = {
      symbol: 'NVDA',
      lastFetchAt: ago(40),
      lastFailureAt: ago(5),
      failures: 3,
      price: 181.2,
      signal: '1',
    };
    const model = watching({ runner: [runnerWith({ symbolStatus: [symbol] })] });
    const { description, tone } = find(model, 'symbol/NVDA');
    assert.match(description, /^3 failures in a row, < 1 min ago 181\.2, 1$/);
    assert.equal(tone, 'warning');
    assert.equal(find(model, 'runner').contextValue, 'runner.alive');
  });

  it('puts what matters of a runner first, and what may matter one day last', () => {
    const symbol = {
      symbol: 'AAPL',
      lastFetchAt: ago(4),
      lastFailureAt: null,
      failures: 0,
      price: 181.2,
      signal: null,
    };
    const runner = runnerWith({
      warnings: ['This is a container: what runs here ends with it.'],
      findings: [findingWith({ subject: { kind: 'symbol', name: 'NVDA' } })],
      helpers: [{ name: 'stream', state: 'running', pid: 9, port: null, why: null }],
      symbolStatus: [symbol],
    });
    const { children } = find(watching({ runner: [runner] }), 'runner');
    assert.deepEqual(
      children.map(({ id }) => id),
      ['runner/finding/0', 'symbol/AAPL', 'runner/helper/stream', 'runner/warning/0'],
    );
  });

  it('begins with the word that decides, however narrow the view, and tells the rest aside', () => {
    const running = runnerWith({ command: ['python3', 'trader.py'] });
    const own = find(watching({ runner: [running] }), 'runner');
    assert.match(own.description, /^working, data < 1 min ago$/);
    assert.match(own.tooltip, /running \(pid 4711\), working, .* python3 trader\.py$/);
    const other = find(watching({ runner: [runnerWith({ state: 'external' })] }), 'runner');
    assert.match(other.description, /^working, started elsewhere/);
    const down = { health: 'down', layer: 'tcp', findings: [findingWith()] } as const;
    const layer = find(watching(down), 'layer/hello');
    assert.equal(layer.description, 'stops here');
    assert.match(layer.tooltip, /no answer to the API hello/);
    const subject = { kind: 'symbol', name: 'NVDA' } as const;
    const failing = runnerWith({ findings: [findingWith({ subject })] });
    const finding = find(watching({ runner: [failing] }), 'runner/finding/0');
    assert.match(finding.label, /^NVDA: TWS waits for someone to accept the connection$/);
    assert.match(finding.tooltip, /no answer .* Click Yes in the dialog/);
  });

  it('says when a runner starts again, and when a person was called instead', () => {
    const restart = {
      isAutomatic: true,
      why: 'exit 1',
      nextAt: ago(-30),
      restarts: 1,
      isPersonCalled: false,
    };
    const soon = watching({ runner: [runnerWith({ state: 'exited', restart })] });
    assert.match(find(soon, 'runner/restart').label, /again in < 1 min/);
    const called = { ...restart, nextAt: null, isPersonCalled: true };
    const never = watching({ runner: [runnerWith({ state: 'exited', restart: called })] });
    assert.equal(find(never, 'runner/restart').tone, 'bad');
  });

  it('says of a layer before the one in trouble that nobody asked it, not that it is out of reach', () => {
    const causes = [{ id: 'upstream_lost_1100', confidence: 0.95, why: 'TWS said so' }] as const;
    const findings = [findingWith({ layer: 'data', causes: [...causes] })];
    const lost = watching({ health: 'down', layer: 'clock', findings });
    const words = ['clock', 'account', 'data'].map((l) => find(lost, `layer/${l}`).description);
    assert.deepEqual(words, ['it tells the time', 'not tested', 'stops here']);
  });

  describe('as time passes', () => {
    const symbol = (name: string, lastFetchAt: string, price = 181.2) => ({
      ...{ symbol: name, lastFetchAt, lastFailureAt: null, failures: 0, price, signal: null },
    });
    const runner = (...symbolStatus: readonly ReturnType<typeof symbol>[]) =>
      runnerWith({ symbolStatus, lastFetchAt: ago(0) });
    const finding = (heldFor: string) =>
      findingWith({ message: `TCP accepted, no answer to the API hello for ${heldFor}` });
    const model = (change: Partial<StatusRecord>, laterMs = 0): TreeModel =>
      watching(
        {
          ...{ health: 'down', layer: 'tcp', findings: [finding('3.0 s')] },
          runner: [runner(symbol('AAPL', ago(0)), symbol('NVDA', ago(0)))],
          incidents: [{ ...incident, since: ago(0) }],
          ...change,
        },
        { nowMs: startMs + laterMs },
      );
    const changes = (before: TreeModel, after: TreeModel): readonly string[] | 'all' =>
      treeChanges(servicesTree(before, english), servicesTree(after, english));

    it('draws nothing anew while only ages grow', () => {
      assert.deepEqual(changes(model({}), model({}, 59_000)), []);
      const later = { findings: [finding('58 s')] };
      assert.deepEqual(changes(model({}), model(later, 59_000)), []);
      assert.deepEqual(changes(model({}, 60_000), model({}, 119_999)), []);
      assert.deepEqual(changes(model({}, 3_600_000), model({}, 7_199_000)), []);
    });

    it('draws the rows whose words have changed, and no other', () => {
      const symbols = [symbol('AAPL', ago(0)), symbol('NVDA', ago(0), 182)];
      const priced = { runner: [runner(...symbols)] };
      assert.deepEqual(changes(model({}), model(priced)), ['symbol/NVDA']);
      assert.deepEqual(changes(model({}), model({ findings: [] })), ['broker']);
      assert.deepEqual(changes(model({}), model({ incidents: [] })), ['incidents']);
    });

    it('opens a branch when trouble comes, once, and closes none', () => {
      const well = model({ health: 'healthy', findings: [], incidents: [] });
      const opened = (before: TreeModel, after: TreeModel): readonly string[] =>
        newlyOpen(servicesTree(before, english), servicesTree(after, english));
      assert.deepEqual(opened(well, model({})), ['broker', 'incidents']);
      assert.deepEqual(opened(model({}), model({}, 60_000)), []);
      assert.deepEqual(opened(model({}), well), []);
      assert.deepEqual(newlyOpen([], servicesTree(model({}), english)), [], 'they come open');
    });

    it('draws a branch anew that has other rows, and all where the branches are others', () => {
      const priced = { runner: [runner(symbol('AAPL', ago(0)))] };
      assert.deepEqual(changes(model({}), model(priced)), ['runner']);
      assert.equal(changes(watching(), { ...watching(), state: { kind: 'reading' } }), 'all');
      assert.equal(treeChanges([], servicesTree(model({}), english)), 'all');
    });
  });

  it('offers to acknowledge an incident once', () => {
    const news = watching({ incidents: [incident] });
    assert.equal(find(news, 'incident/connection 1').contextValue, 'incident.news');
    assert.equal(find(news, 'incident/connection 1').argument, 'connection 1');
    const known = watching({ incidents: [{ ...incident, acknowledgedAt: ago(1) }] });
    assert.equal(find(known, 'incident/connection 1').contextValue, 'incident.known');
  });

  it('has one id for one thing', () => {
    const model = watching({
      health: 'down',
      findings: [findingWith()],
      incidents: [incident],
      runner: [runnerWith({ findings: [findingWith(), findingWith()] })],
    });
    const ids = all(servicesTree(model, english)).map(({ id }) => id);
    assert.equal(new Set(ids).size, ids.length);
  });

  it('lets no foreign text through that is markup, an icon or a second line', () => {
    const evil = '$(error) [x](command:robo.runner.stop)\nline\u202e';
    const model = watching({
      health: 'down',
      message: evil,
      findings: [findingWith({ message: evil })],
      incidents: [{ ...incident, message: evil, cause: null }],
      runner: [
        runnerWith({
          warnings: [evil],
          command: [evil],
          findings: [findingWith({ message: evil, remedy: [evil] })],
          helpers: [{ name: evil, state: 'failed', pid: null, port: null, why: evil }],
        }),
      ],
    });
    for (const { label, description, tooltip } of all(servicesTree(model, english))) {
      assert.doesNotMatch(`${label}${description}${tooltip}`, /\$\(|\]\(|\n|\u202e/);
    }
  });
});

describe('The badge of the services view', () => {
  it('counts what nobody has acknowledged, and says what it is', () => {
    assert.equal(badgeOf(watching(), english), undefined);
    const badge = badgeOf(watching({ incidents: [incident] }), english);
    assert.equal(badge?.value, 1);
    assert.match(badge.tooltip, /no answer/);
    const known = { ...incident, acknowledgedAt: ago(1) };
    const info = { ...incident, severity: 'info' as const };
    assert.equal(badgeOf(watching({ incidents: [known, info] }), english), undefined);
  });
});

describe('The state of the services view', () => {
  const nothing = {
    last_good_connection: null,
    health: 'down',
    layer: null,
    runner: [],
  } as const;

  it('is noTws only where no TWS was ever seen and nothing else is to tell', () => {
    assert.equal(viewState(watching(nothing)), 'noTws');
    assert.deepEqual(servicesTree(watching(nothing), english), []);
    assert.equal(viewState(watching({ ...nothing, layer: 'tcp' })), 'watching');
    assert.equal(viewState(watching({ ...nothing, last_good_connection: ago(9) })), 'watching');
    assert.equal(viewState(watching({ ...nothing, runner: [runnerWith()] })), 'watching');
  });

  it('asks for a folder where none is open', () => {
    const state = { kind: 'notWatched', endpoint: defaultEndpoint, record: undefined } as const;
    assert.equal(viewState({ state, workspace: undefined, nowMs: startMs }), 'noFolder');
    assert.equal(viewState({ state, workspace: '/w', nowMs: startMs }), 'notWatched');
  });
});
