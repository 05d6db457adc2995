import { HumanError } from '../core/errors';
import { type Endpoint, isLoopback, parsePort, usualPort } from '../ibkr/endpoint';
import { type IbcCommand, ibcCommands } from '../ibkr/ibcCommands';

/** What a trader can allow: IBC's commands, and RESTART on a live account by itself. */
export const recoveryPermissions = [...ibcCommands, 'RESTART_LIVE'] as const;

export type RecoveryPermission = IbcCommand | 'RESTART_LIVE';

/** What recovery may do beyond holding and dialling. */
export interface RecoverySettings {
  /** Where the IBC on this machine listens for commands; undefined where it is not to be used. */
  readonly ibcCommandPort: number | undefined;
  readonly allow: ReadonlySet<RecoveryPermission>;
}

/** Only holding and dialling. */
export const recoveryOff: RecoverySettings = { ibcCommandPort: undefined, allow: new Set() };

/** The settings as they are written: `7462`, and `RECONNECTDATA,RESTART`; undefined where unset. */
export interface RawRecoverySettings {
  readonly ibcCommandPort: string | undefined;
  readonly allow: string | undefined;
}

/**
 * Reads the settings of one endpoint.
 * @param names how the person has written them, for the sentence
 * @throws HumanError at a port that is none or that belongs to an API, an unknown step, steps
 *   without a port, or an endpoint on another machine, whose IBC cannot be reached over loopback.
 */
export function parseRecoverySettings(
  raw: RawRecoverySettings,
  endpoint: Endpoint,
  names: { readonly port: string; readonly allow: string },
): RecoverySettings {
  const allow = parseAllow(raw.allow ?? '', names.allow);
  const text = raw.ibcCommandPort?.trim() ?? '';
  const ibcCommandPort = text === '' || text === '0' ? undefined : parsePort(text, names.port);
  if (ibcCommandPort === undefined) {
    if (allow.size > 0) {
      throw new HumanError(
        `${names.allow} allows steps that need IBC's command server; name its port with ${names.port} (CommandServerPort in IBC's config.ini), or allow none.`,
      );
    }
    return recoveryOff;
  }
  if (ibcCommandPort === endpoint.port || usualPort(ibcCommandPort) !== undefined) {
    // A line of text on an API port is a broken handshake, which is just what harms (law 1).
    throw new HumanError(
      `${names.port} is ${ibcCommandPort}, which is an API port; use CommandServerPort of IBC's config.ini.`,
    );
  }
  if (!isLoopback(endpoint.host)) {
    throw new HumanError(
      `${names.port} is set, but ${endpoint.host} is another machine; Robo speaks only with an IBC on this one.`,
    );
  }
  return { ibcCommandPort, allow };
}

function parseAllow(text: string, name: string): ReadonlySet<RecoveryPermission> {
  const words = text
    .split(',')
    .map((word) => word.trim().toUpperCase())
    .filter((word) => word !== '');
  return new Set(
    words.map((word) => {
      const permission = recoveryPermissions.find((each) => each === word);
      if (permission === undefined) {
        throw new HumanError(
          `${name} contains "${word.slice(0, 30)}"; use ${recoveryPermissions.join(', ')}, separated by commas.`,
        );
      }
      return permission;
    }),
  );
}
