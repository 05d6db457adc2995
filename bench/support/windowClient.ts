/**
 * A window without an editor: it joins the daemon as the extension does, takes in every status,
 * and measures how long its own event loop is held up, and how old the newest word of the runner
 * is when it hears of it. Started by `bench/liveLines.ts`, which talks to it over IPC.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { connectToDaemon, type DaemonOptions } from '../../src/daemon/launcher';
import { percentile } from './figures';

/** What the window tells when it is asked for its figures. */
export interface WindowFigures {
  readonly delayP50Ms: number;
  readonly delayP99Ms: number;
  readonly delayMaxMs: number;
  readonly statuses: number;
  /** Age of the runner's newest cycle when its status came in. */
  readonly lagP50Ms: number;
  readonly lagP99Ms: number;
}

async function open(options: DaemonOptions): Promise<void> {
  const client = await connectToDaemon(options);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const lags: number[] = [];
  let statuses = 0;
  let lastCycleAt = '';
  client.onDidChangeStatus(({ runner }) => {
    statuses += 1;
    const [first] = runner;
    const at = first?.lastCycleAt ?? '';
    if (at !== '' && at !== lastCycleAt) {
      lastCycleAt = at;
      lags.push(Date.now() - Date.parse(at));
    }
  });
  process.on('message', (word) => {
    if (word === 'begin') {
      delay.enable();
      delay.reset();
      lags.length = 0;
      statuses = 0;
    } else {
      const figures: WindowFigures = {
        // The timer that measures is itself a millisecond late at rest.
        delayP50Ms: delay.percentile(50) / 1e6,
        delayP99Ms: delay.percentile(99) / 1e6,
        delayMaxMs: delay.max / 1e6,
        statuses,
        lagP50Ms: percentile(lags, 0.5),
        lagP99Ms: percentile(lags, 0.99),
      };
      process.send?.(figures);
    }
  });
  process.send?.('ready');
}

void open(JSON.parse(process.argv[2] ?? '{}') as DaemonOptions);
