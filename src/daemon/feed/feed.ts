import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Timer } from '../../core/clock';
import { errorCode, errorText, HumanError } from '../../core/errors';
import type { FeedStatus } from '../../diagnostics/status';
import type { Machine } from '../../host/machine';
import { classifyProcess } from '../../host/processRoles';
import { describeProgram } from '../../host/program';
import { replaceFile } from '../../monitor/records';
import type { StoredFeed } from '../watchSettings';
import { FeedServer, type FeedServerDependencies } from './feedServer';
import { readPageAssets } from './pageAssets';

/** A port that could not be taken is tried again this often, in milliseconds. */
const retryMs = 30_000;

export interface FeedDependencies extends Omit<FeedServerDependencies, 'assets'> {
  /** Where the dashboard's page lies. */
  readonly pageDirectory: string;
  readonly machine: Machine;
  /** The endpoint's folder, which is closed to others. */
  readonly directory: string;
  readonly log: (level: 'INFO' | 'WARN', token: string, words: string) => void;
  /** `status` is another one. */
  readonly onChange: () => void;
}

/** How a dashboard is reached. */
export interface FeedAddress {
  readonly port: number;
  readonly token: string;
  /** Stands for the token once, for a minute. */
  readonly ticket: string;
}

/**
 * The feed of a daemon: off until the settings or a person want it, on until the daemon ends or the
 * settings do not want it any more. A port that is taken is said with its owner, and the watch goes
 * on without.
 */
export class Feed {
  private server: FeedServer | undefined;
  private settings: StoredFeed = { isEnabled: false, port: 0 };
  /** The port that a person has asked for in the life of this daemon. */
  private asked: number | undefined;
  private problem: string | null = null;
  private queue: Promise<void> = Promise.resolve();
  private retry: Timer | undefined;
  private isEnded = false;
  private readonly tokenFile: string;

  constructor(private readonly deps: FeedDependencies) {
    this.tokenFile = join(deps.directory, 'feed-token');
  }

  /** Null while it is off. */
  get status(): FeedStatus | null {
    return this.wantedPort === undefined
      ? null
      : { port: this.server?.port ?? null, problem: this.problem };
  }

  get clients(): number {
    return this.server?.clients ?? 0;
  }

  /** Follows the settings. */
  async configure(settings: StoredFeed): Promise<void> {
    this.settings = settings;
    await this.follow();
  }

  /**
   * Turns it on for as long as the daemon lives.
   * @param port 0, or left out, for one that is free; where it is on already, it stays at its own
   * @throws HumanError that says why it cannot be opened
   */
  async open(port?: number): Promise<FeedAddress> {
    if (this.wantedPort === undefined || (port !== undefined && port !== 0)) {
      this.asked = port ?? 0;
    }
    await this.follow();
    const { server, problem } = this;
    if (server === undefined) {
      this.asked = undefined;
      this.deps.onChange();
      throw new HumanError(problem ?? 'The monitor is ending; run the command again.');
    }
    return { port: server.port, token: server.token, ticket: server.ticket() };
  }

  async end(): Promise<void> {
    this.isEnded = true;
    await this.follow();
  }

  private get wantedPort(): number | undefined {
    const { isEnabled, port } = this.settings;
    if (this.isEnded) {
      return undefined;
    }
    return this.asked !== undefined && this.asked !== 0
      ? this.asked
      : isEnabled
        ? port
        : this.asked;
  }

  /** One after the other: two servers at once would fight for the port. */
  private async follow(): Promise<void> {
    this.queue = this.queue.then(() => this.followNow());
    await this.queue;
  }

  private async followNow(): Promise<void> {
    this.retry?.cancel();
    const before = JSON.stringify(this.status);
    const wanted = this.wantedPort;
    const isRight = wanted === 0 || wanted === this.server?.port;
    if (this.server !== undefined && !isRight) {
      await this.close(this.server);
    }
    if (wanted !== undefined && this.server === undefined) {
      await this.listen(wanted);
    }
    if (JSON.stringify(this.status) !== before && !this.isEnded) {
      this.deps.onChange();
    }
  }

  private async listen(port: number): Promise<void> {
    let server: FeedServer | undefined;
    try {
      const assets = readPageAssets(this.deps.pageDirectory);
      server = new FeedServer({ ...this.deps, assets });
      await server.listen(port);
      replaceFile(this.tokenFile, `${server.token}\n`);
      this.server = server;
      this.problem = null;
      this.deps.log('INFO', 'feed.opened', `at http://127.0.0.1:${server.port}`);
    } catch (error) {
      await server?.close();
      const problem = await this.explain(error, port);
      if (problem !== this.problem) {
        this.deps.log('WARN', 'feed.unavailable', problem);
      }
      this.problem = problem;
      this.retry = this.deps.clock.setTimer(retryMs, () => {
        void this.follow();
      });
    }
  }

  private async close(server: FeedServer): Promise<void> {
    this.server = undefined;
    this.removeToken(server.token);
    await server.close();
    this.deps.log('INFO', 'feed.closed', `at http://127.0.0.1:${server.port}`);
  }

  /** Only our own: the folder may be another daemon's by now. */
  private removeToken(token: string): void {
    try {
      if (readFileSync(this.tokenFile, 'utf8').trim() === token) {
        rmSync(this.tokenFile);
      }
    } catch {
      // Gone already, or unreadable: it opens nothing any more.
    }
  }

  private async explain(error: unknown, port: number): Promise<string> {
    if (error instanceof HumanError) {
      return error.message;
    }
    const code = errorCode(error);
    if (code === 'EADDRINUSE') {
      return `Port ${port} of the feed belongs to ${await this.ownerOf(port)}, which was left alone; choose another port, or 0 for a free one (robo.feed.port, --feed-port).`;
    }
    return `The feed cannot be opened at port ${port} (${code ?? errorText(error)}); choose another port, or 0 for a free one (robo.feed.port, --feed-port).`;
  }

  private async ownerOf(port: number): Promise<string> {
    const rows = await this.deps.machine.sockets([port]);
    const owner = rows.known
      ? rows.value.find(({ state, local }) => state === 'LISTEN' && local.port === port)?.ownerPid
      : undefined;
    if (owner === undefined) {
      return 'another program that cannot be seen from here';
    }
    const seen = await this.deps.machine.process(owner);
    const info = seen.known ? seen.value : undefined;
    const program = info === undefined ? undefined : classifyProcess(info).program;
    const name = program === undefined ? (info?.name ?? 'a program') : describeProgram(program);
    return `${name} (pid ${owner})`;
  }
}
