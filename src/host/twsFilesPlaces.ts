import { dirname, isAbsolute, join, resolve } from 'node:path';
import type { ProcessInfo } from './machine';
import type { Disk } from './twsFilesDisk';

/** The machine and user whose TWS is looked for. */
export interface PlaceContext {
  readonly platform: NodeJS.Platform;
  readonly home: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Where the file system begins: `/`, or the system drive of Windows. */
  readonly root: string;
}

/** A folder in which TWS, IB Gateway or IBC may write. */
export interface Place {
  readonly folder: string;
  /** `settings` holds `jts.ini`, and one folder a user; `ibc` holds a folder of logs. */
  readonly use: 'settings' | 'ibc' | 'unknown';
  /** A running process names it as the folder of its settings. */
  readonly isOfRunning: boolean;
  /** Named by a process or a variable, not guessed: a refusal to show it is worth a word. */
  readonly isNamed: boolean;
}

/** Jts, Jts-live, Jts_paper, .tws-latest, IBJts … */
const settingsName = /^\.?(?:ib)?(?:jts|tws)(?:[-_. ][\w.-]{0,40})?$/i;
/** ibc, IBC, IBController, ibc-live … */
const ibcName = /^\.?ibc(?:ontroller)?(?:[-_. ][\w.-]{0,40})?$/i;

const maxPlaces = 24;
const maxArguments = 300;

/** Where to look: what the running programs name first, then the usual folders that are there. */
export async function findPlaces(
  running: readonly ProcessInfo[],
  context: PlaceContext,
  disk: Disk,
): Promise<readonly Place[]> {
  const usual = await Promise.all(
    usualParents(context).map(async (parent) => placesIn(parent, await names(disk, parent))),
  );
  const places = [
    ...running.flatMap((info) => placesOfProcess(info, context)),
    ...placesOfEnvironment(context),
    ...usual.flat(),
  ];
  const byFolder = new Map<string, Place>();
  for (const place of places) {
    // The first one is the best informed of its use.
    const before = byFolder.get(place.folder);
    const isOfRunning = place.isOfRunning || before?.isOfRunning === true;
    byFolder.set(place.folder, { ...(before ?? place), isOfRunning });
  }
  return [...byFolder.values()].slice(0, maxPlaces);
}

/** Folders below which TWS and IBC lie unless somebody moved them. */
function usualParents({ platform, home, root }: PlaceContext): readonly string[] {
  const places =
    platform === 'win32'
      ? [home, join(home, 'Documents'), root]
      : platform === 'darwin'
        ? [home, join(root, 'opt')]
        : // A container's TWS often runs as root, or has the home of the usual images.
          [home, join(root, 'opt'), join(root, 'root'), join(root, 'home', 'ibgateway'), root];
  return [...new Set(places.map((folder) => resolve(folder)))];
}

/** The names of the folders in `parent`; none where it is absent or closed to us. */
async function names(disk: Disk, parent: string): Promise<readonly string[]> {
  try {
    const entries = await disk.list(parent);
    // A link is taken here: who links ~/Jts to another disk means it.
    return entries.filter(({ kind }) => kind !== 'file').map(({ name }) => name);
  } catch {
    return [];
  }
}

function placesIn(parent: string, folders: readonly string[]): readonly Place[] {
  return folders.flatMap((name): readonly Place[] => {
    const use = settingsName.test(name) ? 'settings' : ibcName.test(name) ? 'ibc' : undefined;
    return use === undefined
      ? []
      : [{ folder: join(parent, name), use, isOfRunning: false, isNamed: false }];
  });
}

function placesOfEnvironment({ environment, home }: PlaceContext): readonly Place[] {
  const variables: readonly (readonly [string, Place['use']])[] = [
    ['TWS_SETTINGS_PATH', 'settings'],
    ['TWS_PATH', 'settings'],
    ['IBC_PATH', 'ibc'],
    ['LOG_PATH', 'unknown'],
  ];
  return variables.flatMap(([name, use]) => named(environment[name], use, home, undefined));
}

const settingsOption = /^(?:-DjtsConfigDir|--tws-settings-path)=(.+)$/i;
const programOption = /^(?:-Dtwspath|--tws-path)=(.+)$/i;
const ibcOption = /^--ibc-path=(.+)$/i;
const ibcFileOption = /^(?:--ibc-ini=)?(.+\.ini(?:_(?:live|paper))?)$/i;
const mainClass = /^(?:install4j\.)?(?:jclient\.LoginFrame|ibgateway\.GWClient)$/;

/**
 * The folders that a process of TWS or IBC names: an option for the settings, else the argument
 * behind the main class, else the folder of the program, else the working directory.
 */
function placesOfProcess(info: ProcessInfo, context: PlaceContext): readonly Place[] {
  const argv = info.argv.slice(0, maxArguments);
  const { workingDirectory } = info;
  const take = (use: Place['use'], values: readonly (string | undefined)[]): readonly Place[] =>
    values.flatMap((value) => named(value, use, context.home, workingDirectory));
  const optionsOf = (pattern: RegExp): readonly (string | undefined)[] =>
    argv.map((arg) => pattern.exec(arg)?.[1]);
  const afterMain = argv[argv.findIndex((arg) => mainClass.test(arg)) + 1];
  const bySettings = [
    // Of several settings of one property Java takes the last.
    take('settings', optionsOf(settingsOption)).slice(-1),
    take('settings', argv.some((arg) => mainClass.test(arg)) ? [afterMain] : []),
    take('settings', optionsOf(programOption)),
    take(
      'settings',
      argv.flatMap((arg) => programFolders(arg, context.platform)),
    ),
    take('unknown', [workingDirectory]),
  ];
  const first = bySettings.findIndex((places) => places.length > 0);
  return [
    ...bySettings.flatMap((places, index) =>
      places.map((place) => ({ ...place, isOfRunning: index === first })),
    ),
    ...take('ibc', optionsOf(ibcOption)),
    ...take(
      'ibc',
      optionsOf(ibcFileOption).map((file) => file && dirname(file)),
    ),
  ];
}

/** `/home/me/Jts` in `-cp /home/me/Jts/ibgateway/1030/jars/a.jar:…`. */
function programFolders(arg: string, platform: NodeJS.Platform): readonly string[] {
  return arg
    .slice(0, 4000)
    .split(platform === 'win32' ? /[;=]/ : /[:=]/)
    .flatMap((path) => {
      const parts = path.split(/[\\/]/);
      const at = parts.findIndex((part) => /^(?:ib)?jts(?:[-_]\w{1,20})?$/i.test(part));
      return at > 0 && isAbsolute(path)
        ? [
            path
              .split(/(?<=[\\/])/)
              .slice(0, at + 1)
              .join(''),
          ]
        : [];
    });
}

function named(
  value: string | undefined,
  use: Place['use'],
  home: string,
  workingDirectory: string | undefined,
): readonly Place[] {
  const text = value?.trim().replace(/^["']|["']$/g, '') ?? '';
  // `${installer:…}` stands where an installer forgot to fill its template in.
  if (text === '' || text.includes('${')) {
    return [];
  }
  const path = /^~(?=[\\/]|$)/.test(text) ? join(home, text.slice(1)) : text;
  if (!isAbsolute(path) && workingDirectory === undefined) {
    return [];
  }
  const folder = isAbsolute(path) ? resolve(path) : resolve(workingDirectory ?? '', path);
  return [{ folder, use, isOfRunning: false, isNamed: true }];
}
