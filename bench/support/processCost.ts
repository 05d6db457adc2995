import { readFileSync } from 'node:fs';

/** Clock ticks a second in `/proc/<pid>/stat` (USER_HZ). */
const ticksPerSecond = 100;

/** What the system says that a process has used so far. */
export interface ProcessCost {
  /** User and system time of all its threads, in milliseconds. */
  readonly cpuMs: number;
  readonly residentMiB: number;
  /** The highest that `residentMiB` has been since the start of the process. */
  readonly peakMiB: number;
}

/** Linux only. @throws when the process is gone */
export function processCost(pid: number): ProcessCost {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // Behind the name: state is the first field here, user and system time are 12 and 13.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const mib = (key: string): number =>
    Number(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1024;
  return {
    cpuMs: ((Number(fields[11]) + Number(fields[12])) * 1000) / ticksPerSecond,
    residentMiB: mib('VmRSS'),
    peakMiB: mib('VmHWM'),
  };
}
