import type { Clock, Timer } from '../core/clock';
import type { DashboardMessage, Sample } from '../diagnostics/dashboard';
import { type CardPlace, ChartCard } from './card';
import type { Mark } from './chart';
import { h, setText } from './dom';
import type { Kept, Memory } from './memory';
import { merged, type Model, modelOf, snapshotOf } from './model';
import { Overview } from './overview';
import { FarmsList, RunnersList, SymbolsTable } from './tables';
import { chartColours, onThemeChange } from './theme';
import { TimelineView } from './timelineView';
import type { LinkState, TransportListener } from './transport';
import { amount, duration, folderName, milliseconds, type TimeWords } from './words';

/** How often what is shown is kept, at most, in milliseconds. */
const keepMs = 5000;

export interface PageDependencies {
  readonly clock: Clock;
  readonly memory: Memory;
  readonly times: TimeWords;
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
  private readonly runners = new RunnersList();
  private readonly farms = new FarmsList();
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
    const { times } = deps;
    this.kept = deps.memory.read();
    const main = h('main');
    const place = this.place();
    this.overview = new Overview(times);
    root.replaceChildren(this.overview.element, main, footer());
    this.timeline = new TimelineView(place, times);
    this.prices = new ChartCard('prices', 'Price, signals and fills', place, {
      kind: 'line',
      times,
      format: amount,
      picks: 'Symbol',
      onPick: (symbol) => {
        this.choose({ symbol });
      },
    });
    this.equity = new ChartCard('equity', 'Equity of the paper book', place, {
      kind: 'line',
      times,
      format: amount,
      picks: 'Runner',
      onPick: (workspace) => {
        this.choose({ workspace });
      },
    });
    const spans = { times, format: milliseconds } as const;
    const latency = { ...spans, kind: 'line', slotMs: 60_000 } as const;
    this.latency = new ChartCard('latency', 'Latency of TWS', place, latency);
    this.cycles = new ChartCard('cycles', 'Runner cycles', place, { ...spans, kind: 'bars' });
    this.symbols = new SymbolsTable(times);
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
    const last = samples.at(-1);
    this.prices.offer(names, chosen);
    this.prices.show({
      samples,
      marks: [
        ...signals.map(({ at, signal }): Mark => ({
          atMs: Date.parse(at),
          shape: signal === 'buy' ? 'arrowUp' : 'arrowDown',
          side: signal === 'buy' ? 'buy' : 'sell',
          text: signal,
        })),
        ...fills.map(({ at, side, quantity }): Mark => ({
          atMs: Date.parse(at),
          shape: 'circle',
          side,
          text: `${side === 'buy' ? 'bought' : 'sold'} ${quantity}`,
        })),
      ].sort((a, b) => a.atMs - b.atMs),
      summary:
        last === undefined
          ? ''
          : `${chosen ?? ''} last at ${amount(last[1])}, ${this.deps.times.moment(last[0])}; ${count(signals.length, 'signal')}, ${count(fills.length, 'fill')}.`,
      empty:
        last === undefined ? 'No price yet: no runner has said one in the past day.' : undefined,
      table: this.eventsTable(model),
    });
  }

  private eventsTable({ signals, fills }: Model): Parameters<ChartCard['show']>[0]['table'] {
    const { moment } = this.deps.times;
    const rows = [
      ...signals.map(({ at, symbol, signal, price, reason }) => ({
        at,
        cells: ['signal', symbol, signal, '', price === null ? '' : amount(price), reason],
      })),
      ...fills.map(({ at, symbol, side, quantity, price }) => ({
        at,
        cells: ['fill', symbol, side, String(quantity), amount(price), ''],
      })),
    ].sort((a, b) => Date.parse(b.at) - Date.parse(a.at));
    return {
      head: ['When', 'What', 'Symbol', 'Side', 'Quantity', 'Price', 'Why'],
      rows: rows.map(({ at, cells }) => [moment(at), ...cells]),
      key: `${signals.length} ${fills.length} ${rows[0]?.at ?? ''}`,
    };
  }

  private showEquity(model: Model): void {
    const names = [...model.equity.keys()];
    const chosen = names.find((name) => name === this.kept.workspace) ?? names[0];
    const samples = model.equity.get(chosen ?? '') ?? [];
    const [first, last] = [samples[0], samples.at(-1)];
    const change = (last?.[1] ?? 0) - (first?.[1] ?? 0);
    const sign = change < 0 ? '−' : '+';
    this.equity.offer(names, chosen, folderName);
    this.equity.show({
      samples,
      summary:
        first === undefined || last === undefined
          ? ''
          : `${amount(last[1])} dollars, ${sign}${amount(Math.abs(change))} since ${this.deps.times.moment(first[0])}.`,
      empty:
        samples.length === 0
          ? 'No book yet: no runner has said what its book is worth in the past day.'
          : undefined,
      table: this.samplesTable(['When', 'Dollars'], samples, amount),
    });
  }

  private showLatency({ latency }: Model): void {
    const values = latency.map(([, value]) => value).sort((a, b) => a - b);
    const last = latency.at(-1);
    const median = values[Math.floor(values.length / 2)] ?? 0;
    this.latency.show({
      samples: latency,
      summary:
        last === undefined
          ? ''
          : `Server-time round trips, the longest of each minute: last ${milliseconds(last[1])}, median ${milliseconds(median)}, longest ${milliseconds(values.at(-1) ?? 0)}.`,
      empty:
        last === undefined ? 'TWS has not answered yet, so there is no round trip.' : undefined,
      table: this.samplesTable(['Minute', 'Longest round trip'], latency, milliseconds),
    });
  }

  private showCycles({ cycles }: Model): void {
    const last = cycles.at(-1);
    const samples = cycles
      .flatMap(({ at, durationMs }): Sample[] =>
        durationMs === null ? [] : [[Math.floor(Date.parse(at) / 1000) * 1000, durationMs]],
      )
      .filter(([atMs], index, all) => index === 0 || atMs > (all[index - 1]?.[0] ?? 0));
    const { moment } = this.deps.times;
    const ago = last === undefined ? '' : duration(this.now() - Date.parse(last.at));
    this.cycles.show({
      samples,
      summary:
        last === undefined
          ? ''
          : `${count(cycles.length, 'cycle')}, the last one ended ${moment(last.at)}${last.durationMs === null ? '' : ` and took ${milliseconds(last.durationMs)}`}.`,
      empty:
        last === undefined
          ? 'No runner has finished a cycle since this monitor began.'
          : samples.length === 0
            ? `The last cycle ended ${ago} ago; the runner does not say how long its cycles take.`
            : undefined,
      table: {
        head: ['Ended', 'Runner', 'Took'],
        rows: cycles
          .toReversed()
          .map(({ at, workspace, durationMs }) => [
            moment(at),
            folderName(workspace),
            durationMs === null ? 'not said' : milliseconds(durationMs),
          ]),
        key: `${cycles.length} ${last?.at ?? ''}`,
      },
    });
  }

  private samplesTable(
    head: readonly string[],
    samples: readonly Sample[],
    format: (value: number) => string,
  ): Parameters<ChartCard['show']>[0]['table'] {
    const last = samples.at(-1);
    return {
      head,
      rows: samples
        .toReversed()
        .map(([atMs, value]) => [this.deps.times.moment(atMs), format(value)]),
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
    for (const time of this.root.querySelectorAll('time[data-age]')) {
      const atMs = Date.parse(time.getAttribute('datetime') ?? '');
      setText(time, `${duration(this.now() - atMs)} ago`);
    }
  }

  private showLink(): void {
    const { heardAtMs } = this;
    const silentMs =
      heardAtMs === undefined ? undefined : this.deps.clock.monotonicMs() - heardAtMs;
    this.overview.showLink(this.link, silentMs, this.deps.times.clock);
  }
}

function count(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? '' : 's'}`;
}

function footer(): HTMLElement {
  const link = h('a', { href: 'https://www.tradingview.com/', rel: 'noreferrer' }, 'TradingView');
  return h(
    'footer',
    {},
    h('p', {}, 'Times are those of this computer. Charts: Lightweight Charts™ by ', link, '.'),
  );
}
