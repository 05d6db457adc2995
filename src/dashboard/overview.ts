import type { DashboardState } from '../diagnostics/dashboard';
import type { Severity } from '../diagnostics/finding';
import { age, around, fill, h, setText } from './dom';
import { healthShapes, icon, severityShapes } from './icons';
import type { L10n } from './l10n';
import type { LinkState } from './transport';
import { healthWords, sessionWords, type Words } from './words';

/** Without a word for so long, the state is shown as an old one: the daemon says one every 30 s. */
export const staleAfterMs = 75_000;

/** Which endpoint, how it is, and how this page knows. */
export class Overview {
  readonly element: HTMLElement;
  private readonly endpoint: HTMLElement;
  private readonly mode = h('span', { class: 'mode' });
  private readonly link: HTMLElement;
  private readonly state = h('div', { class: 'state health-unknown' });
  private readonly message = h('p', { class: 'message' });
  private readonly facts = h('dl', { class: 'facts' });
  private readonly problems: HTMLElement;
  private shownState = '';

  constructor(private readonly words: Words) {
    const { l10n } = words;
    this.endpoint = h('p', { class: 'endpoint' }, l10n.t('No monitor yet'));
    this.link = h('p', { class: 'link', role: 'status' }, l10n.t('Connecting to the monitor…'));
    this.problems = h('ul', { class: 'problems', 'aria-label': l10n.t('What is wrong now') });
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
      h('span', { class: 'word' }, l10n.t('Waiting')),
      h('span', { class: 'since' }, l10n.t('for the first word of the monitor')),
    ]);
  }

  show(state: DashboardState): void {
    const { host, port, product, mode, health, since } = state;
    const { l10n, moment } = this.words;
    const place = `${host}:${port}`;
    setText(this.endpoint, product === null ? place : l10n.t('{0} at {1}', product, place));
    this.mode.hidden = mode === null;
    this.mode.className = `mode mode-${mode ?? 'none'}`;
    setText(this.mode, mode === 'live' ? l10n.t('LIVE') : l10n.t('Paper'));
    if (this.shownState !== `${health} ${since}`) {
      this.shownState = `${health} ${since}`;
      this.state.className = `state health-${health}`;
      fill(this.state, this.shownState, () => [
        icon(healthShapes[health]),
        h('span', { class: 'word' }, healthWords(health, l10n)),
        h(
          'span',
          { class: 'since' },
          ...around(l10n.t('since {0}, {1}', moment(since)), this.age(since)),
        ),
      ]);
    }
    setText(this.message, state.message);
    this.showFacts(state);
    this.showProblems(state);
  }

  /** How the page hears of the monitor: one line that is always there, so that nothing moves. */
  showLink(link: LinkState, silentMs: number | undefined): void {
    const { l10n } = this.words;
    const isStale = silentMs !== undefined && silentMs > staleAfterMs;
    const kind = link.kind === 'open' && isStale ? 'stale' : link.kind;
    this.link.className = `link link-${kind}`;
    const words = {
      connecting: l10n.t('Connecting to the monitor…'),
      open: l10n.t('Up to date'),
      stale: l10n.t(
        'No word from the monitor for {0} min: what is shown is that old.',
        Math.floor((silentMs ?? 0) / 60_000),
      ),
      lost: link.kind === 'lost' ? lostWords(link, this.words) : '',
    }[kind];
    const shape = { connecting: 'spinner', open: 'check', stale: 'clock', lost: 'cross' } as const;
    fill(this.link, words, () => [icon(shape[kind]), h('span', {}, words)]);
  }

  private showFacts({ session, monitor, planned, historyProblem }: DashboardState): void {
    const { state, lastAnswerAt, roundTripMs, connectionsOpened, nextDialAt } = session;
    const { l10n, clock, milliseconds, moment } = this.words;
    const entries: readonly (readonly [string, Node | string])[] = [
      [l10n.t('Session'), sessionWords(state, l10n)],
      [l10n.t('Last answer'), this.age(lastAnswerAt)],
      [
        l10n.t('Round trip'),
        roundTripMs === null ? l10n.t('not measured') : milliseconds(roundTripMs),
      ],
      [l10n.t('Connections opened'), String(connectionsOpened)],
      ...(nextDialAt === null ? [] : [[l10n.t('Next try'), clock(nextDialAt)] as const]),
      [l10n.t('Monitor'), l10n.t('{0}, since {1}', monitor.version, moment(monitor.startedAt))],
      ...planned.map(({ words }) => [l10n.t('Planned'), words] as const),
      ...(historyProblem === null ? [] : [[l10n.t('History'), historyProblem] as const]),
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
    const { l10n } = this.words;
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
            h('strong', {}, problemTitle(severity, title, l10n)),
            h('p', {}, message),
            ...(remedy === '' ? [] : [h('p', { class: 'remedy' }, l10n.t('To do: {0}', remedy))]),
          ),
        ),
      ),
    );
  }

  private age(at: string | null): HTMLElement {
    return age(at, this.words.l10n.t('never'));
  }
}

function lostWords(
  { atMs, why, isForGood }: Extract<LinkState, { kind: 'lost' }>,
  { l10n, clock }: Words,
): string {
  return isForGood
    ? l10n.t('Disconnected since {0}. {1}', clock(atMs), why)
    : l10n.t(
        'Disconnected since {0}. {1} Trying again; below is the last known state.',
        clock(atMs),
        why,
      );
}

function problemTitle(severity: Severity, title: string, l10n: L10n): string {
  const titles: Readonly<Record<Severity, string>> = {
    error: l10n.t('Error: {0}', title),
    warning: l10n.t('Warning: {0}', title),
    info: l10n.t('Info: {0}', title),
  };
  return titles[severity];
}
