import { causeTitles } from '../diagnostics/causeTitles';
import type { Evidence, Finding } from '../diagnostics/finding';
import { failingSymbols } from '../diagnostics/runnerWork';
import type { Health, IncidentStatus, RunnerStatus, StatusRecord } from '../diagnostics/status';
import { triedSteps } from '../diagnostics/tried';
import { type Endpoint, formatEndpoint, usualPort } from '../ibkr/endpoint';
import { commandIds, editorCommands, settingsSection } from './ids';
import { calmTimes, exactTimes, type Times } from './times';
import { escapeMarkdown, formatAge, type L10n, plain } from './words';

/** What this window knows, and why it knows no more. */
export type WindowState =
  | { readonly kind: 'reading' }
  | { readonly kind: 'restricted' }
  | { readonly kind: 'misconfigured'; readonly sentences: readonly string[] }
  | {
      readonly kind: 'notWatched';
      readonly endpoint: Endpoint;
      /** What the records say, written by a monitor that need not run any more. */
      readonly record: StatusRecord | undefined;
    }
  | { readonly kind: 'starting'; readonly endpoint: Endpoint }
  | { readonly kind: 'noMonitor'; readonly endpoint: Endpoint; readonly why: string }
  | { readonly kind: 'watching'; readonly endpoint: Endpoint; readonly status: StatusRecord };

export interface StatusModel {
  readonly state: WindowState;
  /** Path of the folder whose runner is shown. */
  readonly workspace: string | undefined;
  readonly nowMs: number;
}

export interface ActionLink {
  readonly title: string;
  readonly command: string;
  readonly arguments: readonly string[];
}

/** The three next actions of a state, the most useful one first. */
export type NextActions = readonly [ActionLink, ActionLink, ActionLink];

export interface StatusBarView {
  readonly text: string;
  /** Markdown; everything foreign in it is escaped. */
  readonly tooltip: string;
  readonly background: 'none' | 'warning' | 'error';
  readonly label: string;
  readonly command: ActionLink;
}

export interface Fact {
  readonly label: string;
  readonly value: string;
}

/** How many observations the hover shows; the others stand in the explanation. */
const shownEvidence = 3;

const icons: Record<Health, string> = {
  unknown: 'question',
  connecting: 'loading~spin',
  healthy: 'pass',
  degraded: 'warning',
  down: 'error',
  expected: 'clock',
};

/** `TWS paper`, `IB Gateway LIVE`; says so where nobody can know. */
export function brokerName(
  endpoint: Endpoint,
  status: StatusRecord | undefined,
  l10n: L10n,
): string {
  const usual = usualPort(endpoint.port);
  const product = status?.session.product ?? usual?.product ?? 'IBKR';
  // What the session told overrules what the port number suggests.
  const mode = status?.session.mode ?? usual?.mode;
  if (mode === undefined) {
    return l10n.t('{0} (paper or live unknown)', product);
  }
  return mode === 'live' ? l10n.t('{0} LIVE', product) : l10n.t('{0} paper', product);
}

/** The health in a word or two. */
export function healthWords(health: Health, l10n: L10n): string {
  switch (health) {
    case 'unknown':
      return l10n.t('unknown');
    case 'connecting':
      return l10n.t('connecting');
    case 'healthy':
      return l10n.t('healthy');
    case 'degraded':
      return l10n.t('degraded');
    case 'down':
      return l10n.t('down');
    case 'expected':
      return l10n.t('down, in its reset window');
  }
}

/** The worst finding that is about the connection, or undefined. */
export function leadingFinding(findings: readonly Finding[]): Finding | undefined {
  const rank = { error: 0, warning: 1, info: 2 };
  return findings
    .filter((finding) => finding.subject.kind === 'connection')
    .toSorted((a, b) => rank[a.severity] - rank[b.severity])[0];
}

/** What tells the causes apart comes first; what could not be seen, last. */
const evidenceRank: Record<Evidence['kind'], number> = {
  notice: 0,
  socket: 1,
  process: 1,
  file: 1,
  log: 1,
  exit: 1,
  setting: 1,
  answer: 2,
  timing: 3,
  unknown: 4,
};

/** The observations that say most. */
export function bestEvidence({ evidence }: Finding, limit = shownEvidence): readonly Evidence[] {
  return evidence.toSorted((a, b) => evidenceRank[a.kind] - evidenceRank[b.kind]).slice(0, limit);
}

/** The runner of this window's folder. */
export function ownRunner(model: StatusModel): RunnerStatus | undefined {
  return model.state.kind === 'watching'
    ? model.state.status.runner.find((runner) => runner.workspace === model.workspace)
    : undefined;
}

/** How many runners of this window's folder trade side by side; 0 unless there are two or more. */
export function doubledCount({ state, workspace }: StatusModel): number {
  const status = state.kind === 'watching' ? state.status : undefined;
  const own = status?.duplicates?.find((one) => one.workspace === workspace);
  return own?.runners.length ?? 0;
}

/** What the runner does, in words. */
export function runnerWords(
  runner: RunnerStatus | undefined,
  model: StatusModel,
  l10n: L10n,
  times = exactTimes(model.nowMs, l10n),
): string {
  if (runner === undefined) {
    return l10n.t('not running');
  }
  const pid = runner.pid === null ? '' : ` (pid ${runner.pid})`;
  const fetched =
    runner.lastFetchAt === null
      ? ''
      : `, ${l10n.t('last data {0}', times.last(runner.lastFetchAt))}`;
  switch (runner.state) {
    case 'starting':
      return l10n.t('starting') + pid;
    case 'running':
      return `${l10n.t('running')}${pid}, ${workWords(runner, l10n)}${fetched}`;
    case 'stopping':
      return l10n.t('stopping') + pid;
    case 'external':
      return `${l10n.t('running, started elsewhere')}${pid}, ${workWords(runner, l10n)}${fetched}`;
    case 'exited':
      return runner.exit?.how === 'asked'
        ? l10n.t('stopped on request')
        : l10n.t('exited, {0}', exitWords(runner, l10n));
  }
}

/** Whether it trades, in the word that decides. */
export function workWords(runner: RunnerStatus, l10n: L10n): string {
  const { failing, all } = failingSymbols(runner);
  switch (runner.work) {
    case 'unknown':
      return l10n.t('work unknown');
    case 'working':
      return failing === 0
        ? l10n.t('working')
        : l10n.t('working ({0} of {1} symbols failing)', failing, all);
    case 'failing':
      return failing === 0
        ? l10n.t('failing')
        : l10n.t('failing ({0} of {1} symbols)', failing, all);
    case 'silent':
      return l10n.t('silent (says nothing that Robo understands)');
    case 'idle':
      return l10n.t('idle (market closed)');
    case 'stalled':
      return l10n.t('stalled');
  }
}

function exitWords(runner: RunnerStatus, l10n: L10n): string {
  if (runner.exit === null || runner.exit.how === 'unseen') {
    return l10n.t('nobody saw how');
  }
  return runner.exit.signal === null
    ? l10n.t('code {0}', runner.exit.code ?? '?')
    : l10n.t('signal {0}', runner.exit.signal);
}

/** `Accept dialog is waiting (55%)` for each cause, best first, at most `limit`. */
export function causeWords(finding: Finding, l10n: L10n, limit = 3): string {
  return finding.causes
    .slice(0, limit)
    .map((cause) => l10n.t('{0} ({1}%)', causeTitles[cause.id], Math.round(cause.confidence * 100)))
    .join(', ');
}

/** What the hover and Show Status tell, line by line; plain text, not escaped. */
export function statusFacts(
  model: StatusModel,
  l10n: L10n,
  times = exactTimes(model.nowMs, l10n),
): readonly Fact[] {
  const { state } = model;
  switch (state.kind) {
    case 'reading':
      return [];
    case 'restricted':
      return [
        {
          label: l10n.t('Workspace'),
          value: l10n.t(
            'not trusted. Robo starts nothing, reads no secret and opens no socket here.',
          ),
        },
      ];
    case 'misconfigured':
      return state.sentences.map((sentence) => ({ label: l10n.t('Settings'), value: sentence }));
    case 'starting':
      return [{ label: l10n.t('Endpoint'), value: formatEndpoint(state.endpoint) }];
    case 'noMonitor':
      return [
        { label: l10n.t('Endpoint'), value: formatEndpoint(state.endpoint) },
        { label: l10n.t('Monitor'), value: state.why },
      ];
    case 'notWatched':
      return notWatchedFacts(state, times, l10n);
    case 'watching':
      return watchingFacts(state.status, { model, times }, l10n);
  }
}

function notWatchedFacts(
  state: Extract<WindowState, { kind: 'notWatched' }>,
  times: Times,
  l10n: L10n,
): readonly Fact[] {
  const facts = [{ label: l10n.t('Endpoint'), value: formatEndpoint(state.endpoint) }];
  if (state.record !== undefined) {
    facts.push({
      label: l10n.t('Last record'),
      value: l10n.t(
        '{0}, {1}',
        healthWords(state.record.health, l10n),
        times.since(state.record.timestamp),
      ),
    });
  }
  return facts;
}

function watchingFacts(
  status: StatusRecord,
  { model, times }: { readonly model: StatusModel; readonly times: Times },
  l10n: L10n,
): readonly Fact[] {
  const { session } = status;
  const finding = leadingFinding(status.findings);
  const facts: Fact[] = [
    { label: l10n.t('Endpoint'), value: formatEndpoint(session) },
    { label: l10n.t('Layer reached'), value: status.layer ?? l10n.t('none') },
    { label: l10n.t('Since'), value: times.since(status.since) },
    ...timeFacts(status, times, l10n),
  ];
  if (finding !== undefined) {
    facts.push({ label: l10n.t('What happened'), value: finding.message });
    facts.push({ label: l10n.t('Likely cause'), value: causeWords(finding, l10n) });
    facts.push(
      ...bestEvidence(finding).map(({ source, text }) => ({
        label: l10n.t('Evidence'),
        value: `${source}: ${text}`,
      })),
    );
    const [step] = finding.remedy;
    if (step !== undefined) {
      facts.push({ label: l10n.t('What to do'), value: step });
    }
  }
  const tried = status.health === 'healthy' ? undefined : triedSteps(status.recovery);
  if (tried !== undefined) {
    facts.push({ label: l10n.t('Tried'), value: tried });
  }
  facts.push(
    {
      label: l10n.t('Last good answer'),
      value: session.lastAnswerAt === null ? l10n.t('none yet') : times.last(session.lastAnswerAt),
    },
    { label: l10n.t('Session'), value: sessionWords(session, times, l10n) },
  );
  facts.push({ label: l10n.t('Runner'), value: runnerWords(ownRunner(model), model, l10n, times) });
  facts.push(...alertFacts(status, times, l10n));
  if (status.monitor.recordsProblem !== null) {
    facts.push({ label: l10n.t('Records'), value: status.monitor.recordsProblem });
  }
  return facts;
}

function sessionWords(session: StatusRecord['session'], times: Times, l10n: L10n): string {
  const { accounts, connectedAt, nextDialAt, roundTripMs, serverVersion, state } = session;
  const states: Record<typeof state, string> = {
    idle: l10n.t('none'),
    waiting: l10n.t('none, waiting to try again'),
    dialling: l10n.t('dialling'),
    held: l10n.t('open, not answered yet'),
    ready: l10n.t('ready'),
  };
  return [
    states[state],
    ...(nextDialAt === null ? [] : [l10n.t('next attempt {0}', times.from(nextDialAt))]),
    ...(connectedAt === null ? [] : [l10n.t('opened {0}', times.since(connectedAt))]),
    ...(accounts.length === 0 ? [] : [l10n.t('account {0}', accounts.join(', '))]),
    ...(roundTripMs === null || times.isCalm
      ? []
      : [l10n.t('answers in {0} ms', Math.round(roundTripMs))]),
    ...(serverVersion === null ? [] : [l10n.t('server version {0}', serverVersion)]),
    l10n.t('client id {0}', session.clientId),
  ].join(', ');
}

/** Until when a loss is expected, and what is going to happen and needs a person. */
function timeFacts(
  { until = null, planned = [], nextWindow = null }: StatusRecord,
  times: Times,
  l10n: L10n,
): readonly Fact[] {
  return [
    ...(until === null
      ? []
      : [
          {
            label: l10n.t('Expected'),
            value: times.until(until),
          },
        ]),
    ...planned.map(({ words }) => ({ label: l10n.t('Planned'), value: words })),
    ...(nextWindow === null
      ? []
      : [
          {
            label: l10n.t('Next window'),
            value: l10n.t(
              '{0} {1}, for up to {2}',
              nextWindow.name,
              times.from(nextWindow.from),
              formatAge(Date.parse(nextWindow.until) - Date.parse(nextWindow.from), l10n),
            ),
          },
        ]),
  ];
}

/** What is acknowledged, until when nobody is disturbed, and what of the alerts does not work. */
function alertFacts(
  { incidents = [], alerts }: StatusRecord,
  times: Times,
  l10n: L10n,
): readonly Fact[] {
  const quietUntil = alerts?.quietUntil ?? null;
  const problem = alerts?.problem ?? null;
  const acknowledged = incidents.flatMap(({ acknowledgedAt, subject }) =>
    acknowledgedAt !== null && subject.kind === 'connection' ? [acknowledgedAt] : [],
  );
  return [
    ...acknowledged.map((at) => ({
      label: l10n.t('Acknowledged'),
      value: l10n.t('{0}; nothing is raised until it ends or grows worse', times.since(at)),
    })),
    ...(quietUntil === null
      ? []
      : [
          {
            label: l10n.t('Do not disturb'),
            value: times.until(quietUntil),
          },
        ]),
    ...(problem === null ? [] : [{ label: l10n.t('Alerts'), value: problem }]),
  ];
}

function link(title: string, command: string, ...args: string[]): ActionLink {
  return { title, command, arguments: args };
}

/** The one action that helps first in this trouble. */
export function firstCure(
  { subject, cause }: Pick<IncidentStatus, 'subject' | 'cause'>,
  l10n: L10n,
): ActionLink {
  if (cause === 'duplicate_runner' || (cause === null && subject.kind === 'process')) {
    return link(l10n.t('Kill Duplicates'), commandIds.killDuplicates);
  }
  if (cause === null && subject.kind === 'runner') {
    return link(l10n.t('Runner Log'), commandIds.openRunnerLog);
  }
  return link(l10n.t('Open Guide'), commandIds.openGuide, ...(cause === null ? [] : [cause]));
}

/** The three next actions of a state, the most useful one first. */
export function nextActions(model: StatusModel, l10n: L10n): NextActions {
  const { state } = model;
  const test = link(l10n.t('Test Connection'), commandIds.test);
  const guide = link(l10n.t('Setup Guide'), commandIds.openGuide);
  const log = link(l10n.t('Monitor Log'), commandIds.openMonitorLog);
  const show = link(l10n.t('Show Status'), commandIds.showStatus);
  switch (state.kind) {
    case 'restricted':
      return [link(l10n.t('Manage Workspace Trust'), editorCommands.manageTrust), guide, show];
    case 'misconfigured':
      return [
        link(l10n.t('Open Settings'), editorCommands.openSettings, settingsSection),
        guide,
        show,
      ];
    case 'notWatched':
      return [
        link(l10n.t('Watch {0}', formatEndpoint(state.endpoint)), commandIds.startWatching),
        test,
        guide,
      ];
    case 'reading':
    case 'starting':
    case 'noMonitor':
      return [test, log, guide];
    case 'watching': {
      const [first, second, third] = watchingActions(state.status, model, l10n);
      return doubledCount(model) === 0
        ? [first, second, third]
        : [link(l10n.t('Kill Duplicates'), commandIds.killDuplicates), first, second];
    }
  }
}

function watchingActions(status: StatusRecord, model: StatusModel, l10n: L10n): NextActions {
  const finding = leadingFinding(status.findings);
  const runner = ownRunner(model);
  const runs = runner !== undefined && runner.state !== 'exited';
  const test = link(l10n.t('Test Connection'), commandIds.test);
  const runnerLog = link(l10n.t('Runner Log'), commandIds.openRunnerLog);
  if (finding !== undefined && status.health !== 'healthy') {
    const cures = link(l10n.t('All Cures…'), commandIds.cure, finding.guide);
    return [firstCure({ subject: finding.subject, cause: finding.guide }, l10n), test, cures];
  }
  if (!runs) {
    const start = link(l10n.t('Start Runner'), commandIds.startRunner);
    const isEnded = runnerTrouble(runner) !== undefined;
    const next = runner?.watchedPid === undefined ? test : unwatchLink(runner, l10n);
    return isEnded
      ? [runnerLog, start, next]
      : [start, test, link(l10n.t('Monitor Log'), commandIds.openMonitorLog)];
  }
  const stop =
    runner.state === 'external'
      ? unwatchLink(runner, l10n)
      : link(l10n.t('Stop Runner'), commandIds.stopRunner);
  return [runnerLog, test, stop];
}

function unwatchLink({ watchedPid }: RunnerStatus, l10n: L10n): ActionLink {
  const title = l10n.t('Stop Watching the Runner');
  return watchedPid === undefined
    ? link(title, commandIds.unwatchRunner)
    : link(title, commandIds.unwatchRunner, String(watchedPid));
}

/** What else can be done now, for a list that has room for it. */
export function otherActions({ state }: StatusModel, l10n: L10n): readonly ActionLink[] {
  if (state.kind !== 'watching') {
    return [];
  }
  const { incidents = [] } = state.status;
  const hasNews = incidents.some(({ acknowledgedAt }) => acknowledgedAt === null);
  return [
    ...(hasNews ? [link(l10n.t('Acknowledge'), commandIds.acknowledge)] : []),
    link(l10n.t('Do Not Disturb…'), commandIds.doNotDisturb),
    link(l10n.t('Monitor Log'), commandIds.openMonitorLog),
    link(l10n.t('Reconnect'), commandIds.reconnect),
  ];
}

type RunnerTrouble = 'exited' | 'failing' | 'stalled';

/** A runner that should trade and does not: all may be well with the connection all the same. */
function runnerTrouble(runner: RunnerStatus | undefined): RunnerTrouble | undefined {
  if (runner?.state === 'exited') {
    const isEnd = runner.exit?.how === 'asked' || runner.exit?.code === 0;
    return isEnd ? undefined : 'exited';
  }
  return runner?.work === 'failing' || runner?.work === 'stalled' ? runner.work : undefined;
}

interface Head {
  readonly icon: string;
  readonly words: string;
  readonly background: StatusBarView['background'];
}

function head(model: StatusModel, l10n: L10n): Head {
  const { state } = model;
  switch (state.kind) {
    case 'reading':
      return { icon: 'loading~spin', words: 'Robo', background: 'none' };
    case 'restricted':
      return { icon: 'shield', words: l10n.t('Robo: restricted'), background: 'none' };
    case 'misconfigured':
      return { icon: 'warning', words: l10n.t('Robo: check settings'), background: 'warning' };
    case 'notWatched':
      return {
        icon: 'eye-closed',
        words: l10n.t('{0}: not watched', brokerName(state.endpoint, undefined, l10n)),
        background: 'none',
      };
    case 'starting':
      return {
        icon: 'loading~spin',
        words: l10n.t('{0}: starting monitor', brokerName(state.endpoint, undefined, l10n)),
        background: 'none',
      };
    case 'noMonitor':
      return {
        icon: 'question',
        words: l10n.t('{0}: unknown, no monitor', brokerName(state.endpoint, undefined, l10n)),
        background: 'warning',
      };
    case 'watching':
      return {
        icon: icons[state.status.health],
        ...watchedHead(model, l10n),
      };
  }
}

function watchedHead(model: StatusModel, l10n: L10n): Pick<Head, 'words' | 'background'> {
  const { state } = model;
  if (state.kind !== 'watching') {
    return { words: '', background: 'none' };
  }
  const { endpoint, status } = state;
  const broker = brokerName(endpoint, status, l10n);
  const health = healthWords(status.health, l10n);
  const background = backgrounds[status.health];
  const doubled = doubledCount(model);
  const trouble = runnerTrouble(ownRunner(model));
  if (doubled === 0 && trouble === undefined) {
    return { words: l10n.t('{0}: {1}', broker, health), background };
  }
  return {
    words:
      doubled > 0
        ? l10n.t('{0}: {1}, {2} runners', broker, health, doubled)
        : l10n.t('{0}: {1}, runner {2}', broker, health, troubleWords(trouble, l10n)),
    background: background === 'none' ? 'warning' : background,
  };
}

function troubleWords(trouble: RunnerTrouble | undefined, l10n: L10n): string {
  switch (trouble) {
    case 'exited':
      return l10n.t('ended');
    case 'stalled':
      return l10n.t('stalled');
    default:
      return l10n.t('failing');
  }
}

const backgrounds: Record<Health, StatusBarView['background']> = {
  unknown: 'none',
  connecting: 'none',
  healthy: 'none',
  degraded: 'warning',
  down: 'error',
  expected: 'none',
};

/**
 * Everything that the status bar item shows. A new text closes a hover that is open, so that it
 * says times which stay true, and no latency.
 * @param language of the times, as `vscode.env.language`
 */
export function statusBarView(model: StatusModel, l10n: L10n, language = 'en'): StatusBarView {
  const { icon, words, background } = head(model, l10n);
  const facts = statusFacts(model, l10n, calmTimes(model.nowMs, l10n, language));
  const actions = nextActions(model, l10n);
  const lines = [
    `**${escapeMarkdown(words)}**`,
    ...facts.map((fact) => `${escapeMarkdown(fact.label)}: ${escapeMarkdown(fact.value)}`),
  ];
  const links = actions.map((action) => `[${escapeMarkdown(action.title)}](${commandUri(action)})`);
  const command = clickAction(model, actions, l10n);
  // Some values are sentences already: a screen reader would read two full stops.
  const spoken = facts.map((fact) => `${fact.label}: ${plain(fact.value, 200).replace(/\.$/, '')}`);
  return {
    text: `$(${icon}) ${words}`,
    tooltip: [lines.join('\n\n'), '---', links.join(' | ')].join('\n\n'),
    background,
    label: [words, ...spoken, l10n.t('Click: {0}', command.title)].join('. '),
    command,
  };
}

/** The most useful action; where all is well or under way, or several could be it, the whole list. */
function clickAction(model: StatusModel, [first]: NextActions, l10n: L10n): ActionLink {
  const { state } = model;
  const show = link(l10n.t('Show Status'), commandIds.showStatus);
  switch (state.kind) {
    case 'reading':
    case 'starting':
      return show;
    case 'watching': {
      const { health, findings } = state.status;
      const isTrouble = health === 'down' || health === 'degraded';
      const hasCure = isTrouble && leadingFinding(findings) !== undefined;
      const hasEnded = health === 'healthy' && runnerTrouble(ownRunner(model)) !== undefined;
      return hasCure || hasEnded || doubledCount(model) > 0 ? first : show;
    }
    default:
      return first;
  }
}

/** `command:id?["argument"]` with the argument encoded. */
export function commandUri(action: Pick<ActionLink, 'command' | 'arguments'>): string {
  // A bracket in an argument would end the link.
  const encoded = encodeURIComponent(JSON.stringify(action.arguments)).replace(
    /[!'()*]/g,
    (mark) => `%${mark.charCodeAt(0).toString(16)}`,
  );
  return action.arguments.length === 0
    ? `command:${action.command}`
    : `command:${action.command}?${encoded}`;
}
