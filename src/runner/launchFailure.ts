import { access, constants, open, stat } from 'node:fs/promises';
import { delimiter, extname, resolve } from 'node:path';
import { errorCode, errorText } from '../core/errors';
import type { CauseId } from '../diagnostics/causeIds';
import type { Finding } from '../diagnostics/finding';
import { makeFinding } from '../diagnostics/makeFinding';

/** What was to be started, and where. */
export interface LaunchAttempt {
  readonly workspace: string;
  readonly argv: readonly string[];
  readonly workingDirectory: string;
  /** Folders of the PATH that the command is looked for in, joined as the system joins them. */
  readonly path: string | undefined;
  readonly platform: NodeJS.Platform;
}

/** Why a command could not be started, where it was looked for, and what to do. */
export async function launchFailure(
  error: unknown,
  attempt: LaunchAttempt,
  at: string,
): Promise<Finding> {
  const command = attempt.argv[0] ?? '';
  const code = errorCode(error);
  if (!(await isDirectory(attempt.workingDirectory))) {
    return launchFinding(
      'bad_configuration',
      `The runner was not started: its working directory ${attempt.workingDirectory} does not exist; open the folder that it belongs to, or correct robo.runner.command.`,
      attempt,
      at,
    );
  }
  if (command.trim() === '') {
    return launchFinding(
      'bad_configuration',
      'The runner was not started: its command begins with an empty word; write the program first in robo.runner.command, for example ["python3", "runner.py"].',
      attempt,
      at,
    );
  }
  if (code === 'ENOENT') {
    return launchFinding('command_not_found', await notFoundMessage(command, attempt), attempt, at);
  }
  if (code === 'EACCES') {
    return launchFinding(
      'command_not_found',
      await notExecutableMessage(command, attempt),
      attempt,
      at,
    );
  }
  if (code === 'ENOEXEC' || code === 'EBADARCH') {
    return launchFinding(
      'wrong_interpreter',
      `"${command}" is no program of this system (${code}): it was built for another processor, or is a script without a first line (#!); name its interpreter first in robo.runner.command.`,
      attempt,
      at,
    );
  }
  return launchFinding(
    'command_not_found',
    `"${command}" could not be started (${code ?? errorText(error)}); try the command in a terminal, then correct robo.runner.command.`,
    attempt,
    at,
  );
}

/** A failed start as a finding of the runner. */
export function launchFinding(
  id: CauseId,
  message: string,
  attempt: Pick<LaunchAttempt, 'workspace' | 'argv' | 'platform'>,
  at: string,
): Finding {
  return makeFinding({
    subject: { kind: 'runner', name: attempt.workspace },
    severity: 'error',
    causes: [{ id, confidence: 0.95, why: 'it was not started' }],
    message,
    evidence: [{ kind: 'exit', source: 'start', at, text: attempt.argv.join(' ') }],
    nowMs: Date.parse(at),
    setup: { platform: attempt.platform },
  });
}

/** What usually runs a file of this ending; a wrong guess would cost the trader more than none. */
const interpreters: Readonly<Record<string, string>> = {
  '.py': 'python3',
  '.sh': 'sh',
  '.js': 'node',
  '.mjs': 'node',
  '.cjs': 'node',
  '.pl': 'perl',
  '.rb': 'ruby',
};

async function notExecutableMessage(command: string, attempt: LaunchAttempt): Promise<string> {
  const file = resolve(attempt.workingDirectory, command);
  if (await isDirectory(file)) {
    return `"${command}" is a folder, not a program; name the program in it in robo.runner.command.`;
  }
  const interpreter = interpreters[extname(command)];
  const other =
    interpreter === undefined
      ? ''
      : `, or start it with its interpreter: ["${interpreter}", "${command}"]`;
  return `"${command}" was found but may not be executed; make it executable (chmod +x)${other}.`;
}

/** A file that is there, and that the system calls missing: what it needs is. */
async function unreadyMessage(file: string): Promise<string> {
  const line = await firstLine(file);
  const program = /^#!\s*(\S+)/.exec(line)?.[1];
  if (program === undefined) {
    return `${file} is there, but the loader or library that it needs is not: it was built for another system; build or install it for this one.`;
  }
  return line.endsWith('\r')
    ? `${file} is there, but its lines end as on Windows, so that its first line names a program that does not exist ("${program}" and a carriage return); save it with the line ends of this system (LF).`
    : `${file} is there, but the program that its first line names (#!${program}) is not; install that program or correct the line.`;
}

/** Longer ones are cut by the system, too. */
const maxFirstLineBytes = 512;

async function firstLine(file: string): Promise<string> {
  try {
    const handle = await open(file, 'r');
    try {
      const { buffer, bytesRead } = await handle.read({ buffer: Buffer.alloc(maxFirstLineBytes) });
      return buffer.toString('latin1', 0, bytesRead).split('\n', 1)[0] ?? '';
    } finally {
      await handle.close();
    }
  } catch {
    return '';
  }
}

async function notFoundMessage(command: string, attempt: LaunchAttempt): Promise<string> {
  if (/[\\/]/.test(command)) {
    const file = resolve(attempt.workingDirectory, command);
    return (await exists(file))
      ? await unreadyMessage(file)
      : `"${command}" was not found: there is no ${file}; correct the path in robo.runner.command.`;
  }
  const folders = (attempt.path ?? '').split(delimiter).filter((folder) => folder !== '');
  const where =
    folders.length === 0
      ? 'the environment has no PATH'
      : `looked in the ${folders.length} folders of PATH (${folders.slice(0, 6).join(', ')}${folders.length > 6 ? ', …' : ''})`;
  return `"${command}" was not found: ${where}; ${await advice(command, folders, attempt)}.`;
}

async function advice(
  command: string,
  folders: readonly string[],
  { workingDirectory }: LaunchAttempt,
): Promise<string> {
  const words = command.trim().split(/\s+/);
  if (words.length > 1 && (await isInPath(words[0] ?? '', folders))) {
    return `write each word by itself: ${JSON.stringify(words)}`;
  }
  if (command === 'python' && (await isInPath('python3', folders))) {
    return 'this machine has python3, so write that in robo.runner.command';
  }
  if (await exists(resolve(workingDirectory, command))) {
    const interpreter = interpreters[extname(command)];
    return `it lies in ${workingDirectory}, so write ${interpreter === undefined ? `"./${command}"` : JSON.stringify([interpreter, command])} in robo.runner.command`;
  }
  return 'install it, or write its full path in robo.runner.command';
}

async function isInPath(name: string, folders: readonly string[]): Promise<boolean> {
  for (const folder of folders) {
    if (await exists(resolve(folder, name))) {
      return true;
    }
  }
  return false;
}

async function exists(file: string): Promise<boolean> {
  return await access(file, constants.F_OK).then(
    () => true,
    () => false,
  );
}

async function isDirectory(folder: string): Promise<boolean> {
  return await stat(folder).then(
    (entry) => entry.isDirectory(),
    () => false,
  );
}
