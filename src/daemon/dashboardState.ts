import { isoTime } from '../core/clock';
import { causeTitles } from '../diagnostics/causeTitles';
import type {
  DashboardMarket,
  DashboardProblem,
  DashboardRunner,
  DashboardState,
} from '../diagnostics/dashboard';
import type { Finding } from '../diagnostics/finding';
import { failingSymbols } from '../diagnostics/runnerWork';
import type { RunnerStatus, StatusRecord } from '../diagnostics/status';
import type { MarketState } from '../ibkr/marketState';

/** More than these nobody reads at a glance. */
const maxProblems = 8;
const maxSymbols = 200;
const maxTextLength = 500;

const rank = { error: 0, warning: 1, info: 2 } as const;

export type MarketOf = (symbols: readonly string[]) => MarketState;

/** The present state as a dashboard shows it. */
export function dashboardState(
  record: StatusRecord,
  marketOf: MarketOf,
  historyProblem: string | null,
): DashboardState {
  const { session, runner, monitor } = record;
  const { state, connectedAt, lastAnswerAt, roundTripMs, connectionsOpened, nextDialAt } = session;
  return {
    host: session.host,
    port: session.port,
    product: session.product,
    mode: session.mode,
    health: record.health,
    since: record.since,
    message: shortened(record.message),
    session: { state, connectedAt, lastAnswerAt, roundTripMs, connectionsOpened, nextDialAt },
    problems: [...record.findings, ...runner.flatMap(({ findings }) => findings)]
      .sort((a, b) => rank[a.severity] - rank[b.severity])
      .slice(0, maxProblems)
      .map(problem),
    farms: session.farms ?? [],
    planned: record.planned ?? [],
    runners: runner.map((each) => shownRunner(each, marketOf)),
    monitor: { version: monitor.version, startedAt: monitor.startedAt },
    historyProblem,
  };
}

function shownRunner(runner: RunnerStatus, marketOf: MarketOf): DashboardRunner {
  const { symbolStatus, symbols } = runner;
  return {
    workspace: runner.workspace,
    state: runner.state,
    pid: runner.pid,
    work: runner.work,
    failing: failingSymbols(runner).failing,
    startedAt: runner.startedAt,
    lastCycleAt: runner.lastCycleAt,
    lastFetchAt: runner.lastFetchAt,
    symbols: symbolStatus.slice(0, maxSymbols),
    moreSymbols: Math.max(0, symbolStatus.length - maxSymbols),
    helpers: runner.helpers ?? [],
    market: shownMarket(
      marketOf(symbolStatus.length > 0 ? symbolStatus.map(({ symbol }) => symbol) : symbols),
    ),
  };
}

function shownMarket({ state, untilMs, words }: MarketState): DashboardMarket {
  return { state, until: untilMs === undefined ? null : isoTime(untilMs), words };
}

function problem({ severity, causes, message, remedy }: Finding): DashboardProblem {
  const [cause] = causes;
  return {
    severity,
    title: cause === undefined ? 'Not diagnosed yet' : causeTitles[cause.id],
    message: shortened(message),
    remedy: shortened(remedy[0] ?? ''),
  };
}

function shortened(text: string): string {
  return text.length <= maxTextLength ? text : `${text.slice(0, maxTextLength - 1)}…`;
}
