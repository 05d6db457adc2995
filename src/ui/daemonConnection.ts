import type { DaemonClient } from '../daemon/client';
import type { ProcessListing } from '../daemon/protocol';

/** What a window needs of its connection to the daemon; fakes in tests provide the same. */
export type DaemonConnection = Pick<
  DaemonClient,
  | 'status'
  | 'test'
  | 'startRunner'
  | 'stopRunner'
  | 'watchRunner'
  | 'unwatchRunner'
  | 'killProcesses'
  | 'reconnect'
  | 'acknowledge'
  | 'quiet'
  | 'followDashboard'
  | 'onDidChangeDashboard'
  | 'onDidChangeStatus'
  | 'onDidClose'
  | 'dispose'
> & {
  /** `command` is the workspace's own runner; without it only the built-in one is recognised. */
  listProcesses(workspace: string | null, command: readonly string[]): Promise<ProcessListing>;
};
