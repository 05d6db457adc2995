import { homedir, userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { systemClock } from '../core/clock';
import { defaultDataDirectory } from '../core/paths';
import { version } from '../core/version';
import { findServiceNode } from '../daemon/service/serviceNode';
import { serviceName } from '../daemon/service/serviceSpec';
import {
  type InstallOutcome,
  Service,
  type ServicePlan,
  type ServiceRequest,
  type ServiceStatus,
} from '../daemon/service/service';
import type { ServiceSystem } from '../daemon/service/serviceSystem';
import { serviceSystemFor } from '../daemon/service/serviceSystemFor';
import { machineFor } from '../host/thisMachine';
import { toolRunner } from '../host/tool';
import { describeEndpoint } from '../ibkr/endpoint';
import { type Command, type CommandContext, UsageError } from './command';
import { bundleDirectory, type EndpointCommand, parseEndpointCommand } from './options';
import { recoveryFlags, recoveryOptions } from './recoveryFlags';
import { printable } from './style';
import { watchFlags, watchOptions } from './watchFlags';

const exitCodes = { running: 0, done: 0, notRunning: 1 } as const;

/** `robo service install|uninstall|status`: the monitor of one endpoint as a service of the system. */
export const serviceCommand: Command = async (context) => {
  const [verb, ...args] = context.args;
  const inner = { ...context, args };
  switch (verb) {
    case 'install':
      return install(inner);
    case 'uninstall':
      return uninstall(inner);
    case 'status':
      return status(inner);
    default:
      throw new UsageError(
        verb === undefined
          ? 'Say what to do: robo service install, uninstall or status.'
          : `There is no "robo service ${verb}"; use install, uninstall or status.`,
      );
  }
};

interface Tools {
  readonly system: ServiceSystem;
  readonly service: Service;
}

function toolsFor(context: CommandContext, command: EndpointCommand): Tools {
  const { endpoint } = command.configuration;
  const name = serviceName(endpoint);
  const run = toolRunner(systemClock);
  const around = {
    platform: process.platform,
    environment: context.environment,
    homeDirectory: homedir(),
    userId: process.getuid?.(),
  };
  const system = serviceSystemFor(name, { ...around, userName: userInfo().username, run });
  const service = new Service(system, endpoint, {
    run,
    clock: systemClock,
    machine: machineFor(process.platform),
    distDirectory: bundleDirectory(),
    programDirectory: join(defaultDataDirectory(around), 'services', name),
    version,
  });
  return { system, service };
}

async function install(context: CommandContext): Promise<number> {
  const command = parseEndpointCommand(context, {
    node: { type: 'string' },
    ...watchOptions,
    'dry-run': { type: 'boolean' },
    ...recoveryOptions,
  });
  const said = { ...watchFlags(command, context), ...recoveryFlags(command) };
  const { system, service } = toolsFor(context, command);
  const { endpoint, clientId } = command.configuration;
  const request: ServiceRequest = {
    endpoint,
    clientId,
    stateDirectory: command.stateDirectory,
    ...said,
    node: await nodeFor(context, command.flags['node']),
  };
  if (command.flags['dry-run'] === true) {
    context.stdout(planText(system, service.plan(request)));
    return exitCodes.done;
  }
  const installed = await service.install(request);
  context.stdout(installedText(installed, describeEndpoint(endpoint)));
  const advice = system.advice();
  if (advice !== undefined) {
    context.stdout(`${advice}\n`);
  }
  return installed.status.running === true ? exitCodes.running : exitCodes.notRunning;
}

async function nodeFor(
  context: CommandContext,
  flag: string | boolean | undefined,
): Promise<string> {
  return findServiceNode({
    asked: typeof flag === 'string' ? resolve(context.workingDirectory, flag) : undefined,
    running: process.execPath,
    path: context.environment['PATH'] ?? context.environment['Path'] ?? '',
    platform: process.platform,
  });
}

async function uninstall(context: CommandContext): Promise<number> {
  const command = parseEndpointCommand(context);
  const { system, service } = toolsFor(context, command);
  const endpoint = describeEndpoint(command.configuration.endpoint);
  context.stdout(
    (await service.uninstall())
      ? `The ${system.title} ${system.name} has ended and is removed; nobody watches ${endpoint} for it any more. Records and a runner stay.\n`
      : `There is no ${system.title} for ${endpoint}; nothing was removed.\n`,
  );
  return exitCodes.done;
}

async function status(context: CommandContext): Promise<number> {
  const command = parseEndpointCommand(context, { json: { type: 'boolean' } });
  const found = await toolsFor(context, command).service.status();
  context.stdout(command.flags['json'] === true ? `${JSON.stringify(found)}\n` : statusText(found));
  return found.installed && found.running === true ? exitCodes.running : exitCodes.notRunning;
}

function installedText({ outcome, status: found }: InstallOutcome, endpoint: string): string {
  const what = outcome === 'unchanged' ? 'was installed already' : `is ${outcome}`;
  const how = found.running === true ? `runs, pid ${found.pid ?? 'unknown'}` : 'does not run';
  return `The ${found.system} ${found.name} ${what} and ${how}; it watches ${endpoint}.\n${detailText(found)}`;
}

function statusText(found: ServiceStatus): string {
  if (!found.installed) {
    return `${found.name}: not installed (${found.system}).\n${problemText(found)}`;
  }
  const words = [
    'installed',
    found.enabled === null ? 'enabled: unknown' : found.enabled ? 'enabled' : 'not enabled',
    found.running === null ? 'running: unknown' : found.running ? 'running' : 'not running',
    ...(found.pid === null ? [] : [`pid ${found.pid}`]),
  ];
  return `${found.name}: ${words.join(', ')} (${found.system}).\n${detailText(found)}`;
}

function detailText(found: ServiceStatus): string {
  const details = [
    ['definition', found.file],
    ['records', found.stateDirectory],
    ['node', found.node],
    ['version', found.version],
    ['state', found.state],
  ].map(([name, value]) => (value === null ? '' : `  ${name ?? ''}: ${printable(value ?? '')}\n`));
  return `${details.join('')}${problemText(found)}`;
}

function problemText({ problem }: ServiceStatus): string {
  return problem === null ? '' : `${printable(problem)}\n`;
}

/** What an installation would write and call, for reading. */
function planText(system: ServiceSystem, plan: ServicePlan): string {
  const commands = plan.steps.map(({ call }) => `  ${[call.file, ...call.args].join(' ')}\n`);
  return `Would copy the monitor's program to:
  ${printable(plan.spec.daemonScript)}
Would write ${printable(system.file)}:

${plan.text.replace(/^(?=.)/gm, '  ')}
Would run:
${commands.join('')}`;
}
