import type { Clock, Timer } from '../core/clock';
import type { DashboardCycle, DashboardMessage, Sample } from '../diagnostics/dashboard';
import { type CardPlace, ChartCard, type TableContent } from './card';
import type { Mark } from './chart';
import { around, h, setText } from './dom';
import type { L10n } from './l10n';
import type { Kept, Memory } from './memory';
import { merged, type Model, modelOf, snapshotOf } from './model';
import { Overview } from './overview';
import { FarmsList, RunnersList, SymbolsTable } from './tables';
import { chartColours, onThemeChange } from './theme';
import { TimelineView } from './timelineView';
import type { LinkState, TransportListener } from './transport';
import { folderName, signalWords, type Words } from './words';

/** How often what is shown is kept, at most, in milliseconds. */
const keepMs = 5000;

export interface PageDependencies {
  readonly clock: Clock;
  readonly memory: Memory;
  readonly words: Words;
}

/** The dashboard: built once, then only what has changed is written anew. */
export class Page implements TransportListener {
  private readonly overview: Overview;
  private readonly timeline: TimelineView;
  private readonly prices: ChartCard;
  private readonly equity: ChartCard;
  private readonly latency: ChartCard;
  private readonly cycles: ChartCard;
  private readonly symbols: SymbolsTable;
  private readonly runners: RunnersList;
  private readonly farms: FarmsList;
  private model: Model | undefined;
  private link: LinkState = { kind: 'connecting' };
  private heardAtMs: number | undefined;
  /** The daemon's clock less this one's, in milliseconds. */
  private offsetMs = 0;
  private kept: Kept;
  private keepTimer: Timer | undefined;

  constructor(
    private readonly root: HTMLElement,
    private readonly deps: PageDependencies,
  ) {
    const { words } = deps;
    const { l10n, amount, milliseconds } = words;
    this.kept = deps.memory.read();
    const main = h('main');
    const place = this.place();
    this.overview = new Overview(words);
    root.replaceChildren(this.overview.element, main, footer(l10n));
    this.timeline = new TimelineView(place, words);
    this.prices = new ChartCard('prices', l10n.t('Price, signals and fills'), place, {
      kind: 'line',
      words,
      format: amount,
      picks: l10n.t('Symbol'),
      onPick: (symbol) => {
        this.choose({ symbol });
      },
    });
    this.equity = new ChartCard('equity', l10n.t('Equity of the paper book'), place, {
      kind: 'line',
      words,
      format: amount,
      picks: l10n.t('Runner'),
      onPick: (workspace) => {
        this.choose({ workspace });
      },
    });
    const spans = { words, format: milliseconds } as const;
    const latency = { ...spans, kind: 'line', slotMs: 60_000 } as const;
    this.latency = new ChartCard('latency', l10n.t('Latency of TWS'), place, latency);
    const bars = { ...spans, kind: 'bars' } as const;
    this.cycles = new ChartCard('cycles', l10n.t('Runner cycles'), place, bars);
    this.symbols = new SymbolsTable(words);
    this.runners = new RunnersList(l10n);
    this.farms = new FarmsList(l10n);
    main.append(
      ...[this.timeline, this.prices, this.equity, this.symbols].map(({ element }) => element),
      h('div', { class: 'stack' }, this.runners.element, this.farms.element),
      ...[this.cycles, this.latency].map(({ element }) => element),
    );
    onThemeChange(() => {
      this.recolour();
    });
    this.restore();
    this.tick();
  }

  onMessage(message: DashboardMessage): void {
    const { clock } = this.deps;
    const part = message.type === 'snapshot' ? message.snapshot : message.update;
    this.heardAtMs = clock.monotonicMs();
    this.offsetMs = Date.parse(part.at) - clock.now();
    if (message.type === 'snapshot') {
      this.model = modelOf(message.snapshot);
    } else if (this.model !== undefined) {
      this.model = merged(this.model, message.update);
    }
    this.show();
    this.keep({});
  }

  onLink(link: LinkState): void {
    // The first loss counts: how long it lasts is told from there.
    if (link.kind !== 'lost' || this.link.kind !== 'lost' || link.isForGood) {
      this.link = link;
    }
    this.showLink();
  }

  private recolour(): void {
    const colours = chartColours(this.root);
    for (const chart of [this.prices, this.equity, this.latency, this.cycles]) {
      chart.recolour(colours);
    }
  }

  private place(): CardPlace {
    return {
      l10n: this.deps.words.l10n,
      colours: chartColours(this.root),
      isOpen: (id) => this.kept.open?.includes(id) === true,
      onToggle: (id, isOpen) => {
        const others = (this.kept.open ?? []).filter((other) => other !== id);
        this.keepNow({ open: isOpen ? [...others, id] : others });
      },
    };
  }

  /** What was last shown comes back at once, as what it is: old. */
  private restore(): void {
    const { snapshot, scroll } = this.kept;
    if (snapshot?.schema === 1) {
      this.model = modelOf(snapshot);
      this.show();
    }
    if (scroll !== undefined) {
      window.scrollTo({ top: scroll });
    }
    window.addEventListener('scroll', () => {
      this.keep({ scroll: Math.round(window.scrollY) });
    });
  }

  private choose(choice: Pick<Kept, 'symbol' | 'workspace'>): void {
    this.keepNow(choice);
    this.show();
  }

  private keep(change: Kept): void {
    this.kept = { ...this.kept, ...change };
    this.keepTimer ??= this.deps.clock.setTimer(keepMs, () => {
      this.keepNow({});
    });
  }

  /** What somebody has chosen is kept at once: a page that is hidden is told of it by nothing. */
  private keepNow(change: Kept): void {
    this.keepTimer?.cancel();
    this.keepTimer = undefined;
    this.kept = { ...this.kept, ...change };
    const { model } = this;
    const snapshot = model === undefined ? {} : { snapshot: snapshotOf(model) };
    this.deps.memory.write({ ...this.kept, ...snapshot });
  }

  private show(): void {
    const { model } = this;
    if (model === undefined) {
      return;
    }
    this.overview.show(model.state);
    this.timeline.show(model, this.now());
    this.showPrices(model);
    this.showEquity(model);
    this.showLatency(model);
    this.showCycles(model);
    this.symbols.show(model.state);
    this.runners.show(model.state);
    this.farms.show(model.state);
    this.showAges();
  }

  private showPrices(model: Model): void {
    const names = [...model.prices.keys()].sort();
    const { symbol } = this.kept;
    const busiest = model.fills.at(-1)?.symbol ?? model.signals.at(-1)?.symbol;
    const chosen = [symbol, busiest, names[0]].find((each) => names.includes(each ?? ''));
    const samples = model.prices.get(chosen ?? '') ?? [];
    const signals = model.signals.filter((each) => each.symbol === chosen);
    const fills = model.fills.filter((each) => each.symbol === chosen);
    const { l10n } = this.deps.words;
    this.prices.offer(names, chosen);
    this.prices.show({
      samples,
      marks: [
        ...signals.map(({ at, signal }): Mark => ({
          atMs: Date.parse(at),
          shape: signal === 'buy' ? 'arrowUp' : 'arrowDown',
          side: signal === 'buy' ? 'buy' : 'sell',
          text: signalWords(signal, l10n),
        })),
        ...fills.map(({ at, side, quantity }): Mark => ({
          atMs: Date.parse(at),
          shape: 'circle',
          side,
          text: side === 'buy' ? l10n.t('bought {0}', quantity) : l10n.t('sold {0}', quantity),
        })),
      ].sort((a, b) => a.atMs - b.atMs),
      summary: this.priceSummary(chosen ?? '', samples.at(-1), [signals.length, fills.length]),
      empty:
        samples.length === 0
          ? l10n.t('No price yet: no runner has said one in the past day.')
          : undefined,
      table: this.eventsTable(model),
    });
  }

  private priceSummary(
    symbol: string,
    last: Sample | undefined,
    [signals, fills]: readonly [number, number],
  ): string {
    const { l10n, amount, moment } = this.deps.words;
    return last === undefined
      ? ''
      : l10n.t(
          '{0} last at {1}, {2}; {3}, {4}.',
          symbol,
          amount(last[1]),
          moment(last[0]),
          signals === 1 ? l10n.t('1 signal') : l10n.t('{0} signals', signals),
          fills === 1 ? l10n.t('1 fill') : l10n.t('{0} fills', fills),
        );
  }

  private eventsTable({ signals, fills }: Model): TableContent {
    const { l10n, amount, moment } = this.deps.words;
    const [signalled, filled] = [l10n.t('signal'), l10n.t('fill')];
    const rows = [
      ...signals.map(({ at, symbol, signal, price, reason }) => ({
        at,
        cells: [
          ...[signalled, symbol, signalWords(signal, l10n), ''],
          ...[price === null ? '' : amount(price), reason],
        ],
      })),
      ...fills.map(({ at, symbol, side, quantity, price }) => ({
        at,
        cells: [filled, symbol, signalWords(side, l10n), String(quantity), amount(price), ''],
      })),
    ].sort((a, b) => Date.parse(b.at) - Date.parse(a.at));
    return {
      head: [
        ...[l10n.t('When'), l10n.t('What'), l10n.t('Symbol'), l10n.t('Side')],
        ...[l10n.t('Quantity'), l10n.t('Price'), l10n.t('Why')],
      ],
      rows: rows.map(({ at, cells }) => [moment(at), ...cells]),
      key: `${signals.length} ${fills.length} ${rows[0]?.at ?? ''}`,
    };
  }

  private showEquity(model: Model): void {
    const names = [...model.equity.keys()];
    const chosen = names.find((name) => name === this.kept.workspace) ?? names[0];
    const samples = model.equity.get(chosen ?? '') ?? [];
    const [first, last] = [samples[0], samples.at(-1)];
    const { l10n, amount, moment } = this.deps.words;
    const change = (last?.[1] ?? 0) - (first?.[1] ?? 0);
    const signed = `${change < 0 ? '−' : '+'}${amount(Math.abs(change))}`;
    this.equity.offer(names, chosen, folderName);
    this.equity.show({
      samples,
      summary:
        first === undefined || last === undefined
          ? ''
          : l10n.t('{0} dollars, {1} since {2}.', amount(last[1]), signed, moment(first[0])),
      empty:
        samples.length === 0
          ? l10n.t('No book yet: no runner has said what its book is worth in the past day.')
          : undefined,
      table: this.samplesTable([l10n.t('When'), l10n.t('Dollars')], samples, amount),
    });
  }

  private showLatency({ latency }: Model): void {
    const values = latency.map(([, value]) => value).sort((a, b) => a - b);
    const last = latency.at(-1);
    const { l10n, milliseconds } = this.deps.words;
    const median = values[Math.floor(values.length / 2)] ?? 0;
    this.latency.show({
      samples: latency,
      summary:
        last === undefined
          ? ''
          : l10n.t(
              'Server-time round trips, the longest of each minute: last {0}, median {1}, longest {2}.',
              milliseconds(last[1]),
              milliseconds(median),
              milliseconds(values.at(-1) ?? 0),
            ),
      empty:
        last === undefined
          ? l10n.t('TWS has not answered yet, so there is no round trip.')
          : undefined,
      table: this.samplesTable(
        [l10n.t('Minute'), l10n.t('Longest round trip')],
        latency,
        milliseconds,
      ),
    });
  }

  private showCycles({ cycles }: Model): void {
    const { l10n, milliseconds, moment } = this.deps.words;
    const last = cycles.at(-1);
    const samples = cycles
      .flatMap(({ at, durationMs }): Sample[] =>
        durationMs === null ? [] : [[Math.floor(Date.parse(at) / 1000) * 1000, durationMs]],
      )
      .filter(([atMs], index, all) => index === 0 || atMs > (all[index - 1]?.[0] ?? 0));
    this.cycles.show({
      samples,
      summary: last === undefined ? '' : this.cyclesSummary(cycles.length, last),
      empty: samples.length === 0 ? this.cyclesEmpty(last) : undefined,
      table: {
        head: [l10n.t('Ended'), l10n.t('Runner'), l10n.t('Took')],
        rows: cycles
          .toReversed()
          .map(({ at, workspace, durationMs }) => [
            moment(at),
            folderName(workspace),
            durationMs === null ? l10n.t('not said') : milliseconds(durationMs),
          ]),
        key: `${cycles.length} ${last?.at ?? ''}`,
      },
    });
  }

  private cyclesSummary(all: number, { at, durationMs }: DashboardCycle): string {
    const { l10n, milliseconds, moment } = this.deps.words;
    const counted = all === 1 ? l10n.t('1 cycle') : l10n.t('{0} cycles', all);
    return durationMs === null
      ? l10n.t('{0}, the last one ended {1}.', counted, moment(at))
      : l10n.t(
          '{0}, the last one ended {1} and took {2}.',
          counted,
          moment(at),
          milliseconds(durationMs),
        );
  }

  private cyclesEmpty(last: DashboardCycle | undefined): string {
    const { l10n, duration } = this.deps.words;
    return last === undefined
      ? l10n.t('No runner has finished a cycle since this monitor began.')
      : l10n.t(
          'The last cycle ended {0} ago; the runner does not say how long its cycles take.',
          duration(this.now() - Date.parse(last.at)),
        );
  }

  private samplesTable(
    head: readonly string[],
    samples: readonly Sample[],
    format: (value: number) => string,
  ): TableContent {
    const last = samples.at(-1);
    return {
      head,
      rows: samples
        .toReversed()
        .map(([atMs, value]) => [this.deps.words.moment(atMs), format(value)]),
      key: `${samples.length} ${last?.join() ?? ''}`,
    };
  }

  /** The daemon's time. */
  private now(): number {
    return this.deps.clock.now() + this.offsetMs;
  }

  private tick(): void {
    this.showAges();
    this.showLink();
    if (this.model !== undefined) {
      this.timeline.show(this.model, this.now());
    }
    this.deps.clock.setTimer(1000, () => {
      this.tick();
    });
  }

  private showAges(): void {
    const { l10n, duration } = this.deps.words;
    for (const time of this.root.querySelectorAll('time[data-age]')) {
      const atMs = Date.parse(time.getAttribute('datetime') ?? '');
      setText(time, l10n.t('{0} ago', duration(this.now() - atMs)));
    }
  }

  private showLink(): void {
    const { heardAtMs } = this;
    const silentMs =
      heardAtMs === undefined ? undefined : this.deps.clock.monotonicMs() - heardAtMs;
    this.overview.showLink(this.link, silentMs);
  }
}

function footer(l10n: L10n): HTMLElement {
  const link = h('a', { href: 'https://www.tradingview.com/', rel: 'noreferrer' }, 'TradingView');
  const words = l10n.t('Times are those of this computer. Charts: Lightweight Charts™ by {0}.');
  return h('footer', {}, h('p', {}, ...around(words, link)));
}
