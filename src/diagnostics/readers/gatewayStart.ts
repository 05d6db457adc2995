import type { RunnerFact } from '../runnerFacts';
import { connection, one, process } from './sign';

/** While the gateway logs in, nothing listens yet; so long that is no fault. Milliseconds. */
const usualStartMs = 180_000;
/** So many refused connections during a start are no fault either: somebody waits for it. */
const usualRefusals = 3;

/**
 * What a log of IBC or of a gateway image has told of the gateway's start: some lines are
 * ordinary before the login is complete, and a fault after it.
 */
export class GatewayStart {
  private startedAt: string | undefined;
  private isStarting = false;
  private hasRunBefore = false;
  private isSecondFactorOpen = false;
  private refusals: string[] = [];

  /** A start that the log shows from its beginning. */
  begin(at: string | undefined): readonly RunnerFact[] {
    this.isStarting = true;
    this.isSecondFactorOpen = false;
    this.startedAt = at;
    this.refusals = [];
    return [];
  }

  secondFactor(): readonly RunnerFact[] {
    this.isSecondFactorOpen = true;
    return [];
  }

  /** The login is complete, or the port is open. */
  complete(): readonly RunnerFact[] {
    this.isStarting = false;
    this.hasRunBefore = true;
    this.isSecondFactorOpen = false;
    this.refusals = [];
    return [];
  }

  /** The login has ended without success, and another line says why. */
  fail(): void {
    this.isSecondFactorOpen = false;
    this.hasRunBefore = true;
  }

  /** The token of an automatic restart is missing: ordinary at the first start, and only there. */
  withoutToken(text: string): readonly RunnerFact[] {
    return this.isStarting && !this.hasRunBefore
      ? []
      : [{ kind: 'sign', subject: process, causes: one('autorestart_broken', 0.8), text }];
  }

  /** A forwarder found nobody behind it. */
  refused(text: string, at: string | undefined): readonly RunnerFact[] {
    const sinceMs = Date.parse(at ?? '') - Date.parse(this.startedAt ?? '');
    if (this.isStarting && !(sinceMs > usualStartMs) && this.refusals.length < usualRefusals) {
      this.refusals.push(text);
      return [];
    }
    return [...this.heldRefusals(), refusal(text)];
  }

  /** What the end of the text leaves open. */
  end(): readonly RunnerFact[] {
    const waiting: readonly RunnerFact[] = this.isSecondFactorOpen
      ? [
          {
            kind: 'sign',
            subject: process,
            causes: one('twofa_timeout', 0.6),
            text: 'The login waits for the second factor, and the log ends there.',
          },
        ]
      : [];
    return [...this.heldRefusals(), ...waiting];
  }

  private heldRefusals(): readonly RunnerFact[] {
    const held = this.refusals.map(refusal);
    this.refusals = [];
    return held;
  }
}

function refusal(text: string): RunnerFact {
  return { kind: 'sign', subject: connection, causes: one('proxy_upstream_refused'), text };
}
