import { type Clock, systemClock } from '../core/clock';
import { errorText } from '../core/errors';
import { daemonPaths, type DaemonOptions } from '../daemon/launcher';
import { describeEndpoint } from '../ibkr/endpoint';
import { type DrillReport, type FaultResult, writeLastDrill } from '../monitor/drillRecord';
import { ensureOwnDirectory } from '../monitor/records';
import { runDrill } from '../rehearsal/drill';
import { type Expectation, expectations } from '../rehearsal/expectations';
import { drillTimings } from '../rehearsal/rehearsal';
import { faultNamed, faults } from '../simulator/faults';
import { type Command, type CommandContext, UsageError } from './command';
import { daemonOptions, type EndpointCommand, parseEndpointCommand } from './options';
import { printable, type Style, styleFor } from './style';

const exitCodes = { held: 0, notHeld: 1 } as const;

interface DrillCommandDeps {
  readonly clock: Clock;
  /** What should happen; a test puts a wrong one here and sees the drill fail. */
  readonly expectations: Readonly<Record<string, Expectation>>;
  readonly launch: (command: EndpointCommand) => Pick<DaemonOptions, 'runtime' | 'daemonScript'>;
}

/**
 * `robo drill`: every fault of the simulator, or the named ones, against daemons and runners of
 * their own. Exit 0 when all held, 1 when one did not or the drill was called off.
 */
export function createDrillCommand(deps: DrillCommandDeps): Command {
  return async (context) => {
    const command = parseEndpointCommand(context, { json: { type: 'boolean' } }, faults.length);
    const names = faultsToRehearse(command.positionals);
    const { endpoint } = command.configuration;
    const isJson = command.flags['json'] === true;
    const style = styleFor(context);
    if (!isJson) {
      context.stdout(introduction(names.length, describeEndpoint(endpoint)));
    }
    const report = await runDrill(
      { faults: names, expectations: deps.expectations, trader: endpoint },
      {
        clock: deps.clock,
        signal: context.signal,
        launch: deps.launch(command),
        onResult: (result, done) => {
          if (isJson) {
            context.stderr(`${done} of ${names.length}: ${result.fault} ${heldWord(result)}\n`);
          } else {
            context.stdout(resultText(result, style));
          }
        },
      },
    );
    if (report === undefined) {
      context.stderr(
        'The rehearsal was called off; nothing of it is left, and it does not count.\n',
      );
      return exitCodes.notHeld;
    }
    remember(report, command, context);
    context.stdout(isJson ? `${JSON.stringify(report)}\n` : `${sumText(report, style)}\n`);
    return report.ok ? exitCodes.held : exitCodes.notHeld;
  };
}

/** `robo drill` with the bundles that lie beside this one. */
export const drillCommand: Command = (context) =>
  createDrillCommand({
    clock: systemClock,
    expectations,
    launch: (command) => {
      const { runtime, daemonScript } = daemonOptions(command);
      return { runtime, daemonScript };
    },
  })(context);

function faultsToRehearse(asked: readonly string[]): readonly string[] {
  if (asked.length === 0) {
    return faults.map(({ name }) => name);
  }
  try {
    return [...new Set(asked.map((name) => faultNamed(name).name))];
  } catch (error) {
    throw new UsageError(errorText(error), { cause: error });
  }
}

function introduction(count: number, traders: string): string {
  const { livenessIntervalMs, refuseAfterMs } = drillTimings;
  return (
    `Rehearsing ${count} fault(s). Each has a simulated TWS on a free port of this machine, a monitor and a runner of its own, ` +
    `in a temporary folder that is removed at the end. ${traders}, its records and your runner are not touched.\n` +
    `Shorter than usual: TWS is asked every ${livenessIntervalMs / 1000} s, the gate refuses after ${refuseAfterMs / 1000} s; every other deadline is the real one.\n`
  );
}

function heldWord({ held }: FaultResult): string {
  return held ? 'held' : 'NOT HELD';
}

function resultText(result: FaultResult, style: Style): string {
  const { fault, held, durationMs, checks, problem } = result;
  const word = heldWord(result).padEnd(8);
  const time = `${(durationMs / 1000).toFixed(1)} s`.padStart(7);
  const seen = (name: string): string => checks.find(({ check }) => check === name)?.seen ?? '';
  const line = `  ${(held ? style.good : style.bad)(word)}  ${fault.padEnd(22)}${time}`;
  if (held) {
    return `${line}  gate ${seen('gate')}; cause ${seen('cause')}; alert ${seen('alert')}; runner ${seen('runner')}\n`;
  }
  const missed = checks
    .filter((check) => !check.held)
    .map((check) => `${check.check}: expected ${check.expected}; seen ${check.seen}`);
  return [line, ...missed, ...(problem === undefined ? [] : [problem]), result.why]
    .filter((text) => text !== '')
    .map((text, index) => `${index === 0 ? text : `            ${printable(text)}`}\n`)
    .join('');
}

function sumText(report: DrillReport, style: Style): string {
  const paint = report.ok ? style.good : style.bad;
  return `${paint(`${report.held} of ${report.total} held`)} in ${Math.round(report.durationMs / 1000)} s.`;
}

/** Kept with the records of the trader's own endpoint, where the status reads it. */
function remember(report: DrillReport, command: EndpointCommand, context: CommandContext): void {
  const { endpoint } = command.configuration;
  const { stateDirectory } = command;
  try {
    ensureOwnDirectory(stateDirectory);
    writeLastDrill(daemonPaths({ stateDirectory, endpoint }), report);
  } catch (error) {
    context.stderr(`The rehearsal could not be recorded: ${errorText(error)}\n`);
  }
}
