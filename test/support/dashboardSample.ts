import { isoTime } from '../../src/core/clock';
import type {
  DashboardPart,
  DashboardRunner,
  DashboardSnapshot,
  DashboardState,
  Sample,
} from '../../src/diagnostics/dashboard';

/** What must stay text wherever it is shown. */
export const hostileText = `<img src=x onerror="globalThis.wasInjected=1">"'\`\${1}</script><script>globalThis.wasInjected=1</script>\u202e&amp;`;

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

/** A repeatable number between 0 and 1. */
function noise(index: number): number {
  const value = Math.sin(index * 12.9898) * 43_758.5453;
  return value - Math.floor(value);
}

function series(nowMs: number, slots: number, slotMs: number, value: (index: number) => number) {
  const firstMs = Math.floor((nowMs - slots * slotMs) / slotMs) * slotMs;
  return Array.from({ length: slots }, (_, index): Sample => [
    firstMs + index * slotMs,
    Math.round(value(index) * 100) / 100,
  ]);
}

/** A state without anything in it, at 127.0.0.1:7497. */
export function emptyState(nowMs: number): DashboardState {
  return {
    host: '127.0.0.1',
    port: 7497,
    product: 'TWS',
    mode: 'paper',
    health: 'unknown',
    since: isoTime(nowMs),
    message: 'Not watching 127.0.0.1:7497 yet.',
    session: {
      state: 'idle',
      connectedAt: null,
      lastAnswerAt: null,
      roundTripMs: null,
      connectionsOpened: 0,
      nextDialAt: null,
    },
    problems: [],
    farms: [],
    planned: [],
    runners: [],
    monitor: { version: '0.1.0', startedAt: isoTime(nowMs) },
    historyProblem: null,
  };
}

/** A snapshot in which nothing has happened. */
export function emptySnapshot(nowMs: number): DashboardSnapshot {
  return {
    schema: 1,
    at: isoTime(nowMs),
    from: isoTime(nowMs - 24 * hourMs),
    state: emptyState(nowMs),
    health: [],
    incidents: [],
    latency: [],
    prices: {},
    signals: [],
    fills: [],
    equity: {},
    cycles: [],
  };
}

/** An update that says nothing but that time has passed. */
export function emptyUpdate(nowMs: number): DashboardPart {
  const { schema, at, from, ...rest } = emptySnapshot(nowMs);
  const { health, incidents, latency, prices, signals, fills, equity, cycles } = rest;
  const events = { signals, fills, cycles, health, incidents };
  return { schema, at, from, latency, prices, equity, ...events };
}

function runner(nowMs: number): DashboardRunner {
  const symbol = (name: string, price: number, ageMs: number, failures = 0) => ({
    symbol: name,
    lastFetchAt: isoTime(nowMs - ageMs),
    lastFailureAt: null,
    failures,
    price,
    signal: failures > 0 ? null : name === 'AAPL' ? 'buy' : 'hold',
  });
  return {
    workspace: '/home/me/trading',
    state: 'running',
    pid: 4711,
    work: 'working',
    failing: 1,
    startedAt: isoTime(nowMs - 5 * hourMs),
    lastCycleAt: isoTime(nowMs - 95_000),
    lastFetchAt: isoTime(nowMs - 95_000),
    symbols: [
      symbol('AAPL', 231.42, 96_000),
      symbol('NVDA', 188.1, 97_000),
      symbol('MSFT', 512.07, 98_000),
      symbol('TSLA', 402.3, 99_000),
      symbol('WDFC', 0.0042, 3_900_000, 12),
    ],
    moreSymbols: 0,
    helpers: [
      { name: 'websocket_server', state: 'running', pid: 4712, port: 8765, why: null },
      {
        name: 'app.py',
        state: 'failed',
        pid: null,
        port: 5555,
        why: 'Port 5555 belongs to node (pid 99).',
      },
    ],
    market: {
      state: 'open',
      until: isoTime(nowMs + 3 * hourMs),
      words: 'The market is open until Fri 20 Nov 16:00 (US/Eastern).',
    },
  };
}

/** A day with everything in it that can be seen. */
export function fullSnapshot(nowMs: number): DashboardSnapshot {
  const at = (hours: number): string => isoTime(nowMs - hours * hourMs);
  const state = emptyState(nowMs);
  return {
    ...emptySnapshot(nowMs),
    state: {
      ...state,
      health: 'degraded',
      since: at(0.4),
      message: 'TWS answers; the market data farm usfarm.nj is broken.',
      session: {
        state: 'ready',
        connectedAt: at(4.8),
        lastAnswerAt: isoTime(nowMs - 12_000),
        roundTripMs: 3.4,
        connectionsOpened: 3,
        nextDialAt: null,
      },
      problems: [
        {
          severity: 'error',
          title: 'No data for a symbol',
          message: 'WDFC: 12 requests in a row failed (error 200, no security definition).',
          remedy: 'Correct the symbol in SYMBOLS of .env.',
        },
        {
          severity: 'warning',
          title: 'A data farm is broken',
          message: 'TWS says that usfarm.nj is broken since 14:31.',
          remedy: '',
        },
      ],
      farms: [
        { name: 'usfarm', kind: 'market data', state: 'ok' },
        { name: 'usfarm.nj', kind: 'market data', state: 'broken' },
        { name: 'ushmds', kind: 'historical data', state: 'inactive' },
        { name: 'secdefil', kind: 'security definition', state: 'ok' },
      ],
      planned: [
        {
          kind: 'weekly login',
          at: isoTime(nowMs + 9 * hourMs),
          words: 'TWS asks for a login on Sunday.',
        },
      ],
      runners: [runner(nowMs)],
      monitor: { version: '0.1.0', startedAt: at(20) },
    },
    health: [
      { at: at(30), health: 'healthy', reason: 'The session is verified.' },
      { at: at(17), health: 'expected', reason: 'TWS restarts itself at 23:45.' },
      { at: at(16.8), health: 'connecting', reason: 'Dialling.' },
      { at: at(16.7), health: 'healthy', reason: 'The session is verified.' },
      { at: at(9), health: 'unknown', reason: 'Not watched from here on.' },
      { at: at(7.5), health: 'healthy', reason: 'The session is verified.' },
      { at: at(5.2), health: 'down', reason: 'TCP accepted, no answer to the API hello.' },
      { at: at(4.8), health: 'healthy', reason: 'The session is verified.' },
      { at: at(0.4), health: 'degraded', reason: 'usfarm.nj is broken.' },
    ],
    incidents: [
      {
        key: 'connection 1',
        severity: 'error',
        subject: null,
        title: 'TWS waits for someone to accept the connection',
        message: 'TCP accepted, no answer to the API hello for 3.0 s.',
        since: at(5.2),
        until: at(4.8),
      },
      {
        key: 'symbol WDFC',
        severity: 'warning',
        subject: 'WDFC',
        title: 'No data for a symbol',
        message: '12 requests in a row failed.',
        since: at(1.1),
        until: null,
      },
      {
        key: 'connection 2',
        severity: 'warning',
        subject: null,
        title: 'A data farm is broken',
        message: 'TWS says that usfarm.nj is broken.',
        since: at(0.4),
        until: null,
      },
    ],
    latency: [
      ...series(nowMs - 6 * hourMs, 400, minuteMs, (index) => 2 + 3 * noise(index)),
      ...series(nowMs, 285, minuteMs, (index) => (index === 200 ? 48 : 2 + 4 * noise(index + 7))),
    ],
    prices: {
      AAPL: series(nowMs, 150, 2 * minuteMs, (i) => 229 + 3 * Math.sin(i / 17) + noise(i)),
      NVDA: series(nowMs, 150, 2 * minuteMs, (i) => 186 + 2 * Math.cos(i / 23) + noise(i)),
    },
    signals: [
      {
        at: at(3.6),
        symbol: 'AAPL',
        signal: 'buy',
        price: 229.8,
        reason: 'SMA 10 crossed above SMA 20',
      },
      {
        at: at(1.9),
        symbol: 'AAPL',
        signal: 'sell',
        price: 232.1,
        reason: 'SMA 10 crossed below SMA 20',
      },
      {
        at: at(0.5),
        symbol: 'AAPL',
        signal: 'buy',
        price: 230.9,
        reason: 'SMA 10 crossed above SMA 20',
      },
    ],
    fills: [
      { at: at(3.6), symbol: 'AAPL', side: 'buy', quantity: 8, price: 229.91 },
      { at: at(1.9), symbol: 'AAPL', side: 'sell', quantity: 8, price: 231.98 },
      { at: at(0.5), symbol: 'AAPL', side: 'buy', quantity: 8, price: 231.01 },
    ],
    equity: {
      '/home/me/trading': series(nowMs, 150, 2 * minuteMs, (i) => 100_000 + 4 * i + 90 * noise(i)),
    },
    cycles: Array.from({ length: 58 }, (_, index) => ({
      at: isoTime(nowMs - (58 - index) * 5 * minuteMs),
      workspace: '/home/me/trading',
      durationMs: Math.round(4000 + 2500 * noise(index)),
    })),
  };
}

/** The same with hostile words in every place that a program, TWS or a file can write into. */
export function hostileSnapshot(nowMs: number): DashboardSnapshot {
  const bad = hostileText;
  const full = fullSnapshot(nowMs);
  const [first] = full.state.runners;
  if (first === undefined) {
    throw new Error('the sample has a runner');
  }
  const prices = new Map([
    [bad, full.prices['AAPL'] ?? []],
    ['__proto__', full.prices['NVDA'] ?? []],
    ['constructor', full.prices['NVDA'] ?? []],
  ]);
  return {
    ...full,
    state: {
      ...full.state,
      host: bad,
      message: bad,
      problems: [{ severity: 'error', title: bad, message: bad, remedy: bad }],
      farms: [{ name: bad, kind: 'market data', state: 'broken' }],
      planned: [{ kind: 'weekly login', at: full.at, words: bad }],
      runners: [
        {
          ...first,
          workspace: `/${bad}`,
          symbols: first.symbols.map((each) => ({ ...each, symbol: bad, signal: bad })),
          helpers: [{ name: bad, state: 'failed', pid: null, port: null, why: bad }],
          market: { state: 'closed', until: bad, words: bad },
        },
      ],
      monitor: { version: bad, startedAt: bad },
      historyProblem: bad,
    },
    health: full.health.map((change) => ({ ...change, reason: bad })),
    incidents: full.incidents.map((incident) => ({
      ...incident,
      subject: bad,
      title: bad,
      message: bad,
    })),
    prices: Object.fromEntries(prices),
    signals: full.signals.map((signal) => ({ ...signal, symbol: bad, reason: bad })),
    fills: full.fills.map((fill) => ({ ...fill, symbol: bad })),
    equity: { [bad]: full.equity['/home/me/trading'] ?? [], __proto__x: [] },
    cycles: full.cycles.map((cycle) => ({ ...cycle, workspace: bad })),
  };
}
