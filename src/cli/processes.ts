import { createInterface } from 'node:readline/promises';
import { systemClock } from '../core/clock';
import { HumanError } from '../core/errors';
import { daemonPaths } from '../daemon/launcher';
import { endListed, listProcesses } from '../daemon/processes';
import type { ListedProcess, ProcessListing } from '../daemon/protocol';
import { machineFor } from '../host/thisMachine';
import { type Command, type CommandContext, UsageError } from './command';
import { type EndpointCommand, parseEndpointCommand } from './options';
import { printable } from './style';

const exitCodes = { fine: 0, some: 1 } as const;
const listFlags = { json: { type: 'boolean' } } as const;

/** `robo ps`: runners, helpers and TWS processes, with why each counts as what it is. */
export const psCommand: Command = async (context) => {
  const command = parseEndpointCommand(context, listFlags);
  const listing = await list(command, context);
  if (command.flags['json'] === true) {
    context.stdout(`${JSON.stringify({ schema: 1, ...listing })}\n`);
  } else {
    context.stdout(listingText(listing.processes));
  }
  return listing.processes.some(({ role }) => role === 'duplicate')
    ? exitCodes.some
    : exitCodes.fine;
};

/** `robo kill-duplicates`: ends the duplicates, keeps the rightful one. */
export const killDuplicatesCommand: Command = async (context) => {
  const command = parseEndpointCommand(context, {
    ...listFlags,
    all: { type: 'boolean' },
    'dry-run': { type: 'boolean' },
    yes: { type: 'boolean' },
  });
  const isJson = command.flags['json'] === true;
  const listing = await list(command, context);
  const { processes } = listing;
  const targets = processes.filter(
    ({ role }) => role === 'duplicate' || (role === 'runner' && command.flags['all'] === true),
  );
  if (!isJson) {
    context.stdout(listingText(processes));
  }
  if (targets.length === 0 || command.flags['dry-run'] === true) {
    context.stdout(
      isJson
        ? `${JSON.stringify({ schema: 1, processes, targets: targets.map(({ pid }) => pid), outcomes: [] })}\n`
        : targets.length === 0
          ? 'No duplicates.\n'
          : `Would end: ${targets.map(({ pid }) => pid).join(', ')}\n`,
    );
    return targets.length === 0 ? exitCodes.fine : exitCodes.some;
  }
  const pids = targets.map(({ pid }) => pid).join(', ');
  if (command.flags['yes'] !== true && !(await isConfirmed(`End ${pids}? [y/N] `, context))) {
    context.stderr('Nothing was ended.\n');
    return exitCodes.some;
  }
  const machine = machineFor(process.platform);
  const outcomes = await endListed(targets, listing, { machine, clock: systemClock });
  if (isJson) {
    context.stdout(
      `${JSON.stringify({ schema: 1, processes, targets: targets.map(({ pid }) => pid), outcomes })}\n`,
    );
  } else {
    context.stdout(
      outcomes.map(({ pid, outcome, why }) => `${pid}: ${outcome} (${why})\n`).join(''),
    );
  }
  const isLeft = outcomes.some(({ outcome }) => outcome === 'still alive' || outcome === 'refused');
  return isLeft ? exitCodes.some : exitCodes.fine;
};

/**
 * Asks on a terminal.
 * @throws UsageError where nobody can answer.
 */
async function isConfirmed(question: string, context: CommandContext): Promise<boolean> {
  if (!context.isTerminal || !process.stdin.isTTY) {
    throw new UsageError('Add --yes to end the duplicates, or --dry-run to only look.');
  }
  const prompt = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^y(es)?$/i.test((await prompt.question(question, { signal: context.signal })).trim());
  } catch {
    // Ctrl-C at the question is a no.
    return false;
  } finally {
    prompt.close();
  }
}

async function list(command: EndpointCommand, context: CommandContext): Promise<ProcessListing> {
  const { endpoint } = command.configuration;
  const listing = await listProcesses(
    { workspace: context.workingDirectory },
    {
      machine: machineFor(process.platform),
      endpoint,
      runnersDirectory: daemonPaths({ stateDirectory: command.stateDirectory, endpoint }).runners,
    },
  );
  if (listing.unknownWhy !== null) {
    throw new HumanError(`The processes cannot be listed: ${listing.unknownWhy}`);
  }
  return listing;
}

function listingText(processes: readonly ListedProcess[]): string {
  if (processes.length === 0) {
    return 'No runner, helper or TWS process found.\n';
  }
  return processes
    .map(({ pid, role, isRightful, startedAt, argv, why }) => {
      const mark = isRightful ? 'keep' : '';
      return `${String(pid).padStart(8)}  ${role.padEnd(12)} ${mark.padEnd(4)}  ${startedAt}  ${printable(argv.join(' ')).slice(0, 120)}\n          ${printable(why)}\n`;
    })
    .join('');
}
