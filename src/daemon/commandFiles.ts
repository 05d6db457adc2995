import { randomUUID } from 'node:crypto';
import { chmod, lstat, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { errorCode, errorText, HumanError } from '../core/errors';
import { programStorageVariable } from './daemonFiles';
import type { Runtime } from './nodeProbe';
import { commandMark as mark } from './launcherKey';

/** Our files are a few hundred bytes; a larger one is somebody else's. */
const maxBytes = 16_384;

/** What `robo` starts, and for whom. */
export interface CommandProgram {
  readonly runtime: Runtime;
  /** Absolute path of the command line's bundle. */
  readonly script: string;
  /** Where an editor keeps the monitor's programs. */
  readonly storageDirectory: string;
  /** Changes whenever one of them may have changed; finding a runtime costs a process. */
  readonly key: string;
}

/**
 * Writes the editor's own launchers, for sh and for cmd, into a folder that only we write to.
 * @throws HumanError where they cannot be written
 */
export async function writeLaunchers(
  folder: string,
  program: CommandProgram,
  home: string,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  await replace(path.join(folder, 'robo'), shellLauncher(program));
  await replace(path.join(folder, 'robo.cmd'), cmdLauncher(program, home));
}

/** The launcher for sh, which Git Bash on Windows takes, too. */
export function shellLauncher(program: CommandProgram): string {
  const variables = Object.entries(variablesOf(program)).map(
    ([name, value]) => `${name}=${shellWord(value)}`,
  );
  const { runtime, script, key } = program;
  return [
    '#!/bin/sh',
    `# ${mark} ${key}: written by the Robo extension, which writes it anew.`,
    `export ${variables.join(' ')}`,
    `exec ${shellWord(runtime.execPath)} ${shellWord(script)} "$@"`,
    '',
  ].join('\n');
}

/** The launcher for cmd and PowerShell. */
export function cmdLauncher(program: CommandProgram, home: string): string {
  const word = (text: string): string => cmdWord(text, home);
  const { runtime, script, key } = program;
  return [
    '@echo off',
    `rem ${mark} ${key}: written by the Robo extension, which writes it anew.`,
    'setlocal',
    ...Object.entries(variablesOf(program)).map(([name, value]) => `set "${name}=${word(value)}"`),
    `"${word(runtime.execPath)}" "${word(script)}" %*`,
    'exit /b %ERRORLEVEL%',
    '',
  ].join('\r\n');
}

function variablesOf(program: CommandProgram): Readonly<Record<string, string>> {
  const { runtime, storageDirectory } = program;
  return { ...runtime.environment, [programStorageVariable]: storageDirectory };
}

function shellWord(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/**
 * A path for a batch file. Quotes cannot stand in it; the home folder is left to a variable,
 * because a batch file is read in another code page than names of people are written in.
 */
function cmdWord(text: string, home: string): string {
  const isInHome = home !== '' && text.toLowerCase().startsWith(`${home.toLowerCase()}\\`);
  const escaped = (part: string): string => part.replaceAll('%', '%%').replace(/["\r\n]/g, '');
  return isInHome ? `%USERPROFILE%${escaped(text.slice(home.length))}` : escaped(text);
}

/**
 * Puts a `robo` into a folder of the trader's choice that calls the editor's own launcher, which
 * is written anew with each version.
 * @returns the file
 * @throws HumanError where another `robo` is there, or nothing can be written
 */
export async function installCommand(
  folder: string,
  launchers: string,
  platform: NodeJS.Platform,
): Promise<string> {
  const isWindows = platform === 'win32';
  const file = path.join(folder, isWindows ? 'robo.cmd' : 'robo');
  if ((await stateOf(file)) === 'foreign') {
    throw new HumanError(
      `${file} is there already and was not made by this extension, so it was left alone. Choose another folder, or remove it first.`,
    );
  }
  try {
    await mkdir(folder, { recursive: true });
    await replace(file, isWindows ? cmdCommand(launchers) : shellCommand(launchers));
  } catch (error) {
    throw new HumanError(
      `${file} could not be written (${errorText(error)}). Choose a folder that is yours.`,
    );
  }
  return file;
}

function shellCommand(launchers: string): string {
  const launcher = shellWord(path.posix.join(launchers, 'robo'));
  return [
    '#!/bin/sh',
    `# ${mark}: installed by the Robo extension ("Robo: Remove robo Command" removes it).`,
    `if [ ! -x ${launcher} ]; then`,
    '  echo "robo: the extension that installed this command is gone; install it again, or remove this file: $0" >&2',
    '  exit 127',
    'fi',
    `exec ${launcher} "$@"`,
    '',
  ].join('\n');
}

function cmdCommand(launchers: string): string {
  const launcher = cmdWord(path.win32.join(launchers, 'robo.cmd'), '');
  return [
    '@echo off',
    `rem ${mark}: installed by the Robo extension ("Robo: Remove robo Command" removes it).`,
    `if not exist "${launcher}" (`,
    '  echo robo: the extension that installed this command is gone; install it again, or remove this file. 1>&2',
    '  exit /b 127',
    ')',
    `call "${launcher}" %*`,
    'exit /b %ERRORLEVEL%',
    '',
  ].join('\r\n');
}

/** Removes a command that we installed; what is somebody else's stays. */
export async function removeCommand(file: string): Promise<'removed' | 'absent' | 'foreign'> {
  const state = await stateOf(file);
  if (state === 'ours') {
    await rm(file, { force: true });
    return 'removed';
  }
  return state;
}

/** The list of commands that were installed, for the removal by hand and with the extension. */
export function commandList(dataDirectory: string): string {
  return path.join(dataDirectory, 'commands.json');
}

/** Absolute paths; empty where there is no list, or none that can be read. */
export async function installedCommands(list: string): Promise<readonly string[]> {
  try {
    const value: unknown = JSON.parse((await read(list)) ?? '[]');
    return Array.isArray(value)
      ? value.filter((item): item is string => typeof item === 'string' && path.isAbsolute(item))
      : [];
  } catch {
    return [];
  }
}

/** Writes the list anew; an empty one is removed. */
export async function rememberCommands(list: string, files: readonly string[]): Promise<void> {
  if (files.length === 0) {
    await rm(list, { force: true });
    return;
  }
  await mkdir(path.dirname(list), { recursive: true, mode: 0o700 });
  await replace(list, `${JSON.stringify([...new Set(files)], undefined, 2)}\n`, 0o600);
}

/** Folders in which a `robo` would be found without more ado, and those that need PATH. */
export interface CommandFolder {
  readonly folder: string;
  readonly isOnPath: boolean;
}

/** Where a command may go: the usual folders of this system, those on PATH first. */
export function commandFolders(about: {
  readonly platform: NodeJS.Platform;
  readonly home: string;
  readonly path: string;
}): readonly CommandFolder[] {
  const { platform, home } = about;
  const isWindows = platform === 'win32';
  const system = isWindows ? path.win32 : path.posix;
  const same = (text: string): string => {
    const trimmed = text.length > 1 ? text.replace(/[\\/]+$/, '') : text;
    return isWindows ? trimmed.toLowerCase() : trimmed;
  };
  const onPath = about.path.split(isWindows ? ';' : ':').filter((entry) => entry !== '');
  const known = new Set(onPath.map(same));
  const usual = isWindows
    ? onPath.filter((entry) => same(entry).startsWith(`${same(home)}\\`))
    : [
        system.join(home, '.local', 'bin'),
        system.join(home, 'bin'),
        '/usr/local/bin',
        '/opt/homebrew/bin',
      ];
  const folders = [...new Map(usual.map((folder) => [same(folder), folder])).values()].map(
    (folder) => ({ folder, isOnPath: known.has(same(folder)) }),
  );
  return folders.toSorted((one, other) => Number(other.isOnPath) - Number(one.isOnPath));
}

async function stateOf(file: string): Promise<'ours' | 'absent' | 'foreign'> {
  try {
    const entry = await lstat(file);
    if (!entry.isFile() || entry.size > maxBytes) {
      return 'foreign';
    }
    return (await readFile(file, 'utf8')).slice(0, 200).includes(mark) ? 'ours' : 'foreign';
  } catch (error) {
    return errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR' ? 'absent' : 'foreign';
  }
}

async function read(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    // No file, or one that is not readable: it is written anew, which then says why not.
    return undefined;
  }
}

/** Renamed into place: a shell may be reading the old one. */
async function replace(file: string, text: string, mode = 0o755): Promise<void> {
  const temporary = `${file}.${randomUUID()}`;
  try {
    await writeFile(temporary, text, { mode, flag: 'wx' });
    await chmod(temporary, mode);
    await rename(temporary, file);
  } finally {
    await rm(temporary, { force: true });
  }
}
