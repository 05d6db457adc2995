/** An outline may be kept at so many places. */
const ways = 4;
/** Low, high, what is known of it, where its kept numbers are: a line of the cache has four. */
const stride = 4;
/** Room for the places in an outline, on an average. */
const placesEach = 16;

/** What is known of lines of an outline; `silent` leaves out those that have a telling number. */
export const unknown = 0;
export const silent = 1;
export const various = 2;
/** It was met once, and not looked at: many never come again. */
export const metOnce = 3;

/**
 * Remembers outlines of lines, each with two lists of places in the line, in constant memory and
 * close together, because it is asked for every line of a log: when it is full, it begins anew.
 * It lies in the memory of `outlineModule`, which reads it too. `at` stands for an outline until
 * the next one is added.
 */
export class OutlineMemory {
  readonly mask: number;
  readonly tableBytes: number;
  readonly poolBytes: number;
  private table = new Int32Array();
  private pool = new Int32Array();
  private poolEnd = 1;

  /** @param size so many outlines are kept at most; a power of two */
  constructor(size: number) {
    this.mask = size - ways;
    this.tableBytes = 4 * stride * size;
    this.poolBytes = 4 * placesEach * size;
  }

  /** Lies from now on in this buffer: first the table, then the pool. */
  attach(buffer: ArrayBuffer, at: number): void {
    this.table = new Int32Array(buffer, at, this.tableBytes / 4);
    this.pool = new Int32Array(buffer, at + this.tableBytes, this.poolBytes / 4);
  }

  /** Both lists: how many words, and each of them. */
  get lists(): Int32Array {
    return this.pool;
  }

  /** @returns −1 where the outline is not known */
  find(high: number, low: number): number {
    const { table } = this;
    const first = ((high >>> 8) & this.mask) * stride;
    for (let at = first; at < first + ways * stride; at += stride) {
      if (table[at] === low && table[at + 1] === high) {
        return at;
      }
    }
    return -1;
  }

  /** Adds one that was met for the first time. */
  add(high: number, low: number): void {
    const { table } = this;
    const at = this.freePlace(high);
    table[at] = low;
    table[at + 1] = high;
    table[at + 2] = metOnce;
    table[at + 3] = 0;
  }

  /** @param telling places of telling numbers */
  tell(at: number, telling: readonly number[]): void {
    const tellingAt = telling.length === 0 ? 0 : this.put(telling);
    this.table[at + 2] = (tellingAt << 2) | unknown;
  }

  /** Where the telling numbers stand in the pool; 0 where there are none. */
  tellingAt(at: number): number {
    return (this.table[at + 2] ?? 0) >>> 2;
  }

  verdictOf(at: number): number {
    return (this.table[at + 2] ?? 0) & 3;
  }

  judge(at: number, verdict: number): void {
    this.table[at + 2] = (this.tellingAt(at) << 2) | verdict;
  }

  /** Where the kept numbers stand in the pool; 0 where that is not known yet. */
  keptAt(at: number): number {
    return this.table[at + 3] ?? 0;
  }

  keep(at: number, kept: readonly number[]): void {
    this.table[at + 3] = this.put(kept);
  }

  private put(places: readonly number[]): number {
    if (this.poolEnd + places.length + 1 > this.pool.length) {
      this.table.fill(0);
      this.poolEnd = 1;
    }
    const at = this.poolEnd;
    this.pool[at] = places.length;
    this.pool.set(places, at + 1);
    this.poolEnd = at + 1 + places.length;
    return at;
  }

  private freePlace(high: number): number {
    const first = ((high >>> 8) & this.mask) * stride;
    for (let at = first; at < first + ways * stride; at += stride) {
      if (this.table[at] === 0 && this.table[at + 1] === 0) {
        return at;
      }
    }
    return first + stride * (this.poolEnd % ways);
  }
}
