import { type Clock, delay } from '../core/clock';
import { known, type Observed } from '../core/observed';
import { endProcess, type EndProcessDeps, type KillOutcome } from '../host/endProcess';
import type { Machine, ProcessInfo } from '../host/machine';
import { isPersonsProgram } from '../host/personsProgram';
import { classifyProcess, type ProcessClass, untouchableReason } from '../host/processRoles';
import { runVariable } from './environment';

/** By what the processes of a run are known wherever they have gone. */
export interface RunMark {
  /** What their environment carries as `ROBO_RUN`. */
  readonly run: string;
  /** Nobody of the run is older. Milliseconds since the epoch. */
  readonly sinceMs: number;
}

export interface MarkedDeps extends EndProcessDeps {
  readonly clock: Clock;
  readonly machine: Pick<Machine, 'platform' | 'processes' | 'process' | 'background'>;
  /** How long TERM is given before KILL, in milliseconds. */
  readonly graceMs?: number | undefined;
}

/** What became of those that a run had detached from itself. */
export interface MarkedEnd {
  /** False where the processes could not be seen, so that some may be left. */
  readonly isSure: boolean;
  readonly ended: readonly ProcessInfo[];
  readonly wasKilled: boolean;
  /** Those that could not be ended, each with the reason. */
  readonly left: readonly KillOutcome[];
}

/** A child may start another one while it is being ended; more often is a fork bomb, not a runner. */
const maxRounds = 4;
/** How long one that just replaces itself (`exec`) is waited for, and how often. Milliseconds. */
const blinkMs = 50;
const maxBlinks = 3;
/** Systems count starts from a boot time that they correct by up to a second. Milliseconds. */
const toleranceMs = 2000;

/**
 * Ends what carries the mark of a run and is in no tree of it any more (a child that forked twice
 * and called `setsid`), each by its own identity. Only Linux shows the environments of processes;
 * elsewhere nothing is found. Never rejects.
 */
export async function endMarked(mark: RunMark, deps: MarkedDeps): Promise<MarkedEnd> {
  const ended: ProcessInfo[] = [];
  let left: readonly KillOutcome[] = [];
  let wasKilled = false;
  let isSure = true;
  for (let round = 0; round < maxRounds; round += 1) {
    const seen = await markedProcesses(mark, deps);
    isSure = seen.known;
    const living = seen.known ? seen.value : [];
    const options = deps.graceMs === undefined ? {} : { graceMs: deps.graceMs };
    const outcomes = await Promise.all(living.map(async (one) => endProcess(one, deps, options)));
    left = outcomes.filter(({ outcome }) => outcome === 'still alive' || outcome === 'refused');
    const isGone = ({ outcome }: KillOutcome): boolean =>
      outcome === 'ended' || outcome === 'killed';
    ended.push(...living.filter((_, at) => outcomes[at] !== undefined && isGone(outcomes[at])));
    wasKilled ||= outcomes.some(({ outcome }) => outcome === 'killed');
    if (living.length === 0) {
      break;
    }
  }
  return { isSure, ended, wasKilled, left };
}

/** Those that live, carry the mark and may be ended. */
export async function markedProcesses(
  mark: RunMark,
  { machine, clock, ownPid }: Pick<MarkedDeps, 'machine' | 'clock' | 'ownPid'>,
): Promise<Observed<readonly ProcessInfo[]>> {
  if (machine.platform !== 'linux' || machine.background === undefined) {
    return known([]);
  }
  for (let blink = 0; ; blink += 1) {
    const table = await machine.processes();
    if (!table.known) {
      return table;
    }
    const young = youngAmong(table.value, mark.sinceMs, ownPid);
    // What just replaces itself shows neither arguments nor environment; process 2 is the kernel's.
    const isBlinking = young.some(({ argv, parentPid }) => argv.length === 0 && parentPid !== 2);
    if (!isBlinking || blink >= maxBlinks) {
      const background = await machine.background(young, [runVariable]);
      const isMarked = ({ pid }: ProcessInfo): boolean =>
        background.get(pid)?.environment?.get(runVariable) === mark.run;
      return known(endable(young.filter(isMarked)));
    }
    await delay(clock, blinkMs);
  }
}

/** The same among processes that were just looked at, for several runs at once. */
export async function markedAmong(
  processes: readonly ProcessInfo[],
  marks: readonly RunMark[],
  { machine, ownPid }: { readonly machine: Pick<Machine, 'background'>; readonly ownPid: number },
): Promise<readonly ProcessInfo[]> {
  if (marks.length === 0) {
    return [];
  }
  const young = youngAmong(processes, Math.min(...marks.map(({ sinceMs }) => sinceMs)), ownPid);
  const background = await machine.background?.(young, [runVariable]);
  const runs = new Set(marks.map(({ run }) => run));
  const runOf = (pid: number): string | undefined =>
    background?.get(pid)?.environment?.get(runVariable);
  return endable(young.filter(({ pid }) => runs.has(runOf(pid) ?? '')));
}

/** Those of the same user that were started since. */
function youngAmong(
  processes: readonly ProcessInfo[],
  sinceMs: number,
  ownPid: number,
): readonly ProcessInfo[] {
  const own = processes.find(({ pid }) => pid === ownPid)?.userId;
  return processes.filter(
    ({ pid, startedAtMs, userId }) =>
      pid !== ownPid && startedAtMs >= sinceMs - toleranceMs && userId === (own ?? userId),
  );
}

/**
 * Those of a run that may be ended for its mark alone, which whatever it has started inherits: not
 * what Robo never signals, any Java, or Robo itself, with what stands above them in the run; not
 * what a person works in, with what was started from there.
 */
export function endable(marked: readonly ProcessInfo[]): readonly ProcessInfo[] {
  const byPid = new Map(marked.map((info) => [info.pid, info]));
  const spared = new Set<number>();
  for (const info of marked) {
    if (isKept(classifyProcess(info))) {
      lineOf(info, byPid).forEach(({ pid }) => spared.add(pid));
    }
  }
  const isSpared = (info: ProcessInfo): boolean =>
    isKept(classifyProcess(info)) || isPersonsProgram(info);
  return marked.filter(
    (info) => !spared.has(info.pid) && !lineOf(info, byPid).some((one) => isSpared(one)),
  );
}

function isKept(of: ProcessClass): boolean {
  return of.kind === 'robo' || untouchableReason(of) !== undefined;
}

/** A process and its parents, as far as they carry the mark. */
function lineOf(
  info: ProcessInfo,
  byPid: ReadonlyMap<number, ProcessInfo>,
): readonly ProcessInfo[] {
  const line = new Set<ProcessInfo>();
  let next: ProcessInfo | undefined = info;
  while (next !== undefined && !line.has(next)) {
    line.add(next);
    next = byPid.get(next.parentPid);
  }
  return [...line];
}
