import { posix, win32 } from 'node:path';
import { HumanError } from '../core/errors';
import { isLoopback } from '../ibkr/endpoint';

/** How alerts leave this process; only what somebody has said. */
export interface AlertSettings {
  /** Notifications of the system's own while no window is connected. */
  readonly desktop?: boolean;
  /** Argument array of a program that gets each begin and end as JSON; empty for none. */
  readonly command?: readonly string[];
  /** Called every minute while the watch lives; empty for none. */
  readonly heartbeatUrl?: string;
}

export type EffectiveAlertSettings = Required<AlertSettings>;

/** Who has said it. The command line counts over the windows' settings. */
export type AlertSource = 'cli' | 'window';

export type SettingsBySource = Readonly<Record<AlertSource, AlertSettings>>;

const defaults: EffectiveAlertSettings = { desktop: true, command: [], heartbeatUrl: '' };
const maxArguments = 100;
const maxLength = 2000;

/** What counts of all that was said. */
export function effectiveSettings({ cli, window }: SettingsBySource): EffectiveAlertSettings {
  return { ...defaults, ...window, ...cli };
}

/**
 * Checks settings that came over the socket, from a flag or out of a file.
 * @throws HumanError that says which one is wrong and how to say it.
 */
export function parseAlertSettings(value: unknown): AlertSettings {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new HumanError('The settings of alerts are no object of desktop, command, heartbeatUrl.');
  }
  const { desktop, command, heartbeatUrl } = value as Record<string, unknown>;
  return {
    ...(desktop === undefined ? {} : { desktop: parseDesktop(desktop) }),
    ...(command === undefined ? {} : { command: parseCommand(command) }),
    ...(heartbeatUrl === undefined ? {} : { heartbeatUrl: parseHeartbeatUrl(heartbeatUrl) }),
  };
}

function parseDesktop(value: unknown): boolean {
  if (typeof value !== 'boolean') {
    throw new HumanError('The setting robo.alerts.desktop takes true or false.');
  }
  return value;
}

function parseCommand(value: unknown): readonly string[] {
  const isArray = Array.isArray(value) && value.length <= maxArguments;
  const command = isArray ? value.map((each: unknown) => each) : [];
  const isText = command.every(
    (each): each is string =>
      typeof each === 'string' && each.length <= maxLength && !each.includes('\0'),
  );
  const [file] = command;
  const isAbsolute =
    file === undefined ||
    (typeof file === 'string' && (process.platform === 'win32' ? win32 : posix).isAbsolute(file));
  if (!isArray || !isText || !isAbsolute) {
    throw new HumanError(
      'The alert command is an array of arguments that begins with the absolute path of a program, such as ["/usr/local/bin/page-me", "--urgent"]; no shell reads it.',
    );
  }
  return command;
}

function parseHeartbeatUrl(value: unknown): string {
  if (value === '') {
    return '';
  }
  const url = typeof value === 'string' && value.length <= maxLength ? parsedUrl(value) : undefined;
  const isSafe =
    url !== undefined &&
    (url.protocol === 'https:' ||
      (url.protocol === 'http:' && isLoopback(url.hostname.replace(/^\[(.*)\]$/, '$1'))));
  if (!isSafe || url.username !== '' || url.password !== '') {
    throw new HumanError(
      'The heartbeat takes an https:// address without name and password (http:// only on this machine), such as https://hc-ping.com/YOUR-CHECK.',
    );
  }
  return url.href;
}

function parsedUrl(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}
