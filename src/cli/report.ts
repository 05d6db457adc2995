import { systemClock } from '../core/clock';
import { gatherReport } from '../daemon/diagnosticsReport';
import { daemonPaths } from '../daemon/launcher';
import type { Command } from './command';
import { parseEndpointCommand } from './options';

/** `robo report`: Markdown to paste into a bug report, without accounts, names, hosts and secrets. */
export const reportCommand: Command = async (context) => {
  const { configuration, stateDirectory } = parseEndpointCommand(context);
  const { endpoint } = configuration;
  const paths = daemonPaths({ stateDirectory, endpoint });
  context.stdout(
    await gatherReport(paths, configuration, {
      madeAtMs: systemClock.now(),
      editor: null,
      settings: [],
    }),
  );
  return 0;
};
