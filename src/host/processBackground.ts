/** What the system tells about a process beyond the table, read only for the few that matter. */
export interface ProcessBackground {
  /**
   * Those of the asked-for variables that it was started with; undefined where the system hides
   * them. No other variable is kept: they may hold secrets.
   */
  readonly environment: ReadonlyMap<string, string> | undefined;
  /** Path of its control group (Linux); undefined elsewhere and where it is hidden. */
  readonly controlGroup: string | undefined;
  /** Label of the job of launchd that runs it (macOS). */
  readonly launchdLabel: string | undefined;
}

/** Reads `/proc/<pid>/environ`: of a key that stands twice the first counts, as in getenv(3). */
export function parseEnvironment(
  text: string,
  variables: ReadonlySet<string>,
): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const entry of text.split('\0')) {
    const at = entry.indexOf('=');
    const name = entry.slice(0, Math.max(at, 0));
    if (at > 0 && variables.has(name) && !found.has(name)) {
      found.set(name, entry.slice(at + 1));
    }
  }
  return found;
}

/**
 * Reads `/proc/<pid>/cgroup`: the unified group, or where that is the root (a hybrid or old
 * hierarchy) the one of systemd.
 * @returns undefined when neither is named
 */
export function parseControlGroup(text: string): string | undefined {
  const groups = new Map(
    text.split('\n').flatMap((line) => {
      const match = /^\d+:([^:]*):(\/.*)$/.exec(line);
      return match === null ? [] : [[match[1] ?? '', match[2] ?? '']];
    }),
  );
  const unified = groups.get('');
  return unified === undefined || unified === '/'
    ? (groups.get('name=systemd') ?? unified)
    : unified;
}

/** Reads `launchctl list`: pid, last exit status, label; a job that does not run has pid `-`. */
export function parseLaunchdJobs(text: string): ReadonlyMap<number, string> {
  const jobs = new Map<number, string>();
  for (const line of text.split('\n')) {
    const match = /^(\d+)\s+-?\d+\s+(\S.*?)\s*$/.exec(line);
    if (match !== null) {
      jobs.set(Number(match[1]), match[2] ?? '');
    }
  }
  return jobs;
}
