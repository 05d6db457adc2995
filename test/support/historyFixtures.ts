import { isoTime } from '../../src/core/clock';
import type { CauseId } from '../../src/diagnostics/causeIds';
import type { Finding, Severity, Subject } from '../../src/diagnostics/finding';
import { makeFinding } from '../../src/diagnostics/makeFinding';
import type { Health, RunnerStatus, StatusRecord } from '../../src/diagnostics/status';
import { recordAtMs, statusRecordOf } from './statusRecords';

/** A finding about the connection, or another subject, with one cause. */
export function findingOf(
  id: CauseId,
  subject: Subject = { kind: 'connection' },
  severity: Severity = 'error',
): Finding {
  return makeFinding({
    subject,
    causes: [{ id, confidence: 0.9, why: 'it was seen' }],
    message: `Seen: ${id}.`,
    severity,
    nowMs: recordAtMs,
  });
}

/** The state of a daemon, `afterMs` behind the time at which it began to watch. */
export function stateOf(
  health: Health,
  afterMs: number,
  findings: readonly Finding[] = [],
  runner: readonly RunnerStatus[] = [],
): StatusRecord {
  const record = statusRecordOf({ health, findings, healthSinceMs: recordAtMs + afterMs });
  return { ...record, timestamp: isoTime(recordAtMs + afterMs), runner };
}

/** A runner of `/ws` that runs, or as `change` says. */
export function runnerOf(change: Partial<RunnerStatus> = {}): RunnerStatus {
  return {
    workspace: '/ws',
    state: 'running',
    pid: 4711,
    command: ['python3', 'bot.py'],
    symbols: ['AAPL'],
    startedAt: isoTime(recordAtMs),
    logFile: '/ws/runner.log',
    work: 'unknown',
    lastCycleAt: null,
    lastFetchAt: null,
    symbolStatus: [],
    bypassReason: null,
    exit: null,
    findings: [],
    ...change,
  };
}
