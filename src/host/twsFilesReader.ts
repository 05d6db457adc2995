import { join, parse, resolve } from 'node:path';
import { type Clock, systemClock } from '../core/clock';
import { errorCode, errorText } from '../core/errors';
import { type Observed, known, unknown } from '../core/observed';
import type { ProcessInfo } from './machine';
import type { TwsFiles, TwsLogTail, TwsSettingsFile, UnreadableTwsFile } from './twsFiles';
import { type Disk, type FileLook, type FolderEntry, systemDisk } from './twsFilesDisk';
import { type Place, type PlaceContext, findPlaces } from './twsFilesPlaces';
import { decodeEnd, lastLines, logKind, parseJtsIni } from './twsFilesText';

/** Whose files are looked for, and how. */
export interface TwsSurroundings {
  readonly platform: NodeJS.Platform;
  readonly home: string;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Where the file system begins; default `/`, or the system drive of Windows. */
  readonly root?: string;
  readonly clock?: Clock;
  readonly disk?: Disk;
}

/** Bounds of one look: the newest part of the newest files, and an end to the patience. */
const tailBytes = 65_536;
const maxSettings = 8;
const maxLogs = 8;
const maxReads = 16;
const maxFolders = 48;
const maxFilesPerFolder = 200;
const maxUnreadable = 8;
/** Older logs say nothing about what is wrong now. Milliseconds. */
const maxLogAgeMs = 36 * 3_600_000;
/** A slow disk must not hold a verdict that is due after 3 s. Milliseconds. */
const deadlineMs = 500;

type Content =
  | { readonly settings: ReturnType<typeof parseJtsIni> }
  | { readonly kind: TwsLogTail['kind']; readonly lines: readonly string[] }
  | { readonly why: string }
  /** A file of somebody else. */
  | 'foreign';

interface Remembered {
  readonly look: FileLook;
  readonly content: Content;
}

/** What one reader keeps between looks, so that a look every few seconds is cheap. */
export class TwsFilesMemory {
  /** By path; a file whose time and size have not changed is not opened again. */
  files = new Map<string, Remembered>();
  /** A look that is under way: two at a time would only wait for the same disk. */
  pending: { readonly promise: Promise<Observed<TwsFiles>>; readonly endsMs: number } | undefined;
}

/**
 * Reads what TWS, IB Gateway and IBC have written here: settings and the newest part of the
 * newest logs. Regular files only; never follows a link to a file; never rejects, and answers
 * within half a second. What is absent is known and empty; what is closed to us is said.
 * @param running the processes of TWS, IB Gateway and IBC; they name further folders
 * @param memory kept by the caller from look to look
 */
export async function readTwsFiles(
  running: readonly ProcessInfo[],
  surroundings: TwsSurroundings,
  memory = new TwsFilesMemory(),
): Promise<Observed<TwsFiles>> {
  const clock = surroundings.clock ?? systemClock;
  if (memory.pending === undefined) {
    const promise = new Look(running, surroundings, memory)
      .run()
      .catch((error: unknown) => unknown(`the files of TWS could not be read: ${errorText(error)}`))
      .finally(() => {
        memory.pending = undefined;
      });
    memory.pending = { promise, endsMs: clock.monotonicMs() + deadlineMs };
  }
  const { promise, endsMs } = memory.pending;
  return new Promise((settle) => {
    const timer = clock.setTimer(Math.max(0, endsMs - clock.monotonicMs()), () => {
      settle(unknown(`the files of TWS could not be read within ${deadlineMs} ms: a slow disk`));
    });
    void promise.then((files) => {
      timer.cancel();
      settle(files);
    });
  });
}

interface Candidate {
  readonly file: string;
  readonly isSettings: boolean;
  readonly isOfRunning: boolean;
}

interface Seen extends Candidate {
  readonly look: FileLook;
}

/** One look from beginning to end. */
class Look {
  private readonly context: PlaceContext;
  private readonly disk: Disk;
  private readonly clock: Clock;
  private readonly unreadable: UnreadableTwsFile[] = [];
  private readonly visited = new Set<string>();

  constructor(
    private readonly running: readonly ProcessInfo[],
    surroundings: TwsSurroundings,
    private readonly memory: TwsFilesMemory,
  ) {
    const { platform, home, environment = {}, root } = surroundings;
    const drive = platform === 'win32' ? `${environment['SystemDrive'] ?? 'C:'}\\` : '/';
    this.context = { platform, home, environment, root: root ?? drive };
    this.disk = surroundings.disk ?? systemDisk;
    this.clock = surroundings.clock ?? systemClock;
  }

  async run(): Promise<Observed<TwsFiles>> {
    const places = await findPlaces(this.running, this.context, this.disk);
    const candidates: Candidate[] = [];
    for (const place of places) {
      candidates.push(...(await this.candidatesOf(place)));
    }
    const seen = await this.lookAt(candidates);
    const remembered = new Map<string, Remembered>();
    const settings: TwsSettingsFile[] = [];
    const logs: TwsLogTail[] = [];
    for (const { file, isSettings, isOfRunning, look } of this.toRead(seen)) {
      const content = await this.contentOf({ file, isSettings, isOfRunning, look });
      if (content === undefined) {
        continue;
      }
      remembered.set(file, { look, content });
      const { modifiedAtMs } = look;
      if (content === 'foreign') {
        continue;
      }
      if ('why' in content) {
        this.unreadable.push({ file, why: content.why });
      } else if ('settings' in content) {
        const mark = isOfRunning ? { isOfRunning: true as const } : {};
        settings.push({ file, modifiedAtMs, ...content.settings, ...mark });
      } else if (logs.length < maxLogs) {
        logs.push({ file, modifiedAtMs, ...content });
      }
    }
    this.memory.files = remembered;
    return this.sumUp(settings, logs);
  }

  private sumUp(
    settings: readonly TwsSettingsFile[],
    logs: readonly TwsLogTail[],
  ): Observed<TwsFiles> {
    const unreadable = this.unreadable.slice(0, maxUnreadable);
    const [first] = unreadable;
    if (first === undefined) {
      return known({ settings, logs });
    }
    return settings.length === 0 && logs.length === 0
      ? unknown(`${first.file} could not be read: ${first.why}`)
      : known({ settings, logs, unreadable });
  }

  /** Settings and logs in a folder and, where it is one of TWS or IBC, in those below it. */
  private async candidatesOf(place: Place): Promise<readonly Candidate[]> {
    const entries = await this.list(place.folder, place.isNamed);
    if (entries === undefined) {
      return [];
    }
    const found = [...this.filesOf(place, entries)];
    const isSettings = place.use === 'settings' || found.some((entry) => entry.isSettings);
    const below = entries.filter(
      ({ name, kind }) =>
        kind === 'folder' &&
        (isSettings ? !programFolder.test(name) : place.use === 'ibc' && /^logs?/i.test(name)),
    );
    for (const { name } of below) {
      const folder = join(place.folder, name);
      const inside = await this.list(folder, false);
      found.push(...this.filesOf({ ...place, folder }, inside ?? []));
    }
    return found;
  }

  private async list(
    folder: string,
    isNamed: boolean,
  ): Promise<readonly FolderEntry[] | undefined> {
    const path = resolve(folder);
    if (this.visited.has(path) || this.visited.size >= maxFolders || path === parse(path).root) {
      return undefined;
    }
    this.visited.add(path);
    try {
      return await this.disk.list(path);
    } catch (error) {
      const code = errorCode(error);
      // A path that is not there may be one inside TWS's own container.
      if (code !== 'ENOENT' && code !== 'ENOTDIR') {
        this.unreadable.push({ file: path, why: errorText(error) });
      } else if (isNamed && code === 'ENOTDIR') {
        this.unreadable.push({ file: path, why: 'it is no folder' });
      }
      return undefined;
    }
  }

  private filesOf(place: Place, entries: readonly FolderEntry[]): readonly Candidate[] {
    const { folder, isOfRunning } = place;
    if (entries.some(({ name }) => encryptedLog.test(name))) {
      this.unreadable.push({ file: folder, why: 'TWS encrypts its logs there (.ibgzenc)' });
    }
    return entries
      .filter(({ name, kind }) => {
        if (kind === 'other' && ownName.test(name)) {
          this.unreadable.push({
            file: join(folder, name),
            why: 'it is a link or no regular file, which is not followed',
          });
        }
        return kind === 'file' && (settingsFile.test(name) || logFile.test(name));
      })
      .slice(0, maxFilesPerFolder)
      .map(({ name }) => ({
        file: join(folder, name),
        isSettings: settingsFile.test(name),
        isOfRunning,
      }));
  }

  /** Those that are regular files, newest first, each once however many paths lead to it. */
  private async lookAt(candidates: readonly Candidate[]): Promise<readonly Seen[]> {
    const looks = await Promise.all(
      candidates.map(async (candidate): Promise<readonly Seen[]> => {
        try {
          const look = await this.disk.look(candidate.file);
          return look.isFile ? [{ ...candidate, look }] : [];
        } catch (error) {
          if (errorCode(error) !== 'ENOENT') {
            this.unreadable.push({ file: candidate.file, why: errorText(error) });
          }
          return [];
        }
      }),
    );
    const byId = new Map<string, Seen>();
    for (const seen of looks.flat()) {
      if (!byId.has(seen.look.id)) {
        byId.set(seen.look.id, seen);
      }
    }
    return [...byId.values()].sort((a, b) => b.look.modifiedAtMs - a.look.modifiedAtMs);
  }

  private toRead(seen: readonly Seen[]): readonly Seen[] {
    const oldestMs = this.clock.now() - maxLogAgeMs;
    const logs = seen.filter(
      ({ isSettings, look }) => !isSettings && look.modifiedAtMs >= oldestMs,
    );
    return [
      ...seen.filter(({ isSettings }) => isSettings).slice(0, maxSettings),
      ...logs.slice(0, maxReads),
    ];
  }

  /** Undefined for what could not be read; that is tried again at the next look. */
  private async contentOf({ file, isSettings, look }: Seen): Promise<Content | undefined> {
    const before = this.memory.files.get(file);
    if (before?.look.modifiedAtMs === look.modifiedAtMs && before.look.size === look.size) {
      return before.content;
    }
    try {
      const { bytes, startsInside } = await this.disk.readEnd(file, tailBytes);
      return contentOfBytes(parse(file).base, isSettings, decodeEnd(bytes, startsInside));
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') {
        this.unreadable.push({ file, why: errorText(error) });
      }
      return undefined;
    }
  }
}

function contentOfBytes(name: string, isSettings: boolean, text: string | undefined): Content {
  if (text === undefined) {
    return ownName.test(name) ? { why: 'it is not text' } : 'foreign';
  }
  if (isSettings) {
    return { settings: parseJtsIni(text) };
  }
  const kind = logKind(name, text);
  return kind === undefined ? 'foreign' : { kind, lines: lastLines(text) };
}

const settingsFile = /^jts\.ini$/i;
const logFile = /\.(?:log|txt)$/i;
/** Names that only TWS and its kin give. */
const ownName = /^(?:jts\.ini|(?:launcher|api|tws|ibgateway|ibc)\b.*\.(?:log|txt))$/i;
const encryptedLog = /^(?:launcher|api|tws|ibgateway|log)\b.*\.ibgzenc$/i;
/** Folders of the programs themselves below the settings: large, and without logs. */
const programFolder = /^(?:\.|jars$|jre$|lib$|data$|fonts$|charts$|images$|ibgateway$|tws$|\d)/i;
