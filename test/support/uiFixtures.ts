import type { Finding } from '../../src/diagnostics/finding';
import type { RunnerStatus, StatusRecord } from '../../src/diagnostics/status';
import type { L10n } from '../../src/ui/words';

/** Fills in the arguments as `vscode.l10n.t` does without a translation. */
export const english: L10n = {
  t: (message, ...args) =>
    message.replace(/\{(\d+)\}/g, (_whole, index: string) => String(args[Number(index)])),
};

export const startMs = Date.parse('2026-11-20T15:00:00Z');

/** An ISO time so many seconds before `startMs`. */
export function ago(seconds: number): string {
  return new Date(startMs - seconds * 1000).toISOString();
}

export function findingWith(changes: Partial<Finding> = {}): Finding {
  return {
    subject: { kind: 'connection' },
    severity: 'error',
    layer: 'hello',
    causes: [
      { id: 'silent_accept_dialog', confidence: 0.55, why: 'nobody else is connected' },
      { id: 'silent_modal_dialog', confidence: 0.25, why: 'it looks the same' },
    ],
    message: 'TCP accepted, no answer to the API hello for 3.0 s.',
    evidence: [{ kind: 'socket', source: 'TCP table', at: ago(3), text: 'no CLOSE_WAIT' }],
    remedy: ['Click Yes in the dialog.'],
    guide: 'silent_accept_dialog',
    firstAt: ago(30),
    lastAt: ago(1),
    count: 2,
    ...changes,
  };
}

export function statusWith(changes: Partial<StatusRecord> = {}): StatusRecord {
  return {
    timestamp: ago(0),
    connected: true,
    port: 7497,
    consecutive_failures: 0,
    last_good_connection: ago(2),
    message: 'healthy',
    schema: 1,
    health: 'healthy',
    since: ago(125),
    layer: 'data',
    findings: [],
    session: {
      state: 'ready',
      host: '127.0.0.1',
      port: 7497,
      clientId: 9000,
      product: 'TWS',
      mode: 'paper',
      serverVersion: 178,
      accounts: ['DU12***67'],
      connectedAt: ago(125),
      lastAnswerAt: ago(2),
      roundTripMs: 1,
      connectionsOpened: 1,
      nextDialAt: null,
    },
    runner: [],
    monitor: { pid: 1, version: '0.1.0', startedAt: ago(200), recordsProblem: null },
    ...changes,
  };
}

export function runnerWith(changes: Partial<RunnerStatus> = {}): RunnerStatus {
  return {
    workspace: '/work/trading',
    state: 'running',
    pid: 4711,
    command: [],
    symbols: ['AAPL'],
    startedAt: ago(100),
    logFile: '/state/runner.log',
    work: 'working',
    lastCycleAt: ago(10),
    lastFetchAt: ago(12),
    symbolStatus: [],
    bypassReason: null,
    exit: null,
    findings: [],
    ...changes,
  };
}
