import { posix } from 'node:path';
import type { Preset, PresetContext } from './preset';
import { findPython, onPath } from './workspacePython';

/** A Python file of the workspace, as far as it matters here. */
interface PythonFile {
  /** Relative to the workspace, with slashes. */
  readonly file: string;
  readonly isMain: boolean;
  /** The library by which it talks to TWS itself; undefined where it does not. */
  readonly library: string | undefined;
  /** Names that it imports, dotted. */
  readonly imports: readonly string[];
}

/** Bounds of the look: the sources of a person, not a disk. */
const maxFiles = 300;
const maxFileBytes = 262_144;
const maxDepth = 2;
const maxOffered = 5;
const ignoredFolders =
  /^(?:\..*|__pycache__|node_modules|site-packages|venv|env|virtualenv|data|logs?|tests?|docs?|examples?|notebooks?|build|dist|migrations)$/i;
/** Programs that look at things, once: nobody wants them restarted. */
const noRunner =
  /(?:^|_)(?:tests?|check|checks|diagnose|diagnostics?|debug|monitor|probe|backtest\w*|download\w*|fetch|export|import|example|demo|setup|conftest|utils?|install|migrate)(?:_|\.py$)/i;
const runnerName =
  /(?:^|_)(?:run|runner|main|bot|trade|trader|trading|live|start|__main__)(?:_|\.py$)/i;
const mainGuard = /^if[ \t]+__name__[ \t]*==[ \t]*["']__main__["']/m;
const clientLibrary = /^(?:ib_async|ib_insync|ibapi)$/;

/** Python programs that talk to TWS and run by themselves, the likeliest first. */
export async function pythonPresets(context: PresetContext): Promise<readonly Preset[]> {
  const files = await pythonFiles(context);
  const entries = files
    .filter(({ file, isMain }) => isMain && !noRunner.test(posix.basename(file)))
    .flatMap((entry) => {
      const through = clientOf(entry, files);
      return through === undefined ? [] : [{ entry, through }];
    })
    .sort((one, other) => rank(one.entry.file) - rank(other.entry.file))
    .slice(0, maxOffered);
  if (entries.length === 0) {
    return [];
  }
  const python = await findPython(context);
  return entries.map(({ entry, through }) => {
    const start = startOf(entry.file, files);
    const way = through.file === entry.file ? '' : ` through ${through.file}`;
    return {
      id: `python:${entry.file}`,
      title: start.join(' '),
      why: `${entry.file} uses ${through.library ?? 'TWS'}${way} and runs by itself. Python: ${python.why}.`,
      command: [...python.argv, ...start],
      environment: {},
      helpers: [],
      warnings: python.warnings,
    };
  });
}

/** Telling names first, then the files that lie higher. */
function rank(file: string): number {
  return (runnerName.test(posix.basename(file)) ? 0 : 10) + file.split('/').length;
}

/** A file inside a package is started as a module, so that its relative imports work. */
function startOf(file: string, files: readonly PythonFile[]): readonly string[] {
  const folder = posix.dirname(file);
  const isPackage = files.some((each) => each.file === `${folder}/__init__.py`);
  const isMain = posix.basename(file) === '__main__.py';
  if (folder === '.' || !(isPackage || isMain)) {
    return [file];
  }
  const module = (isMain ? folder : file.replace(/\.py$/, '')).replaceAll('/', '.');
  return ['-m', module];
}

/** The file by which a program talks to TWS: itself, or one of the workspace that it imports. */
function clientOf(entry: PythonFile, files: readonly PythonFile[]): PythonFile | undefined {
  const seen = new Set([entry]);
  for (const file of seen) {
    if (file.library !== undefined) {
      return file;
    }
    for (const other of files) {
      if (file.imports.some((name) => isModule(other.file, name))) {
        // A set that grows while it is walked: what is added is visited, too.
        seen.add(other);
      }
    }
  }
  return undefined;
}

/** Whether a dotted name can mean a file: `pkg.broker` is pkg/broker.py, wherever pkg lies. */
function isModule(file: string, name: string): boolean {
  const module = file.replace(/(?:\/__init__)?\.py$/, '');
  const wanted = name.replaceAll('.', '/');
  return module === wanted || module.endsWith(`/${wanted}`);
}

async function pythonFiles(context: PresetContext): Promise<readonly PythonFile[]> {
  const { look } = context;
  const found: PythonFile[] = [];
  const visit = async (folder: string, depth: number): Promise<void> => {
    const folders: string[] = [];
    for (const name of await look.list(folder)) {
      const place = folder === '' ? name : `${folder}/${name}`;
      if (name.endsWith('.py')) {
        const text = found.length < maxFiles ? await look.read(place, maxFileBytes) : undefined;
        if (text !== undefined) {
          found.push(readPython(place, text));
        }
      } else if (!name.includes('.') && !ignoredFolders.test(name)) {
        folders.push(place);
      }
    }
    for (const each of depth < maxDepth && found.length < maxFiles ? folders : []) {
      await visit(each, depth + 1);
    }
  };
  await visit('', 0);
  return found;
}

function readPython(file: string, text: string): PythonFile {
  const imports: string[] = [];
  for (const [, from, names, plain] of text.matchAll(
    /^[ \t]{0,40}(?:from[ \t]+\.{0,3}([\w.]{0,200})[ \t]+import[ \t]+\(?([\w, \t]{0,500})|import[ \t]+([\w., \t]{1,500}))/gm,
  )) {
    const parts = (list: string): readonly string[] =>
      list.split(',').map((part) => part.trim().split(/\s/)[0] ?? '');
    imports.push(
      ...(plain === undefined ? [from ?? ''] : parts(plain)),
      // `from . import broker` names a module behind the word import.
      ...(plain === undefined && names !== undefined
        ? parts(names).map((name) => (from === '' ? name : `${from ?? ''}.${name}`))
        : []),
    );
  }
  const known = imports.filter((name) => name !== '' && name !== '.');
  const library = known
    .map((name) => name.split('.')[0] ?? '')
    .find((name) => clientLibrary.test(name));
  const isMain = mainGuard.test(text) || posix.basename(file) === '__main__.py';
  return { file, isMain, library, imports: known };
}

const scriptNames = ['trade', 'trader', 'bot', 'runner', 'run', 'start'];

/** Scripts of a package.json whose program uses a TWS client for Node. */
export async function nodePresets(context: PresetContext): Promise<readonly Preset[]> {
  const manifest = await readManifest(context);
  const library = ['@stoqey/ib', 'ib'].find((name) => manifest.dependencies.has(name));
  if (library === undefined) {
    return [];
  }
  return scriptNames.flatMap((name) => {
    const script = manifest.scripts.get(name);
    if (script === undefined) {
      return [];
    }
    const direct = /^node(?: [\w./=@-]+)+$/.test(script.trim()) ? script.trim().split(' ') : null;
    // On Windows npm is a batch file, which only a shell can start.
    if (direct === null && context.platform === 'win32') {
      return [];
    }
    return [
      {
        id: `npm:${name}`,
        title: `npm run ${name}`,
        why: `package.json has the script "${name}" (${script.slice(0, 120)}) and uses ${library}.`,
        command: direct ?? ['npm', 'run', name],
        environment: {},
        helpers: [],
        warnings: [],
      },
    ];
  });
}

async function readManifest({ look }: PresetContext): Promise<{
  readonly scripts: ReadonlyMap<string, string>;
  readonly dependencies: ReadonlyMap<string, string>;
}> {
  const none = { scripts: new Map<string, string>(), dependencies: new Map<string, string>() };
  try {
    const read: unknown = JSON.parse((await look.read('package.json')) ?? '{}');
    return typeof read === 'object' && read !== null
      ? { scripts: texts(read, 'scripts'), dependencies: texts(read, 'dependencies') }
      : none;
  } catch {
    // A manifest that is no JSON offers nothing; npm itself will say why.
    return none;
  }
}

/** The entries of an object below `key` that are texts. */
function texts(read: object, key: string): ReadonlyMap<string, string> {
  const value: unknown = (read as Readonly<Record<string, unknown>>)[key];
  const entries = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  return new Map(
    entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

/** Targets of a Makefile whose own lines start one of the programs that were recognised. */
export async function makePresets(
  context: PresetContext,
  programs: readonly Preset[],
): Promise<readonly Preset[]> {
  const text = await context.look.read('Makefile', maxFileBytes);
  if (text === undefined || programs.length === 0 || !(await onPath(context, 'make'))) {
    return [];
  }
  const words = programs.flatMap(({ command }) => command.slice(1).filter(isTelling));
  return scriptNames.flatMap((target) => {
    const recipe = recipeOf(text, target);
    const word = words.find((each) => recipe.includes(each));
    return word === undefined
      ? []
      : [
          {
            id: `make:${target}`,
            title: `make ${target}`,
            why: `The Makefile's target "${target}" starts ${word}.`,
            command: ['make', target],
            environment: {},
            helpers: [],
            warnings: [],
          },
        ];
  });
}

/** Arguments that name a program: a file or a module, no flag and no placeholder. */
function isTelling(argument: string): boolean {
  return /^[\w/]{2,}[\w./]*$/.test(argument);
}

/** The lines below a target that make runs; empty where there is no such target. */
function recipeOf(makefile: string, target: string): string {
  const lines = makefile.split('\n');
  const at = lines.findIndex(
    (line) => line.startsWith(`${target}:`) && line[target.length + 1] !== '=',
  );
  if (at === -1) {
    return '';
  }
  const rest = lines.slice(at + 1);
  const end = rest.findIndex((line) => !/^\t|^\s*(?:#|$)/.test(line));
  return (end === -1 ? rest : rest.slice(0, end)).join('\n');
}
