import type { ProcessIdentity, ProcessInfo } from './machine';

export interface TreeRules {
  readonly platform: NodeJS.Platform;
  /** TWS, IB Gateway, IBC, any java that is not ours: never signalled, also inside the tree. */
  readonly isUntouchable: (process: ProcessInfo) => boolean;
  /** The process that asks; it and its parents are in no tree. */
  readonly ownPid: number;
  /** The root was started by Robo, and so leads a process group of its own. */
  readonly isOwnChild: boolean;
}

/**
 * A process with everything that it started, as far as it was ever seen: its descendants, also
 * those that left its process group, and the members of the group that it leads, also those whose
 * parents have ended. Pure: it is shown process tables, and signals nobody.
 */
export class ProcessTree {
  /** Those of the tree that live and may be signalled, the root included. */
  alive: readonly ProcessInfo[] = [];
  /** Somebody who is to be spared is in the group, so the group as a whole must not be signalled. */
  isGroupShared = false;
  isRootUntouchable = false;
  /** Number of the group that the root leads; undefined where it leads none, or nobody knows. */
  group: number | undefined;
  private hasLooked = false;
  private members: ReadonlySet<string>;

  constructor(
    readonly root: ProcessIdentity,
    private readonly rules: TreeRules,
  ) {
    this.members = new Set([keyOf(root)]);
  }

  /** Takes in a fresh process table. */
  update(table: readonly ProcessInfo[]): void {
    if (!this.hasLooked) {
      this.hasLooked = true;
      this.group = this.ledGroup(table);
    }
    const spared = this.spared(table);
    this.isRootUntouchable = table.some(
      (entry) => isSameProcess(entry, this.root) && this.rules.isUntouchable(entry),
    );
    this.isGroupShared = table.some(
      (entry) => entry.processGroup === this.group && spared.has(entry.pid),
    );
    this.alive = this.livingMembers(table.filter((entry) => !spared.has(entry.pid)));
    this.members = new Set([...this.members, ...this.alive.map(keyOf)]);
  }

  /** Where the root has ended, its group is known only of our own child, which always leads one. */
  private ledGroup(table: readonly ProcessInfo[]): number | undefined {
    const { pid } = this.root;
    const holder = table.find((entry) => entry.pid === pid);
    if (this.rules.platform === 'win32') {
      return undefined;
    }
    if (holder === undefined) {
      return this.rules.isOwnChild ? pid : undefined;
    }
    return isSameProcess(holder, this.root) && holder.processGroup === pid ? pid : undefined;
  }

  /**
   * What is untouchable, what stands between it and the root (a script that keeps a Gateway may
   * end it when it is ended itself), and the line that we ourselves come from.
   */
  private spared(table: readonly ProcessInfo[]): ReadonlySet<number> {
    const parents = new Map(table.map((entry) => [entry.pid, entry.parentPid]));
    const { isUntouchable, ownPid } = this.rules;
    const spared = new Set<number>();
    for (const pid of [...table.filter(isUntouchable).map((entry) => entry.pid), ownPid]) {
      spared.add(pid);
      let next = parents.get(pid);
      while (next !== undefined && next !== this.root.pid && !spared.has(next)) {
        spared.add(next);
        next = parents.get(next);
      }
    }
    return spared;
  }

  private livingMembers(table: readonly ProcessInfo[]): readonly ProcessInfo[] {
    // The system gives a group's number to no new process while the group has a member; once
    // somebody else has our root's pid, that group is no longer ours.
    const isReused = table.some(
      (entry) => entry.pid === this.root.pid && !isSameProcess(entry, this.root),
    );
    const found = new Map<number, ProcessInfo>();
    // One without arguments counts too: it may just be replacing itself (`exec`).
    for (const entry of table) {
      const isOfGroup = this.group !== undefined && entry.processGroup === this.group && !isReused;
      if (this.members.has(keyOf(entry)) || isOfGroup) {
        found.set(entry.pid, entry);
      }
    }
    for (let size = -1; size !== found.size;) {
      size = found.size;
      for (const entry of table) {
        if (found.has(entry.parentPid)) {
          found.set(entry.pid, entry);
        }
      }
    }
    return [...found.values()];
  }
}

/** The same process as before, whatever it runs now: pid and start time. */
export function isSameProcess(
  one: Pick<ProcessIdentity, 'pid' | 'startToken'>,
  other: Pick<ProcessIdentity, 'pid' | 'startToken'>,
): boolean {
  return one.pid === other.pid && one.startToken === other.startToken;
}

function keyOf(identity: Pick<ProcessIdentity, 'pid' | 'startToken'>): string {
  return `${identity.pid}/${identity.startToken}`;
}
