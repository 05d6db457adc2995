import { access, constants, stat } from 'node:fs/promises';
import { delimiter, resolve } from 'node:path';
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
  if (code === 'ENOENT') {
    return launchFinding('command_not_found', await notFoundMessage(command, attempt), attempt, at);
  }
  if (code === 'EACCES') {
    return launchFinding(
      'command_not_found',
      `"${command}" was found but may not be executed; make it executable (chmod +x), or start it with its interpreter, for example ["python3", "${command}"].`,
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

async function notFoundMessage(command: string, attempt: LaunchAttempt): Promise<string> {
  if (/[\\/]/.test(command)) {
    const file = resolve(attempt.workingDirectory, command);
    return (await exists(file))
      ? `${file} is there, but the program that its first line names (#!) is not; install that program or correct the line.`
      : `"${command}" was not found: there is no ${file}; correct the path in robo.runner.command.`;
  }
  const folders = (attempt.path ?? '').split(delimiter).filter((folder) => folder !== '');
  const where =
    folders.length === 0
      ? 'the environment has no PATH'
      : `looked in the ${folders.length} folders of PATH (${folders.slice(0, 6).join(', ')}${folders.length > 6 ? ', …' : ''})`;
  const hint =
    command === 'python' && (await isInPath('python3', folders))
      ? '; this machine has python3, so write that in robo.runner.command'
      : '; install it, or write its full path in robo.runner.command';
  return `"${command}" was not found: ${where}${hint}.`;
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
