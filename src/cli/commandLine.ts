import { type Command, type CommandContext, ConfigurationError, UsageError } from './command';
import { type CommandName, isCommandName } from './commandNames';
import { printable } from './style';
import { asksForHelp, usageText } from './usage';
import { errorText, HumanError } from '../core/errors';
import { version } from '../core/version';

/** Only what is called is loaded: the rest would cost each command a tenth of a second. */
const commands: Readonly<Record<CommandName, () => Promise<Command>>> = {
  test: async () => (await import('./test')).testCommand,
  status: async () => (await import('./status')).statusCommand,
  monitor: async () => (await import('./monitor')).monitorCommand,
  run: async () => (await import('./run')).runCommand,
  stop: async () => (await import('./stop')).stopCommand,
  reconnect: async () => (await import('./status')).reconnectCommand,
  acknowledge: async () => (await import('./acknowledge')).acknowledgeCommand,
  quiet: async () => (await import('./quiet')).quietCommand,
  alerts: async () => (await import('./alerts')).alertsCommand,
  watch: async () => (await import('./watch')).watchCommand,
  unwatch: async () => (await import('./watch')).unwatchCommand,
  ps: async () => (await import('./processes')).psCommand,
  'kill-duplicates': async () => (await import('./processes')).killDuplicatesCommand,
  dashboard: async () => (await import('./dashboard')).dashboardCommand,
  diagnose: async () => (await import('./diagnose')).diagnoseCommand,
  log: async () => (await import('./log')).logCommand,
  guide: async () => (await import('./guide')).guideCommand,
  drill: async () => (await import('./drill')).drillCommand,
  simulate: async () => (await import('./simulate')).simulateCommand,
  report: async () => (await import('./report')).reportCommand,
  shutdown: async () => (await import('./monitor')).shutdownCommand,
  service: async () => (await import('./service')).serviceCommand,
  uninstall: async () => (await import('./uninstall')).uninstallCommand,
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
  try {
    if (!isCommandName(name)) {
      throw new UsageError(`There is no command "${name}".`);
    }
    if (asksForHelp(rest)) {
      process.stdout.write(usageText(name));
      return 0;
    }
    const command = await commands[name]();
    return await command(contextFor(rest));
  } catch (error) {
    const isUsage = error instanceof UsageError;
    process.stderr.write(`robo: ${printable(errorText(error))}${hintFor(error)}\n`);
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
    workingDirectory: workingDirectory(),
    stdout: (text) => process.stdout.write(text),
    stderr: (text) => process.stderr.write(text),
    isTerminal: process.stdout.isTTY,
    signal: controller.signal,
  };
}

function workingDirectory(): string {
  try {
    return process.cwd();
  } catch {
    throw new HumanError(
      'The folder in which robo was called is gone; change to one that exists and call it again.',
    );
  }
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
