import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { type Clock, type Timer, systemClock } from '../core/clock';
import { type Disposable, toDisposable } from '../core/disposables';
import { HumanError, errorText } from '../core/errors';
import { formatEndpoint, isLoopback, parsePort } from '../ibkr/endpoint';
import { faultNamed, faults } from '../simulator/faults';
import { servedVersions } from '../simulator/messages';
import { Simulator } from '../simulator/simulator';
import { type Command, type CommandContext, UsageError } from './command';

interface SimulateDeps {
  /** Control lines come from here: stdin, or a test's own stream. */
  readonly input: NodeJS.ReadableStream;
  readonly clock: Clock;
}

interface SimulateOptions {
  readonly host: string;
  readonly port: number;
  readonly fault: string;
  readonly serverVersion: number;
  readonly list: boolean;
}

const controls = 'fault NAME, status, list';

/**
 * `robo simulate`: a TWS that fails on purpose, until it is interrupted. Prints its address on
 * one line and takes control lines from the input; the end of the input does not end it.
 */
export function createSimulateCommand(deps: SimulateDeps): Command {
  return async (context) => {
    const options = readOptions(context.args);
    if (options.list) {
      context.stdout(listFaults());
      return 0;
    }
    const simulator = new Simulator({ ...options, clock: deps.clock });
    const address = await started(simulator, context);
    if (address === undefined) {
      return 1;
    }
    if (!isLoopback(address.host)) {
      context.stderr(`Other machines can reach the simulator at ${address.host}.\n`);
    }
    context.stdout(
      `Simulated TWS at ${formatEndpoint(address)}, fault ${simulator.faultName}. ` +
        `Type a line to control it: ${controls}. Ctrl-C ends it.\n`,
    );
    const awake = keptAwake(deps.clock);
    await controlled(simulator, context, deps.input);
    awake.dispose();
    await simulator.stop();
    return 0;
  };
}

/** `robo simulate`, controlled from stdin. */
export const simulateCommand: Command = (context) =>
  createSimulateCommand({ input: process.stdin, clock: systemClock })(context);

function readOptions(args: readonly string[]): SimulateOptions {
  const values = parsed(args);
  const version = values['server-version'] ?? '178';
  const { min, max } = servedVersions;
  if (!/^\d{1,3}$/.test(version) || Number(version) < min || Number(version) > max) {
    throw new UsageError(
      `--server-version is "${version}"; the simulator speaks whole numbers from ${min} to ${max}.`,
    );
  }
  return {
    host: values.host ?? '127.0.0.1',
    port: usageOf(() => (isAnyPort(values.port) ? 0 : parsePort(values.port ?? '', '--port'))),
    fault: usageOf(() => faultNamed(values.fault ?? 'none').name),
    serverVersion: Number(version),
    list: values.list === true,
  };
}

function isAnyPort(text: string | undefined): boolean {
  return text === undefined || text === '0';
}

function parsed(args: readonly string[]) {
  return usageOf(
    () =>
      parseArgs({
        args: [...args],
        options: {
          fault: { type: 'string' },
          port: { type: 'string' },
          host: { type: 'string' },
          'server-version': { type: 'string' },
          list: { type: 'boolean' },
        },
      }).values,
  );
}

/** Turns a complaint about what was typed into wrong usage. */
function usageOf<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new UsageError(errorText(error), { cause: error });
  }
}

async function started(simulator: Simulator, context: CommandContext) {
  try {
    return await simulator.start();
  } catch (error) {
    if (!(error instanceof HumanError)) {
      throw error;
    }
    context.stderr(`${error.message}\n`);
    return undefined;
  }
}

/** With nothing listening (fault refused) and stdin at its end, Node would leave by itself. */
function keptAwake(clock: Clock): Disposable {
  const longestTimerMs = 2_147_483_647;
  let timer: Timer | undefined;
  const again = (): void => {
    timer = clock.setTimer(longestTimerMs, again);
  };
  again();
  return toDisposable(() => timer?.cancel());
}

async function controlled(
  simulator: Simulator,
  context: CommandContext,
  input: NodeJS.ReadableStream,
): Promise<void> {
  const lines = createInterface({ input, terminal: false });
  lines.on('line', (line) => {
    void control(simulator, line, context);
  });
  await aborted(context.signal);
  lines.close();
  // An open stdin would keep the process alive.
  input.pause();
}

/** Does what a control line asks and says what it did; a bad line is answered, and nothing ends. */
async function control(simulator: Simulator, line: string, context: CommandContext): Promise<void> {
  const [word = '', ...rest] = line.trim().split(/\s+/);
  const argument = rest.join(' ');
  switch (word) {
    case '':
      return;
    case 'list':
      context.stdout(listFaults());
      return;
    case 'status':
      context.stdout(statusText(simulator));
      return;
    case 'fault':
      try {
        await simulator.setFault(argument);
        const { description } = faultNamed(argument);
        context.stdout(`Fault ${simulator.faultName}: ${description}\n`);
      } catch (error) {
        context.stderr(`${errorText(error)}\n`);
      }
      return;
    default:
      context.stderr(`"${word}" is no control line; use one of: ${controls}.\n`);
  }
}

function statusText(simulator: Simulator): string {
  const { connectionsAccepted, connectionsOpen, readySessions, requestsById } =
    simulator.statistics;
  const requests = Object.entries(requestsById).map(([id, count]) => `${id}:${count}`);
  return (
    `Fault ${simulator.faultName}; connections ${connectionsAccepted} accepted, ` +
    `${connectionsOpen} open; sessions ready ${readySessions}; ` +
    `messages by id ${requests.length === 0 ? 'none' : requests.join(' ')}\n`
  );
}

function listFaults(): string {
  const width = Math.max(...faults.map((fault) => fault.name.length)) + 2;
  const indent = ' '.repeat(width);
  return faults
    .map(({ name, description, living, causes }) => {
      const looksLike = causes.length === 0 ? '' : `${indent}Looks like: ${causes.join(', ')}\n`;
      return `${name.padEnd(width)}${description} ${living}\n${looksLike}`;
    })
    .join('');
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) {
    return;
  }
  await new Promise<void>((resolve) => {
    signal.addEventListener(
      'abort',
      () => {
        resolve();
      },
      { once: true },
    );
  });
}
