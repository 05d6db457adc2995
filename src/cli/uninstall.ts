import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../core/clock';
import { errorText } from '../core/errors';
import { defaultDataDirectory, defaultStateDirectory, type PathContext } from '../core/paths';
import { version } from '../core/version';
import {
  commandList,
  installedCommands,
  rememberCommands,
  removeCommand,
} from '../daemon/commandFiles';
import { leaveMachine } from '../daemon/leave';
import { Service } from '../daemon/service/service';
import { serviceName } from '../daemon/service/serviceSpec';
import { serviceSystemFor } from '../daemon/service/serviceSystemFor';
import { machineFor } from '../host/thisMachine';
import { toolRunner } from '../host/tool';
import type { Endpoint } from '../ibkr/endpoint';
import type { Command } from './command';
import { parseFlags } from './flags';
import { bundleDirectory } from './options';
import { printable } from './style';

/** The editor ends what it runs after a removal after five seconds. */
const deadlineMs = 4_200;

/**
 * `robo uninstall`: ends the monitors of all endpoints in the usual folder, removes their services
 * and the installed command. Runners go on and are named; records stay. The editor runs it after
 * the extension was removed.
 */
export const uninstallCommand: Command = async (context) => {
  parseFlags(context, {});
  const around: PathContext = {
    platform: process.platform,
    environment: context.environment,
    homeDirectory: homedir(),
    userId: process.getuid?.(),
  };
  const say = (line: string): void => {
    context.stdout(`${printable(line)}\n`);
  };
  const dataDirectory = defaultDataDirectory(around);
  const servicesDirectory = join(dataDirectory, 'services');
  await removeCommands(dataDirectory, say);
  await leaveMachine(
    {
      clock: systemClock,
      stateDirectory: defaultStateDirectory(around),
      servicesDirectory,
      removeService: remover(around, servicesDirectory),
      say,
    },
    deadlineMs,
  );
  return 0;
};

async function removeCommands(dataDirectory: string, say: (line: string) => void): Promise<void> {
  const list = commandList(dataDirectory);
  try {
    for (const file of await installedCommands(list)) {
      if ((await removeCommand(file)) === 'removed') {
        say(`${file} is removed.`);
      }
    }
    await rememberCommands(list, []);
  } catch (error) {
    say(`The command robo could not be removed: ${errorText(error)}`);
  }
}

function remover(
  around: PathContext,
  servicesDirectory: string,
): (endpoint: Endpoint) => Promise<boolean> {
  const run = toolRunner(systemClock);
  return async (endpoint) => {
    const name = serviceName(endpoint);
    const system = serviceSystemFor(name, { ...around, userName: userInfo().username, run });
    return new Service(system, endpoint, {
      run,
      clock: systemClock,
      machine: machineFor(process.platform),
      distDirectory: bundleDirectory(),
      programDirectory: join(servicesDirectory, name),
      version,
    }).uninstall();
  };
}
