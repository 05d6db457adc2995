import type * as vscode from 'vscode';
import type { Clock } from '../core/clock';
import type { GateFindings } from './gateFindings';
import type { Notifications } from './notifications';
import type { Watch } from './watch';

/** What the commands of this window work with. */
export interface Services {
  readonly clock: Clock;
  readonly log: vscode.LogOutputChannel;
  readonly watch: Watch;
  readonly gate: GateFindings;
  readonly notifications: Notifications;
  readonly extensionUri: vscode.Uri;
  /** Brings status bar and Problems up to date. */
  readonly render: () => void;
  readonly onError: (error: unknown) => void;
}
