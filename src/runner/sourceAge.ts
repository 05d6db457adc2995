import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { isInside, type Program, programOf } from '../host/program';

/** A file of the runner's program, and when it was last changed (milliseconds since the epoch). */
export interface SourceFile {
  readonly file: string;
  readonly modifiedAtMs: number;
}

/** Folders that hold no source of the program, or none that a person edits. */
const ignored =
  /^(?:__pycache__|node_modules|site-packages|venv|env|data|logs?|tests?|docs?|\..+)$/i;
const endings: Readonly<Record<string, RegExp>> = {
  python: /\.pyw?$/,
  node: /\.[cm]?[jt]s$/,
  shell: /\.(?:ba|z|k)?sh$/,
  script: /\.(?:[cm]?[jt]s|rb|pl|r|jl|php|lua)$/i,
};
/** Bounds of the walk: a package of people, not a disk. */
const maxFiles = 2000;
const maxDepth = 6;
/** The head of a file, where it imports; more is data. Characters. */
const maxHead = 200_000;
/** A file saved while the program was just being loaded is not newer than what it runs. */
const slackMs = 2000;

/**
 * The newest source of what `argv` runs, where it was changed after the program was started;
 * undefined where nothing is newer, or what it runs is not in its working directory. Looked at are
 * the script or the package of the module, and the files and packages beside it that it imports
 * itself.
 */
export async function newerSource(
  argv: readonly string[],
  workingDirectory: string,
  startedAtMs: number,
): Promise<SourceFile | undefined> {
  const program = programOf(argv, workingDirectory);
  const ending = program === undefined ? undefined : endings[program.runtime];
  if (program === undefined || ending === undefined) {
    return undefined;
  }
  const walk: Walk = { ending, seen: new Set(), newest: undefined };
  for (const place of await placesOf(program, workingDirectory)) {
    await visit(place, walk, 0);
  }
  const { newest } = walk;
  return newest !== undefined && newest.modifiedAtMs > startedAtMs + slackMs ? newest : undefined;
}

interface Walk {
  readonly ending: RegExp;
  readonly seen: Set<string>;
  newest: SourceFile | undefined;
}

/** Files and folders that hold the program. */
async function placesOf(program: Program, folder: string): Promise<readonly string[]> {
  if (program.kind === 'module' && program.runtime === 'python') {
    const [first = ''] = program.name.split('.');
    const places = [path.join(folder, first), path.join(folder, `${first}.py`)];
    return [...places, ...(await importedBy(path.join(folder, `${first}.py`), folder))];
  }
  if (program.kind !== 'script' || !isInside(program.name, folder)) {
    return [];
  }
  const beside = path.dirname(program.name);
  const isPackage = (await namesIn(beside)).includes('__init__.py');
  const own = isPackage ? [beside] : [program.name];
  return program.runtime === 'python' ? [...own, ...(await importedBy(program.name, beside))] : own;
}

/** Modules and packages beside a script that it imports, whether they exist or not. */
async function importedBy(script: string, beside: string): Promise<readonly string[]> {
  const text = await readFile(script, 'utf8').catch(() => '');
  const names = new Set<string>();
  for (const [, name = ''] of text
    .slice(0, maxHead)
    .matchAll(/^[ \t]{0,40}(?:from|import)[ \t]{1,9}([A-Za-z_]\w{0,99})/gm)) {
    names.add(name);
  }
  return [...names].flatMap((name) => [path.join(beside, name), path.join(beside, `${name}.py`)]);
}

async function visit(place: string, walk: Walk, depth: number): Promise<void> {
  if (walk.seen.size >= maxFiles || walk.seen.has(place)) {
    return;
  }
  const entry = await stat(place).catch(() => undefined);
  if (entry?.isFile() === true && walk.ending.test(place)) {
    walk.seen.add(place);
    if (entry.mtimeMs > (walk.newest?.modifiedAtMs ?? 0)) {
      walk.newest = { file: place, modifiedAtMs: entry.mtimeMs };
    }
  }
  if (entry?.isDirectory() !== true || depth >= maxDepth) {
    return;
  }
  walk.seen.add(place);
  for (const name of await namesIn(place)) {
    if (!ignored.test(name) && (!name.includes('.') || walk.ending.test(name))) {
      await visit(path.join(place, name), walk, depth + 1);
    }
  }
}

/** A folder that cannot be read holds nothing that we know of. */
async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch {
    return [];
  }
}
