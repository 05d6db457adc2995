import type { Clock } from '../core/clock';
import { isoTime } from '../core/clock';
import type { Finding, Layer } from '../diagnostics/finding';
import { layers } from '../diagnostics/finding';
import { accountFinding, clockFinding } from '../diagnostics/notices';
import { outageFinding } from '../diagnostics/outage';
import { diagnoseConnection } from '../diagnostics/rules';
import type { Machine } from '../host/machine';
import { observePort, type PortObservation } from '../host/portObservation';
import { classify } from '../ibkr/messageCodes';
import { isLoopback, type Mode, usualPort } from '../ibkr/endpoint';
import { checkData } from './dataLayer';
import { accountSummary, clockSummary } from './layerWords';
import { passiveLayers } from './passiveLayers';
import { type LayerResult, type LayerStatus, type PreflightReport, testTimeoutMs } from './report';
import type { SessionSource } from './sessionSource';
import { handshakeLayers, waitForSession } from './sessionLayers';

export interface PreflightParams {
  /** Symbols of the data layer; where there is none, a usual one is asked for. */
  readonly symbols: readonly string[];
  readonly withData: boolean;
  /** The mode that the trader believes to be in; another account fails. */
  readonly mode: Mode | undefined;
  /** How long tcp, hello and ready may take together, in milliseconds. */
  readonly timeoutMs: number;
  /** How long the data layer may take, in milliseconds, when so much has passed already. */
  readonly dataTimeoutMs: (elapsedMs: number) => number;
}

export interface PreflightDependencies {
  readonly clock: Clock;
  readonly machine: Machine;
  readonly source: SessionSource;
  /** Told of every layer as soon as it is judged. */
  readonly onLayer: (layer: LayerResult) => void;
  readonly signal: AbortSignal;
}

/** How long a server-time answer may take at most: the monitor's own deadline. */
const maxAnswerMs = 5000;

/** The layers that decide the gate (law 8); the passive ones only warn. */
const decidingLayers: ReadonlySet<Layer> = new Set([
  'tcp',
  'hello',
  'ready',
  'clock',
  'account',
  'data',
]);

/**
 * The layered test of one endpoint. Looks at the machine first, then uses the kept session, or
 * asks for one and waits; a session that is kept is verified anew, never doubled.
 */
export async function runPreflight(
  params: PreflightParams,
  deps: PreflightDependencies,
): Promise<PreflightReport> {
  const run = new PreflightRun(params, deps);
  await run.execute();
  return run.report();
}

class PreflightRun {
  private readonly results: LayerResult[] = [];
  private readonly findings: Finding[] = [];
  private readonly startedAtMs: number;
  private readonly startedMonotonicMs: number;

  constructor(
    private readonly params: PreflightParams,
    private readonly deps: PreflightDependencies,
  ) {
    this.startedAtMs = deps.clock.now();
    this.startedMonotonicMs = deps.clock.monotonicMs();
  }

  async execute(): Promise<void> {
    const os = await this.observe();
    for (const layer of passiveLayers(os.value, this.deps.source.endpoint, this.deps.clock.now())) {
      this.add({ ...layer, durationMs: os.durationMs });
    }
    if (this.isPortKnownClosed()) {
      this.explainConnection(os.value);
      return;
    }
    const verdict = await waitForSession(this.waitMs(), this.deps);
    handshakeLayers(verdict, this.deps.source, this.deps.clock.now()).forEach((layer) => {
      this.add(layer);
    });
    if (verdict.kind === 'cancelled') {
      return;
    }
    if (verdict.kind !== 'open') {
      this.explainConnection((await this.observe()).value);
      return;
    }
    if (!(await this.checkClock())) {
      this.explainConnection((await this.observe()).value);
      return;
    }
    this.checkAccount();
    if (this.params.withData && !this.deps.signal.aborted) {
      await this.checkDataLayer();
    } else {
      this.checkUpstream();
    }
  }

  /** The time allowed without that of the first look, which may take a tenth of it. */
  private waitMs(): number {
    const { timeoutMs } = this.params;
    const lookedMs = this.deps.clock.monotonicMs() - this.startedMonotonicMs;
    return Math.max(0.9 * timeoutMs, timeoutMs - lookedMs);
  }

  /** Without a question for data, TWS's own word that it has lost IBKR still counts. */
  private checkUpstream(): void {
    const { outage } = this.deps.source;
    if (outage === undefined) {
      return;
    }
    const { code } = outage.message;
    this.add(this.result('data', 'fail', 0, `TWS has reported ${code}: ${classify(code).text}`));
    this.findings.push(outageFinding(outage));
  }

  report(): PreflightReport {
    const { endpoint, clientId } = this.deps.source;
    const usual = usualPort(endpoint.port);
    const judged = new Map(this.results.map((result) => [result.layer, result]));
    const all = layers.map((layer): LayerResult => judged.get(layer) ?? this.skipped(layer));
    const failed = all.find((result) => result.status === 'fail')?.layer;
    const unknownLayer = all.find(
      (result) => result.status === 'unknown' && decidingLayers.has(result.layer),
    )?.layer;
    const isComplete = all.every(
      (result) =>
        !decidingLayers.has(result.layer) ||
        result.status === 'pass' ||
        result.status === 'warn' ||
        (result.layer === 'data' && result.status === 'skipped' && !this.params.withData),
    );
    return {
      schema: 1,
      // A test that was called off proves nothing, however far it came.
      ok: failed === undefined && isComplete && !this.deps.signal.aborted,
      endpoint: {
        ...endpoint,
        clientId,
        ...(usual === undefined ? {} : { product: usual.product, mode: usual.mode }),
      },
      startedAt: isoTime(this.startedAtMs),
      durationMs: Math.round(this.deps.clock.monotonicMs() - this.startedMonotonicMs),
      layers: all,
      ...(failed === undefined ? {} : { failedLayer: failed }),
      ...(failed === undefined && unknownLayer !== undefined ? { unknownLayer } : {}),
      findings: this.findings,
    };
  }

  private async observe(): Promise<{
    readonly value: PortObservation;
    readonly durationMs: number;
  }> {
    const { clock, machine, source } = this.deps;
    const from = clock.monotonicMs();
    const value = await observePort(
      machine,
      source.endpoint.port,
      isLoopback(source.endpoint.host),
    );
    return { value, durationMs: Math.round(clock.monotonicMs() - from) };
  }

  private isPortKnownClosed(): boolean {
    return this.results.some((result) => result.layer === 'port' && result.status === 'fail');
  }

  private explainConnection(os: PortObservation): void {
    const finding = diagnoseConnection(this.deps.source.situation(os));
    if (finding !== undefined) {
      this.findings.push(finding);
    }
  }

  private async checkClock(): Promise<boolean> {
    const { clock, source } = this.deps;
    const from = clock.monotonicMs();
    // A silence on a kept session is told as early as one at the hello; less would count against
    // a session that is only slow.
    const deadlineMs = Math.max(testTimeoutMs, Math.min(this.params.timeoutMs, maxAnswerMs));
    const answer = await source.askTime(deadlineMs);
    const durationMs = Math.round(clock.monotonicMs() - from);
    if (answer === undefined) {
      this.add(
        this.result(
          'clock',
          'fail',
          durationMs,
          `No answer to a server-time request for ${(durationMs / 1000).toFixed(1)} s`,
        ),
      );
      return false;
    }
    const skewMs = answer.epochSec * 1000 - (answer.receivedAtMs - answer.roundTripMs / 2);
    const finding = clockFinding(skewMs, clock.now());
    this.add(
      this.result(
        'clock',
        finding === undefined ? 'pass' : 'warn',
        durationMs,
        clockSummary(answer, skewMs, finding),
      ),
    );
    if (finding !== undefined) {
      this.findings.push(finding);
    }
    return true;
  }

  private checkAccount(): void {
    const { source, clock } = this.deps;
    const accounts = source.progress?.accounts ?? [];
    const { mode } = this.params;
    // Who asks for live knows it; who says nothing means the login of before.
    const finding =
      accountFinding(accounts, { endpoint: source.endpoint, mode }, clock.now()) ??
      (mode === undefined ? source.loginFinding : undefined);
    if (mode !== undefined && finding === undefined) {
      source.acceptLogin();
    }
    const status: LayerStatus =
      finding === undefined ? 'pass' : finding.severity === 'error' ? 'fail' : 'warn';
    this.add(this.result('account', status, 0, accountSummary(accounts, finding)));
    if (finding !== undefined) {
      this.findings.push(finding);
    }
  }

  private async checkDataLayer(): Promise<void> {
    const checked = await Promise.race([
      checkData(
        this.params.symbols,
        this.params.dataTimeoutMs(this.deps.clock.monotonicMs() - this.startedMonotonicMs),
        this.deps,
      ),
      calledOff(this.deps.signal),
    ]);
    if (checked !== undefined) {
      this.add(checked.result);
      this.findings.push(...checked.findings);
    }
  }

  private add(result: LayerResult): void {
    this.results.push(result);
    this.deps.onLayer(result);
  }

  private result(
    layer: Layer,
    status: LayerStatus,
    durationMs: number,
    summary: string,
  ): LayerResult {
    return { layer, status, durationMs, summary, evidence: [] };
  }

  private skipped(layer: Layer): LayerResult {
    const why = this.deps.signal.aborted ? 'Cancelled' : 'Not reached';
    const summary = layer === 'data' && !this.params.withData ? 'Left out as asked' : why;
    return this.result(layer, 'skipped', 0, summary);
  }
}

/** Resolves when the caller no longer wants to know. */
async function calledOff(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    const onAbort = (): void => {
      resolve(undefined);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) {
      onAbort();
    }
  });
}
