import { readdir, readFile, stat } from 'node:fs/promises';
import { known, type Observed, unknown } from '../core/observed';
import { parseControlGroup } from './processBackground';

/** What a system says about how long its processes may live. */
export interface LifetimeFacts {
  readonly platform: NodeJS.Platform;
  /** Name of the WSL distribution; empty where it is one without a name, undefined elsewhere. */
  readonly wslDistribution: string | undefined;
  /** The kind of container, as far as it is told: `docker`, `podman`, a word of its own. */
  readonly container: string | undefined;
  /** A machine of a cloud editor, which is stopped when nobody uses it. */
  readonly cloudWorkspace: string | undefined;
  /** True where systemd is the first process. */
  readonly isSystemd: boolean;
  /** Path of our own control group; undefined where there is none to see. */
  readonly controlGroup: string | undefined;
  /** Whether the user's services go on after the last logout. */
  readonly lingers: Observed<boolean>;
  /** `KillUserProcesses` of systemd-logind. */
  readonly killsAtLogout: Observed<boolean>;
  readonly userName: string;
}

/**
 * What will end the runner whatever Robo does, one sentence each with what helps; none where
 * nothing of that kind is known. Pure.
 */
export function lifetimeWarnings(facts: LifetimeFacts): readonly string[] {
  const { platform } = facts;
  if (platform === 'win32') {
    return [
      'Windows ends the runner when you sign out; stay signed in (locking the screen is enough) while it is to trade.',
    ];
  }
  if (platform === 'darwin') {
    return [
      'macOS may end the runner when you log out, and it does nothing while the Mac sleeps; stay logged in and awake while it is to trade.',
    ];
  }
  const machine = machineWarnings(facts);
  const isUserless = facts.container !== undefined || facts.cloudWorkspace !== undefined;
  return [...machine, ...(isUserless ? [] : logoutWarnings(facts))];
}

function machineWarnings(facts: LifetimeFacts): readonly string[] {
  const { wslDistribution, container, cloudWorkspace } = facts;
  if (cloudWorkspace !== undefined) {
    return [
      `This is a ${cloudWorkspace}: it is stopped, with the runner in it, when nobody has used it for a while; run Robo on a machine that stays on.`,
    ];
  }
  if (container !== undefined) {
    return [
      `This is a container (${container}): everything in it, the runner included, ends when it is stopped or rebuilt, which closing the editor may do; keep it running, or run Robo outside of it.`,
    ];
  }
  if (wslDistribution !== undefined) {
    const name = wslDistribution === '' ? '' : ` ${wslDistribution}`;
    return [
      `This is the WSL distribution${name}: Windows stops it, with the runner in it, soon after its last window is closed, at \`wsl --shutdown\` and when you sign out; keep a window of it open while the runner is to trade.`,
    ];
  }
  return [];
}

/** Where systemd starts a user's processes: in the scope of a login, or in the user's own manager. */
function logoutWarnings(facts: LifetimeFacts): readonly string[] {
  const { isSystemd, controlGroup, lingers, killsAtLogout, userName } = facts;
  if (!isSystemd || controlGroup === undefined) {
    return [];
  }
  if (/\/user@\d+\.service(?:\/|$)/.test(controlGroup)) {
    if (lingers.known && lingers.value) {
      return [];
    }
    const word = lingers.known ? 'ends' : 'may end';
    return [
      `systemd ${word} the runner at your last logout, because lingering is ${lingers.known ? 'off' : `unknown (${lingers.why})`}; \`loginctl enable-linger ${userName}\` lets it go on.`,
    ];
  }
  if (/\/session-[^/]+\.scope(?:\/|$)/.test(controlGroup) && killsAtLogout.known) {
    return killsAtLogout.value
      ? [
          'systemd ends the runner when you log out (KillUserProcesses=yes in logind.conf); stay logged in, or install the monitor with `robo service install`.',
        ]
      : [];
  }
  return [];
}

export interface LifetimeSources {
  readonly platform: NodeJS.Platform;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly userName: string;
  /** Where the file system begins; another place in tests. */
  readonly root?: string;
}

/** Looks at the few files that tell; needs no process. Never rejects. */
export async function readLifetimeFacts(sources: LifetimeSources): Promise<LifetimeFacts> {
  const { platform, environment, userName, root = '' } = sources;
  const text = async (path: string): Promise<string> =>
    await readFile(`${root}${path}`, 'utf8').catch(() => '');
  const [first, group, version, logind] = await Promise.all([
    text('/proc/1/comm'),
    text('/proc/self/cgroup'),
    text('/proc/sys/kernel/osrelease'),
    logindTexts(root, text),
  ]);
  const isWsl = environment['WSL_DISTRO_NAME'] !== undefined || /microsoft/i.test(version);
  return {
    platform,
    wslDistribution: isWsl ? (environment['WSL_DISTRO_NAME'] ?? '') : undefined,
    container: await containerKind(environment, root, text),
    cloudWorkspace: cloudWorkspace(environment),
    isSystemd: first.trim() === 'systemd',
    controlGroup: parseControlGroup(group),
    lingers: await exists(`${root}/var/lib/systemd/linger/${userName}`),
    killsAtLogout: killsAtLogout(logind),
    userName,
  };
}

function cloudWorkspace(
  environment: Readonly<Record<string, string | undefined>>,
): string | undefined {
  if (environment['CODESPACES'] === 'true') {
    return 'GitHub Codespace';
  }
  return environment['GITPOD_WORKSPACE_ID'] === undefined ? undefined : 'Gitpod workspace';
}

async function containerKind(
  environment: Readonly<Record<string, string | undefined>>,
  root: string,
  text: (path: string) => Promise<string>,
): Promise<string | undefined> {
  const marks = [
    ['/.dockerenv', 'docker'],
    ['/run/.containerenv', 'podman'],
  ] as const;
  for (const [file, kind] of marks) {
    const seen = await exists(`${root}${file}`);
    if (seen.known && seen.value) {
      return kind;
    }
  }
  if (environment['KUBERNETES_SERVICE_HOST'] !== undefined) {
    return 'kubernetes';
  }
  // systemd's own convention for what runs inside of one (systemd.io/CONTAINER_INTERFACE).
  const told = environment['container'] ?? (await text('/run/systemd/container')).trim();
  return told === '' || told === 'wsl' ? undefined : told;
}

/** The files of systemd-logind in rising weight: drop-ins come after the file that they change. */
async function logindTexts(root: string, text: (path: string) => Promise<string>): Promise<string> {
  const folders = ['/usr/lib/systemd', '/etc/systemd', '/run/systemd'];
  const dropIns = await Promise.all(
    folders.map(async (folder) => {
      const names = await readdir(`${root}${folder}/logind.conf.d`).catch(() => []);
      return names.sort().map((name) => `${folder}/logind.conf.d/${name}`);
    }),
  );
  const files = [...folders.map((folder) => `${folder}/logind.conf`), ...dropIns.flat()];
  return (await Promise.all(files.map(text))).join('\n');
}

/** The last setting; else the compiled default, which distributions write as a comment. */
function killsAtLogout(text: string): Observed<boolean> {
  const values = (comment: string): string[] =>
    [...text.matchAll(new RegExp(`^${comment}KillUserProcesses=\\s*(\\w+)`, 'gm'))].map(
      (match) => match[1] ?? '',
    );
  const value = values('').at(-1) ?? values('#\\s*').at(-1);
  return value === undefined
    ? unknown('logind.conf does not tell')
    : known(/^(?:yes|true|on|1)$/i.test(value));
}

/** Known(false) only where the place could be looked at. */
async function exists(path: string): Promise<Observed<boolean>> {
  return await stat(path).then(
    () => known(true),
    (error: unknown) => {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      return code === 'ENOENT' || code === 'ENOTDIR'
        ? known(false)
        : unknown(typeof code === 'string' ? code : 'it could not be looked at');
    },
  );
}
