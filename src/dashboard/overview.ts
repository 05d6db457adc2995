import type { DashboardState } from '../diagnostics/dashboard';
import { age, fill, h, setText } from './dom';
import { healthShapes, icon, severityShapes } from './icons';
import type { LinkState } from './transport';
import { healthWords, milliseconds, type TimeWords } from './words';

/** Without a word for so long, the state is shown as an old one: the daemon says one every 30 s. */
export const staleAfterMs = 75_000;

/** Which endpoint, how it is, and how this page knows. */
export class Overview {
  readonly element: HTMLElement;
  private readonly endpoint = h('p', { class: 'endpoint' }, 'No monitor yet');
  private readonly mode = h('span', { class: 'mode' });
  private readonly link = h('p', { class: 'link', role: 'status' }, 'Connecting to the monitor…');
  private readonly state = h('div', { class: 'state health-unknown' });
  private readonly message = h('p', { class: 'message' });
  private readonly facts = h('dl', { class: 'facts' });
  private readonly problems = h('ul', { class: 'problems', 'aria-label': 'What is wrong now' });
  private shownState = '';

  constructor(private readonly times: TimeWords) {
    this.mode.hidden = true;
    this.problems.hidden = true;
    this.element = h(
      'header',
      {},
      h('div', { class: 'title' }, h('h1', {}, 'Robo'), this.endpoint, this.mode, this.link),
      h('div', { class: 'card now' }, h('div', {}, this.state, this.message), this.facts),
      this.problems,
    );
    fill(this.state, 'none', () => [
      icon('question'),
      h('span', { class: 'word' }, 'Waiting'),
      h('span', { class: 'since' }, 'for the first word of the monitor'),
    ]);
  }

  show(state: DashboardState): void {
    const { host, port, product, mode, health, since } = state;
    setText(this.endpoint, `${product === null ? '' : `${product} at `}${host}:${port}`);
    this.mode.hidden = mode === null;
    this.mode.className = `mode mode-${mode ?? 'none'}`;
    setText(this.mode, mode === 'live' ? 'LIVE' : 'Paper');
    if (this.shownState !== `${health} ${since}`) {
      this.shownState = `${health} ${since}`;
      this.state.className = `state health-${health}`;
      fill(this.state, this.shownState, () => [
        icon(healthShapes[health]),
        h('span', { class: 'word' }, healthWords[health]),
        h('span', { class: 'since' }, `since ${this.times.moment(since)}, `, age(since)),
      ]);
    }
    setText(this.message, state.message);
    this.showFacts(state);
    this.showProblems(state);
  }

  /** How the page hears of the monitor: one line that is always there, so that nothing moves. */
  showLink(link: LinkState, silentMs: number | undefined, clock: TimeWords['clock']): void {
    const isStale = silentMs !== undefined && silentMs > staleAfterMs;
    const kind = link.kind === 'open' && isStale ? 'stale' : link.kind;
    this.link.className = `link link-${kind}`;
    const words = {
      connecting: 'Connecting to the monitor…',
      open: 'Live',
      stale: `No word from the monitor for ${Math.floor((silentMs ?? 0) / 60_000)} min: what is shown is that old.`,
      lost:
        link.kind === 'lost'
          ? `Disconnected since ${clock(link.atMs)}. ${link.why}${link.isForGood ? '' : ' Trying again; below is the last known state.'}`
          : '',
    }[kind];
    const shape = { connecting: 'spinner', open: 'check', stale: 'clock', lost: 'cross' } as const;
    fill(this.link, words, () => [icon(shape[kind]), h('span', {}, words)]);
  }

  private showFacts({ session, monitor, planned, historyProblem }: DashboardState): void {
    const { state, lastAnswerAt, roundTripMs, connectionsOpened, nextDialAt } = session;
    const entries: readonly (readonly [string, Node | string])[] = [
      ['Session', state === 'held' ? 'held, TWS does not answer yet' : state],
      ['Last answer', age(lastAnswerAt)],
      ['Round trip', roundTripMs === null ? 'not measured' : milliseconds(roundTripMs)],
      ['Connections opened', String(connectionsOpened)],
      ...(nextDialAt === null ? [] : [['Next try', this.times.clock(nextDialAt)] as const]),
      ['Monitor', `${monitor.version}, since ${this.times.moment(monitor.startedAt)}`],
      ...planned.map(({ words }) => ['Planned', words] as const),
      ...(historyProblem === null ? [] : [['History', historyProblem] as const]),
    ];
    const key = [
      state,
      lastAnswerAt,
      roundTripMs,
      connectionsOpened,
      nextDialAt,
      monitor.startedAt,
    ];
    fill(this.facts, [...key, ...planned.map(({ at }) => at), historyProblem], () =>
      entries.map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value))),
    );
  }

  private showProblems({ problems }: DashboardState): void {
    this.problems.hidden = problems.length === 0;
    fill(this.problems, problems, () =>
      problems.map(({ severity, title, message, remedy }) =>
        h(
          'li',
          { class: `problem problem-${severity}` },
          icon(severityShapes[severity]),
          h(
            'div',
            {},
            h('strong', {}, `${severity[0]?.toUpperCase() ?? ''}${severity.slice(1)}: ${title}`),
            h('p', {}, message),
            ...(remedy === '' ? [] : [h('p', { class: 'remedy' }, `To do: ${remedy}`)]),
          ),
        ),
      ),
    );
  }
}
