import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HumanError } from '../core/errors';
import { type Endpoint, formatEndpoint, isLoopback, usualPort } from '../ibkr/endpoint';

/** Between two cycles of the rehearsal's runner, in milliseconds. */
const cycleMs = 200;

/**
 * The runner of a rehearsal: prints cycles, says so if it is signalled, and ends by itself when
 * the drill has ended or has taken its folder away.
 */
function runnerSource(drillPid: number): string {
  return `const fs = require('node:fs');
let number = 0;
for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP']) {
  process.on(name, () => { console.log('signalled ' + name); process.exit(0); });
}
setInterval(() => {
  try { process.kill(${drillPid}, 0); } catch { process.exit(0); }
  if (!fs.existsSync(__filename)) { process.exit(0); }
  number += 1;
  console.log(JSON.stringify({ robo: 1, event: 'cycle', number, symbols: 2, failed: 0 }));
}, ${cycleMs});
`;
}

/**
 * The folder in which a drill happens: records, locks, sockets and runners of the daemons that
 * rehearse. It did not exist a moment ago, so that nobody's records can lie in it. Whatever of
 * them is still alive ends when it is taken away.
 */
export class Stage {
  readonly stateDirectory: string;
  readonly runnerScript: string;
  private readonly root: string;

  constructor(
    /** Where the trader's own TWS is. */
    private readonly trader: Endpoint,
  ) {
    this.root = realpathSync(mkdtempSync(join(tmpdir(), 'robo-drill-')));
    this.stateDirectory = join(this.root, 's');
    this.runnerScript = join(this.root, 'cycles.js');
    writeFileSync(this.runnerScript, runnerSource(process.pid), { mode: 0o600 });
  }

  /**
   * Says no to every address that could be a real TWS. The simulated one has a free port of the
   * system's choice, so that this never happens where the system is set up as usual.
   * @throws HumanError
   */
  admit(endpoint: Endpoint): void {
    const isTraders = endpoint.port === this.trader.port;
    if (!isLoopback(endpoint.host) || usualPort(endpoint.port) !== undefined || isTraders) {
      throw new HumanError(
        `The rehearsal was given ${formatEndpoint(endpoint)}, where a real TWS may be; nothing was started there.`,
      );
    }
  }

  /** A workspace for one runner. */
  workspace(name: string): string {
    const folder = join(this.root, name);
    mkdirSync(folder, { recursive: true });
    return folder;
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}
