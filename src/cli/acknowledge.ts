import { HumanError } from '../core/errors';
import { describeEndpoint } from '../ibkr/endpoint';
import type { Command } from './command';
import { parseEndpointCommand, withRunningDaemon } from './options';
import { printable } from './style';

/** `robo acknowledge`: the open incidents are known; they raise nothing until they end or grow worse. */
export const acknowledgeCommand: Command = async (context) => {
  const command = parseEndpointCommand(context, { json: { type: 'boolean' } });
  return withRunningDaemon(command, async (client) => {
    if (client === undefined) {
      const endpoint = describeEndpoint(command.configuration.endpoint);
      throw new HumanError(
        `no monitor runs for ${endpoint}, so nothing is raised; "robo test" starts one.`,
      );
    }
    const acknowledged = await client.acknowledge();
    if (command.flags['json'] === true) {
      context.stdout(`${JSON.stringify({ schema: 1, acknowledged })}\n`);
      return 0;
    }
    const lines = acknowledged.map(
      ({ message, since }) => `acknowledged: ${printable(message)} (since ${since})`,
    );
    const none = 'No incident is open that is not acknowledged already.';
    context.stdout(`${lines.length === 0 ? none : lines.join('\n')}\n`);
    return 0;
  });
};
