import type { Sample } from '../diagnostics/dashboard';

export interface SlotOptions {
  /** Width of a slot, in milliseconds; a slot has one value. */
  readonly slotMs: number;
  /** Slots that are kept, the newest ones. */
  readonly maxSlots: number;
  /** What a slot is worth that gets another value. */
  readonly combine: (before: number, next: number) => number;
}

/** Values over time, one a slot, within bounds whatever comes. */
export class SlotSeries {
  private slots: [atMs: number, value: number][] = [];
  private changedFrom: number | undefined;

  constructor(private readonly options: SlotOptions) {}

  /** A value of a slot that is older than the newest one is too late, and left out. */
  add(atMs: number, value: number): void {
    const { slotMs, maxSlots, combine } = this.options;
    const startMs = Math.floor(atMs / slotMs) * slotMs;
    const last = this.slots.at(-1);
    if (!Number.isFinite(atMs) || !Number.isFinite(value) || (last?.[0] ?? 0) > startMs) {
      return;
    }
    if (last?.[0] === startMs) {
      last[1] = combine(last[1], value);
    } else {
      this.slots.push([startMs, value]);
    }
    // Twice the room, so that not every value moves all the others.
    if (this.slots.length > 2 * maxSlots) {
      this.slots = this.slots.slice(-maxSlots);
    }
    this.changedFrom ??= startMs;
  }

  /** Puts what was known before in front of what came since. */
  prepend(samples: readonly Sample[]): void {
    const later = this.slots;
    const changedFrom = this.changedFrom;
    const firstMs = later[0]?.[0] ?? Number.POSITIVE_INFINITY;
    this.slots = [];
    samples.forEach(([atMs, value]) => {
      this.add(atMs, value);
    });
    this.slots = [...this.slots.filter(([atMs]) => atMs < firstMs), ...later];
    this.changedFrom = changedFrom;
  }

  /** Those from `fromMs` on, as many as are kept. */
  since(fromMs: number): readonly Sample[] {
    const kept = this.slots.slice(-this.options.maxSlots);
    return kept.filter(([atMs]) => atMs >= fromMs).map(([atMs, value]) => [atMs, value]);
  }

  /** What has changed since this was asked last. */
  takeChanged(): readonly Sample[] {
    const { changedFrom } = this;
    this.changedFrom = undefined;
    return changedFrom === undefined ? [] : this.since(changedFrom);
  }
}
