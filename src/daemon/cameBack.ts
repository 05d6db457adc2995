import { type Clock, delay } from '../core/clock';
import type { KillOutcome } from '../host/endProcess';
import type { Machine } from '../host/machine';
import { classifyProcess, type ProcessClass } from '../host/processRoles';
import { describeProgram, isSameProgram } from '../host/program';
import type { ListedProcess } from '../runner/listedProcess';
import type { ProcessListing } from './protocol';

export interface CameBackDependencies {
  readonly clock: Clock;
  readonly machine: Pick<Machine, 'process'>;
  readonly look: () => Promise<ProcessListing>;
}

/**
 * When it is looked again after an end, in milliseconds: supervisors start a program again after
 * 100 ms (systemd) to a second (supervisord, pm2, a loop with `sleep 1`).
 */
const looksMs = [200, 700, 1300, 2000];
/** Systems count starts from a boot time that they correct by up to a second. Milliseconds. */
const toleranceMs = 1000;

/**
 * Looks a few times within two seconds whether something has started again what was just ended.
 * @param before the listing that the ended ones were chosen from
 * @param askedAtMs when their end was asked for, in milliseconds since the epoch
 * @returns one outcome for each that came back, with what started it; empty where nothing is seen
 */
export async function cameBack(
  ended: readonly number[],
  { before, askedAtMs }: { readonly before: ProcessListing; readonly askedAtMs: number },
  deps: CameBackDependencies,
): Promise<readonly KillOutcome[]> {
  const gone = before.processes.filter(({ pid }) => ended.includes(pid));
  const isNew = ({ pid, startToken, startedAt }: ListedProcess): boolean =>
    Date.parse(startedAt) >= askedAtMs - toleranceMs &&
    !before.processes.some((one) => one.pid === pid && one.startToken === startToken);
  let waitedMs = 0;
  for (const lookMs of gone.length === 0 ? [] : looksMs) {
    await delay(deps.clock, lookMs - waitedMs);
    waitedMs = lookMs;
    const found = (await deps.look()).processes.filter(isNew).flatMap((present) => {
      const old = gone.find((one) => isSameRunner(one, present));
      return old === undefined ? [] : [{ old, present }];
    });
    if (found.length > 0) {
      return await Promise.all(found.map(async (each) => outcomeOf(each, deps)));
    }
  }
  return [];
}

function isSameRunner(one: ListedProcess, other: ListedProcess): boolean {
  const [first, second] = [classOf(one), classOf(other)];
  const isSameFamily = first.family !== undefined && first.family === second.family;
  const isSame =
    first.program !== undefined &&
    second.program !== undefined &&
    isSameProgram(first.program, second.program);
  return isSameFamily || isSame;
}

function classOf({ argv, workingDirectory }: ListedProcess): ProcessClass {
  const folder = workingDirectory ?? undefined;
  return classifyProcess({ argv, name: argv[0] ?? '', workingDirectory: folder });
}

async function outcomeOf(
  { old, present }: { readonly old: ListedProcess; readonly present: ListedProcess },
  deps: CameBackDependencies,
): Promise<KillOutcome> {
  const source = present.respawnedBy ?? old.respawnedBy;
  const words =
    source === null
      ? await parentWords(present.parentPid, deps)
      : `by ${source.name}. ${source.remedy}`;
  return {
    pid: present.pid,
    outcome: 'came back',
    why: `it was started again in place of ${old.pid} ${words}`,
  };
}

async function parentWords(parentPid: number, deps: CameBackDependencies): Promise<string> {
  const seen = parentPid > 1 ? await deps.machine.process(parentPid) : undefined;
  const parent = seen?.known === true ? seen.value : undefined;
  if (parent === undefined) {
    return 'by something that is not seen; look for a timer, a service or a loop that starts it';
  }
  const { program } = classifyProcess(parent);
  const name = program === undefined ? parent.name : describeProgram(program);
  return `by ${name} (pid ${parentPid}); end that first if it is yours`;
}
