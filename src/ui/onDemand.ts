import { gatherReport } from '../daemon/diagnosticsReport';
import { connectToDaemon } from '../daemon/launcher';
import { readLastDrill } from '../monitor/drillRecord';
import { findBlockers, findKillSwitch } from '../runner/blockers';
import { extrasOf } from '../runner/presetRoboTrader';
import { recognisePresets } from '../runner/presets';
import { folderOf, watchCandidates } from '../runner/watchCandidates';
import { lookAt } from '../runner/workspaceLook';
import { cureFinding, curesOf, explainFinding, silenceCause } from './cureCommands';
import { DaemonAccess } from './daemonAccess';
import { fillDashboard } from './dashboardView';
import { LogView } from './logView';
import { acknowledge, doNotDisturb } from './alertCommands';
import { healthText } from './healthText';
import { killDuplicates } from './killDuplicates';
import { rehearse } from './rehearse';
import { ensureLaunchers, installRoboCommand, removeRoboCommand } from './terminalCommand';
import { unwatchRunner, watchRunner } from './watchRunner';

/**
 * What a window needs only once it watches or starts something: the link to the daemon, the
 * catalogue behind the findings about a folder, the recognition of programs, and the commands
 * that are run now and then. It is a bundle of its own (`dist/onDemand.cjs`), so that every other
 * window loads and starts without it. A failure that is told apart by its class is another class
 * here: ask `isHumanError`, `isRefusal`, `isCancelled`.
 */
export const onDemand = {
  DaemonAccess,
  LogView,
  acknowledge,
  connectToDaemon,
  cureFinding,
  curesOf,
  doNotDisturb,
  ensureLaunchers,
  explainFinding,
  extrasOf,
  fillDashboard,
  findBlockers,
  findKillSwitch,
  folderOf,
  gatherReport,
  healthText,
  installRoboCommand,
  killDuplicates,
  lookAt,
  readLastDrill,
  recognisePresets,
  rehearse,
  silenceCause,
  removeRoboCommand,
  unwatchRunner,
  watchCandidates,
  watchRunner,
} as const;

export type OnDemand = typeof onDemand;
