import { farmStates } from '../ibkr/messageCodes';
import {
  absorb,
  extend,
  type Incident,
  type IncidentBook,
  lastedMs,
  type Place,
} from './logIncidents';
import type { NewIncident } from './logIncidents';
import { judgeByTime } from './logReset';
import type { SymbolTroubles } from './logSymbols';

/** A farm that is back sooner has only flapped. Milliseconds. */
const flapMs = 5000;
/** A broken farm that TWS reports this shortly before it loses IBKR altogether is part of that. */
const soonMs = 60_000;
/** The same where the lines have no time. */
const soonLines = 10;

/** The two codes for a TWS without IBKR, under one key. */
const upstream = 'upstream';
const upstreamCodes: ReadonlySet<number> = new Set([1100, 2110]);
/** Codes that follow from an upstream that is gone, and say nothing more. */
const echoes: ReadonlySet<number> = new Set([162, 200, 366, 2103, 2105, 2157, 10182, 10225]);

/** TWS without IBKR, and without single farms of IBKR's. */
export class UpstreamIncidents {
  constructor(
    private readonly book: IncidentBook,
    private readonly symbols: SymbolTroubles,
  ) {}

  static isLoss(code: number): boolean {
    return upstreamCodes.has(code);
  }

  /** TWS is without IBKR. */
  open(): Incident | undefined {
    return this.book.get(upstream);
  }

  /** What a message only follows from. */
  reasonOf(code: number): Incident | undefined {
    return echoes.has(code) ? this.open() : undefined;
  }

  lost({ causes, message }: Pick<NewIncident, 'causes' | 'message'>, place: Place): void {
    const isNew = this.open() === undefined;
    const parts = { subject: { kind: 'connection' } as const, causes, message, source: undefined };
    const incident = this.book.add(upstream, parts, place);
    if (isNew) {
      const before = this.book.withdraw(
        ({ last }, key) => /\/(?:2103|2105|2157)\//.test(key) && isSoon(last, place),
      );
      for (const part of [...before, ...this.symbols.takeSilent()]) {
        absorb(incident, part);
      }
    }
  }

  /**
   * Words about a connection to IBKR right behind the code for it say it once more.
   * @returns whether these were
   */
  isRepeated(text: string, place: Place): boolean {
    const open = this.open();
    const isIt =
      open !== undefined &&
      place.line - open.last.line <= 2 &&
      /\bto (?:IB|IBKR|Interactive Brokers)\b(?! Gateway)/i.test(text);
    if (isIt) {
      extend(open, place);
    }
    return isIt;
  }

  /** Good news ends what it is about. */
  endByMessage(code: number, text: string, place: Place): void {
    if (code === 1101 || code === 1102) {
      this.recover(place);
    }
    for (const { farm, state } of farmStates(code, text)) {
      if (state === 'ok') {
        this.endFarm(farm, place);
      }
    }
  }

  recover(place: Place): void {
    const open = this.open();
    if (open !== undefined) {
      judgeByTime(open, place);
      this.book.recover((incident) => incident === open, place);
    }
  }

  /** The log ends. */
  end(): void {
    const open = this.open();
    if (open !== undefined) {
      judgeByTime(open, undefined);
    }
  }

  private endFarm(farm: string, place: Place): void {
    const isOf = (key: string): boolean =>
      key.endsWith(`/${farm}`) && /^message\/(?:2103|2105|2157|1102)\//.test(key);
    const flapped = this.book.find(
      ({ first }, key) => isOf(key) && key.includes('/2103/') && lastedMs(first, place) <= flapMs,
    );
    if (flapped !== undefined) {
      flapped.causes = [{ id: 'farm_flap', confidence: 0.9 }];
    }
    this.book.recover((_, key) => isOf(key), place);
  }
}

function isSoon(before: Place, now: Place): boolean {
  const ms = lastedMs(before, now);
  return Number.isNaN(ms) ? now.line - before.line <= soonLines : ms <= soonMs;
}
