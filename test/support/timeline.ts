interface Entry {
  readonly atMs: number;
  readonly order: number;
  readonly action: () => void;
}

/** Events in the order of their time, as many as a year has: a binary heap. */
export class Timeline {
  private readonly heap: Entry[] = [];
  private order = 0;
  private nowMs: number;

  constructor(startMs: number) {
    this.nowMs = startMs;
  }

  /** Milliseconds since the epoch. */
  get now(): number {
    return this.nowMs;
  }

  at(atMs: number, action: () => void): void {
    const entry = { atMs: Math.max(atMs, this.nowMs), order: this.order, action };
    this.order += 1;
    let place = this.heap.push(entry) - 1;
    while (place > 0) {
      const above = (place - 1) >> 1;
      if (!this.isBefore(place, above)) {
        break;
      }
      this.swap(place, above);
      place = above;
    }
  }

  after(ms: number, action: () => void): void {
    this.at(this.nowMs + ms, action);
  }

  /** Lets everything happen until then. */
  run(untilMs: number): void {
    for (let next = this.heap[0]; next !== undefined && next.atMs <= untilMs; next = this.heap[0]) {
      this.removeFirst();
      this.nowMs = Math.max(this.nowMs, next.atMs);
      next.action();
    }
    this.nowMs = untilMs;
  }

  private removeFirst(): void {
    const last = this.heap.pop();
    if (last === undefined || this.heap.length === 0) {
      return;
    }
    this.heap[0] = last;
    let place = 0;
    for (;;) {
      const [left, right] = [2 * place + 1, 2 * place + 2];
      const least = [left, right].reduce(
        (best, child) => (child < this.heap.length && this.isBefore(child, best) ? child : best),
        place,
      );
      if (least === place) {
        return;
      }
      this.swap(place, least);
      place = least;
    }
  }

  private isBefore(a: number, b: number): boolean {
    const [first, second] = [this.heap[a], this.heap[b]];
    if (first === undefined || second === undefined) {
      return false;
    }
    return first.atMs === second.atMs ? first.order < second.order : first.atMs < second.atMs;
  }

  private swap(a: number, b: number): void {
    const [first, second] = [this.heap[a], this.heap[b]];
    if (first !== undefined && second !== undefined) {
      this.heap[a] = second;
      this.heap[b] = first;
    }
  }
}
