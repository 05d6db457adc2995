import { createReadStream, existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { delay, systemClock } from '../core/clock';
import { HumanError } from '../core/errors';
import { workspaceFolderName } from '../core/paths';
import { daemonPaths } from '../daemon/launcher';
import type { Command } from './command';
import { parseEndpointCommand } from './options';

/** The end of the log that is shown at first, in bytes. */
const tailBytes = 64 * 1024;
const pollMs = 250;

/** `robo log`: the monitor's or the runner's log, with `-f` as it grows. */
export const logCommand: Command = async (context) => {
  const command = parseEndpointCommand(context, {
    follow: { type: 'boolean', short: 'f' },
    runner: { type: 'boolean' },
  });
  const paths = daemonPaths({
    stateDirectory: command.stateDirectory,
    endpoint: command.configuration.endpoint,
  });
  const isRunner = command.flags['runner'] === true;
  const file = isRunner
    ? join(paths.runners, workspaceFolderName(context.workingDirectory), 'runner.log')
    : paths.monitorLog;
  const isFollowing = command.flags['follow'] === true;
  if (!existsSync(file) && !isFollowing) {
    throw new HumanError(
      isRunner
        ? `There is no runner log yet (${file}); start a runner with "robo run".`
        : `There is no monitor log yet (${file}); run "robo test" first.`,
    );
  }
  let offset = existsSync(file) ? Math.max(0, statSync(file).size - tailBytes) : 0;
  let isFirst = offset > 0;
  for (;;) {
    const size = existsSync(file) ? statSync(file).size : 0;
    if (size < offset) {
      offset = 0;
    }
    if (size > offset) {
      const text = await readRange(file, offset, size);
      // The first look may begin in the middle of a line.
      context.stdout(isFirst ? text.slice(text.indexOf('\n') + 1) : text);
      isFirst = false;
      offset = size;
    }
    if (!isFollowing || context.signal.aborted) {
      return 0;
    }
    await delay(systemClock, pollMs, context.signal);
  }
};

async function readRange(file: string, start: number, end: number): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of createReadStream(file, { start, end: end - 1 })) {
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}
