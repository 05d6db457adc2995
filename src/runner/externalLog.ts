import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { parseEnvFile } from '../core/envFile';
import type { Machine, ProcessInfo } from '../host/machine';
import { openOutputs } from '../host/openOutputs';

/** A runner that somebody else has started, as far as its log is looked for. */
export interface LogOwner {
  readonly info: ProcessInfo;
  /** Its children: behind a wrapper it is one of them that writes. */
  readonly below: readonly ProcessInfo[];
  readonly workspace: string;
  /** Named by the trader; null where it has to be found. */
  readonly explicit: string | null;
}

export interface FoundLog {
  /** Absolute path. */
  readonly file: string;
  /** Where the path is from, for people: `LOG_FILE in its environment`. */
  readonly from: string;
}

/** What is looked up of a process; tests give their own. */
export interface ExternalLook {
  readonly machine: Pick<Machine, 'platform'> & Partial<Pick<Machine, 'background'>>;
  /** Where procfs is mounted. */
  readonly procRoot?: string;
}

/** The only variables of another program that are read. */
export const readVariables = ['LOG_FILE', 'SYMBOLS'] as const;

/** What runners call their log, the trader's own first. */
const usualNames = [
  'robo_trader.log',
  'runner_stdout.log',
  'runner.log',
  'trading.log',
  'trader.log',
  'bot.log',
  'nohup.out',
];
/** A clock of a file may be a little behind that of the process table. Milliseconds. */
const slackMs = 2000;

interface Candidate extends FoundLog {
  /** True where the process itself says so: without that, only a file that it has touched counts. */
  readonly isStated: boolean;
}

/**
 * The log of a runner, best first: as it was named, `LOG_FILE` in its environment or in `.env`,
 * the files that it has open for writing, and usual names in its folder. One that was written
 * since the runner's start is preferred; a usual name counts only then. Only looks.
 */
export async function findRunnerLog(
  owner: LogOwner,
  look: ExternalLook,
): Promise<FoundLog | undefined> {
  const { explicit, info, workspace } = owner;
  const folder = info.workingDirectory ?? workspace;
  if (explicit !== null) {
    return { file: path.resolve(folder, explicit), from: 'the path that was given' };
  }
  const seen = new Set<string>();
  let stale: FoundLog | undefined;
  for (const { file, from, isStated } of await candidates(owner, folder, look)) {
    const entry = seen.has(file) ? undefined : await stat(file).catch(() => undefined);
    seen.add(file);
    if (entry?.isFile() !== true) {
      continue;
    }
    if (entry.mtimeMs + slackMs >= info.startedAtMs) {
      return { file, from };
    }
    stale ??= isStated ? { file, from } : undefined;
  }
  return stale;
}

async function candidates(
  { info, below, workspace }: LogOwner,
  folder: string,
  { machine, procRoot }: ExternalLook,
): Promise<readonly Candidate[]> {
  const family = [info, ...below];
  const backgrounds = await machine.background?.(family, readVariables);
  const stated = family.flatMap(({ pid, workingDirectory }) => {
    const file = backgrounds?.get(pid)?.environment?.get('LOG_FILE') ?? '';
    return file === ''
      ? []
      : [candidate(workingDirectory ?? folder, file, 'LOG_FILE in its environment')];
  });
  const outputs = await Promise.all(
    family.map(async ({ pid }) => {
      const seen = await openOutputs(pid, machine.platform, procRoot);
      return seen.known ? seen.value : [];
    }),
  );
  const usual = [...new Set([folder, workspace])].flatMap((place) =>
    ['', 'logs'].flatMap((below) =>
      usualNames.map((name) => ({
        ...candidate(path.join(place, below), name, 'its usual name'),
        isStated: false,
      })),
    ),
  );
  return [
    ...stated,
    ...(await envFileCandidates([...new Set([folder, workspace])])),
    ...outputs.flat().map((file) => candidate(folder, file, 'a file that it has open')),
    ...usual,
  ];
}

async function envFileCandidates(folders: readonly string[]): Promise<readonly Candidate[]> {
  const found = await Promise.all(
    folders.map(async (folder) => {
      const file = (await readEnv(folder, 'LOG_FILE')) ?? '';
      return file === '' ? [] : [candidate(folder, file, `LOG_FILE in ${folder}/.env`)];
    }),
  );
  return found.flat();
}

function candidate(folder: string, file: string, from: string): Candidate {
  return { file: path.resolve(folder, file), from, isStated: true };
}

async function readEnv(folder: string, key: string): Promise<string | undefined> {
  const text = await readFile(path.join(folder, '.env'), 'utf8').catch(() => '');
  return parseEnvFile(text).get(key)?.value;
}

/** The symbols of a runner, by its command line, its environment or `.env`; empty where none says. */
export async function symbolsOf(
  { info, below, workspace }: LogOwner,
  { machine }: ExternalLook,
): Promise<readonly string[]> {
  const family = [info, ...below];
  const flags = family.map(({ argv }) => symbolsFlag(argv)).find((value) => value !== undefined);
  if (flags !== undefined) {
    return listOf(flags);
  }
  const backgrounds = await machine.background?.(family, readVariables);
  const stated = family
    .map(({ pid }) => backgrounds?.get(pid)?.environment?.get('SYMBOLS'))
    .find((value) => value !== undefined);
  return listOf(stated ?? (await readEnv(info.workingDirectory ?? workspace, 'SYMBOLS')) ?? '');
}

function symbolsFlag(argv: readonly string[]): string | undefined {
  const at = argv.indexOf('--symbols');
  const joined = argv.find((part) => part.startsWith('--symbols='));
  return joined?.slice('--symbols='.length) ?? (at < 0 ? undefined : argv[at + 1]);
}

/** What is no list of tickers is none: a wrong name would count as a symbol that never comes. */
function listOf(text: string): readonly string[] {
  const names = text.split(',').map((name) => name.trim().toUpperCase());
  const isList = names.every((name) => /^[A-Z]{1,5}(?:[. ][A-Z]{1,2})?$/.test(name));
  return isList ? [...new Set(names)] : [];
}
