import { spawn } from 'node:child_process';
import { formatDaemonArguments } from '../daemon/daemonArguments';
import { endDaemon } from '../daemon/launcher';
import type { Command } from './command';
import { daemonOptions, parseEndpointCommand, withRunningDaemon } from './options';
import { recoveryFlags, recoveryOptions } from './recoveryFlags';
import { watchFlags, watchOptions } from './watchFlags';

/** `robo monitor`: the daemon in the foreground, as a service runs it. */
export const monitorCommand: Command = async (context) => {
  const command = parseEndpointCommand(context, {
    ...watchOptions,
    ...recoveryOptions,
  });
  const options = daemonOptions(command);
  const args = formatDaemonArguments({
    ...options,
    isService: true,
    ...watchFlags(command, context),
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
