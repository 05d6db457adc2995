/** Every command that Robo contributes; package.json names the same ones (a test ties them). */
export const commandIds = {
  test: 'robo.connection.test',
  reconnect: 'robo.connection.reconnect',
  startRunner: 'robo.runner.start',
  stopRunner: 'robo.runner.stop',
  restartRunner: 'robo.runner.restart',
  bypassGate: 'robo.runner.bypass',
  killDuplicates: 'robo.duplicates.kill',
  openMonitorLog: 'robo.log.openMonitor',
  openRunnerLog: 'robo.log.openRunner',
  openGuide: 'robo.guide.open',
  showStatus: 'robo.status.show',
  showReport: 'robo.report.show',
  rehearse: 'robo.outage.rehearse',
  acknowledge: 'robo.incident.acknowledge',
  doNotDisturb: 'robo.alerts.doNotDisturb',
  startWatching: 'robo.watch.start',
  stopWatching: 'robo.watch.stop',
} as const;

export type CommandId = (typeof commandIds)[keyof typeof commandIds];

/** Every setting below `robo.`; package.json declares the same ones. */
export const settingKeys = {
  host: 'host',
  port: 'port',
  clientId: 'clientId',
  symbols: 'symbols',
  runnerCommand: 'runner.command',
  refuseAfterSeconds: 'gate.refuseAfterSeconds',
  stateDirectory: 'stateDirectory',
  nodePath: 'nodePath',
  alertsDesktop: 'alerts.desktop',
  alertsCommand: 'alerts.command',
  alertsHeartbeatUrl: 'alerts.heartbeatUrl',
  recoveryIbcCommandPort: 'recovery.ibcCommandPort',
  recoveryAllow: 'recovery.allow',
} as const;

export const settingsSection = 'robo';

/** Commands of the editor itself that we run. */
export const editorCommands = {
  manageTrust: 'workbench.trust.manage',
  openSettings: 'workbench.action.openSettings',
  openFolder: 'workbench.action.files.openFolder',
  markdownPreview: 'markdown.showPreviewToSide',
} as const;

/** Name of the diagnostic collection and `source` of every Problem. */
export const problemSource = 'robo';
