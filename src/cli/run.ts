import { resolve } from 'node:path';
import type { DaemonClient } from '../daemon/client';
import type { StartRunnerParams, StartRunnerResult } from '../daemon/protocol';
import type { Finding } from '../diagnostics/finding';
import type { Blocker } from '../runner/blockers';
import type { PresetContext } from '../runner/preset';
import { recognisePresets } from '../runner/presets';
import { type Command, type CommandContext, UsageError } from './command';
import { type EndpointCommand, parseEndpointCommand, withDaemon } from './options';
import { problemLines } from './problemText';
import { findingText, layerLine, verdictText } from './reportText';
import { followRunner, runExits } from './runFollow';
import { runnerLineWriter } from './runnerLine';
import {
  blockersOf,
  planRun,
  presetContext,
  presetsJson,
  presetsText,
  type RunPlan,
} from './runPlan';
import { printable, styleFor } from './style';

/** What the built-in runner trades where neither flag nor workspace says. */
const defaultSymbols = ['AAPL'];

/** `robo run`: the gate, then the built-in runner, a preset or COMMAND, supervised, in the foreground. */
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
    {
      symbols: { type: 'string' },
      mode: { type: 'string' },
      bypass: { type: 'string' },
      preset: { type: 'string' },
      presets: { type: 'boolean' },
      json: { type: 'boolean' },
      format: { type: 'string' },
      restart: { type: 'string' },
      'no-helpers': { type: 'boolean' },
      once: { type: 'boolean' },
      strategy: { type: 'string' },
    },
  );
  const wish = readWish(command, argv);
  const folder = await presetContext(context, symbolsFor(command, argv));
  if (wish.isList) {
    const presets = await recognisePresets(folder);
    context.stdout(
      command.flags['json'] === true
        ? `${presetsJson(presets, folder)}\n`
        : presetsText(presets, folder, styleFor(context)),
    );
    return 0;
  }
  const planned = await planRun({ argv, preset: wish.preset }, folder);
  const plan = withBuiltInFlags(planned, command, context.workingDirectory);
  const start = { plan: wish.withHelpers ? plan : { ...plan, helpers: [] }, folder, wish };
  return withDaemon(command, async (client) => supervise(client, command, start, context));
};

interface Wish {
  readonly isList: boolean;
  readonly preset: string | undefined;
  readonly bypass: string | undefined;
  /** Undefined: as the monitor decides, on for paper and off for live. */
  readonly restartsByItself: boolean | undefined;
  readonly withHelpers: boolean;
}

interface Start {
  readonly plan: RunPlan;
  readonly folder: PresetContext;
  readonly wish: Wish;
}

/** @throws UsageError where flags contradict each other or have impossible values. */
function readWish({ flags }: EndpointCommand, argv: readonly string[]): Wish {
  const { preset, bypass, restart = 'auto' } = flags;
  const isList = flags['presets'] === true;
  if (typeof bypass === 'string' && bypass.trim().length < 10) {
    throw new UsageError('--bypass needs a written reason of at least ten characters.');
  }
  if (preset !== undefined && argv.length > 0) {
    throw new UsageError('Either --preset or a command after -- says what to run, not both.');
  }
  if (flags['json'] === true && !isList) {
    throw new UsageError('--json belongs to --presets; a run prints what the runner prints.');
  }
  const { format = 'text' } = flags;
  if (format !== 'text' && format !== 'problem') {
    throw new UsageError(`--format is "${String(format)}"; use problem or text.`);
  }
  if (restart !== 'auto' && restart !== 'on' && restart !== 'off') {
    throw new UsageError(`--restart is "${String(restart)}". Use on, off or auto.`);
  }
  return {
    isList,
    preset: typeof preset === 'string' ? preset : undefined,
    bypass: typeof bypass === 'string' ? bypass : undefined,
    restartsByItself: restart === 'auto' ? undefined : restart === 'on',
    withHelpers: flags['no-helpers'] !== true,
  };
}

/**
 * What only the built-in runner knows. It reads it from its environment, as everything else that a
 * shell may set for it (docs/runner-events.md).
 * @throws UsageError where another program would be started
 */
function withBuiltInFlags(
  plan: RunPlan,
  { flags: { once, strategy } }: EndpointCommand,
  folder: string,
): RunPlan {
  const environment = {
    ...(once === true ? { ROBO_RUNNER_ONCE: '1' } : {}),
    ...(typeof strategy === 'string' ? { ROBO_STRATEGY: resolve(folder, strategy) } : {}),
  };
  if (Object.keys(environment).length > 0 && plan.command.length > 0) {
    throw new UsageError(
      '--once and --strategy are for the built-in runner; a program of yours gets its flags after --.',
    );
  }
  return { ...plan, environment: { ...plan.environment, ...environment } };
}

/** The built-in runner has a default; a program of the trader's own has its own. */
function symbolsFor(
  { configuration, flags }: EndpointCommand,
  argv: readonly string[],
): readonly string[] {
  const isBuiltIn = argv.length === 0 && flags['preset'] === undefined;
  return configuration.symbols.length === 0 && isBuiltIn ? defaultSymbols : configuration.symbols;
}

async function supervise(
  client: DaemonClient,
  command: EndpointCommand,
  start: Start,
  context: CommandContext,
): Promise<number> {
  const style = styleFor(context);
  const workspace = context.workingDirectory;
  for (const note of start.plan.notes) {
    context.stderr(`Note: ${printable(note)}\n`);
  }
  const blockers = await blockersOf(start.plan, start.folder);
  for (const { finding } of blockers) {
    context.stderr(`${findingText(finding, style)}\n`);
  }
  // A pipe gets the runner's lines as they are; a person gets its JSON events in words.
  const write = context.isTerminal ? runnerLineWriter(style) : (line: string) => line;
  client.onDidLog((lines) => {
    if (lines.workspace === workspace) {
      context.stdout(lines.lines.map((line) => `${write(line)}\n`).join(''));
    }
  });
  const result = await client.startRunner(
    startParams(command, start, context, blockers),
    (finding) => {
      context.stderr(`Still waiting: ${printable(finding.message)}\n`);
    },
    context.signal,
    (layer) => {
      context.stderr(`${layerLine(layer, style)}\n`);
    },
  );
  if (result.outcome !== 'started') {
    return refuse(result, command, context);
  }
  context.stderr(`Runner started, pid ${result.pid}.\n`);
  return followRunner(client, workspace, context);
}

function startParams(
  { configuration }: EndpointCommand,
  { plan, wish }: Start,
  context: CommandContext,
  blockers: readonly Blocker[],
): Omit<StartRunnerParams, 'token'> {
  const { symbols, mode } = configuration;
  // The kill switch is the trader's word: a person may start against it, a machine may not.
  const isStopped = blockers.some(({ kind }) => kind === 'kill switch');
  const restartsByItself = isStopped ? false : wish.restartsByItself;
  return {
    workspace: context.workingDirectory,
    command: plan.command,
    workingDirectory: context.workingDirectory,
    environment: { ...definedOnly(context.environment), ...plan.environment },
    symbols: symbols.length > 0 || plan.command.length > 0 ? symbols : defaultSymbols,
    restart: false,
    helpers: plan.helpers,
    ...(mode === undefined ? {} : { mode }),
    ...(wish.bypass === undefined ? {} : { bypassReason: wish.bypass }),
    ...(restartsByItself === undefined ? {} : { restartsByItself }),
  };
}

function refuse(
  result: Exclude<StartRunnerResult, { readonly outcome: 'started' }>,
  command: EndpointCommand,
  context: CommandContext,
): number {
  const style = styleFor(context);
  const tellMatcher = (findings: readonly Finding[]): void => {
    if (command.flags['format'] === 'problem') {
      context.stdout(problemLines(findings, command, context));
    }
  };
  switch (result.outcome) {
    case 'refused':
      context.stderr(
        `The gate is shut; no runner was started.\n${verdictText(result.report, style)}\n`,
      );
      tellMatcher(result.report.findings);
      return runExits.shut;
    case 'already running':
      context.stderr(
        `This workspace's runner runs already, pid ${result.pid}; stop it first ("robo stop", or where it was started), or see "robo ps".\n`,
      );
      return runExits.alreadyRunning;
    case 'failed':
      context.stderr(`${findingText(result.finding, style)}\n`);
      tellMatcher([result.finding]);
      return runExits.shut;
  }
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
