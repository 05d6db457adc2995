import { existsSync, readFileSync } from 'node:fs';
import { homedir, hostname, release, userInfo } from 'node:os';
import { redact } from '../core/redaction';
import { version } from '../core/version';
import { daemonPaths } from '../daemon/launcher';
import { describeEndpoint } from '../ibkr/endpoint';
import type { Command } from './command';
import { parseEndpointCommand } from './options';

/** Lines of the monitor log that a report takes along. */
const logLines = 60;

/** `robo report`: Markdown to paste into a bug report, without accounts, names, hosts and secrets. */
export const reportCommand: Command = (context) => {
  const command = parseEndpointCommand(context);
  const { endpoint } = command.configuration;
  const paths = daemonPaths({ stateDirectory: command.stateDirectory, endpoint });
  const text = [
    '# Robo report',
    '',
    `- robo ${version}, Node.js ${process.versions.node}, ${process.platform} ${release()} ${process.arch}`,
    `- endpoint ${describeEndpoint(endpoint)}`,
    '',
    '## Status',
    '',
    fenced('json', existsSync(paths.status) ? readFileSync(paths.status, 'utf8') : 'none yet'),
    '',
    '## Monitor log',
    '',
    fenced(
      'text',
      existsSync(paths.monitorLog)
        ? readFileSync(paths.monitorLog, 'utf8').trimEnd().split('\n').slice(-logLines).join('\n')
        : 'none yet',
    ),
    '',
  ].join('\n');
  context.stdout(
    redact(text, {
      homeDirectory: homedir(),
      userName: userInfo().username,
      hostName: hostname(),
    }),
  );
  return Promise.resolve(0);
};

function fenced(language: string, text: string): string {
  // A fence longer than any in the text, so that nothing in it can end the block.
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}${language}\n${text.trimEnd()}\n${fence}`;
}
