/** A pair of hashes may be kept at so many places. */
const ways = 4;
/** Low, high, mark: a line of the cache has four. */
const stride = 4;

/**
 * Remembers what lines mean by a pair of hashes of them, in constant memory: what is new takes
 * the place of something old. `outlineModule` may read it too.
 */
export class ShapeMemory<Meaning> {
  readonly mask: number;
  readonly bytes: number;
  private keys: Int32Array;
  private readonly meanings: (Meaning | undefined)[];
  private turn = 0;

  /** @param size a power of two; about half of it is kept for sure */
  constructor(size: number) {
    this.mask = size - ways;
    this.bytes = 4 * stride * size;
    this.keys = new Int32Array(stride * size);
    this.meanings = new Array<Meaning | undefined>(size).fill(undefined);
  }

  /** Lies from now on in this buffer. */
  attach(buffer: ArrayBuffer, at: number): void {
    this.keys = new Int32Array(buffer, at, this.bytes / 4);
  }

  get(high: number, low: number): Meaning | undefined {
    const { keys } = this;
    const first = (high >>> 8) & this.mask;
    for (let place = first; place < first + ways; place += 1) {
      if (keys[stride * place] === low && keys[stride * place + 1] === high) {
        return this.meanings[place];
      }
    }
    return undefined;
  }

  /** The meaning at one of its places. */
  at(place: number): Meaning | undefined {
    return this.meanings[place];
  }

  /** @param mark tells `outlineModule` what to do with such lines */
  set(high: number, low: number, meaning: Meaning, mark = 0): void {
    const first = (high >>> 8) & this.mask;
    let place = first;
    while (place < first + ways && this.meanings[place] !== undefined) {
      place += 1;
    }
    if (place === first + ways) {
      this.turn = (this.turn + 1) % ways;
      place = first + this.turn;
    }
    this.keys[stride * place] = low;
    this.keys[stride * place + 1] = high;
    this.keys[stride * place + 2] = mark;
    this.meanings[place] = meaning;
  }
}
