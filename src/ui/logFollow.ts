/**
 * Whether a log scrolls with its new lines: until the person scrolls up, and again from when the
 * end is seen again. The editor tells only what is visible, not who scrolled: a scroll away from
 * the end counts once the end of this very text has been seen.
 */
export class LogFollow {
  private following = true;
  private settledVersion: number | undefined;
  private hasLeftEnd = false;

  get isFollowing(): boolean {
    return this.following;
  }

  /**
   * The visible part has changed.
   * @param version the version of the document that is seen
   * @returns true where that began or ended the following
   */
  scrolled(isAtEnd: boolean, version: number): boolean {
    const before = this.following;
    if (isAtEnd) {
      this.settledVersion = version;
      this.following ||= this.hasLeftEnd;
    } else if (!this.following) {
      this.hasLeftEnd = true;
    } else if (this.settledVersion === version) {
      this.following = false;
      this.hasLeftEnd = true;
    }
    return this.following !== before;
  }

  follow(): void {
    this.following = true;
  }

  /** Stops by a command, perhaps at the end: only one who has left it comes back to it. */
  pause(): void {
    this.following = false;
    this.hasLeftEnd = false;
  }
}
