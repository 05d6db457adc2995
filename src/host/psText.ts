import { baseName } from './program';

/** One process of ps on macOS, its working directory not yet looked up. */
export interface PsProcess {
  readonly pid: number;
  readonly parentPid: number;
  readonly processGroup: number;
  readonly userId: number;
  /** The first letter is the state: `T` stopped, `Z` ended and not collected. */
  readonly state: string;
  /** As ps states it, in UTC and to the second: `Sun Nov 22 11:01:11 2026`. */
  readonly started: string;
  readonly startedAtMs: number;
  readonly argv: readonly string[];
  readonly name: string;
}

/** The columns of the first list; the last one is the only one that may hold blanks. */
export const psColumns = 'pid=,ppid=,pgid=,uid=,stat=,lstart=,command=';
/** The columns of the second list: on macOS `comm` is the first argument, whole. */
export const psNameColumns = 'pid=,lstart=,comm=';

const startPattern = String.raw`([A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4})`;
const rowPattern = new RegExp(
  String.raw`^\s*(\d+)\s+(\d+)\s+(\d+)\s+(-?\d+)\s+(\S+)\s+${startPattern}\s+(.*)$`,
);
const nameRowPattern = new RegExp(String.raw`^\s*(\d+)\s+${startPattern}\s+(.*)$`);

/**
 * Joins two lists of ps, taken one after the other, into processes. ps joins arguments with
 * blanks, so that only the first one, which the second list states alone, is exact; the rest is
 * split at blanks. An argument with a blank in it comes out as two, and always the same two: as
 * an identity the result is as good as the real one. What is in one list only has started or
 * ended in between and stays out, and so do zombies.
 * @returns undefined when one of the texts is no such list
 */
export function parsePs(list: string, names: string): readonly PsProcess[] | undefined {
  const firstArguments = new Map<string, string>();
  for (const line of linesOf(names)) {
    const [, pid, started, name] = nameRowPattern.exec(line) ?? [];
    if (pid === undefined || started === undefined || name === undefined) {
      return undefined;
    }
    firstArguments.set(`${pid} ${started}`, name);
  }
  const found: PsProcess[] = [];
  for (const line of linesOf(list)) {
    const row = parseRow(line);
    if (row === undefined) {
      return undefined;
    }
    const first = firstArguments.get(`${row.pid} ${row.started}`);
    if (first !== undefined && !row.state.startsWith('Z')) {
      const { command, ...rest } = row;
      const argv = splitCommand(command, first);
      found.push({ ...rest, argv, name: nameOf(first, argv) });
    }
  }
  return found;
}

function linesOf(text: string): readonly string[] {
  return text.split('\n').filter((line) => line.trim() !== '');
}

function parseRow(
  line: string,
): (Omit<PsProcess, 'argv' | 'name'> & { readonly command: string }) | undefined {
  const match = rowPattern.exec(line);
  if (match === null) {
    return undefined;
  }
  const [, pid, parentPid, processGroup, userId, state = '', started = '', command = ''] = match;
  const startedAtMs = Date.parse(`${started} UTC`);
  return Number.isNaN(startedAtMs)
    ? undefined
    : {
        pid: Number(pid),
        parentPid: Number(parentPid),
        processGroup: Number(processGroup),
        userId: Number(userId),
        state,
        started,
        startedAtMs,
        command,
      };
}

/** Empty where the arguments are hidden: ps then writes the kernel's name in parentheses. */
function splitCommand(command: string, first: string): readonly string[] {
  if (command === first && /^\(.*\)$/.test(first)) {
    return [];
  }
  const rest = command === first ? '' : command.slice(first.length + 1);
  // After an `exec` between the lists the two do not fit; then only blanks are left to go by.
  return command === first || command.startsWith(`${first} `)
    ? [first, ...wordsOf(rest)]
    : wordsOf(command);
}

function wordsOf(text: string): readonly string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}

function nameOf(first: string, argv: readonly string[]): string {
  return baseName(argv.length === 0 ? first.replace(/^\((.*)\)$/, '$1') : first);
}
