import { Emitter } from '../../src/core/emitter';
import type { Finding } from '../../src/diagnostics/finding';
import { noticeFinding } from '../../src/diagnostics/notices';
import { isOutage, type Outage } from '../../src/diagnostics/outage';
import type { ConnectionSituation } from '../../src/diagnostics/situation';
import type { PortObservation } from '../../src/host/portObservation';
import type { ConnectionProgress, ServerTime } from '../../src/ibkr/connection';
import type { MarketData } from '../../src/ibkr/marketData';
import { farmStates } from '../../src/ibkr/messageCodes';
import { ActiveMessages } from '../../src/monitor/activeMessages';
import { runPreflight } from '../../src/preflight/preflight';
import type { PreflightReport } from '../../src/preflight/report';
import type { SessionSource } from '../../src/preflight/sessionSource';
import { machineIn, port, type SituationName } from './evidenceSituations';
import { FakeClock } from './fakeClock';
import type { FaultRecording } from './faultRecordings';

/** A recorded session as the pre-flight sees it: nothing waits, nothing is connected. */
class Replay implements SessionSource {
  readonly endpoint = { host: '127.0.0.1', port };
  readonly clientId = 9000;
  readonly loginFinding = undefined;
  readonly acceptLogin = (): void => undefined;
  progress: ConnectionProgress | undefined;
  readonly marketData: MarketData;
  private readonly changes = new Emitter<void>();
  readonly onDidChange = this.changes.event;
  private readonly active = new ActiveMessages();
  private unansweredForMs: number | undefined;

  constructor(
    private readonly recording: FaultRecording,
    private readonly clock: FakeClock,
  ) {
    for (const message of recording.messages) {
      this.active.note(message, farmStates(message.code, message.text));
    }
    const gone = { ok: false, failure: { kind: 'closed', why: 'it was not recorded' } } as const;
    this.marketData = {
      stockContract: () => Promise.resolve(recording.contract ?? gone),
      bars: () => Promise.resolve(recording.bars ?? gone),
    };
  }

  get activeCodes(): readonly number[] {
    return this.active.list().map(({ code }) => code);
  }

  get outage(): Outage | undefined {
    const message = this.active.list().find(({ code }) => isOutage(code));
    return (
      message && { message, nowMs: this.clock.now(), sinceMs: this.active.lostAtMs, windows: [] }
    );
  }

  /** Messages that still count, as the monitor tells them when all else is well. */
  get told(): readonly Finding[] {
    return this.active.list().flatMap((message) => noticeFinding(message) ?? []);
  }

  ask(): void {
    this.progress = this.shifted(this.recording.first);
    this.changes.fire();
  }

  askTime(deadlineMs: number): Promise<ServerTime | undefined> {
    this.progress = this.shifted(this.recording.last);
    const { time } = this.recording;
    if (time === undefined && this.progress.stage === 'open') {
      this.unansweredForMs = deadlineMs;
    }
    return Promise.resolve(time);
  }

  situation(os: PortObservation): ConnectionSituation {
    const { progress, unansweredForMs } = this;
    return {
      endpoint: this.endpoint,
      connection: progress,
      messages: this.active.list(),
      os,
      nowMs: this.clock.now(),
      ...(unansweredForMs === undefined ? {} : { unansweredForMs }),
    };
  }

  dataChecked(): void {
    // Nobody watches a replay.
  }

  /** The recording as if it had begun when it was asked for. */
  private shifted(progress: ConnectionProgress): ConnectionProgress {
    this.shiftMs ??= this.clock.now() - progress.startedAtMs;
    const by = this.shiftMs;
    const later = (ms: number | undefined): number | undefined =>
      ms === undefined ? undefined : ms + by;
    return {
      ...progress,
      startedAtMs: progress.startedAtMs + by,
      connectedAtMs: later(progress.connectedAtMs),
      helloAtMs: later(progress.helloAtMs),
      openAtMs: later(progress.openAtMs),
      endedAtMs: later(progress.endedAtMs),
    };
  }

  private shiftMs: number | undefined;
}

export interface ReplayedVerdict {
  readonly report: PreflightReport;
  /** What the trader is shown first; undefined where nothing is wrong. */
  readonly finding: Finding | undefined;
}

/** The real pre-flight over a recorded fault, with the tables of a situation. */
export async function verdictOf(
  recording: FaultRecording,
  name: SituationName,
): Promise<ReplayedVerdict> {
  const clock = new FakeClock(recording.first.startedAtMs + 1000);
  const replay = new Replay(recording, clock);
  const { last } = recording;
  const machine = machineIn(name, {
    nowMs: clock.now(),
    isListening: !(last.end?.kind === 'not connected' && last.end.code === 'ECONNREFUSED'),
    isAnswered: last.helloAtMs !== undefined,
    localPort: last.stage === 'ended' ? undefined : last.localPort,
  });
  const running = runPreflight(
    {
      symbols: ['AAPL', 'NVDA'],
      withData: true,
      mode: undefined,
      timeoutMs: 3000,
      dataTimeoutMs: () => 3000,
    },
    {
      clock,
      machine,
      source: replay,
      onLayer: () => undefined,
      signal: new AbortController().signal,
    },
  );
  await clock.advance(3000);
  const report = await running;
  return { report, finding: report.findings[0] ?? replay.told[0] };
}
