import { createHash } from 'node:crypto';
import { posix, win32 } from 'node:path';

/** Where the platform keeps state, and how to join paths there. */
export interface PathContext {
  readonly platform: NodeJS.Platform;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly homeDirectory: string;
  /** Undefined on Windows. */
  readonly userId: number | undefined;
}

/** Longest unix socket path that every system takes (macOS: 104 bytes with the final NUL). */
const maxSocketPathBytes = 103;

/** The per-user directory of Robo's records, unless a flag, `ROBO_STATE_DIR` or setting moves it. */
export function defaultStateDirectory(context: PathContext): string {
  const { platform, environment } = context;
  const moved = environment['ROBO_STATE_DIR'];
  if (moved !== undefined && moved !== '') {
    return moved;
  }
  return platform === 'win32' || platform === 'darwin'
    ? defaultDataDirectory(context)
    : posix.join(xdgDirectory(context, 'XDG_STATE_HOME', '.local/state'), 'robo');
}

/** The per-user directory for programs that must stay where they are; nothing moves it. */
export function defaultDataDirectory(context: PathContext): string {
  const { platform, environment, homeDirectory } = context;
  if (platform === 'win32') {
    const local = environment['LOCALAPPDATA'] ?? '';
    return win32.join(local === '' ? win32.join(homeDirectory, 'AppData', 'Local') : local, 'robo');
  }
  return platform === 'darwin'
    ? posix.join(homeDirectory, 'Library', 'Application Support', 'robo')
    : posix.join(xdgDirectory(context, 'XDG_DATA_HOME', '.local/share'), 'robo');
}

/**
 * A base directory as its variable or the standard places it. A relative one is invalid (XDG Base
 * Directory Specification): it would name another place in every directory.
 */
export function xdgDirectory(
  { environment, homeDirectory }: Pick<PathContext, 'environment' | 'homeDirectory'>,
  variable: string,
  standard: string,
): string {
  const named = environment[variable] ?? '';
  return posix.isAbsolute(named) ? named : posix.join(homeDirectory, standard);
}

/** The files of one endpoint. */
export interface EndpointPaths {
  readonly directory: string;
  readonly status: string;
  readonly alert: string;
  readonly monitorLog: string;
  /** The last rehearsal. */
  readonly drill: string;
  readonly lock: string;
  /** Unix socket path or Windows named pipe. */
  readonly socket: string;
  /** Directory that must exist with mode 0700 before the socket is bound; null for a pipe. */
  readonly socketDirectory: string | null;
  /** SQLite: incidents, health over time, runs, signals. */
  readonly database: string;
  /** One folder per workspace below it: `runner.log` and the lease. */
  readonly runners: string;
}

/** `127.0.0.1_7497`; characters that a file name cannot hold are replaced. */
export function endpointFolder(endpoint: { readonly host: string; readonly port: number }): string {
  return `${endpoint.host.replace(/[^A-Za-z0-9.-]/g, '-')}_${endpoint.port}`;
}

/**
 * The files of one endpoint below `stateDirectory`. The socket's place depends on nothing but
 * these two, so that a window and a cron job with other environments find the same daemon.
 */
export function endpointPaths(
  stateDirectory: string,
  endpoint: { readonly host: string; readonly port: number },
  context: Pick<PathContext, 'platform' | 'userId'>,
): EndpointPaths {
  const path = context.platform === 'win32' ? win32 : posix;
  const directory = path.join(stateDirectory, endpointFolder(endpoint));
  const inPlace = path.join(directory, 'daemon.sock');
  const short = createHash('sha256').update(directory).digest('hex').slice(0, 24);
  let socket = inPlace;
  let socketDirectory: string | null = directory;
  if (context.platform === 'win32') {
    socket = `\\\\.\\pipe\\robo-${short}`;
    socketDirectory = null;
  } else if (Buffer.byteLength(inPlace) > maxSocketPathBytes) {
    // Not TMPDIR: it differs between a login shell, a service and an editor.
    socketDirectory = `/tmp/robo-${context.userId ?? 0}`;
    socket = `${socketDirectory}/${short}.sock`;
  }
  return {
    directory,
    status: path.join(directory, 'ibkr_monitor_status.json'),
    alert: path.join(directory, 'IBKR_CONNECTION_CRITICAL.txt'),
    monitorLog: path.join(directory, 'ibkr_monitor.log'),
    drill: path.join(directory, 'drill.json'),
    lock: path.join(directory, 'daemon.lock'),
    database: path.join(directory, 'robo.db'),
    socket,
    socketDirectory,
    runners: path.join(directory, 'runners'),
  };
}

/** A short, stable folder name for a workspace path: its last part and a hash of the whole. */
export function workspaceFolderName(workspace: string): string {
  const name =
    workspace
      .split(/[\\/]/)
      .filter((part) => part !== '')
      .at(-1) ?? 'root';
  const hash = createHash('sha256').update(workspace).digest('hex').slice(0, 8);
  return `${name.replace(/[^A-Za-z0-9._-]/g, '-').slice(0, 40)}-${hash}`;
}
