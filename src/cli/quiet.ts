import { isoTime, systemClock } from '../core/clock';
import { errorText, HumanError } from '../core/errors';
import { parseQuiet } from '../daemon/alertQuiet';
import type { StatusRecord } from '../diagnostics/status';
import { describeEndpoint } from '../ibkr/endpoint';
import { type Command, UsageError } from './command';
import { parseEndpointCommand, withRunningDaemon } from './options';

/** As many words as `until 17:00` has. */
const maxWords = 2;

/** `robo quiet 2h|until 17:00|off`: nobody is disturbed before; without a time, says how it is. */
export const quietCommand: Command = async (context) => {
  const command = parseEndpointCommand(context, { json: { type: 'boolean' } }, maxWords);
  const words = command.positionals.join(' ');
  const untilMs = words === '' ? undefined : readQuiet(words);
  return withRunningDaemon(command, async (client) => {
    if (client === undefined) {
      const endpoint = describeEndpoint(command.configuration.endpoint);
      throw new HumanError(
        `no monitor runs for ${endpoint}, so nobody is disturbed; "robo test" starts one.`,
      );
    }
    const record =
      untilMs === undefined
        ? await client.status()
        : await client.quiet(untilMs === null ? null : isoTime(untilMs));
    const quietUntil = quietUntilOf(record);
    context.stdout(
      command.flags['json'] === true
        ? `${JSON.stringify({ schema: 1, quietUntil })}\n`
        : quietUntil === null
          ? 'Alerts are raised as they come.\n'
          : `Nobody is disturbed until ${quietUntil}; what is still open then is told then.\n`,
    );
    return 0;
  });
};

function quietUntilOf(record: StatusRecord): string | null {
  return record.alerts?.quietUntil ?? null;
}

function readQuiet(words: string): number | null {
  try {
    return parseQuiet(words, systemClock.now());
  } catch (error) {
    throw new UsageError(errorText(error));
  }
}
