const dayMs = 86_400_000;

/**
 * One time zone: instants to wall clock and back. The rules are those of the runtime (`Intl`, that
 * is ICU with the IANA database), kept with Node and the editor, so none are shipped here.
 *
 * A wall clock is a number, `wallMs`: milliseconds since the epoch as if it were UTC
 * (`Date.UTC(2026, 3, 2, 9, 30)` is 09:30 on 2 April, wherever that is).
 */
export class TimeZone {
  /** Its IANA id, as this runtime writes it: of two ids of one zone the old or the new one. */
  readonly id: string;
  private readonly format: Intl.DateTimeFormat;

  /** @throws RangeError for an id that the runtime does not know. */
  constructor(id: string) {
    this.format = new Intl.DateTimeFormat('en-US', {
      timeZone: id,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    this.id = this.format.resolvedOptions().timeZone;
  }

  /** What the clocks of the zone show at an instant. */
  wallMs(atMs: number): number {
    const shown = new Map(
      this.format.formatToParts(atMs).map(({ type, value }) => [type, Number(value)]),
    );
    const part = (type: Intl.DateTimeFormatPartTypes): number => shown.get(type) ?? 0;
    const wholeSecondsMs = Date.UTC(
      part('year'),
      part('month') - 1,
      part('day'),
      part('hour'),
      part('minute'),
      part('second'),
    );
    return wholeSecondsMs + (((atMs % 1000) + 1000) % 1000);
  }

  /** How far the zone is ahead of UTC at an instant, milliseconds. */
  offsetMs(atMs: number): number {
    return this.wallMs(atMs) - atMs;
  }

  /**
   * The instants at which the clocks show `wallMs`, in order: one as a rule, none where summer time
   * skips it, two where it comes twice.
   */
  instants(wallMs: number): readonly number[] {
    const candidates = this.candidates(wallMs);
    // One offset before and after: the zone does not change near.
    return candidates.length === 1
      ? candidates
      : candidates.filter((atMs) => this.wallMs(atMs) === wallMs);
  }

  /**
   * The instant at which the clocks show `wallMs`: the first of two; for a time that is skipped,
   * the one as long after the change (02:30 is read as 03:30).
   */
  epochMs(wallMs: number): number {
    return this.instants(wallMs)[0] ?? Math.max(...this.candidates(wallMs));
  }

  /** By the offsets of the day before and of the day after: no zone changes twice in two days. */
  private candidates(wallMs: number): readonly number[] {
    const before = wallMs - this.offsetMs(wallMs - dayMs);
    const after = wallMs - this.offsetMs(wallMs + dayMs);
    return before === after ? [before] : [Math.min(before, after), Math.max(before, after)];
  }
}
