/** Lets one action at a time through, in the order in which they came. */
export class OneAtATime {
  private last: Promise<unknown> = Promise.resolve();

  async run<T>(action: () => Promise<T>): Promise<T> {
    const turn = this.last.then(action);
    this.last = turn.catch(() => undefined);
    return await turn;
  }
}
