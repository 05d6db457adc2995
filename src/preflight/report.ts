import type { Evidence, Finding, Layer } from '../diagnostics/finding';
import type { Mode, Product } from '../ibkr/endpoint';

/** Law 3: silence becomes a verdict after 3 s; the socket stays. Milliseconds. */
export const testTimeoutMs = 3000;

export type LayerStatus = 'pass' | 'warn' | 'fail' | 'unknown' | 'skipped';

/** What one layer of the pre-flight found. */
export interface LayerResult {
  readonly layer: Layer;
  readonly status: LayerStatus;
  readonly durationMs: number;
  readonly summary: string;
  readonly evidence: readonly Evidence[];
}

/** The whole pre-flight; the shape of `robo test --json` (schema 1). */
export interface PreflightReport {
  readonly schema: 1;
  /** True when every layer that decides (tcp to data) passed or only warned. */
  readonly ok: boolean;
  readonly endpoint: {
    readonly host: string;
    readonly port: number;
    readonly clientId: number;
    readonly product?: Product;
    readonly mode?: Mode;
  };
  readonly startedAt: string;
  readonly durationMs: number;
  readonly layers: readonly LayerResult[];
  readonly failedLayer?: Layer;
  /** The layer that could not be judged and so keeps the gate shut, where none failed. */
  readonly unknownLayer?: Layer;
  readonly findings: readonly Finding[];
}
