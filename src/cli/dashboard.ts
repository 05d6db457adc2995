import { spawn } from 'node:child_process';
import { systemClock } from '../core/clock';
import { HumanError } from '../core/errors';
import type { OpenFeedResult } from '../daemon/protocol';
import { type Command, type CommandContext, UsageError } from './command';
import { parseEndpointCommand, withDaemon } from './options';

/** How long the program that opens a browser may take to fail, in milliseconds. */
const openMs = 3000;

/**
 * `robo dashboard`: turns the feed on for as long as the monitor lives, says the address of its
 * dashboard, and opens it in the browser where somebody sits at a terminal.
 */
export const dashboardCommand: Command = async (context) => {
  const command = parseEndpointCommand(context, {
    'no-open': { type: 'boolean' },
    'feed-port': { type: 'string' },
    json: { type: 'boolean' },
  });
  const wanted = portOf(command.flags['feed-port']);
  return withDaemon(command, async (client) => {
    const feed = await client.openFeed(wanted);
    const { port, token } = feed;
    if (command.flags['json'] === true) {
      context.stdout(
        `${JSON.stringify({ schema: 1, port, token, url: pageUrl(feed, 'token') })}\n`,
      );
      return 0;
    }
    context.stdout(
      `${pageUrl(feed, 'token')}\nThe dashboard is served on this computer only, until the monitor ends. Keep the address to yourself: whoever has it can read, and nobody can command.\n`,
    );
    if (context.isTerminal && command.flags['no-open'] !== true) {
      await openInBrowser(pageUrl(feed, 'ticket'), context);
    }
    return 0;
  });
};

/** The key stands behind the `#`, which no browser sends to any server. */
function pageUrl({ port, token, ticket }: OpenFeedResult, by: 'token' | 'ticket'): string {
  return `http://127.0.0.1:${port}/#${by}=${by === 'token' ? token : ticket}`;
}

function portOf(flag: string | boolean | undefined): number | undefined {
  if (typeof flag !== 'string') {
    return undefined;
  }
  const port = Number(flag);
  if (!/^\d{1,5}$/.test(flag) || port > 65_535) {
    throw new UsageError(`--feed-port takes a port from 0 to 65535, and "${flag}" is none.`);
  }
  return port;
}

/**
 * Everybody on this machine can read the arguments of a program, so that the browser is started
 * with an address that serves once.
 */
async function openInBrowser(url: string, context: CommandContext): Promise<void> {
  const [program, ...args] = openers[process.platform] ?? ['xdg-open'];
  try {
    await started(program, [...args, url]);
  } catch {
    context.stderr(`The browser could not be opened (${program}); open the address yourself.\n`);
  }
}

const openers: Partial<Record<NodeJS.Platform, readonly [string, ...string[]]>> = {
  darwin: ['open'],
  // Not `start`, which belongs to a shell.
  win32: ['rundll32.exe', 'url.dll,FileProtocolHandler'],
};

/** Resolves when the program has ended well or goes on, and rejects when it has failed. */
async function started(program: string, args: readonly string[]): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const child = spawn(program, [...args], { stdio: 'ignore', detached: true });
    const timer = systemClock.setTimer(openMs, resolve);
    child.once('error', reject);
    child.once('exit', (code) => {
      if (code === 0) {
        resolve();
      } else {
        reject(new HumanError(`it ended with ${code ?? 'a signal'}`));
      }
    });
    child.once('close', () => {
      timer.cancel();
    });
    child.unref();
  });
}
