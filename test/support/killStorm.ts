import { type ChildProcess, fork } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { build } from 'esbuild';
import type { EndpointPaths } from '../../src/core/paths';
import type { StartRequest } from '../../src/daemon/client';
import { type DaemonOptions, daemonPaths } from '../../src/daemon/launcher';
import { isThere } from './eventually';
import { describeSockets, kernelSockets, unfinishedSockets } from './kernelSockets';
import { seededRandom } from './situationModel';
import { type Sight, StormObserver } from './stormObserver';
import { TwsProcess } from './twsProcess';
import type { WindowWord } from './windowHost';

export type Victim = 'daemon' | 'runner' | 'window' | 'simulator';

/** One round: who was killed, and how long it took until everything was right again. */
export interface Round {
  readonly victims: readonly Victim[];
  /**
   * From the moment that everything that was started again was there (a process, a listener)
   * until status file, sessions, windows, lease and sockets were right, in milliseconds.
   */
  readonly rightAfterMs: number;
}

const lookEveryMs = 10;
/** Longer than anything that is right may take, on a machine that does much else. */
const rightDeadlineMs = 20_000;
/** The last rows of a daemon that lives may still be on their way. */
const writtenMs = 1000;
/** What the daemon keeps back for company (`history.ts`) and the time that one look takes. */
const writeBehindMs = 400;

/** Prints its pid and a number every 5 ms; ends when the storm is gone. */
const runnerCode = `
let count = 0;
const { writeSync } = require('node:fs');
setInterval(() => { count += 1; writeSync(1, 'tick ' + process.pid + ' ' + count + '\\n'); }, 5);
setInterval(() => { try { process.kill(Number(process.argv[2]), 0); } catch { process.exit(0); } }, 500);
`;

interface Window {
  readonly child: ChildProcess;
  daemon: number | null;
}

/**
 * Kills the daemon, the runner, windows and TWS at random moments, over and over, and starts
 * again what a trader or a system would: windows and TWS. The daemon is started by the windows,
 * the runner is asked for by both at the same instant.
 */
export class KillStorm {
  readonly observer: StormObserver;
  readonly kills = { daemon: 0, runner: 0, window: 0, simulator: 0 };
  readonly rounds: Round[] = [];
  private readonly paths: EndpointPaths;
  private readonly random: () => number;
  private readonly windows: Window[] = [];
  private readonly request: StartRequest;
  private tws: TwsProcess | undefined;
  private windowScript = '';
  private isOver = false;
  private watching: Promise<void> = Promise.resolve();
  /** Since when all daemons that were started are there; the clock of `rightAfterMs`. */
  private restartedAtMs = 0;

  private constructor(
    private readonly root: string,
    private readonly options: DaemonOptions,
    seed: number,
    private readonly dist: string,
  ) {
    this.random = seededRandom(seed);
    this.paths = daemonPaths(options);
    const runnerScript = join(root, 'runner.js');
    writeFileSync(runnerScript, runnerCode);
    this.observer = new StormObserver(this.paths, {
      stateDirectory: options.stateDirectory,
      runnerScript,
      port: options.endpoint.port,
    });
    this.request = {
      workspace: join(root, 'workspace'),
      command: [process.execPath, runnerScript, String(process.pid)],
      workingDirectory: root,
      environment: { PATH: process.env['PATH'] ?? '' },
      symbols: ['AAPL'],
      restart: false,
      restartsByItself: false,
      refuseAfterMs: 5000,
    };
    mkdirSync(this.request.workspace);
  }

  /** @param dist folder with the built bundles */
  static async start(seed: number, dist: string): Promise<KillStorm> {
    const root = realpathSync(mkdtempSync(join(tmpdir(), 'robo-storm-')));
    const tws = await TwsProcess.start({ dist });
    const options: DaemonOptions = {
      stateDirectory: join(root, 'state'),
      endpoint: { host: '127.0.0.1', port: tws.port },
      clientId: 9000,
      kind: 'window',
      runtime: {
        execPath: process.execPath,
        environment: { ROBO_RESET_WINDOWS: 'off', DBUS_SESSION_BUS_ADDRESS: '', DISPLAY: '' },
      },
      daemonScript: join(dist, 'daemon.cjs'),
      runnerScript: join(dist, 'runner.cjs'),
    };
    const storm = new KillStorm(root, options, seed, dist);
    storm.tws = tws;
    try {
      storm.windowScript = await bundleWindow(root);
      storm.openWindows();
      storm.watching = storm.watch();
      await storm.becomesRight();
    } catch (error) {
      await storm.end();
      throw error;
    }
    return storm;
  }

  get killCount(): number {
    return Object.values(this.kills).reduce((sum, count) => sum + count, 0);
  }

  /** Kills one to three, starts again what is not started by itself, waits until all is right. */
  async round(): Promise<Round> {
    if (this.observer.last.runners.length === 0) {
      // Both at once, and the kill may come while the runner is being started.
      this.windows.forEach(({ child }) => child.send('start'));
    }
    const victims: Victim[] = [];
    const before = new Set(this.observer.last.daemons);
    const dice = this.random();
    const count = dice < 0.6 ? 1 : dice < 0.9 ? 2 : 3;
    for (let index = 0; index < count; index += 1) {
      await delay(this.pauseMs(index));
      const victim = this.kill();
      victims.push(...(victim === undefined ? [] : [victim]));
    }
    await this.startAgain();
    if (victims.includes('daemon')) {
      await this.sees(({ daemons }) => daemons.some((pid) => !before.has(pid)), 'a new daemon');
    }
    this.restartedAtMs = performance.now();
    const round = { victims, rightAfterMs: await this.becomesRight() };
    this.rounds.push(round);
    return round;
  }

  /** What must be true of the records when the storm is over. */
  async judgeRecords(): Promise<void> {
    await delay(writtenMs);
    this.checkDatabase();
    const database = new DatabaseSync(this.paths.database, { readOnly: true });
    const column = (sql: string): ReadonlySet<unknown> =>
      new Set(
        database
          .prepare(sql)
          .all()
          .map((row) => Object.values(row)[0]),
      );
    const incidents = column('SELECT incident_key FROM incidents');
    const runs = column('SELECT started_at FROM runs');
    database.close();
    this.missing('incident', this.observer.shownIncidents, incidents);
    this.missing('run', this.observer.shownRuns, runs);
    for (const file of this.strayFiles()) {
      this.observer.violate(`left behind: ${file}`);
    }
  }

  async end(): Promise<void> {
    this.isOver = true;
    await this.watching;
    this.windows.forEach(({ child }) => child.kill('SIGKILL'));
    await this.tws?.end();
    // A window that was killed while it started a daemon leaves it, and a daemon its runner.
    for (let quiet = 0; quiet < 20; quiet += 1) {
      const { daemons, runners } = this.observer.look();
      [...daemons, ...runners].filter(isThere).forEach((pid) => process.kill(pid, 'SIGKILL'));
      quiet = daemons.length + runners.length > 0 ? 0 : quiet;
      await delay(lookEveryMs);
    }
    rmSync(this.root, { recursive: true, force: true });
  }

  private async watch(): Promise<void> {
    while (!this.isOver) {
      this.observer.look();
      await delay(lookEveryMs);
    }
  }

  /** Half of the first kills fall into what has just been begun, the others anywhere. */
  private pauseMs(index: number): number {
    const mostMs = index > 0 ? 250 : this.random() < 0.5 ? 80 : 900;
    return this.random() * mostMs;
  }

  private kill(): Victim | undefined {
    const { daemons, runners } = this.observer.last;
    const all: readonly (readonly [Victim, number | undefined])[] = [
      ['daemon', this.pick(daemons)],
      ['runner', this.pick(runners)],
      ['window', this.pick(this.windows)?.child.pid],
      ['simulator', this.tws?.child.pid],
    ];
    const [victim, pid] = this.pick(all.filter(([, each]) => each !== undefined)) ?? [];
    if (victim === undefined || pid === undefined || !isThere(pid)) {
      return undefined;
    }
    process.kill(pid, 'SIGKILL');
    this.kills[victim] += 1;
    if (victim === 'simulator') {
      this.tws = undefined;
    } else if (victim === 'window') {
      this.windows.splice(
        0,
        this.windows.length,
        ...this.windows.filter((each) => each.child.pid !== pid),
      );
    }
    return victim;
  }

  private pick<T>(from: readonly T[]): T | undefined {
    return from[Math.floor(this.random() * from.length)];
  }

  private async startAgain(): Promise<void> {
    await delay(this.random() * 500);
    this.openWindows();
    if (this.tws === undefined) {
      const { port } = this.options.endpoint;
      this.tws = await TwsProcess.start({ dist: this.dist, port });
    }
  }

  private openWindows(): void {
    while (this.windows.length < 2 && !this.isOver) {
      const args = [JSON.stringify([this.options, this.request])];
      const child = fork(this.windowScript, args, {
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      });
      const window: Window = { child, daemon: null };
      child.on('message', (word: WindowWord) => {
        if (word.kind === 'daemon') {
          window.daemon = word.pid;
        }
      });
      // One that is killed just now does not take the word.
      child.on('error', () => undefined);
      this.windows.push(window);
    }
  }

  private async becomesRight(): Promise<number> {
    await this.sees((sight) => this.wrong(sight) === undefined, 'the right state');
    this.checkDatabase();
    return performance.now() - this.restartedAtMs;
  }

  private async sees(holds: (sight: Sight) => boolean, what: string): Promise<void> {
    const deadline = performance.now() + rightDeadlineMs;
    // The last look may be from before the kill.
    const { looks } = this.observer;
    while (this.observer.looks < looks + 2 || !holds(this.observer.last)) {
      if (performance.now() > deadline) {
        const why = this.wrong(this.observer.last) ?? 'it is right, but late';
        this.observer.violate(`${what} did not come: ${why}`);
        this.clearOrphans();
        return;
      }
      await delay(lookEveryMs);
    }
  }

  /** What is not right yet; undefined when all is. */
  private wrong({
    daemons,
    holders,
    runners,
    status,
    hasAlert,
    leases,
  }: Sight): string | undefined {
    const [daemon] = holders;
    const runner = status?.runner[0];
    const session = status?.session;
    if (daemon === undefined || daemons.length !== 1 || status?.monitor.pid !== daemon) {
      return `daemons ${daemons.join(' ')}, status of ${status?.monitor.pid ?? 0}`;
    }
    if (status.health !== 'healthy' || session?.state !== 'ready' || hasAlert) {
      return `health ${status.health} (${status.message}), alert ${String(hasAlert)}`;
    }
    const strange = this.windows.find((window) => window.daemon !== daemon);
    if (strange !== undefined) {
      return `a window is with ${strange.daemon ?? 'nobody'}`;
    }
    if (runners.length > 0 && (runner?.pid !== runners[0] || leases[0] !== runners[0])) {
      return `runner ${runners.join(' ')}, status ${runner?.pid ?? 'none'}, lease ${leases.join(' ')}`;
    }
    if (runners.length === 0 && (leases.length > 0 || (runner?.pid ?? null) !== null)) {
      return `no runner, status ${runner?.state ?? 'none'} ${runner?.pid ?? ''}, lease ${leases.join(' ')}`;
    }
    if (runners.length === 0 && runner?.exit?.code === 0) {
      return 'a killed runner is called clean';
    }
    const left = unfinishedSockets(kernelSockets(new Set([this.options.endpoint.port])));
    return left.length === 0 ? undefined : `half closed: ${describeSockets(left)}`;
  }

  /** A runner that nobody knows would spoil every round to come. */
  private clearOrphans(): void {
    const known = this.observer.last.status?.runner[0]?.pid;
    this.observer.last.runners
      .filter((pid) => pid !== known && isThere(pid))
      .forEach((pid) => process.kill(pid, 'SIGKILL'));
  }

  private checkDatabase(): void {
    try {
      const database = new DatabaseSync(this.paths.database, { readOnly: true });
      try {
        database.exec('PRAGMA busy_timeout = 1000');
        const [row] = database.prepare('PRAGMA integrity_check').all();
        if (row?.['integrity_check'] !== 'ok') {
          this.observer.violate(`robo.db is damaged: ${JSON.stringify(row)}`);
        }
      } finally {
        database.close();
      }
    } catch (error) {
      this.observer.violate(`robo.db cannot be read: ${String(error)}`);
    }
  }

  private missing(
    what: string,
    shown: StormObserver['shownIncidents'],
    written: ReadonlySet<unknown>,
  ): void {
    for (const [key, { firstShownAtMs, lastShownAtMs }] of shown) {
      if (!written.has(key) && lastShownAtMs - firstShownAtMs > writeBehindMs) {
        this.observer.violate(`${what} ${key} was shown and is not in robo.db`);
      }
    }
  }

  /** What a killed writer has left beside the records and nobody has taken away. */
  private strayFiles(): readonly string[] {
    return readdirSync(this.paths.directory, { recursive: true, encoding: 'utf8' }).filter((name) =>
      /\.new$|\.lease\.json\.|\.damaged-/.test(name),
    );
  }
}

async function bundleWindow(folder: string): Promise<string> {
  const outfile = join(folder, 'window.cjs');
  await build({
    entryPoints: [join(__dirname, 'windowHost.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    mainFields: ['module', 'main'],
    logLevel: 'error',
  });
  return outfile;
}
