import type { Clock } from '../core/clock';
import type { Finding } from '../diagnostics/finding';
import { diagnoseConnection } from '../diagnostics/rules';
import type { Machine } from '../host/machine';
import { observePort } from '../host/portObservation';
import { isLoopback, type Mode } from '../ibkr/endpoint';
import { runPreflight } from '../preflight/preflight';
import type { LayerResult, PreflightReport } from '../preflight/report';
import type { SessionSource } from '../preflight/sessionSource';

/** The early word comes after 3 s, the refusal after 15 s (law 8). Milliseconds. */
export const earlyWordMs = 3000;
export const defaultRefuseAfterMs = 15_000;
/** What the data layer gets at the least, however long the handshake took. */
const leastDataMs = 3000;

export interface GateParams {
  readonly symbols: readonly string[];
  readonly mode: Mode | undefined;
  readonly refuseAfterMs: number;
}

export interface GateDependencies {
  readonly clock: Clock;
  readonly machine: Machine;
  readonly source: SessionSource;
  readonly onLayer: (layer: LayerResult) => void;
  /** Told once, while the gate goes on waiting. */
  readonly onEarlyWord: (finding: Finding) => void;
  readonly signal: AbortSignal;
}

/** Runs the pre-flight as the gate of a runner: patient with silence, and with an early word. */
export async function passGate(
  params: GateParams,
  deps: GateDependencies,
): Promise<PreflightReport> {
  let isOver = false;
  const early = deps.clock.setTimer(earlyWordMs, () => {
    void giveEarlyWord(deps, () => isOver);
  });
  try {
    return await runPreflight(
      {
        symbols: params.symbols,
        withData: true,
        mode: params.mode,
        timeoutMs: params.refuseAfterMs,
        dataTimeoutMs: (elapsedMs) => Math.max(leastDataMs, params.refuseAfterMs - elapsedMs),
      },
      deps,
    );
  } finally {
    isOver = true;
    early.cancel();
  }
}

async function giveEarlyWord(deps: GateDependencies, isOver: () => boolean): Promise<void> {
  const { endpoint } = deps.source;
  const os = await observePort(deps.machine, endpoint.port, isLoopback(endpoint.host));
  const finding = diagnoseConnection(deps.source.situation(os));
  if (finding !== undefined && !isOver()) {
    deps.onEarlyWord(finding);
  }
}
