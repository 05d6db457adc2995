import { errorText } from '../core/errors';
import {
  type AlertSettings,
  effectiveSettings,
  parseAlertSettings,
  type SettingsBySource,
} from '../daemon/alertSettings';
import { type Command, type CommandContext, UsageError } from './command';
import { parseEndpointCommand, withDaemon } from './options';
import { printable } from './style';

/**
 * `robo alerts`: how alerts leave the monitor, and changes it. What is said here counts over the
 * settings of the editor, until `--default`.
 */
export const alertsCommand: Command = async (context) => {
  const separator = context.args.indexOf('--');
  const ours = separator === -1 ? context.args : context.args.slice(0, separator);
  const program = separator === -1 ? undefined : context.args.slice(separator + 1);
  const command = parseEndpointCommand(
    { ...context, args: ours },
    {
      json: { type: 'boolean' },
      desktop: { type: 'string' },
      heartbeat: { type: 'string' },
      'no-command': { type: 'boolean' },
      default: { type: 'boolean' },
    },
  );
  const changes = readChanges(command.flags, program);
  const isReset = command.flags['default'] === true;
  return withDaemon(command, async (client) => {
    const said = await client.configureAlerts('cli', null);
    const isChanged = isReset || Object.keys(changes).length > 0;
    const wanted = isReset ? changes : { ...said.cli, ...changes };
    show(
      context,
      isChanged ? await client.configureAlerts('cli', wanted) : said,
      command.flags['json'] === true,
    );
    return 0;
  });
};

function readChanges(
  flags: Readonly<Record<string, string | boolean | undefined>>,
  program: readonly string[] | undefined,
): AlertSettings {
  const { desktop, heartbeat } = flags;
  if (desktop !== undefined && desktop !== 'on' && desktop !== 'off') {
    throw new UsageError(`--desktop is "${String(desktop)}"; use on or off.`);
  }
  if (program?.length === 0) {
    throw new UsageError('After -- stands the program that gets the alerts, by its absolute path.');
  }
  const command = flags['no-command'] === true ? [] : program;
  try {
    return parseAlertSettings({
      ...(desktop === undefined ? {} : { desktop: desktop === 'on' }),
      ...(command === undefined ? {} : { command }),
      ...(heartbeat === undefined ? {} : { heartbeatUrl: heartbeat === 'off' ? '' : heartbeat }),
    });
  } catch (error) {
    throw new UsageError(errorText(error));
  }
}

function show(context: CommandContext, said: SettingsBySource, isJson: boolean): void {
  const { desktop, command, heartbeatUrl } = effectiveSettings(said);
  if (isJson) {
    context.stdout(`${JSON.stringify({ schema: 1, desktop, command, heartbeatUrl })}\n`);
    return;
  }
  const words = command.length === 0 ? 'none' : printable(JSON.stringify(command));
  context.stdout(
    [
      `desktop notifications while no window is connected: ${desktop ? 'on' : 'off'}`,
      `command that gets each incident and its end: ${words}`,
      `heartbeat, every minute: ${heartbeatUrl === '' ? 'none' : printable(heartbeatUrl)}`,
      '',
    ].join('\n'),
  );
}
