import { spawn } from 'node:child_process';
import { formatDaemonArguments } from '../daemon/daemonArguments';
import { endDaemon } from '../daemon/launcher';
import { defaultTimings } from '../monitor/timings';
import { type Command, UsageError } from './command';
import { daemonOptions, parseEndpointCommand, withRunningDaemon } from './options';
import { recoveryFlags, recoveryOptions } from './recoveryFlags';

/** `robo monitor`: the daemon in the foreground, as a service runs it. */
export const monitorCommand: Command = async (context) => {
  const command = parseEndpointCommand(context, {
    interval: { type: 'string' },
    ...recoveryOptions,
  });
  const options = daemonOptions(command);
  const args = formatDaemonArguments({
    ...options,
    livenessIntervalMs: intervalSec(command.flags['interval']) * 1000,
    isService: true,
    ...recoveryFlags(command),
  });
  const child = spawn(options.runtime.execPath, [options.daemonScript, ...args], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const end = (): void => {
    child.kill('SIGTERM');
  };
  context.signal.addEventListener('abort', end, { once: true });
  const code = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (status) => {
      resolve(status ?? 1);
    });
  });
  if (code === 75) {
    context.stderr('Another monitor holds this endpoint already; see "robo status".\n');
  }
  return code;
};

/**
 * Seconds between server-time questions, as `--interval` says.
 * @throws UsageError outside of 1 to 3600
 */
export function intervalSec(flag: string | boolean | undefined): number {
  const seconds = flag === undefined ? defaultTimings.livenessIntervalMs / 1000 : Number(flag);
  if (!(seconds >= 1 && seconds <= 3600)) {
    throw new UsageError(`--interval is "${String(flag)}"; use seconds, from 1 to 3600.`);
  }
  return seconds;
}

/** `robo shutdown`: ends the daemon of an endpoint; a runner goes on by itself. */
export const shutdownCommand: Command = async (context) => {
  const command = parseEndpointCommand(context);
  return withRunningDaemon(command, async (client) => {
    if (client === undefined) {
      context.stdout('No monitor runs for this endpoint.\n');
      return 0;
    }
    await endDaemon(client);
    context.stdout('The monitor has ended.\n');
    return 0;
  });
};
