import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isoTime } from '../../src/core/clock';
import { workspaceFolderName } from '../../src/core/paths';
import { DashboardData } from '../../src/daemon/dashboardData';
import { HistoryFile } from '../../src/daemon/historyFile';
import type { IncidentRow } from '../../src/daemon/historyRows';
import type { DashboardMessage, DashboardPart } from '../../src/diagnostics/dashboard';
import type { RunnerStatus, StatusRecord } from '../../src/diagnostics/status';
import { BookStore } from '../../src/trading/bookStore';
import { FakeClock, settle } from '../support/fakeClock';
import { findingOf, runnerOf, stateOf } from '../support/historyFixtures';
import { recordAtMs } from '../support/statusRecords';

const market = {
  state: 'closed' as const,
  sinceMs: undefined,
  untilMs: recordAtMs + 3_600_000,
  words: 'The market is closed.',
};

describe('what a dashboard is told', () => {
  let folder: string;
  let clock: FakeClock;
  let record: StatusRecord;
  let data: DashboardData;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'robo-dash-'));
    clock = new FakeClock(recordAtMs);
    record = stateOf('healthy', 0);
    data = open();
  });

  afterEach(() => {
    data.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  function open(): DashboardData {
    return new DashboardData({
      clock,
      paths: { database: join(folder, 'robo.db'), runners: join(folder, 'runners') },
      status: () => record,
      marketOf: () => market,
      startedAtMs: recordAtMs,
    });
  }

  async function follow(): Promise<DashboardMessage[]> {
    const heard: DashboardMessage[] = [];
    data.subscribe((message) => heard.push(message));
    await settle();
    return heard;
  }

  function snapshotOf(heard: readonly DashboardMessage[]): DashboardPart {
    const first = heard[0];
    assert.equal(first?.type, 'snapshot');
    return first.snapshot;
  }

  function updatesOf(heard: readonly DashboardMessage[]): readonly DashboardPart[] {
    return heard.flatMap((message) => (message.type === 'update' ? [message.update] : []));
  }

  it('is all there is at first, and then only what is new', async () => {
    data.takeStatus(record);
    data.hear('/ws', [
      { kind: 'fetch ok', symbol: 'AAPL', price: 231 },
      { kind: 'signal', symbol: 'AAPL', signal: 'buy', price: 231, reason: 'crossed' },
      { kind: 'fill', symbol: 'AAPL', side: 'buy', quantity: 8, price: 231.1 },
      { kind: 'cycle', durationMs: 1200, equity: 99_999 },
    ]);
    const heard = await follow();
    const snapshot = snapshotOf(heard);
    assert.equal(snapshot.state?.health, 'healthy');
    assert.deepEqual(snapshot.prices['AAPL'], [[recordAtMs, 231.1]]);
    assert.deepEqual(
      snapshot.signals.map(({ signal, reason }) => [signal, reason]),
      [['buy', 'crossed']],
    );
    assert.deepEqual(
      snapshot.fills.map(({ side, quantity, price }) => [side, quantity, price]),
      [['buy', 8, 231.1]],
    );
    assert.deepEqual(snapshot.equity['/ws'], [[recordAtMs, 99_999]]);
    assert.deepEqual(
      snapshot.cycles.map(({ durationMs }) => durationMs),
      [1200],
    );
    data.hear('/ws', [{ kind: 'book', equity: 100_001 }]);
    await clock.advance(500);
    const [update] = updatesOf(heard);
    assert.deepEqual(update?.equity, { '/ws': [[recordAtMs, 100_001]] });
    assert.deepEqual([update.prices, update.fills, update.state], [{}, [], undefined]);
  });

  it('comes at most twice a second, however much happens', async () => {
    const heard = await follow();
    for (let step = 0; step < 100; step += 1) {
      data.hear('/ws', [{ kind: 'fetch ok', symbol: 'AAPL', price: 200 + step }]);
      data.takeStatus(record);
      await clock.advance(50);
    }
    assert.ok(updatesOf(heard).length <= 11, String(updatesOf(heard).length));
    assert.equal(updatesOf(heard).at(-1)?.prices['AAPL']?.at(-1)?.[1], 299);
  });

  it('puts nothing together while nobody listens, and nothing after the end', async () => {
    let asked = 0;
    const quiet = new DashboardData({
      clock,
      paths: { database: join(folder, 'robo.db'), runners: folder },
      status: () => {
        asked += 1;
        return record;
      },
      marketOf: () => market,
      startedAtMs: recordAtMs,
    });
    quiet.takeStatus(record);
    quiet.hear('/ws', [{ kind: 'cycle' }]);
    await clock.advance(10_000);
    assert.deepEqual([asked, clock.pending], [0, 0]);
    const heard: DashboardMessage[] = [];
    const subscription = quiet.subscribe((message) => heard.push(message));
    subscription.dispose();
    await settle();
    quiet.subscribe((message) => heard.push(message));
    quiet.dispose();
    await settle();
    assert.deepEqual(heard, []);
  });

  it('tells a second listener all, and the first one nothing twice', async () => {
    const first = await follow();
    data.hear('/ws', [{ kind: 'fill', symbol: 'AAPL', side: 'sell', quantity: 1, price: 5 }]);
    const second = await follow();
    assert.equal(snapshotOf(second).fills.length, 1);
    await clock.advance(2000);
    assert.equal(updatesOf(first).flatMap(({ fills }) => fills).length, 1);
    assert.equal(updatesOf(second).flatMap(({ fills }) => fills).length, 0);
  });

  it('shows each answer of TWS once, the longest of a minute', async () => {
    const answered = (afterMs: number, roundTripMs: number): void => {
      const lastAnswerAt = isoTime(recordAtMs + afterMs);
      record = { ...record, session: { ...record.session, lastAnswerAt, roundTripMs } };
      data.takeStatus(record);
      data.takeStatus(record);
    };
    answered(0, 3);
    answered(10_000, 40);
    answered(20_000, 2);
    answered(61_000, 5);
    assert.deepEqual(snapshotOf(await follow()).latency, [
      [recordAtMs, 40],
      [recordAtMs + 60_000, 5],
    ]);
  });

  it('shows a signal that is said again in each cycle once', async () => {
    for (const signal of ['buy', 'buy', 'hold', 'buy', 'sell', 'sell'] as const) {
      data.hear('/ws', [{ kind: 'signal', symbol: 'AAPL', signal, price: 1 }]);
    }
    const { signals } = snapshotOf(await follow());
    assert.deepEqual(
      signals.map(({ signal }) => signal),
      ['buy', 'buy', 'sell'],
    );
  });

  it('keeps within bounds, whatever a runner says', async () => {
    for (let index = 0; index < 5000; index += 1) {
      data.hear(`/ws${index}`, [
        { kind: 'fetch ok', symbol: `${'S'.repeat(500)}${index}`, price: index + 1 },
        { kind: 'fill', symbol: 'X', side: 'buy', quantity: 1, price: 1 },
        { kind: 'cycle', equity: index },
        { kind: 'fetch ok', symbol: 'A', price: 0 },
        { kind: 'fetch ok', symbol: 'A', price: Number.NaN },
      ]);
    }
    const snapshot = snapshotOf(await follow());
    assert.ok(Object.keys(snapshot.prices).length <= 40);
    assert.ok(Object.keys(snapshot.equity).length <= 8);
    assert.ok(snapshot.fills.length <= 1000 && snapshot.cycles.length <= 500);
    assert.ok(JSON.stringify(snapshot).length < 1_000_000);
  });

  it('says what is wrong by its title, and who the market is closed for', async () => {
    const runner: RunnerStatus = runnerOf({
      symbolStatus: [
        {
          symbol: 'AAPL',
          lastFetchAt: null,
          lastFailureAt: null,
          failures: 2,
          price: null,
          signal: null,
        },
      ],
    });
    record = stateOf('down', 0, [findingOf('port_refused')], [runner]);
    const { state } = snapshotOf(await follow());
    assert.equal(state?.problems[0]?.title, 'Nothing listens on the API port');
    assert.equal(state.runners[0]?.market.state, 'closed');
    assert.equal(state.runners[0].symbols[0]?.failures, 2);
  });

  it('knows what an earlier monitor has recorded, and nothing of it twice', async () => {
    const at = (minutes: number): string => isoTime(recordAtMs - minutes * 60_000);
    const file = new HistoryFile(join(folder, 'robo.db'));
    file.connect();
    const health = (minutes: number, state: 'healthy' | 'down') =>
      ({
        table: 'health',
        row: { at: at(minutes), was: null, health: state, layer: null, reason: state },
      }) as const;
    const incident: Omit<IncidentRow, 'incident_key' | 'since' | 'until' | 'ending'> = {
      subject_kind: 'connection',
      subject_name: null,
      severity: 'error',
      cause: 'port_refused',
      layer: 'port',
      message: 'refused',
      duration_ms: null,
      unwatched_ms: 0,
      notified_at: null,
      findings: '[]',
    };
    file.write([
      health(3000, 'healthy'),
      health(2000, 'down'),
      health(60, 'healthy'),
      {
        table: 'incidents',
        row: { ...incident, incident_key: 'old', since: at(90), until: at(60), ending: 'seen' },
      },
      {
        table: 'incidents',
        row: { ...incident, incident_key: 'open', since: at(30), until: null, ending: null },
      },
      {
        table: 'signals',
        row: { at: at(20), workspace: '/ws', symbol: 'AAPL', signal: 'hold', price: 230 },
      },
      {
        table: 'signals',
        row: { at: at(10), workspace: '/ws', symbol: 'AAPL', signal: 'buy', price: 231 },
      },
    ]);
    file.close();
    data.takeStatus(record);
    data.hear('/ws', [{ kind: 'signal', symbol: 'AAPL', signal: 'sell', price: 232 }]);
    data.takeIncidents([
      { ...incident, incident_key: 'open', since: at(30), until: at(0), ending: 'seen' },
    ]);
    const snapshot = snapshotOf(await follow());
    assert.deepEqual(
      snapshot.health.map(({ health: state }) => state),
      ['down', 'healthy', 'healthy'],
    );
    assert.deepEqual(
      snapshot.incidents.map(({ key, until, title }) => [key, until, title]),
      [
        ['old', at(60), 'Nothing listens on the API port'],
        ['open', at(0), 'Nothing listens on the API port'],
      ],
    );
    assert.deepEqual(
      snapshot.signals.map(({ signal }) => signal),
      ['buy', 'sell'],
    );
    assert.deepEqual(
      snapshot.prices['AAPL']?.map(([, price]) => price),
      [230, 231, 232],
    );
  });

  it('goes on without a past that cannot be read, and says so', async () => {
    mkdirSync(join(folder, 'robo.db'));
    const { state } = snapshotOf(await follow());
    assert.match(state?.historyProblem ?? '', /^What was before this monitor is not shown: /);
  });

  it('reads the paper book of a runner, also of one that comes later', async () => {
    const heard = await follow();
    assert.deepEqual(snapshotOf(heard).equity, {});
    const place = join(folder, 'runners', workspaceFolderName('/ws'));
    const atMs = recordAtMs - 3_600_000;
    const opening = { kind: 'opened', atMs, cash: 100_000_000_000 } as const;
    BookStore.open(join(place, 'paper.db'), opening).close();
    record = stateOf('healthy', 0, [], [runnerOf()]);
    data.takeStatus(record);
    await settle();
    const second = heard.filter(({ type }) => type === 'snapshot').at(-1);
    assert.ok(second);
    const { equity } = snapshotOf([second]);
    assert.deepEqual(
      equity['/ws']?.map(([, dollars]) => dollars),
      [100_000],
    );
  });
});
