import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../core/clock';
import { HumanError } from '../core/errors';
import { workspaceFolderName } from '../core/paths';
import { safeLine } from '../core/safeLine';
import { daemonPaths } from '../daemon/launcher';
import { readLogEnd } from '../daemon/logEnd';
import { LineLevels, type LogFilter, logFilters, passesFilter } from '../diagnostics/logLevels';
import type { StatusRecord } from '../diagnostics/status';
import { LogFollower } from '../runner/logFollower';
import { type Command, type CommandContext, UsageError } from './command';
import { type EndpointCommand, parseEndpointCommand } from './options';

/** How many lines are shown where nobody says, and at most. */
const usualLines = 200;
const maxLines = 100_000;
/** How much of the end is looked through for them, in bytes. */
const maxBytes = 16 * 1024 * 1024;
const pollMs = 250;

/** `robo log`: the end of the monitor's or the runner's log, with `-f` as it grows. */
export const logCommand: Command = async (context) => {
  const command = parseEndpointCommand(context, {
    follow: { type: 'boolean', short: 'f' },
    runner: { type: 'boolean' },
    level: { type: 'string' },
    lines: { type: 'string', short: 'n' },
  });
  const wanted = linesOf(command.flags['lines']);
  const print = printer(context, filterOf(command.flags['level']));
  const isFollowing = command.flags['follow'] === true;
  const file = fileOf(command, context.workingDirectory);
  const end = await readLogEnd(file, { maxBytes, maxLines: Number.POSITIVE_INFINITY });
  if (end === undefined && !isFollowing) {
    throw new HumanError(
      command.flags['runner'] === true
        ? `There is no runner log yet (${file}); start a runner with "robo run".`
        : `There is no monitor log yet (${file}); run "robo test" first.`,
    );
  }
  // A follower gives the last line once it is complete.
  const unfinished =
    end === undefined || end.unfinished === '' || isFollowing ? [] : [end.unfinished];
  print([...(end?.lines ?? []), ...unfinished], wanted);
  if (isFollowing) {
    await follow(file, end?.nextOffset ?? 0, { context, print });
  }
  return 0;
};

/** Prints what is new until the command is ended; a file that is rotated is followed by its name. */
async function follow(
  file: string,
  offset: number,
  { context, print }: { context: CommandContext; print: (lines: readonly string[]) => void },
): Promise<void> {
  const follower = new LogFollower(file, offset, { clock: systemClock, intervalMs: pollMs });
  follower.onLines((lines) => {
    print(lines);
  });
  follower.onProblem((problem) => {
    context.stderr(`${problem}\n`);
  });
  if (!context.signal.aborted) {
    await new Promise<void>((resolve) => {
      context.signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }
  await follower.drain();
  follower.dispose();
}

/** Foreign lines go to a terminal: nothing in them may move its cursor or set its title. */
function printer(
  { stdout }: CommandContext,
  filter: LogFilter,
): (lines: readonly string[], last?: number) => void {
  const levels = new LineLevels();
  return (lines, last = Number.POSITIVE_INFINITY) => {
    const shown =
      filter === 'all' ? lines : lines.filter((line) => passesFilter(levels.push(line), filter));
    const text = shown
      .slice(Math.max(0, shown.length - last))
      .map((line) => `${safeLine(line)}\n`)
      .join('');
    if (text !== '') {
      stdout(text);
    }
  };
}

function linesOf(flag: string | boolean | undefined): number {
  if (flag === undefined) {
    return usualLines;
  }
  const lines = typeof flag === 'string' && /^\d{1,7}$/.test(flag) ? Number(flag) : Number.NaN;
  if (!(lines <= maxLines)) {
    throw new UsageError(`-n takes a number of lines up to ${maxLines}, such as -n 50.`);
  }
  return lines;
}

function filterOf(flag: string | boolean | undefined): LogFilter {
  const filter = flag === undefined ? 'all' : logFilters.find((each) => each === flag);
  if (filter === undefined) {
    throw new UsageError(`--level takes ${logFilters.join(', ')}.`);
  }
  return filter;
}

function fileOf(command: EndpointCommand, workspace: string): string {
  const paths = daemonPaths({
    stateDirectory: command.stateDirectory,
    endpoint: command.configuration.endpoint,
  });
  const own = join(paths.runners, workspaceFolderName(workspace), 'runner.log');
  return command.flags['runner'] === true
    ? (watchedLog(paths.status, workspace) ?? own)
    : paths.monitorLog;
}

/** The log of a runner that was started elsewhere and is watched. */
function watchedLog(statusFile: string, workspace: string): string | undefined {
  try {
    const { runner } = JSON.parse(readFileSync(statusFile, 'utf8')) as StatusRecord;
    const found = runner.find((each) => each.state === 'external' && each.workspace === workspace);
    return found?.logFile === '' ? undefined : found?.logFile;
  } catch {
    // Without a record nobody watches.
    return undefined;
  }
}
