import { type Command, type CommandContext, ConfigurationError, UsageError } from './cli/command';
import { acknowledgeCommand } from './cli/acknowledge';
import { alertsCommand } from './cli/alerts';
import { diagnoseCommand } from './cli/diagnose';
import { drillCommand } from './cli/drill';
import { guideCommand } from './cli/guide';
import { logCommand } from './cli/log';
import { monitorCommand, shutdownCommand } from './cli/monitor';
import { killDuplicatesCommand, psCommand } from './cli/processes';
import { quietCommand } from './cli/quiet';
import { reportCommand } from './cli/report';
import { runCommand } from './cli/run';
import { serviceCommand } from './cli/service';
import { simulateCommand } from './cli/simulate';
import { reconnectCommand, statusCommand } from './cli/status';
import { testCommand } from './cli/test';
import { usageText } from './cli/usage';
import { errorText } from './core/errors';
import { version } from './core/version';

const commands: Readonly<Record<string, Command>> = {
  test: testCommand,
  status: statusCommand,
  monitor: monitorCommand,
  run: runCommand,
  reconnect: reconnectCommand,
  acknowledge: acknowledgeCommand,
  quiet: quietCommand,
  alerts: alertsCommand,
  ps: psCommand,
  'kill-duplicates': killDuplicatesCommand,
  diagnose: diagnoseCommand,
  log: logCommand,
  guide: guideCommand,
  drill: drillCommand,
  simulate: simulateCommand,
  report: reportCommand,
  shutdown: shutdownCommand,
  service: serviceCommand,
};

const usageExit = 64;
/** 128 + SIGPIPE. */
const brokenPipeExit = 141;
/** Commands whose exit codes keep 1 for an answer of their own say 3 when they could not find out. */
const failureExit: Readonly<Record<string, number>> = { test: 3, status: 3, reconnect: 3 };

async function main(args: readonly string[]): Promise<number> {
  const [name = '', ...rest] = args;
  if (name === '--version') {
    process.stdout.write(`${version}\n`);
    return 0;
  }
  if (name === '' || name === '--help' || name === '-h' || name === 'help') {
    process.stdout.write(usageText());
    return name === '' ? usageExit : 0;
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  try {
    if (command === undefined) {
      throw new UsageError(`There is no command "${name}".`);
    }
    return await command(contextFor(rest));
  } catch (error) {
    const isUsage = error instanceof UsageError;
    process.stderr.write(`robo: ${errorText(error)}${hintFor(error)}\n`);
    return isUsage ? usageExit : (failureExit[name] ?? 1);
  }
}

function hintFor(error: unknown): string {
  if (error instanceof ConfigurationError) {
    return ' See "robo guide bad_configuration".';
  }
  return error instanceof UsageError ? ' See "robo --help".' : '';
}

function contextFor(args: readonly string[]): CommandContext {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      controller.abort();
    });
  }
  return {
    args,
    environment: process.env,
    workingDirectory: process.cwd(),
    stdout: (text) => process.stdout.write(text),
    stderr: (text) => process.stderr.write(text),
    isTerminal: process.stdout.isTTY,
    signal: controller.signal,
  };
}

// A reader that goes away (`robo log | head`) ends the command, quietly, as the system's own
// SIGPIPE would: 0 would say "passed" of a test that has not ended.
process.stdout.on('error', () => {
  process.exit(brokenPipeExit);
});

void main(process.argv.slice(2)).then((code) => {
  // Idle handles (a terminal, a closing socket) must not keep a finished command; the empty
  // write calls back when all text before it has left.
  process.stdout.write('', () => {
    process.exit(code);
  });
});
