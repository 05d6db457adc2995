import type * as vscode from 'vscode';
import type { Clock } from '../core/clock';
import type { DashboardPanel } from './dashboardPanel';
import type { Explanations } from './explanations';
import type { GateFindings } from './gateFindings';
import type { KillSwitchWatch } from './killSwitchWatch';
import type { LogDocuments } from './logDocuments';
import type { Notifications } from './notifications';
import type { OnDemand } from './onDemand';
import type { Problems } from './problems';
import type { RunnerChoices } from './runnerChoice';
import type { Toasts } from './toasts';
import type { WalkthroughFacts } from './walkthroughFacts';
import type { Watch } from './watch';

/** What the commands of this window work with. */
export interface Services {
  readonly clock: Clock;
  readonly log: vscode.LogOutputChannel;
  readonly watch: Watch;
  readonly gate: GateFindings;
  readonly choices: RunnerChoices;
  readonly killSwitch: KillSwitchWatch;
  readonly notifications: Notifications;
  /** The logs that are shown as documents. */
  readonly logs: LogDocuments;
  /** The one queue of this window's toasts. */
  readonly toasts: Toasts;
  /** What the Problems show now. */
  readonly problems: Problems;
  readonly explanations: Explanations;
  readonly dashboard: DashboardPanel;
  readonly extensionUri: vscode.Uri;
  /** The extension's own storage for all windows. */
  readonly storageUri: vscode.Uri;
  /** What was seen to work, for the first steps. */
  readonly walkthrough: WalkthroughFacts;
  /** What is loaded only when it is needed. */
  readonly onDemand: () => Promise<OnDemand>;
  /** Brings status bar and Problems up to date. */
  readonly render: () => void;
  /** Looks at the processes again for the services tree. */
  readonly refreshServices: () => void;
  readonly onError: (error: unknown) => void;
}
