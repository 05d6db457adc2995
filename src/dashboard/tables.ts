import type { DashboardMarket, DashboardRunner, DashboardState } from '../diagnostics/dashboard';
import type { SymbolStatus } from '../diagnostics/status';
import { section } from './card';
import { age, fill, h } from './dom';
import { farmShapes, icon, type Shape } from './icons';
import type { L10n } from './l10n';
import {
  farmWords,
  folderName,
  helperWords,
  runnerWords,
  signalWords,
  type Words,
  workWords,
} from './words';

/** Age of the data, failures and last signal of each symbol. */
export class SymbolsTable {
  readonly element: HTMLElement;
  private readonly content = h('div', { class: 'tables' });

  constructor(private readonly words: Words) {
    const { l10n } = words;
    this.element = section('symbols', l10n.t('Data age per symbol'), this.content);
    fill(this.content, 'none', () => [empty(l10n.t('Waiting for the monitor…'))]);
  }

  show({ runners }: DashboardState): void {
    const shown = runners.filter(({ symbols }) => symbols.length > 0);
    fill(this.content, shown.map(symbolsKey), () =>
      shown.length === 0
        ? [
            empty(
              this.words.l10n.t(
                'No runner has said anything of a symbol yet. Start one with "robo run", or have your program say what docs/runner-events.md describes.',
              ),
            ),
          ]
        : shown.flatMap((runner) => this.tableOf(runner, shown.length > 1)),
    );
  }

  private tableOf(runner: DashboardRunner, isNamed: boolean): readonly Node[] {
    const { l10n } = this.words;
    const { market, symbols, moreSymbols, workspace } = runner;
    const title = l10n.t('Symbols of {0}', folderName(workspace));
    const head = [
      ...[l10n.t('Symbol'), l10n.t('Price'), l10n.t('Signal')],
      ...[l10n.t('Last data'), l10n.t('State')],
    ];
    return [
      h(
        'p',
        { class: `market market-${market.state}` },
        icon(market.state === 'open' ? 'check' : market.state === 'closed' ? 'clock' : 'question'),
        marketWords(market, this.words),
      ),
      h(
        'div',
        { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': title },
        h(
          'table',
          {},
          h('caption', isNamed ? {} : { class: 'hidden' }, title),
          h('thead', {}, h('tr', {}, ...head.map((name) => h('th', { scope: 'col' }, name)))),
          h('tbody', {}, ...symbols.map((symbol) => symbolRow(symbol, this.words))),
        ),
      ),
      ...(moreSymbols === 0
        ? []
        : [
            h(
              'p',
              { class: 'note' },
              moreSymbols === 1
                ? l10n.t('1 more symbol is not listed.')
                : l10n.t('{0} more symbols are not listed.', moreSymbols),
            ),
          ]),
    ];
  }
}

function empty(text: string): HTMLElement {
  return h('p', { class: 'empty' }, text);
}

function marketWords({ state, until }: DashboardMarket, { l10n, moment }: Words): string {
  switch (state) {
    case 'open':
      return until === null
        ? l10n.t('Market open.')
        : l10n.t('Market open until {0}.', moment(until));
    case 'closed':
      return until === null
        ? l10n.t('Market closed: older data is no fault.')
        : l10n.t('Market closed until {0}: older data is no fault.', moment(until));
    case 'unknown':
      return l10n.t('Whether the market is open is not known.');
  }
}

function symbolRow(status: SymbolStatus, { l10n, amount }: Words): HTMLElement {
  const { symbol, price, signal, lastFetchAt, failures } = status;
  const failed = failures === 1 ? l10n.t('1 failure') : l10n.t('{0} failures in a row', failures);
  const [shape, state]: readonly [Shape, string] =
    failures > 0
      ? ['cross', failed]
      : lastFetchAt === null
        ? ['question', l10n.t('nothing yet')]
        : ['check', l10n.t('ok')];
  return h(
    'tr',
    {},
    h('th', { scope: 'row' }, symbol),
    h('td', { class: 'number' }, price === null ? '–' : amount(price)),
    h('td', {}, signal === null ? '–' : signalWords(signal, l10n)),
    h('td', {}, age(lastFetchAt, l10n.t('never'))),
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

  constructor(private readonly l10n: L10n) {
    this.element = section('runners', l10n.t('Runners'), this.content);
    fill(this.content, 'none', () => [empty(l10n.t('Waiting for the monitor…'))]);
  }

  show({ runners }: DashboardState): void {
    fill(this.content, runners.map(runnerKey), () =>
      runners.length === 0
        ? [
            empty(
              this.l10n.t(
                'No runner is known at this endpoint. "robo run" starts one, "robo watch" watches one that runs.',
              ),
            ),
          ]
        : runners.map((runner) => runnerEntry(runner, this.l10n)),
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

function runnerEntry(runner: DashboardRunner, l10n: L10n): HTMLElement {
  const { workspace, state, pid, work, startedAt, lastCycleAt, lastFetchAt } = runner;
  const isAlive = state !== 'exited';
  const never = l10n.t('never');
  const words = [
    runnerWords(state, l10n),
    ...(pid === null ? [] : [l10n.t('pid {0}', pid)]),
    ...(isAlive ? [workWords(runner, l10n)] : []),
  ];
  return h(
    'div',
    { class: 'runner' },
    h(
      'p',
      { title: workspace },
      icon(isAlive ? workShapes[work] : 'info'),
      h('strong', {}, folderName(workspace)),
      ` ${words.join(', ')}`,
    ),
    h(
      'dl',
      { class: 'facts' },
      ...[
        [l10n.t('Started'), age(startedAt, never)] as const,
        [l10n.t('Last cycle'), age(lastCycleAt, never)] as const,
        [l10n.t('Last data'), age(lastFetchAt, never)] as const,
        ...runner.helpers.map((helper): readonly [string, Node] => [
          l10n.t('Helper {0}', helper.name),
          h('span', {}, helperWords(helper, l10n)),
        ]),
      ].map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value))),
    ),
  );
}

function runnerKey(runner: DashboardRunner): unknown {
  const { workspace, state, pid, work, failing, symbols, moreSymbols } = runner;
  const { startedAt, lastCycleAt, lastFetchAt, helpers } = runner;
  const counts = [failing, symbols.length + moreSymbols];
  return [workspace, state, pid, work, counts, startedAt, lastCycleAt, lastFetchAt, helpers];
}

/** What TWS has said of its data farms. */
export class FarmsList {
  readonly element: HTMLElement;
  private readonly content = h('div');

  constructor(private readonly l10n: L10n) {
    this.element = section('farms', l10n.t('Data farms'), this.content);
    fill(this.content, 'none', () => [empty(l10n.t('Waiting for the monitor…'))]);
  }

  show({ farms }: DashboardState): void {
    fill(this.content, farms, () =>
      farms.length === 0
        ? [empty(this.l10n.t('TWS has said nothing of its farms yet.'))]
        : [
            h(
              'ul',
              { class: 'farms' },
              ...farms.map((farm) =>
                h(
                  'li',
                  { class: `farm farm-${farm.state}` },
                  icon(farmShapes[farm.state]),
                  h('span', {}, h('strong', {}, farm.name), ` ${farmWords(farm, this.l10n)}`),
                ),
              ),
            ),
          ],
    );
  }
}
