/** One at a time and one in waiting: whoever comes meanwhile shares the one in waiting. */
export class Coalescer<Wish, Result> {
  private running: Promise<unknown> = Promise.resolve();
  private isRunning = false;
  private queued: { readonly wishes: Wish[]; readonly result: Promise<Result> } | undefined;

  /** @param act grants all wishes that were made while it waited, the oldest first */
  constructor(private readonly act: (wishes: readonly Wish[]) => Promise<Result>) {}

  async run(wish: Wish): Promise<Result> {
    if (this.queued !== undefined) {
      this.queued.wishes.push(wish);
      return await this.queued.result;
    }
    if (!this.isRunning) {
      return await this.begin([wish]);
    }
    const wishes = [wish];
    const result = this.running.then(async () => {
      this.queued = undefined;
      return await this.begin(wishes);
    });
    this.queued = { wishes, result };
    return await result;
  }

  private async begin(wishes: readonly Wish[]): Promise<Result> {
    this.isRunning = true;
    const result = this.act(wishes);
    this.running = result.then(
      () => {
        this.isRunning = this.queued !== undefined;
      },
      () => {
        this.isRunning = this.queued !== undefined;
      },
    );
    return await result;
  }
}
