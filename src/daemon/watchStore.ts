import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { isoTime } from '../core/clock';
import { errorCode, errorText, HumanError } from '../core/errors';
import type { EndpointPaths } from '../core/paths';
import type { Endpoint } from '../ibkr/endpoint';
import { ensurePrivateDirectory, replaceFile } from '../monitor/records';
import type { SeenRestart } from '../monitor/restartTimes';
import { parseWatchSettings, type WatchSettingsBySource } from './watchSettings';

/** What of a watch outlives a daemon, beside the records. */
export interface StoredWatch {
  readonly settings: WatchSettingsBySource;
  /** The restarts of TWS that were seen and still teach something. */
  readonly restarts: readonly SeenRestart[];
}

const noFollow = (constants as Partial<typeof constants>).O_NOFOLLOW ?? 0;

const time = v.pipe(v.string(), v.isoTimestamp());
const shape = v.object({
  schema: v.literal(1),
  settings: v.object({ cli: v.unknown(), window: v.unknown() }),
  restarts: v.pipe(v.array(v.object({ endedAt: time, backAt: time })), v.maxLength(10_000)),
});

/** `watch.json` beside the records: what was set, and when TWS was seen to restart. */
export class WatchStore {
  readonly file: string;
  private written = '';

  constructor(
    private readonly paths: EndpointPaths,
    private readonly endpoint: Endpoint,
  ) {
    this.file = join(paths.directory, 'watch.json');
  }

  /**
   * What an earlier daemon has left; undefined where there is nothing.
   * @throws HumanError when the file cannot be read or is none of ours.
   */
  read(): StoredWatch | undefined {
    try {
      const descriptor = openSync(this.file, constants.O_RDONLY | noFollow);
      try {
        return this.parse(JSON.parse(readFileSync(descriptor, 'utf8')));
      } finally {
        closeSync(descriptor);
      }
    } catch (error) {
      if (errorCode(error) === 'ENOENT') {
        return undefined;
      }
      throw new HumanError(
        `${this.file} cannot be read (${errorCode(error) ?? errorText(error)}); the windows say their settings again, flags must be given again, and the restart time of TWS is learned anew.`,
      );
    }
  }

  /**
   * Replaces the file where something has changed.
   * @throws HumanError that says why it could not be written.
   */
  write({ settings, restarts }: StoredWatch): void {
    const kept = {
      schema: 1,
      settings,
      restarts: restarts.map(({ endedAtMs, backAtMs }) => ({
        endedAt: isoTime(endedAtMs),
        backAt: isoTime(backAtMs),
      })),
    };
    const text = `${JSON.stringify(kept, undefined, 2)}\n`;
    if (text === this.written) {
      return;
    }
    try {
      ensurePrivateDirectory(this.paths.directory);
      replaceFile(this.file, text);
      this.written = text;
    } catch (error) {
      throw error instanceof HumanError
        ? error
        : new HumanError(
            `${this.file} cannot be written (${errorCode(error) ?? errorText(error)}); a new monitor would not know the settings, nor when TWS restarts.`,
          );
    }
  }

  private parse(value: unknown): StoredWatch {
    const { settings, restarts } = v.parse(shape, value);
    return {
      settings: {
        cli: parseWatchSettings(settings.cli, this.endpoint),
        window: parseWatchSettings(settings.window, this.endpoint),
      },
      restarts: restarts.map(({ endedAt, backAt }) => ({
        endedAtMs: Date.parse(endedAt),
        backAtMs: Date.parse(backAt),
      })),
    };
  }
}
