import type { Sample } from '../diagnostics/dashboard';
import { Chart, type ChartOptions, type Mark } from './chart';
import { fill, h, setText } from './dom';
import type { L10n } from './l10n';
import type { ChartColours } from './theme';

/** The newest rows that a table shows. */
const maxRows = 200;

/** The same as a drawing in words and figures. */
export interface TableContent {
  readonly head: readonly string[];
  /** Newest first. */
  readonly rows: readonly (readonly string[])[];
  /** Another one wherever a row is another one. */
  readonly key: string;
}

export interface CardContent {
  readonly samples: readonly Sample[];
  readonly marks?: readonly Mark[];
  /** One sentence that says what the drawing shows. */
  readonly summary: string;
  /** Shown in place of the drawing; undefined where there is something to draw. */
  readonly empty: string | undefined;
  readonly table: TableContent;
}

/** What a card needs to know of the page that it is on. */
export interface CardPlace {
  readonly l10n: L10n;
  readonly colours: ChartColours;
  readonly isOpen: (id: string) => boolean;
  readonly onToggle: (id: string, isOpen: boolean) => void;
}

/** A section with a heading. */
export function section(
  id: string,
  title: string,
  ...children: readonly (Node | string)[]
): HTMLElement {
  const heading = h('h2', { id: `${id}-title` }, title);
  return h(
    'section',
    { id, class: 'card', 'aria-labelledby': `${id}-title` },
    h('div', { class: 'card-head' }, heading),
    ...children,
  );
}

/** A table that opens under a drawing; it is filled while it is open. */
export class DetailsTable {
  readonly element: HTMLDetailsElement;
  private readonly body = h('tbody');
  private readonly head = h('thead');
  private content: TableContent = { head: [], rows: [], key: '' };

  private readonly l10n: L10n;

  constructor(id: string, label: string, place: CardPlace) {
    const { l10n } = place;
    this.l10n = l10n;
    const table = h('table', {}, h('caption', { class: 'hidden' }, label), this.head, this.body);
    this.element = h(
      'details',
      { id: `${id}-table` },
      h('summary', {}, l10n.t('Show as a table')),
      h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': label }, table),
    );
    this.element.open = place.isOpen(id);
    this.element.addEventListener('toggle', () => {
      this.draw();
      place.onToggle(id, this.element.open);
    });
  }

  show(content: TableContent): void {
    this.content = content;
    this.draw();
  }

  private draw(): void {
    if (!this.element.open) {
      return;
    }
    const { head, rows, key } = this.content;
    fill(this.head, head.join(), () => [
      h('tr', {}, ...head.map((name) => h('th', { scope: 'col' }, name))),
    ]);
    fill(this.body, key, () =>
      rows.length === 0
        ? [h('tr', {}, h('td', { colspan: head.length }, this.l10n.t('Nothing yet.')))]
        : rows.slice(0, maxRows).map((row) => h('tr', {}, ...row.map((cell) => h('td', {}, cell)))),
    );
  }
}

/** A chart with its sentence, its table and its empty state, all of one height. */
export class ChartCard {
  readonly element: HTMLElement;
  private readonly drawing: HTMLElement;
  private readonly summary = h('p', { class: 'summary' });
  private readonly empty: HTMLElement;
  private readonly table: DetailsTable;
  private readonly chart: Chart;
  private readonly picker = h('select');
  private readonly pickerLabel: HTMLElement;

  constructor(
    id: string,
    title: string,
    place: CardPlace,
    options: ChartOptions & {
      readonly picks?: string;
      readonly onPick?: (name: string) => void;
    },
  ) {
    const { l10n } = place;
    this.empty = h('p', { class: 'empty' }, l10n.t('Waiting for the monitor…'));
    this.drawing = h('div', {
      class: 'drawing',
      role: 'img',
      'aria-label': l10n.t('Nothing is known yet'),
    });
    this.table = new DetailsTable(id, title, place);
    this.pickerLabel = h(
      'label',
      { class: 'picker' },
      h('span', {}, options.picks ?? ''),
      this.picker,
    );
    this.pickerLabel.hidden = true;
    this.picker.addEventListener('change', () => options.onPick?.(this.picker.value));
    this.element = section(
      id,
      title,
      this.summary,
      h('div', { class: 'plot' }, this.drawing, this.empty),
      this.table.element,
    );
    this.element.querySelector('.card-head')?.append(this.pickerLabel);
    this.chart = new Chart(this.drawing, place.colours, options);
  }

  /** Offers names to choose from, where there is a choice. */
  offer(names: readonly string[], chosen: string | undefined, word = (name: string) => name): void {
    this.pickerLabel.hidden = names.length < 2;
    fill(this.picker, names.join('\n'), () =>
      names.map((name) => h('option', { value: name }, word(name))),
    );
    if (chosen !== undefined && this.picker.value !== chosen) {
      this.picker.value = chosen;
    }
  }

  show({ samples, marks = [], summary, empty, table }: CardContent): void {
    setText(this.summary, summary);
    this.drawing.setAttribute('aria-label', empty ?? summary);
    setText(this.empty, empty ?? '');
    this.empty.hidden = empty === undefined;
    this.drawing.classList.toggle('is-empty', empty !== undefined);
    this.chart.show(samples);
    this.chart.mark(marks);
    this.table.show(table);
  }

  recolour(colours: ChartColours): void {
    this.chart.recolour(colours);
  }
}
