/**
 * A window without an editor, in a process of its own: it keeps its link to the daemon exactly as
 * the extension does, and so starts a daemon that is gone. Told `start` over IPC, it asks for the
 * runner. It ends with the process that started it.
 */
import { systemClock } from '../../src/core/clock';
import { errorText } from '../../src/core/errors';
import type { DaemonClient, StartRequest } from '../../src/daemon/client';
import { connectToDaemon, type DaemonOptions } from '../../src/daemon/launcher';
import { MonitorLink } from '../../src/ui/monitorLink';

/** What a window tells. */
export type WindowWord =
  /** Null while it has no daemon. */
  | { readonly kind: 'daemon'; readonly pid: number | null }
  | { readonly kind: 'start'; readonly outcome: string; readonly pid: number | null };

function say(word: WindowWord): void {
  process.send?.(word);
}

async function startRunner(link: MonitorLink<DaemonClient>, request: StartRequest): Promise<void> {
  try {
    const client = await link.connection();
    const signal = new AbortController().signal;
    const result = await client.startRunner(request, () => undefined, signal);
    say({ kind: 'start', outcome: result.outcome, pid: 'pid' in result ? result.pid : null });
  } catch (error) {
    say({ kind: 'start', outcome: errorText(error), pid: null });
  }
}

const [options, request] = JSON.parse(process.argv[2] ?? '[]') as [DaemonOptions, StartRequest];
const link = new MonitorLink(async () => connectToDaemon(options), systemClock);
link.onDidChange((state) => {
  say({ kind: 'daemon', pid: state.kind === 'watching' ? state.status.monitor.pid : null });
});
process.on('message', (word) => {
  if (word === 'start') {
    void startRunner(link, request);
  } else {
    void link.connection().then(async (client) => client.reconnect());
  }
});
process.on('disconnect', () => {
  process.exit(0);
});
link.start();
