import { HumanError } from '../core/errors';
import { parseRecoverySettings, type RecoverySettings } from '../monitor/recoverySettings';
import { UsageError } from './command';
import type { EndpointCommand } from './options';

/** Flags of the commands that say what a monitor may do to heal a connection. */
export const recoveryOptions = {
  'ibc-command-port': { type: 'string' },
  'recovery-allow': { type: 'string' },
} as const;

/**
 * What recovery may do, as `--ibc-command-port` and `--recovery-allow` say; empty without them.
 * @throws UsageError
 */
export function recoveryFlags(command: EndpointCommand): { readonly recovery?: RecoverySettings } {
  const text = (name: keyof typeof recoveryOptions): string | undefined => {
    const value = command.flags[name];
    return typeof value === 'string' ? value : undefined;
  };
  const raw = { ibcCommandPort: text('ibc-command-port'), allow: text('recovery-allow') };
  const names = { port: '--ibc-command-port', allow: '--recovery-allow' };
  try {
    const recovery = parseRecoverySettings(raw, command.configuration.endpoint, names);
    return recovery.ibcCommandPort === undefined ? {} : { recovery };
  } catch (error) {
    throw error instanceof HumanError ? new UsageError(error.message) : error;
  }
}
