import type { DashboardIncident } from '../diagnostics/dashboard';
import { type CardPlace, DetailsTable, section } from './card';
import { fill, h, s, setText } from './dom';
import { healthShapes, icon } from './icons';
import type { L10n } from './l10n';
import type { Model } from './model';
import { type Band, bands, placeIncidents, ticks } from './timeline';
import { healthWords, type Words } from './words';
import type { Health } from '../diagnostics/status';

const bandHeight = 30;
const rowHeight = 12;
const maxRows = 4;
const axisHeight = 20;
/** Room that an hour's label needs, in pixels. */
const labelWidth = 64;

/** Health over the past day, with the incidents below it. */
export class TimelineView {
  readonly element: HTMLElement;
  private readonly drawing: HTMLElement;
  private readonly summary: HTMLElement;
  private readonly legend = h('ul', { class: 'legend', 'aria-hidden': 'true' });
  private readonly table: DetailsTable;
  private model: Model | undefined;
  private nowMs = 0;

  constructor(
    place: CardPlace,
    private readonly words: Words,
  ) {
    const { l10n } = words;
    const unknown = l10n.t('Nothing is known yet');
    this.drawing = h('div', { class: 'timeline', role: 'img', 'aria-label': unknown });
    this.summary = h('p', { class: 'summary' }, l10n.t('Waiting for the monitor…'));
    this.table = new DetailsTable(
      'timeline',
      l10n.t('Health and incidents of the past day'),
      place,
    );
    this.element = section(
      'timeline',
      l10n.t('Health, past 24 hours'),
      this.summary,
      this.drawing,
      this.legend,
      this.table.element,
    );
    new ResizeObserver(() => {
      this.draw();
    }).observe(this.drawing);
  }

  show(model: Model, nowMs: number): void {
    this.model = model;
    this.nowMs = nowMs;
    this.draw();
  }

  private draw(): void {
    const { model, nowMs } = this;
    if (model === undefined) {
      return;
    }
    const { l10n } = this.words;
    const fromMs = nowMs - 86_400_000;
    const unwatched = l10n.t('Nobody watched.');
    const all = bands(model.health, [fromMs, nowMs], unwatched);
    const sentence = summaryOf(all, model.incidents, this.words);
    setText(this.summary, sentence);
    this.drawing.setAttribute('aria-label', sentence);
    const width = Math.max(200, Math.floor(this.drawing.clientWidth));
    const minute = Math.floor(nowMs / 60_000);
    const last = model.incidents.map(({ key, until }) => `${key} ${until ?? ''}`).join();
    fill(this.drawing, [width, minute, all.length, all.at(-1)?.health ?? '', last], () => [
      this.picture(all, model, [fromMs, nowMs], width),
    ]);
    const present = [...new Set(all.map(({ health }) => health))];
    fill(this.legend, present.join(), () =>
      present.map((health) =>
        h(
          'li',
          { class: `health-${health}` },
          icon(healthShapes[health]),
          healthWords(health, l10n),
        ),
      ),
    );
    this.table.show(this.tableOf(all, model.incidents, [minute, last].join()));
  }

  private picture(
    all: readonly Band[],
    model: Model,
    span: readonly [number, number],
    width: number,
  ): SVGElement {
    const [fromMs, untilMs] = span;
    const x = (atMs: number): number => ((atMs - fromMs) / (untilMs - fromMs)) * width;
    const placed = placeIncidents(model.incidents, span, maxRows);
    const rows = Math.max(1, ...placed.map(({ row }) => row + 1));
    const axis = bandHeight + 6 + rows * rowHeight;
    const height = axis + axisHeight;
    const offsetMs = -new Date(untilMs).getTimezoneOffset() * 60_000;
    return s(
      'svg',
      { width, height, viewBox: `0 0 ${width} ${height}`, 'aria-hidden': 'true' },
      patterns(),
      ...all.map((band) => this.bandPicture(band, x)),
      ...placed.map(({ incident, row, fromMs: begin, untilMs: end }) =>
        s(
          'rect',
          {
            class: `incident incident-${incident.severity}`,
            x: x(begin),
            y: bandHeight + 6 + row * rowHeight,
            width: Math.max(3, x(end) - x(begin)),
            height: rowHeight - 4,
            rx: 2,
          },
          s('title', {}, incidentWords(incident, this.words).join(' · ')),
        ),
      ),
      ...ticks(span, Math.max(2, Math.floor(width / labelWidth)), offsetMs).flatMap((atMs) => [
        s('line', { class: 'tick', x1: x(atMs), x2: x(atMs), y1: 6, y2: axis }),
        ...(x(atMs) > 16 && x(atMs) < width - 16
          ? [s('text', { x: x(atMs), y: height - 5 }, this.words.minute(atMs))]
          : []),
      ]),
    );
  }

  private bandPicture(band: Band, x: (atMs: number) => number): SVGElement {
    const isDown = band.health === 'down';
    return s(
      'rect',
      {
        class: `band band-${band.health}`,
        x: x(band.fromMs),
        y: isDown ? 0 : 6,
        width: Math.max(1.5, x(band.untilMs) - x(band.fromMs)),
        height: isDown ? bandHeight : bandHeight - 6,
      },
      s('title', {}, bandWords(band, this.words)),
    );
  }

  private tableOf(
    all: readonly Band[],
    incidents: readonly DashboardIncident[],
    key: string,
  ): Parameters<DetailsTable['show']>[0] {
    const { l10n, duration, moment } = this.words;
    const rows = [
      ...all.map((band) => ({
        atMs: band.fromMs,
        cells: [
          moment(band.fromMs),
          duration(band.untilMs - band.fromMs),
          healthWords(band.health, l10n),
          band.reason,
        ],
      })),
      ...incidents.map((incident) => ({
        atMs: Date.parse(incident.since),
        cells: [
          moment(incident.since),
          incident.until === null
            ? l10n.t('open')
            : duration(Date.parse(incident.until) - Date.parse(incident.since)),
          l10n.t('Incident: {0}', named(incident, l10n)),
          incident.message,
        ],
      })),
    ];
    return {
      head: [l10n.t('From'), l10n.t('For'), l10n.t('What'), l10n.t('Why')],
      rows: rows.sort((a, b) => b.atMs - a.atMs).map(({ cells }) => cells),
      key: `${key} ${all.length}`,
    };
  }
}

function bandWords({ health, fromMs, untilMs, reason }: Band, words: Words): string {
  const { l10n, duration, moment } = words;
  return l10n.t(
    '{0}, {1} to {2} ({3}). {4}',
    healthWords(health, l10n),
    moment(fromMs),
    moment(untilMs),
    duration(untilMs - fromMs),
    reason,
  );
}

function incidentWords(incident: DashboardIncident, words: Words): readonly string[] {
  const { l10n, duration, moment } = words;
  const { severity, message, since, until } = incident;
  const what = named(incident, l10n);
  const titles: Readonly<Record<typeof severity, string>> = {
    error: l10n.t('Incident, error: {0}', what),
    warning: l10n.t('Incident, warning: {0}', what),
    info: l10n.t('Incident, info: {0}', what),
  };
  return [
    titles[severity],
    until === null
      ? l10n.t('open since {0}', moment(since))
      : l10n.t(
          '{0} to {1} ({2})',
          moment(since),
          moment(until),
          duration(Date.parse(until) - Date.parse(since)),
        ),
    message,
  ];
}

/** What an incident is called, and whom it is about. */
function named({ title, subject }: DashboardIncident, l10n: L10n): string {
  return subject === null ? title : l10n.t('{0} ({1})', title, subject);
}

function summaryOf(
  all: readonly Band[],
  incidents: readonly DashboardIncident[],
  { l10n, duration, percent }: Words,
): string {
  const spent = (healths: readonly Health[]): number =>
    all.reduce(
      (sum, { health, fromMs, untilMs }) => sum + (healths.includes(health) ? untilMs - fromMs : 0),
      0,
    );
  const unwatchedMs = spent(['unknown']);
  const watchedMs = spent(['healthy', 'degraded', 'down', 'expected', 'connecting']);
  const parts = (
    [
      ['degraded', l10n.t('degraded {0}', duration(spent(['degraded'])))],
      ['down', l10n.t('down {0}', duration(spent(['down'])))],
      ['expected', l10n.t('planned interruption {0}', duration(spent(['expected'])))],
    ] as const
  ).flatMap(([health, words]) => (spent([health]) > 0 ? [words] : []));
  const rest = parts.length === 0 ? '' : ` (${parts.join(', ')})`;
  const share = l10n.t(
    'Healthy {0} % of the {1} watched',
    percent(spent(['healthy']) / Math.max(1, watchedMs)),
    duration(watchedMs),
  );
  const open = incidents.filter(({ until }) => until === null).length;
  return [
    watchedMs < 1000 ? l10n.t('Not watched yet') : `${share}${rest}`,
    ...(unwatchedMs < 60_000 ? [] : [l10n.t('unknown or not watched {0}', duration(unwatchedMs))]),
    incidents.length === 1
      ? l10n.t('1 incident, {0} open.', open)
      : l10n.t('{0} incidents, {1} open.', incidents.length, open),
  ].join('; ');
}

/** Each state has its own texture, so that none is told by its colour alone. */
function patterns(): SVGElement {
  const lines = (id: string, d: string): SVGElement =>
    s(
      'pattern',
      { id, width: 8, height: 8, patternUnits: 'userSpaceOnUse' },
      s('rect', { class: `ground ground-${id}`, width: 8, height: 8 }),
      s('path', { class: 'texture', d }),
    );
  return s(
    'defs',
    {},
    lines('degraded', 'M-2 2 2 -2M0 8 8 0M6 10 10 6'),
    lines('expected', 'M2 2h1v1h-1zM6 6h1v1h-1z'),
    lines('unknown', 'M-2 6 2 10M0 0 8 8M6 -2 10 2'),
    lines('connecting', 'M0 4h8'),
  );
}
