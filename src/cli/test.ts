import { type PreflightReport, testTimeoutMs } from '../preflight/report';
import { type Command, UsageError } from './command';
import { parseEndpointCommand, withDaemon } from './options';
import { formatOf, problemLines } from './problemText';
import { layerLine, verdictText } from './reportText';
import { styleFor } from './style';

/** The symbol that is asked for where neither a flag nor the workspace names one. */
const defaultSymbol = 'AAPL';
const exitCodes = { passed: 0, notPassed: 1, unknown: 3 } as const;

/** `robo test`: the layered pre-flight through the daemon. */
export const testCommand: Command = async (context) => {
  const command = parseEndpointCommand(context, {
    symbol: { type: 'string' },
    mode: { type: 'string' },
    timeout: { type: 'string' },
    'no-data': { type: 'boolean' },
    json: { type: 'boolean' },
    format: { type: 'string' },
  });
  const { symbols, mode } = command.configuration;
  const format = formatOf(command.flags['json'] === true, command.flags['format']);
  const style = styleFor(context);
  // Problems alone are for the matcher; the rest is for whoever watches the terminal.
  const say = format === 'problem' ? context.stderr : context.stdout;
  const report = await withDaemon(command, async (client) =>
    client.test(
      {
        symbols: symbols.length > 0 ? symbols : [defaultSymbol],
        withData: command.flags['no-data'] !== true,
        timeoutMs: timeoutMs(command.flags['timeout']),
        ...(mode === undefined ? {} : { mode }),
      },
      (layer) => {
        if (format !== 'json') {
          say(`${layerLine(layer, style)}\n`);
        }
      },
      context.signal,
    ),
  );
  if (format === 'json') {
    context.stdout(`${JSON.stringify(report)}\n`);
  } else {
    say(`${verdictText(report, style)}\n`);
  }
  if (format === 'problem') {
    context.stdout(problemLines(report.findings, command, context));
  }
  return exitCode(report);
};

function timeoutMs(flag: string | boolean | undefined): number {
  const seconds = flag === undefined ? testTimeoutMs / 1000 : Number(flag);
  if (!(seconds > 0 && seconds <= 600)) {
    throw new UsageError(
      `--timeout is "${String(flag)}"; use seconds, more than 0 and at most 600.`,
    );
  }
  return seconds * 1000;
}

function exitCode(report: PreflightReport): number {
  if (report.ok) {
    return exitCodes.passed;
  }
  return report.failedLayer === undefined ? exitCodes.unknown : exitCodes.notPassed;
}
