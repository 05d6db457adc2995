/** A pair of hashes may be kept at so many places. */
const ways = 4;

/**
 * Remembers what lines mean by a pair of hashes of them, in constant memory: what is new takes
 * the place of something old.
 */
export class ShapeMemory<Meaning> {
  private readonly keys: Int32Array;
  private readonly meanings: (Meaning | undefined)[];
  private readonly mask: number;
  private turn = 0;

  /** @param size a power of two; about half of it is kept for sure */
  constructor(size: number) {
    this.keys = new Int32Array(2 * size);
    this.meanings = new Array<Meaning | undefined>(size).fill(undefined);
    this.mask = size - ways;
  }

  get(high: number, low: number): Meaning | undefined {
    const { keys } = this;
    const first = (high >>> 8) & this.mask;
    for (let place = first; place < first + ways; place += 1) {
      if (keys[2 * place] === high && keys[2 * place + 1] === low) {
        return this.meanings[place];
      }
    }
    return undefined;
  }

  set(high: number, low: number, meaning: Meaning): void {
    const first = (high >>> 8) & this.mask;
    let place = first;
    while (place < first + ways && this.meanings[place] !== undefined) {
      place += 1;
    }
    if (place === first + ways) {
      this.turn = (this.turn + 1) % ways;
      place = first + this.turn;
    }
    this.keys[2 * place] = high;
    this.keys[2 * place + 1] = low;
    this.meanings[place] = meaning;
  }
}
