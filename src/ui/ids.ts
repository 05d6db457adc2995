/** Every command that Robo contributes; package.json names the same ones (a test ties them). */
export const commandIds = {
  test: 'robo.connection.test',
  reconnect: 'robo.connection.reconnect',
  startRunner: 'robo.runner.start',
  stopRunner: 'robo.runner.stop',
  restartRunner: 'robo.runner.restart',
  watchRunner: 'robo.runner.watch',
  unwatchRunner: 'robo.runner.unwatch',
  bypassGate: 'robo.runner.bypass',
  chooseRunner: 'robo.runner.choose',
  killDuplicates: 'robo.duplicates.kill',
  openMonitorLog: 'robo.log.openMonitor',
  openRunnerLog: 'robo.log.openRunner',
  followLog: 'robo.log.follow',
  pauseLog: 'robo.log.pause',
  filterLog: 'robo.log.filter',
  openLogFile: 'robo.log.openFile',
  showInLog: 'robo.log.showFinding',
  copyReport: 'robo.report.copy',
  openGuide: 'robo.guide.open',
  showStatus: 'robo.status.show',
  showReport: 'robo.report.show',
  rehearse: 'robo.outage.rehearse',
  cure: 'robo.finding.cure',
  explain: 'robo.finding.explain',
  silence: 'robo.problems.silence',
  acknowledge: 'robo.incident.acknowledge',
  doNotDisturb: 'robo.alerts.doNotDisturb',
  startWatching: 'robo.watch.start',
  stopWatching: 'robo.watch.stop',
  refreshServices: 'robo.services.refresh',
  openDashboard: 'robo.dashboard.open',
  installCommand: 'robo.command.install',
  removeCommand: 'robo.command.remove',
} as const;

export type CommandId = (typeof commandIds)[keyof typeof commandIds];

/** Every setting below `robo.`; package.json declares the same ones. */
export const settingKeys = {
  host: 'host',
  port: 'port',
  clientId: 'clientId',
  symbols: 'symbols',
  runnerCommand: 'runner.command',
  runnerRestart: 'runner.restart',
  runnerHelpers: 'runner.helpers',
  runnerStrategy: 'runner.strategy',
  refuseAfterSeconds: 'gate.refuseAfterSeconds',
  stateDirectory: 'stateDirectory',
  nodePath: 'nodePath',
  alertsDesktop: 'alerts.desktop',
  alertsCommand: 'alerts.command',
  alertsHeartbeatUrl: 'alerts.heartbeatUrl',
  recoveryIbcCommandPort: 'recovery.ibcCommandPort',
  recoveryAllow: 'recovery.allow',
  monitorIntervalSeconds: 'monitor.intervalSeconds',
  twsTimeZone: 'tws.timeZone',
  twsRestartTime: 'tws.restartTime',
  recordsAlsoAt: 'records.alsoAt',
  feedEnabled: 'feed.enabled',
  feedPort: 'feed.port',
  problemsSilenced: 'problems.silenced',
} as const;

/** Views and contexts; package.json names the same ones. */
export const viewIds = { services: 'robo.services' } as const;
export const contextKeys = {
  state: 'robo.state',
  log: 'robo.log',
  runner: 'robo.runner',
  watchesOthers: 'robo.watchesOthers',
  news: 'robo.news',
} as const;

/** Facts that the walkthrough waits for; each is set once, for good. */
export const walkthroughKeys = {
  port: 'robo.passed.port',
  ready: 'robo.passed.ready',
  data: 'robo.passed.data',
  watched: 'robo.watched',
  runnerWorked: 'robo.runnerWorked',
} as const;

/** The language-model tool; package.json describes it. */
export const healthToolName = 'robo_health';

/** Reads `file:line:column: severity CAUSE: message`; package.json has its pattern. */
export const problemMatcher = '$robo';

/** Panels of this type are brought back by the editor; package.json names it in an event. */
export const dashboardViewType = 'robo.dashboard';

export const settingsSection = 'robo';

/** Scheme and language of the logs that are shown; package.json names them too. */
export const logScheme = 'robo-log';

/** Commands of the editor itself that we run. */
export const editorCommands = {
  manageTrust: 'workbench.trust.manage',
  openSettings: 'workbench.action.openSettings',
  openFolder: 'workbench.action.files.openFolder',
  markdownPreview: 'markdown.showPreviewToSide',
  hideToasts: 'notifications.hideToasts',
} as const;

/** Name of the diagnostic collection and `source` of every Problem. */
export const problemSource = 'robo';
