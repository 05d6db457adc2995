import { createInterface } from 'node:readline/promises';
import { systemClock } from '../core/clock';
import { HumanError } from '../core/errors';
import { daemonPaths } from '../daemon/launcher';
import { endListed, listProcesses } from '../daemon/processes';
import type { KillOutcome, ListedProcess, ProcessListing } from '../daemon/protocol';
import { machineFor } from '../host/thisMachine';
import type { Mode } from '../ibkr/endpoint';
import { respawnSources } from '../runner/respawnSources';
import { type Command, type CommandContext, UsageError } from './command';
import { type EndpointCommand, parseEndpointCommand, withRunningDaemon } from './options';
import { readRecord } from './status';
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
    pid: { type: 'string' },
  });
  const isJson = command.flags['json'] === true;
  const named = namedPids(command);
  const listing = await list(command, context);
  const { processes } = listing;
  const found = processes.filter(
    ({ role, isHelper }) =>
      role === 'duplicate' || (role === 'runner' && !isHelper && command.flags['all'] === true),
  );
  if (!isJson) {
    context.stdout(listingText(processes));
  }
  if (found.length === 0 || command.flags['dry-run'] === true) {
    tellTargets(context, { isJson, processes, found });
    return found.length === 0 ? exitCodes.fine : exitCodes.some;
  }
  const targets = await confirmed(found, named, { command, context });
  if (targets.length === 0) {
    context.stderr('Nothing was ended.\n');
    return exitCodes.some;
  }
  const outcomes = await endTargets(targets, listing, { command, context });
  tellOutcomes(context, { isJson, processes, targets, outcomes });
  const isLeft = outcomes.some(({ outcome }) =>
    ['still alive', 'refused', 'came back'].includes(outcome),
  );
  return isLeft || targets.length < found.length ? exitCodes.some : exitCodes.fine;
};

/** Through the monitor where one runs: it knows its own runner, whose end is no crash then. */
async function endTargets(
  targets: readonly ListedProcess[],
  listing: ProcessListing,
  { command, context }: { readonly command: EndpointCommand; readonly context: CommandContext },
): Promise<readonly KillOutcome[]> {
  const workspace = context.workingDirectory;
  const identities = targets.map(({ pid, startToken, argv }) => ({ pid, startToken, argv }));
  return withRunningDaemon(command, async (client) =>
    client === undefined
      ? endListed(targets, listing, {
          machine: machineFor(process.platform),
          clock: systemClock,
          look: async () => look(command, context),
        })
      : client.killProcesses({ workspace, command: [], targets: identities }),
  );
}

function namedPids({ flags }: EndpointCommand): ReadonlySet<number> {
  const text = flags['pid'];
  const pids = typeof text === 'string' ? text.split(',').map((part) => part.trim()) : [];
  const wrong = pids.find((pid) => !/^[1-9]\d*$/.test(pid));
  if (wrong !== undefined) {
    throw new UsageError(`--pid takes process numbers, as in --pid 4711,4712; "${wrong}" is none.`);
  }
  return new Set(pids.map(Number));
}

/**
 * Those that the user confirms: all at once, and on a live account each by its pid, asked for one
 * by one or named with `--pid`. `--yes` alone confirms nothing there.
 */
async function confirmed(
  found: readonly ListedProcess[],
  named: ReadonlySet<number>,
  { command, context }: { readonly command: EndpointCommand; readonly context: CommandContext },
): Promise<readonly ListedProcess[]> {
  const isYes = command.flags['yes'] === true;
  const sure = found.filter(({ pid, isLive }) => named.has(pid) || (isYes && !isLive));
  const open = found.filter((one) => !sure.includes(one));
  if (isYes || named.size > 0) {
    const live = open.filter(({ isLive }) => isLive);
    if (live.length > 0) {
      const pids = live.map(({ pid }) => pid).join(',');
      context.stderr(
        `Left running: ${pids}, on a live account; confirm each one that shall end with --pid ${pids}.\n`,
      );
    }
    return sure;
  }
  const paper = open.filter(({ isLive }) => !isLive);
  const paperPids = paper.map(({ pid }) => pid).join(', ');
  const agreed =
    paper.length > 0 && (await isConfirmed(`End ${paperPids}? [y/N] `, context)) ? [...paper] : [];
  for (const one of open.filter(({ isLive }) => isLive)) {
    const question = `End ${one.pid}, which runs on a LIVE account? [y/N] `;
    if (await isConfirmed(question, context)) {
      agreed.push(one);
    }
  }
  return agreed;
}

/**
 * Asks on a terminal.
 * @throws UsageError where nobody can answer.
 */
async function isConfirmed(question: string, context: CommandContext): Promise<boolean> {
  if (!context.isTerminal || !process.stdin.isTTY) {
    throw new UsageError(
      'Add --yes to end the duplicates (--pid for those on a live account), or --dry-run to only look.',
    );
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

async function look(command: EndpointCommand, context: CommandContext): Promise<ProcessListing> {
  const { endpoint } = command.configuration;
  return listProcesses(
    { workspace: context.workingDirectory },
    {
      machine: machineFor(process.platform),
      endpoint,
      runnersDirectory: daemonPaths({ stateDirectory: command.stateDirectory, endpoint }).runners,
      mode: () => knownMode(command),
    },
  );
}

async function list(command: EndpointCommand, context: CommandContext): Promise<ProcessListing> {
  const listing = await look(command, context);
  if (listing.unknownWhy !== null) {
    throw new HumanError(`The processes cannot be listed: ${listing.unknownWhy}`);
  }
  return listing;
}

/** As the last session told it; records that cannot be read tell nothing. */
function knownMode(command: EndpointCommand): Mode | undefined {
  try {
    return readRecord(command)?.session.mode ?? command.configuration.mode;
  } catch {
    return command.configuration.mode;
  }
}

function tellTargets(
  context: CommandContext,
  told: {
    readonly isJson: boolean;
    readonly processes: readonly ListedProcess[];
    readonly found: readonly ListedProcess[];
  },
): void {
  const pids = told.found.map(({ pid }) => pid);
  if (told.isJson) {
    const { processes } = told;
    context.stdout(`${JSON.stringify({ schema: 1, processes, targets: pids, outcomes: [] })}\n`);
  } else {
    context.stdout(pids.length === 0 ? 'No duplicates.\n' : `Would end: ${pids.join(', ')}\n`);
  }
}

function tellOutcomes(
  context: CommandContext,
  told: {
    readonly isJson: boolean;
    readonly processes: readonly ListedProcess[];
    readonly targets: readonly ListedProcess[];
    readonly outcomes: readonly KillOutcome[];
  },
): void {
  const { processes, outcomes } = told;
  const targets = told.targets.map(({ pid }) => pid);
  context.stdout(
    told.isJson
      ? `${JSON.stringify({ schema: 1, processes, targets, outcomes })}\n`
      : outcomes
          .map(({ pid, outcome, why }) => `${pid}: ${outcome} (${printable(why)})\n`)
          .join(''),
  );
}

/** The processes, and before them what would start them again once they are ended. */
export function listingText(processes: readonly ListedProcess[]): string {
  if (processes.length === 0) {
    return 'No runner, helper or TWS process found.\n';
  }
  const first = respawnSources(processes).map(({ remedy }) => `${printable(remedy)}\n`);
  const lines = processes.map((one) => {
    const { pid, role, isRightful, startedAt, argv, why, isLive } = one;
    const mark = isRightful ? 'keep' : '';
    const words = printable(argv.join(' ')).slice(0, 120);
    return [
      `${String(pid).padStart(8)}  ${role.padEnd(12)} ${mark.padEnd(4)}  ${startedAt}  ${words}`,
      `          ${isLive ? 'LIVE: ' : ''}${printable(why)}`,
      `          ${printable(placeWords(one))}`,
      '',
    ].join('\n');
  });
  return [...first, ...lines].join('');
}

function placeWords({ parentPid, workingDirectory, sockets }: ListedProcess): string {
  const connections =
    sockets === null
      ? 'connections unknown'
      : sockets.length === 0
        ? 'not connected'
        : `connected from ${sockets.join(', ')}`;
  return `parent ${parentPid}, in ${workingDirectory ?? 'an unknown folder'}, ${connections}`;
}
