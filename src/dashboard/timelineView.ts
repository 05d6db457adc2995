import type { DashboardIncident } from '../diagnostics/dashboard';
import { type CardPlace, DetailsTable, section } from './card';
import { fill, h, s, setText } from './dom';
import { healthShapes, icon } from './icons';
import type { Model } from './model';
import { type Band, bands, placeIncidents, ticks } from './timeline';
import { duration, healthWords, type TimeWords } from './words';
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
  private readonly drawing = h('div', {
    ...{ class: 'timeline', role: 'img' },
    'aria-label': 'Nothing is known yet',
  });
  private readonly summary = h('p', { class: 'summary' }, 'Waiting for the monitor…');
  private readonly legend = h('ul', { class: 'legend', 'aria-hidden': 'true' });
  private readonly table: DetailsTable;
  private model: Model | undefined;
  private nowMs = 0;

  constructor(
    place: CardPlace,
    private readonly times: TimeWords,
  ) {
    this.table = new DetailsTable('timeline', 'Health and incidents of the past day', place);
    this.element = section(
      'timeline',
      'Health, past 24 hours',
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
    const fromMs = nowMs - 86_400_000;
    const all = bands(model.health, fromMs, nowMs);
    const sentence = summaryOf(all, model.incidents, nowMs - fromMs);
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
        h('li', { class: `health-${health}` }, icon(healthShapes[health]), healthWords[health]),
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
          s('title', {}, this.incidentWords(incident).join(' · ')),
        ),
      ),
      ...ticks(span, Math.max(2, Math.floor(width / labelWidth)), offsetMs).flatMap((atMs) => [
        s('line', { class: 'tick', x1: x(atMs), x2: x(atMs), y1: 6, y2: axis }),
        ...(x(atMs) > 16 && x(atMs) < width - 16
          ? [s('text', { x: x(atMs), y: height - 5 }, this.times.minute(atMs))]
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
      s('title', {}, this.bandWords(band)),
    );
  }

  private bandWords({ health, fromMs, untilMs, reason }: Band): string {
    const span = `${this.times.moment(fromMs)} to ${this.times.moment(untilMs)}`;
    return `${healthWords[health]}, ${span} (${duration(untilMs - fromMs)}). ${reason}`;
  }

  private incidentWords(incident: DashboardIncident): readonly string[] {
    const { severity, title, message, subject, since, until } = incident;
    const whom = subject === null ? '' : ` (${subject})`;
    return [
      `Incident, ${severity}: ${title}${whom}`,
      until === null
        ? `open since ${this.times.moment(since)}`
        : `${this.times.moment(since)} to ${this.times.moment(until)} (${duration(Date.parse(until) - Date.parse(since))})`,
      message,
    ];
  }

  private tableOf(
    all: readonly Band[],
    incidents: readonly DashboardIncident[],
    key: string,
  ): Parameters<DetailsTable['show']>[0] {
    const rows = [
      ...all.map((band) => ({
        atMs: band.fromMs,
        cells: [
          this.times.moment(band.fromMs),
          duration(band.untilMs - band.fromMs),
          healthWords[band.health],
          band.reason,
        ],
      })),
      ...incidents.map((incident) => ({
        atMs: Date.parse(incident.since),
        cells: [
          this.times.moment(incident.since),
          incident.until === null
            ? 'open'
            : duration(Date.parse(incident.until) - Date.parse(incident.since)),
          `Incident: ${incident.title}${incident.subject === null ? '' : ` (${incident.subject})`}`,
          incident.message,
        ],
      })),
    ];
    return {
      head: ['From', 'For', 'What', 'Why'],
      rows: rows.sort((a, b) => b.atMs - a.atMs).map(({ cells }) => cells),
      key: `${key} ${all.length}`,
    };
  }
}

function summaryOf(
  all: readonly Band[],
  incidents: readonly DashboardIncident[],
  totalMs: number,
): string {
  const spent = (health: Health): number =>
    all.reduce((sum, band) => sum + (band.health === health ? band.untilMs - band.fromMs : 0), 0);
  const unwatchedMs = spent('unknown');
  const watchedMs = totalMs - unwatchedMs;
  // Rounded down: 100 % is said of nothing that had an outage.
  const percent = Math.floor((spent('healthy') / Math.max(1, watchedMs)) * 1000) / 10;
  const parts = (['degraded', 'down', 'expected'] as const)
    .filter((health) => spent(health) > 0)
    .map((health) => `${healthWords[health].toLowerCase()} ${duration(spent(health))}`);
  const rest = parts.length === 0 ? '' : ` (${parts.join(', ')})`;
  const share = `Healthy ${percent} % of the ${duration(watchedMs)} watched${rest}`;
  const open = incidents.filter(({ until }) => until === null).length;
  const word = incidents.length === 1 ? 'incident' : 'incidents';
  return [
    watchedMs < 1000 ? 'Not watched yet' : share,
    ...(unwatchedMs < 60_000 ? [] : [`unknown or not watched ${duration(unwatchedMs)}`]),
    `${incidents.length} ${word}, ${open} open.`,
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
