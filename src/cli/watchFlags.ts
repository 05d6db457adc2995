import { resolve } from 'node:path';
import { HumanError } from '../core/errors';
import type { DaemonArguments } from '../daemon/daemonArguments';
import { parseRestartTime, parseTwsZone } from '../daemon/plannedTimes';
import { type CommandContext, UsageError } from './command';
import type { EndpointCommand } from './options';

/** Flags of the commands that say how a monitor watches; they count over the editor's settings. */
export const watchOptions = {
  interval: { type: 'string' },
  'tws-zone': { type: 'string' },
  'tws-restart': { type: 'string' },
  'records-also-at': { type: 'string' },
} as const;

/**
 * What `--interval`, `--tws-zone`, `--tws-restart` and `--records-also-at` say; without the keys
 * of flags that were not given.
 * @throws UsageError
 */
export function watchFlags(
  { flags }: Pick<EndpointCommand, 'flags'>,
  context: Pick<CommandContext, 'workingDirectory'>,
): Pick<DaemonArguments, 'livenessIntervalMs' | 'twsZone' | 'twsRestart' | 'alsoAt'> {
  const text = (name: keyof typeof watchOptions): string | undefined => {
    const value = flags[name];
    return typeof value === 'string' ? value : undefined;
  };
  const zone = text('tws-zone');
  const restart = text('tws-restart');
  const alsoAt = text('records-also-at');
  if (zone !== undefined && zone !== '') {
    asUsage(() => parseTwsZone(zone, '--tws-zone'));
  }
  if (restart !== undefined && restart !== '') {
    asUsage(() => parseRestartTime(restart, '--tws-restart'));
  }
  return {
    ...intervalFlag(text('interval')),
    ...(zone === undefined ? {} : { twsZone: zone }),
    ...(restart === undefined ? {} : { twsRestart: restart }),
    // Absolute: the monitor works in another directory.
    ...(alsoAt === undefined
      ? {}
      : { alsoAt: alsoAt === '' ? '' : resolve(context.workingDirectory, alsoAt) }),
  };
}

/** Seconds between server-time questions, from 1 to 3600. */
function intervalFlag(flag: string | undefined): { readonly livenessIntervalMs?: number } {
  if (flag === undefined) {
    return {};
  }
  const seconds = flag.trim() === '' ? Number.NaN : Number(flag);
  if (!(seconds >= 1 && seconds <= 3600)) {
    throw new UsageError(`--interval is "${flag}"; use seconds, from 1 to 3600.`);
  }
  return { livenessIntervalMs: Math.round(seconds * 1000) };
}

function asUsage(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    throw error instanceof HumanError ? new UsageError(error.message) : error;
  }
}
