import type { DashboardRunner, DashboardState } from '../diagnostics/dashboard';
import type { SymbolStatus } from '../diagnostics/status';
import { section } from './card';
import { age, fill, h } from './dom';
import { farmShapes, icon, type Shape } from './icons';
import { amount, folderName, type TimeWords } from './words';

/** Age of the data, failures and last signal of each symbol. */
export class SymbolsTable {
  readonly element: HTMLElement;
  private readonly content = h('div', { class: 'tables' });

  constructor(private readonly times: TimeWords) {
    this.element = section('symbols', 'Data age per symbol', this.content);
    fill(this.content, 'none', () => [h('p', { class: 'empty' }, 'Waiting for the monitor…')]);
  }

  show({ runners }: DashboardState): void {
    const shown = runners.filter(({ symbols }) => symbols.length > 0);
    fill(this.content, shown.map(symbolsKey), () =>
      shown.length === 0
        ? [
            h(
              'p',
              { class: 'empty' },
              'No runner has said anything of a symbol yet. Start one with "robo run", or have your program say what docs/runner-events.md describes.',
            ),
          ]
        : shown.flatMap((runner) => this.tableOf(runner, shown.length > 1)),
    );
  }

  private tableOf(runner: DashboardRunner, isNamed: boolean): readonly Node[] {
    const { market, symbols, moreSymbols, workspace } = runner;
    const until = market.until === null ? '' : ` until ${this.times.moment(market.until)}`;
    const name = folderName(workspace);
    return [
      h(
        'p',
        { class: `market market-${market.state}` },
        icon(market.state === 'open' ? 'check' : market.state === 'closed' ? 'clock' : 'question'),
        market.state === 'unknown'
          ? 'Whether the market is open is not known.'
          : `Market ${market.state}${until}${market.state === 'closed' ? ': older data is no fault' : ''}.`,
      ),
      h(
        'div',
        { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': `Symbols of ${name}` },
        h(
          'table',
          {},
          h('caption', isNamed ? {} : { class: 'hidden' }, `Symbols of ${name}`),
          h(
            'thead',
            {},
            h(
              'tr',
              {},
              ...['Symbol', 'Price', 'Signal', 'Last data', 'State'].map((title) =>
                h('th', { scope: 'col' }, title),
              ),
            ),
          ),
          h('tbody', {}, ...symbols.map(symbolRow)),
        ),
      ),
      ...(moreSymbols === 0
        ? []
        : [h('p', { class: 'note' }, `${moreSymbols} more symbols are not listed.`)]),
    ];
  }
}

function symbolRow({ symbol, price, signal, lastFetchAt, failures }: SymbolStatus): HTMLElement {
  const words = failures === 1 ? '1 failure' : `${failures} failures in a row`;
  const [shape, state]: readonly [Shape, string] =
    failures > 0
      ? ['cross', words]
      : lastFetchAt === null
        ? ['question', 'nothing yet']
        : ['check', 'ok'];
  return h(
    'tr',
    {},
    h('th', { scope: 'row' }, symbol),
    h('td', { class: 'number' }, price === null ? '–' : amount(price)),
    h('td', {}, signal ?? '–'),
    h('td', {}, age(lastFetchAt)),
    h('td', { class: failures > 0 ? 'bad' : '' }, icon(shape), ` ${state}`),
  );
}

function symbolsKey({ workspace, market, symbols, moreSymbols }: DashboardRunner): unknown {
  const rows = symbols.map(({ symbol, price, signal, lastFetchAt, failures }) => [
    ...[symbol, price, signal, lastFetchAt, failures],
  ]);
  return [workspace, market.state, market.until, moreSymbols, rows];
}

/** What each runner does, and the programs beside it. */
export class RunnersList {
  readonly element: HTMLElement;
  private readonly content = h('div');

  constructor() {
    this.element = section('runners', 'Runners', this.content);
    fill(this.content, 'none', () => [h('p', { class: 'empty' }, 'Waiting for the monitor…')]);
  }

  show({ runners }: DashboardState): void {
    fill(this.content, runners.map(runnerKey), () =>
      runners.length === 0
        ? [
            h(
              'p',
              { class: 'empty' },
              'No runner is known at this endpoint. "robo run" starts one, "robo watch" watches one that runs.',
            ),
          ]
        : runners.map(runnerEntry),
    );
  }
}

const workShapes: Readonly<Record<DashboardRunner['work'], Shape>> = {
  working: 'check',
  idle: 'clock',
  failing: 'cross',
  stalled: 'warning',
  silent: 'question',
  unknown: 'question',
};

function runnerEntry(runner: DashboardRunner): HTMLElement {
  const { workspace, state, pid, work, workText, startedAt, lastCycleAt, lastFetchAt } = runner;
  const isAlive = state !== 'exited';
  return h(
    'div',
    { class: 'runner' },
    h(
      'p',
      { title: workspace },
      icon(isAlive ? workShapes[work] : 'info'),
      h('strong', {}, folderName(workspace)),
      ` ${state}${pid === null ? '' : `, pid ${pid}`}${isAlive ? `, ${workText}` : ''}`,
    ),
    h(
      'dl',
      { class: 'facts' },
      ...[
        ['Started', age(startedAt)] as const,
        ['Last cycle', age(lastCycleAt)] as const,
        ['Last data', age(lastFetchAt)] as const,
        ...runner.helpers.map((helper): readonly [string, Node] => [
          `Helper ${helper.name}`,
          h('span', {}, `${helper.state}${helper.why === null ? '' : `: ${helper.why}`}`),
        ]),
      ].map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value))),
    ),
  );
}

function runnerKey(runner: DashboardRunner): unknown {
  const { workspace, state, pid, workText, startedAt, lastCycleAt, lastFetchAt, helpers } = runner;
  return [workspace, state, pid, workText, startedAt, lastCycleAt, lastFetchAt, helpers];
}

/** What TWS has said of its data farms. */
export class FarmsList {
  readonly element: HTMLElement;
  private readonly content = h('div');

  constructor() {
    this.element = section('farms', 'Data farms', this.content);
    fill(this.content, 'none', () => [h('p', { class: 'empty' }, 'Waiting for the monitor…')]);
  }

  show({ farms }: DashboardState): void {
    fill(this.content, farms, () =>
      farms.length === 0
        ? [h('p', { class: 'empty' }, 'TWS has said nothing of its farms yet.')]
        : [
            h(
              'ul',
              { class: 'farms' },
              ...farms.map(({ name, kind, state }) =>
                h(
                  'li',
                  { class: `farm farm-${state}` },
                  icon(farmShapes[state]),
                  h('span', {}, h('strong', {}, name), ` ${kind}: ${farmWords[state]}`),
                ),
              ),
            ),
          ],
    );
  }
}

const farmWords = {
  ok: 'ok',
  broken: 'broken',
  inactive: 'inactive, connects on demand',
  connecting: 'connecting',
} as const;
