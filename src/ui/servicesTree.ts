import { causeTitles } from '../diagnostics/causeTitles';
import { type Finding, type Layer, layers } from '../diagnostics/finding';
import type {
  FarmStatus,
  Health,
  HelperStatus,
  IncidentStatus,
  RunnerStatus,
  StatusRecord,
  SymbolStatus,
} from '../diagnostics/status';
import type { ListedProcess, ProcessListing } from '../daemon/protocol';
import { formatEndpoint } from '../ibkr/endpoint';
import { commandIds } from './ids';
import {
  type ActionLink,
  brokerName,
  doubledCount,
  healthWords,
  leadingFinding,
  ownRunner,
  runnerWords,
  type StatusModel,
  type WindowState,
  workWords,
} from './statusBarView';
import { coarseTimes } from './times';
import { watchedRunners } from './watchedRunners';
import { type L10n, plain } from './words';

/** How a node looks: never by colour alone, each has its own icon. */
export type Tone = 'good' | 'warning' | 'bad' | 'plain';

/** A node of the services tree. Foreign text in it is made plain already. */
export interface TreeNode {
  /** Stable while the thing lives, so that an open branch stays open. */
  readonly id: string;
  readonly label: string;
  readonly description: string;
  readonly tooltip: string;
  /** Name of a product icon. */
  readonly icon: string;
  readonly tone: Tone;
  /** Ends in the kind that the menus of package.json ask for. */
  readonly contextValue: string;
  readonly opensAtFirst: boolean;
  readonly children: readonly TreeNode[];
  readonly command?: ActionLink;
  /** What a command on this node is about: an incident's key, a cause, a pid. */
  readonly argument?: string;
}

/** What the tree is made of. */
export interface TreeModel extends StatusModel {
  /** Undefined until somebody has opened the branch. */
  readonly processes: ProcessListing | undefined;
}

/** The branch whose content is asked for when it is opened. */
export const processesNodeId = 'processes';

/** What the view is in, for its welcome texts and menus: the value of the context `robo.state`. */
export type ViewState = WindowState['kind'] | 'noFolder' | 'noTws';

/**
 * The state of the view. `noTws`: watched, but no TWS was ever there and nothing else is to tell,
 * so that the way to start says more than an empty tree.
 */
export function viewState({ state, workspace }: StatusModel): ViewState {
  if (state.kind !== 'watching') {
    return workspace === undefined && state.kind === 'notWatched' ? 'noFolder' : state.kind;
  }
  const { status } = state;
  const isEmpty = status.last_good_connection === null && status.runner.length === 0;
  const isNothingThere =
    (status.health === 'down' || status.health === 'unknown') &&
    (status.layer === null || status.layer === 'process');
  return isEmpty && isNothingThere ? 'noTws' : 'watching';
}

/** The roots; none where a welcome view says what to do. */
export function servicesTree(model: TreeModel, l10n: L10n): readonly TreeNode[] {
  const { state } = model;
  if (state.kind === 'starting' || state.kind === 'noMonitor') {
    const broker = brokerName(state.endpoint, undefined, l10n);
    const [description, icon] =
      state.kind === 'starting'
        ? [l10n.t('starting monitor'), 'loading~spin']
        : [plain(state.why, 200), 'question'];
    return [node({ id: 'broker', label: broker, description, icon, contextValue: 'broker' })];
  }
  if (state.kind !== 'watching' || viewState(model) === 'noTws') {
    return [];
  }
  const { status } = state;
  return [
    brokerNode(model, status, l10n),
    ...((status.session.farms ?? []).length === 0 ? [] : [farmsNode(status, l10n)]),
    runnerNode(model, l10n),
    processesNode(model, l10n),
    incidentsNode(status, model.nowMs, l10n),
  ];
}

/** What the badge of the view counts: open incidents that nobody has acknowledged. */
export function badgeOf(
  { state }: StatusModel,
  l10n: L10n,
): { readonly value: number; readonly tooltip: string } | undefined {
  const incidents = state.kind === 'watching' ? (state.status.incidents ?? []) : [];
  const news = incidents.filter(
    ({ acknowledgedAt, severity }) => acknowledgedAt === null && severity !== 'info',
  );
  return news.length === 0
    ? undefined
    : {
        value: news.length,
        tooltip:
          news.length === 1
            ? l10n.t('1 open incident: {0}', plain(news[0]?.message ?? '', 150))
            : l10n.t('{0} open incidents', news.length),
      };
}

type NodeParts = Pick<TreeNode, 'id' | 'label' | 'contextValue' | 'icon'> & Partial<TreeNode>;

function node(parts: NodeParts): TreeNode {
  return {
    description: '',
    tooltip: '',
    tone: 'plain',
    opensAtFirst: false,
    children: [],
    ...parts,
  };
}

const healthLooks: Record<Health, readonly [icon: string, tone: Tone]> = {
  unknown: ['question', 'plain'],
  connecting: ['loading~spin', 'plain'],
  healthy: ['pass', 'good'],
  degraded: ['warning', 'warning'],
  down: ['error', 'bad'],
  expected: ['clock', 'plain'],
};

function brokerNode(model: TreeModel, status: StatusRecord, l10n: L10n): TreeNode {
  const [icon, tone] = healthLooks[status.health];
  const { state } = model;
  const endpoint = state.kind === 'watching' ? state.endpoint : status.session;
  const finding = leadingFinding(status.findings);
  const isWell = status.health === 'healthy';
  return node({
    id: 'broker',
    label: brokerName(endpoint, status, l10n),
    description: l10n.t('{0}, {1}', healthWords(status.health, l10n), formatEndpoint(endpoint)),
    tooltip: plain(status.message),
    icon,
    tone,
    contextValue: 'broker',
    opensAtFirst: !isWell,
    children: [
      ...layerNodes(status, finding, l10n),
      ...(finding === undefined || isWell ? [] : causeNodes(finding, l10n)),
    ],
  });
}

/**
 * The layers as the monitor stands: those below the last one that was reached have passed, the
 * next one is where it stopped. It looks at processes and ports without touching them.
 */
function layerNodes(
  status: StatusRecord,
  finding: Finding | undefined,
  l10n: L10n,
): readonly TreeNode[] {
  const reached = status.layer === null ? -1 : layers.indexOf(status.layer);
  const stopped = finding?.layer ?? null;
  const notReached = status.health === 'healthy' ? l10n.t('not tested') : l10n.t('not reached');
  const stoppedAt = stopped === null ? -1 : layers.indexOf(stopped);
  return layers.map((layer, at) => {
    const isStopped = layer === stopped && status.health !== 'healthy';
    const [icon, tone, words] = isStopped
      ? (['error', 'bad', l10n.t('stops here')] as const)
      : at <= reached
        ? (['pass', 'good', layerWords(layer, l10n)] as const)
        : // A layer before the one in trouble was passed by unasked, whatever it would have said.
          ([
            'circle-outline',
            'plain',
            at < stoppedAt ? l10n.t('not tested') : notReached,
          ] as const);
    return node({
      id: `layer/${layer}`,
      label: layerName(layer, l10n),
      description: words,
      tooltip: isStopped ? plain(finding?.message ?? '') : words,
      icon,
      tone,
      contextValue: isStopped ? 'layer.stopped' : 'layer',
      ...(isStopped && finding !== undefined ? guideLink(finding.guide, l10n) : {}),
    });
  });
}

function layerName(layer: Layer, l10n: L10n): string {
  const names: Record<Layer, string> = {
    process: l10n.t('process'),
    port: l10n.t('port'),
    sockets: l10n.t('sockets'),
    tcp: l10n.t('tcp'),
    hello: l10n.t('hello'),
    ready: l10n.t('ready'),
    clock: l10n.t('clock'),
    account: l10n.t('account'),
    data: l10n.t('data'),
  };
  return names[layer];
}

function layerWords(layer: Layer, l10n: L10n): string {
  const words: Record<Layer, string> = {
    process: l10n.t('TWS or IB Gateway runs'),
    port: l10n.t('its port listens'),
    sockets: l10n.t('no dead connections'),
    tcp: l10n.t('TCP connects'),
    hello: l10n.t('it answers the hello'),
    ready: l10n.t('the API is ready'),
    clock: l10n.t('it tells the time'),
    account: l10n.t('the account is known'),
    data: l10n.t('data comes'),
  };
  return words[layer];
}

function causeNodes(finding: Finding, l10n: L10n): readonly TreeNode[] {
  return finding.causes.slice(0, 3).map(({ id, confidence, why }) =>
    node({
      id: `cause/${id}`,
      label: causeTitles[id],
      description: l10n.t('{0}%', Math.round(confidence * 100)),
      tooltip: plain(why),
      icon: 'lightbulb',
      contextValue: 'cause',
      argument: id,
      ...guideLink(id, l10n),
    }),
  );
}

function guideLink(cause: string, l10n: L10n): { readonly command: ActionLink } {
  return {
    command: { title: l10n.t('Open Guide'), command: commandIds.openGuide, arguments: [cause] },
  };
}

function farmsNode(status: StatusRecord, l10n: L10n): TreeNode {
  const farms = status.session.farms ?? [];
  const bad = farms.filter(({ state }) => state === 'broken');
  return node({
    id: 'farms',
    label: l10n.t('Farms'),
    description:
      bad.length === 0
        ? l10n.t('{0} known, none broken', farms.length)
        : l10n.t('{0} of {1} broken', bad.length, farms.length),
    tooltip: l10n.t("IBKR's data farms, as TWS tells of them."),
    icon: bad.length === 0 ? 'server' : 'warning',
    tone: bad.length === 0 ? 'plain' : 'warning',
    contextValue: 'farms',
    children: farms.map((farm) => farmNode(farm, l10n)),
  });
}

function farmNode({ name, kind, state }: FarmStatus, l10n: L10n): TreeNode {
  const words: Record<FarmStatus['state'], string> = {
    ok: l10n.t('connected'),
    inactive: l10n.t('inactive, connects on demand'),
    connecting: l10n.t('connecting'),
    broken: l10n.t('broken'),
  };
  const looks: Record<FarmStatus['state'], readonly [string, Tone]> = {
    ok: ['pass', 'good'],
    inactive: ['circle-outline', 'plain'],
    connecting: ['loading~spin', 'plain'],
    broken: ['error', 'bad'],
  };
  const [icon, tone] = looks[state];
  return node({
    id: `farm/${kind}/${name}`,
    label: plain(name, 60),
    description: l10n.t('{0}, {1}', farmKind(kind, l10n), words[state]),
    tooltip: words[state],
    icon,
    tone,
    contextValue: 'farm',
  });
}

function farmKind(kind: FarmStatus['kind'], l10n: L10n): string {
  const words: Record<FarmStatus['kind'], string> = {
    'market data': l10n.t('market data'),
    'historical data': l10n.t('historical data'),
    'security definition': l10n.t('security definition'),
    unknown: l10n.t('unknown kind'),
  };
  return words[kind];
}

function runnerNode(model: TreeModel, l10n: L10n): TreeNode {
  const runner = ownRunner(model);
  const words = runnerWords(runner, model, l10n, coarseTimes(model.nowMs, l10n));
  const isAlive = runner !== undefined && runner.state !== 'exited';
  const [icon, tone] = runnerLook(runner);
  const [watched] = watchedRunners(runner === undefined ? [] : [runner]);
  const kind =
    watched === undefined
      ? isAlive
        ? 'runner.alive'
        : 'runner.none'
      : watched.isGone
        ? 'runner.gone'
        : 'runner.external';
  return node({
    id: 'runner',
    label: l10n.t('Runner'),
    description: runnerShort(runner, model, l10n),
    tooltip: plain([words, ...(runner?.command ?? [])].join(' '), 300),
    icon,
    tone,
    contextValue: kind,
    ...(watched === undefined ? {} : { argument: String(watched.pid) }),
    opensAtFirst: isAlive,
    children:
      runner === undefined
        ? []
        : [
            ...restartNode(runner, model.nowMs, l10n),
            ...runner.findings.map((finding, at) => findingNode(finding, at, l10n)),
            ...runner.symbolStatus.map((symbol) => symbolNode(symbol, model.nowMs, l10n)),
            ...(runner.helpers ?? []).map((helper) => helperNode(helper, l10n)),
            ...(runner.warnings ?? []).map((warning, at) => warningNode(warning, at)),
          ],
  });
}

/** A narrow view cuts a row off: what decides comes first, the tooltip has the whole. */
function runnerShort(runner: RunnerStatus | undefined, model: TreeModel, l10n: L10n): string {
  if (runner?.state !== 'running' && runner?.state !== 'external') {
    return runnerWords(runner, model, l10n, coarseTimes(model.nowMs, l10n));
  }
  const { lastFetchAt, state } = runner;
  return [
    workWords(runner, l10n),
    ...(state === 'external' ? [l10n.t('started elsewhere')] : []),
    ...(lastFetchAt === null
      ? []
      : [l10n.t('data {0}', coarseTimes(model.nowMs, l10n).last(lastFetchAt))]),
  ].join(', ');
}

function runnerLook(runner: RunnerStatus | undefined): readonly [string, Tone] {
  if (runner === undefined) {
    return ['circle-slash', 'plain'];
  }
  if (runner.state === 'exited') {
    return runner.exit?.how === 'asked' ? ['circle-slash', 'plain'] : ['error', 'bad'];
  }
  const looks: Record<RunnerStatus['work'], readonly [string, Tone]> = {
    working: ['play-circle', 'good'],
    idle: ['clock', 'plain'],
    unknown: ['play-circle', 'plain'],
    silent: ['warning', 'warning'],
    stalled: ['warning', 'warning'],
    failing: ['error', 'bad'],
  };
  return looks[runner.work];
}

function restartNode({ restart }: RunnerStatus, nowMs: number, l10n: L10n): readonly TreeNode[] {
  if (restart === undefined || (restart.nextAt === null && !restart.isPersonCalled)) {
    return [];
  }
  const due = restart.nextAt === null ? null : coarseTimes(nowMs, l10n).from(restart.nextAt);
  return [
    node({
      id: 'runner/restart',
      label: due === null ? l10n.t('Not started again') : l10n.t('Starts again {0}', due),
      description: plain(restart.why, 200),
      tooltip: plain(restart.why),
      icon: due === null ? 'bell' : 'history',
      tone: due === null ? 'bad' : 'plain',
      contextValue: 'restart',
    }),
  ];
}

function warningNode(warning: string, at: number): TreeNode {
  return node({
    id: `runner/warning/${at}`,
    label: plain(warning, 200),
    tooltip: plain(warning),
    icon: 'info',
    contextValue: 'warning',
  });
}

function findingNode(finding: Finding, at: number, l10n: L10n): TreeNode {
  const looks = {
    error: ['error', 'bad'],
    warning: ['warning', 'warning'],
    info: ['info', 'plain'],
  } as const;
  const [icon, tone] = looks[finding.severity];
  const { kind, name = '' } = finding.subject;
  const named = kind === 'symbol' ? `${plain(name, 30)}: ` : '';
  return node({
    id: `runner/finding/${at}`,
    label: `${named}${causeTitles[finding.guide]}`,
    description: plain(finding.message, 200),
    tooltip: plain([finding.message, ...finding.remedy.slice(0, 1)].join(' ')),
    icon,
    tone,
    contextValue: 'cause',
    argument: finding.guide,
    ...guideLink(finding.guide, l10n),
  });
}

function helperNode({ name, state, pid, port, why }: HelperStatus, l10n: L10n): TreeNode {
  const isRunning = state === 'running';
  const place = port === null ? '' : l10n.t(', port {0}', port);
  return node({
    id: `runner/helper/${name}`,
    label: plain(name, 60),
    description:
      isRunning && pid !== null
        ? l10n.t('helper, pid {0}{1}', pid, place)
        : plain(why ?? l10n.t('helper, has ended'), 200),
    tooltip: plain(why ?? ''),
    icon: isRunning ? 'extensions' : 'warning',
    tone: isRunning ? 'good' : 'warning',
    contextValue: 'helper',
  });
}

function symbolNode(symbol: SymbolStatus, nowMs: number, l10n: L10n): TreeNode {
  const age =
    symbol.lastFetchAt === null
      ? l10n.t('no data yet')
      : coarseTimes(nowMs, l10n).last(symbol.lastFetchAt);
  const isFailing = symbol.failures > 0;
  const failed = isFailing ? l10n.t('{0} failures in a row, ', symbol.failures) : '';
  const price = symbol.price === null ? '' : ` ${symbol.price}`;
  const signal = symbol.signal === null ? '' : `, ${plain(symbol.signal, 40)}`;
  return node({
    id: `symbol/${symbol.symbol}`,
    label: plain(symbol.symbol, 30),
    description: `${failed}${age}${price}${signal}`.trim(),
    tooltip: `${plain(symbol.symbol, 30)}: ${failed}${age}${price}${signal}`,
    icon: isFailing ? 'warning' : 'graph-line',
    tone: isFailing ? 'warning' : 'plain',
    contextValue: 'symbol',
  });
}

function processesNode(model: TreeModel, l10n: L10n): TreeNode {
  const doubled = doubledCount(model);
  const { processes } = model;
  const description =
    doubled > 0
      ? l10n.t('{0} runners side by side', doubled)
      : processes === undefined
        ? ''
        : processes.unknownWhy === null
          ? l10n.t('{0} found', processes.processes.length)
          : l10n.t('unknown: {0}', plain(processes.unknownWhy, 150));
  return node({
    id: processesNodeId,
    label: l10n.t('Processes'),
    description,
    tooltip: l10n.t('Runners, helpers and broker programs on this machine, with the reason.'),
    icon: doubled > 0 ? 'warning' : 'server-process',
    tone: doubled > 0 ? 'warning' : 'plain',
    contextValue: doubled > 0 ? 'processes.doubled' : 'processes',
    children: (processes?.processes ?? []).map((process) => processNode(process, l10n)),
  });
}

function processNode(process: ListedProcess, l10n: L10n): TreeNode {
  const roles: Record<ListedProcess['role'], string> = {
    runner: l10n.t('runner'),
    duplicate: l10n.t('duplicate'),
    'other runner': l10n.t('another runner'),
    worker: l10n.t('worker of a runner'),
    helper: l10n.t('helper'),
    tws: l10n.t('broker program, never touched'),
    proxy: l10n.t('forwarder'),
    monitor: l10n.t('monitor'),
  };
  const isDuplicate = process.role === 'duplicate';
  const command = plain(process.argv.join(' '), 120);
  return node({
    id: `process/${process.pid}/${process.startToken}`,
    label: l10n.t('pid {0}', process.pid),
    description: process.isLive
      ? l10n.t('{0}, LIVE: {1}', roles[process.role], command)
      : l10n.t('{0}: {1}', roles[process.role], command),
    tooltip: plain(process.why),
    icon: isDuplicate ? 'warning' : process.role === 'tws' ? 'lock' : 'server-process',
    tone: isDuplicate ? 'warning' : 'plain',
    contextValue: `process.${process.role.replace(' ', '-')}`,
  });
}

function incidentsNode(status: StatusRecord, nowMs: number, l10n: L10n): TreeNode {
  const incidents = status.incidents ?? [];
  return node({
    id: 'incidents',
    label: l10n.t('Incidents'),
    description:
      incidents.length === 0 ? l10n.t('none open') : l10n.t('{0} open', incidents.length),
    tooltip: l10n.t('What is wrong now, each said once.'),
    icon: incidents.length === 0 ? 'check-all' : 'flame',
    contextValue: 'incidents',
    opensAtFirst: incidents.length > 0,
    children: incidents.map((incident) => incidentNode(incident, nowMs, l10n)),
  });
}

function incidentNode(incident: IncidentStatus, nowMs: number, l10n: L10n): TreeNode {
  const { key, cause, severity, message, since, acknowledgedAt } = incident;
  const age = coarseTimes(nowMs, l10n).since(since);
  const isKnown = acknowledgedAt !== null;
  return node({
    id: `incident/${key}`,
    label: cause === null ? plain(message, 120) : causeTitles[cause],
    description: isKnown ? l10n.t('{0}, acknowledged', age) : age,
    tooltip: plain(message),
    icon: severity === 'error' ? 'error' : severity === 'warning' ? 'warning' : 'info',
    tone: severity === 'error' ? 'bad' : severity === 'warning' ? 'warning' : 'plain',
    contextValue: isKnown ? 'incident.known' : 'incident.news',
    argument: key,
    ...(cause === null ? {} : guideLink(cause, l10n)),
  });
}
