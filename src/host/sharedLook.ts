/**
 * A look that costs a process: one runs at a time. Whoever asks while one runs shares the next
 * one, so that no answer is older than its question (law 9 rests on that) and no look is made
 * twice for two that ask at once.
 */
export class SharedLook<T> {
  private running: Promise<T> | undefined;
  private next: Promise<T> | undefined;

  constructor(private readonly look: () => Promise<T>) {}

  ask(): Promise<T> {
    if (this.running === undefined) {
      return this.start();
    }
    const startNext = (): Promise<T> => this.start();
    this.next ??= this.running.then(startNext, startNext);
    return this.next;
  }

  private start(): Promise<T> {
    this.next = undefined;
    const look = this.look();
    this.running = look;
    const clear = (): void => {
      if (this.running === look) {
        this.running = undefined;
      }
    };
    look.then(clear, clear);
    return look;
  }
}
