import { errorText, HumanError } from './core/errors';
import { type DaemonArguments, parseDaemonArguments } from './daemon/daemonArguments';
import { daemonExit } from './daemon/daemonExit';
import { serveEndpoint } from './daemon/serve';

const controller = new AbortController();
for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
  process.on(name, () => {
    controller.abort();
  });
}
// The starter reads stderr only until the daemon answers, then closes its end.
process.stderr.on('error', () => undefined);

async function main(): Promise<number> {
  let args: DaemonArguments;
  try {
    args = parseDaemonArguments(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${errorText(error)}\n`);
    return daemonExit.usage;
  }
  try {
    return await serveEndpoint(args, controller.signal);
  } catch (error) {
    process.stderr.write(
      `${error instanceof HumanError ? error.message : `The monitor failed: ${errorText(error)}`}\n`,
    );
    return daemonExit.failed;
  }
}

void main().then((code) => {
  process.exit(code);
});
