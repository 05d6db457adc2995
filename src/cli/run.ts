import type { DaemonClient } from '../daemon/client';
import type { StartRunnerResult } from '../daemon/protocol';
import type { RunnerStatus } from '../diagnostics/status';
import { type Command, type CommandContext, UsageError } from './command';
import { type EndpointCommand, parseEndpointCommand, withDaemon } from './options';
import { findingText, layerLine, verdictText } from './reportText';
import { runnerLineWriter } from './runnerLine';
import { printable, styleFor } from './style';

/** What the built-in runner trades where neither flag nor workspace says. */
const defaultSymbols = ['AAPL'];
const exitCodes = { shut: 1, alreadyRunning: 75, lost: 1 } as const;

/** `robo run`: the gate, then the built-in runner or COMMAND, supervised, in the foreground. */
export const runCommand: Command = async (context) => {
  const split = context.args.indexOf('--');
  const own = split === -1 ? context.args : context.args.slice(0, split);
  const argv = split === -1 ? [] : context.args.slice(split + 1);
  if (split !== -1 && argv.length === 0) {
    throw new UsageError(
      'After -- comes the command to run, for example: robo run -- python3 runner.py',
    );
  }
  const command = parseEndpointCommand(
    { ...context, args: own },
    { symbols: { type: 'string' }, mode: { type: 'string' }, bypass: { type: 'string' } },
  );
  const bypass = command.flags['bypass'];
  if (typeof bypass === 'string' && bypass.trim().length < 10) {
    throw new UsageError('--bypass needs a written reason of at least ten characters.');
  }
  return withDaemon(command, async (client) => supervise(client, command, argv, context));
};

async function supervise(
  client: DaemonClient,
  command: EndpointCommand,
  argv: readonly string[],
  context: CommandContext,
): Promise<number> {
  const { symbols, mode } = command.configuration;
  const bypass = command.flags['bypass'];
  const style = styleFor(context);
  const workspace = context.workingDirectory;
  // A pipe gets the runner's lines as they are; a person gets its JSON events in words.
  const write = context.isTerminal ? runnerLineWriter(style) : (line: string) => line;
  client.onDidLog((lines) => {
    if (lines.workspace === workspace) {
      context.stdout(lines.lines.map((line) => `${write(line)}\n`).join(''));
    }
  });
  const result = await client.startRunner(
    {
      workspace,
      command: argv,
      workingDirectory: workspace,
      environment: definedOnly(context.environment),
      symbols: symbols.length > 0 || argv.length > 0 ? symbols : defaultSymbols,
      restart: false,
      ...(mode === undefined ? {} : { mode }),
      ...(typeof bypass === 'string' ? { bypassReason: bypass } : {}),
    },
    (finding) => {
      context.stderr(`Still waiting: ${printable(finding.message)}\n`);
    },
    context.signal,
    (layer) => {
      context.stderr(`${layerLine(layer, style)}\n`);
    },
  );
  if (result.outcome !== 'started') {
    return refuse(result, context);
  }
  context.stderr(`Runner started, pid ${result.pid}.\n`);
  return follow(client, workspace, context);
}

function refuse(
  result: Exclude<StartRunnerResult, { readonly outcome: 'started' }>,
  context: CommandContext,
): number {
  const style = styleFor(context);
  switch (result.outcome) {
    case 'refused':
      context.stderr(
        `The gate is shut; no runner was started.\n${verdictText(result.report, style)}\n`,
      );
      return exitCodes.shut;
    case 'already running':
      context.stderr(
        `This workspace's runner runs already, pid ${result.pid}; stop it first, or see "robo ps".\n`,
      );
      return exitCodes.alreadyRunning;
    case 'failed':
      context.stderr(`${findingText(result.finding, style)}\n`);
      return exitCodes.shut;
  }
}

/** Waits for the runner's end; a signal stops it first. */
async function follow(
  client: DaemonClient,
  workspace: string,
  context: CommandContext,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      client.stopRunner(workspace).then(({ outcome, pid }) => {
        if (outcome === 'still alive') {
          context.stderr(`The runner (pid ${pid ?? 'unknown'}) could not be ended and goes on.\n`);
          resolve(exitCodes.lost);
        }
      }, reject);
    };
    client.onDidChangeStatus((status) => {
      const runner = status.runner.find((entry) => entry.workspace === workspace);
      if (runner?.state === 'exited') {
        context.signal.removeEventListener('abort', stop);
        resolve(exitCode(runner, context));
      }
    });
    client.onDidClose((why) => {
      context.stderr(`${why} The runner goes on by itself; "robo ps" shows it.\n`);
      resolve(exitCodes.lost);
    });
    // The status of the moment, in case the runner ended before we listened.
    client.status().then((status) => {
      const runner = status.runner.find((entry) => entry.workspace === workspace);
      if (runner?.state === 'exited') {
        resolve(exitCode(runner, context));
      }
    }, reject);
    if (context.signal.aborted) {
      stop();
    } else {
      context.signal.addEventListener('abort', stop, { once: true });
    }
  });
}

/** The runner's own code; 128 + n for a signal would need its number, so 1 stands for any. */
function exitCode(runner: RunnerStatus, context: CommandContext): number {
  const { exit } = runner;
  if (exit?.how === 'asked') {
    context.stderr('Runner stopped.\n');
    return exit.code ?? 0;
  }
  const how = exit?.signal ?? `exit ${exit?.code ?? 'unknown'}`;
  context.stderr(`Runner ended by itself: ${how}.\n`);
  return exit?.code ?? 1;
}

function definedOnly(
  environment: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(environment).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value]],
    ),
  );
}
