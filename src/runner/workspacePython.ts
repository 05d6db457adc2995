import { createHash } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import path from 'node:path';
import { xdgDirectory } from '../core/paths';
import type { WorkspaceLook } from './workspaceLook';

/** Where a Python may be found. */
export interface PythonContext {
  readonly look: WorkspaceLook;
  readonly platform: NodeJS.Platform;
  /** The environment of the window or shell that asks. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly homeDirectory: string;
  /** The interpreter, or its environment's folder, that an editor's Python extension uses here. */
  readonly chosenPython?: string | undefined;
}

/** An interpreter as the beginning of a command, with its reason. */
export interface PythonChoice {
  /** May begin with `${workspaceFolder}`; several words where a tool has to find it. */
  readonly argv: readonly string[];
  readonly why: string;
  readonly warnings: readonly string[];
}

type Found = Pick<PythonChoice, 'argv' | 'why'>;

/** Folders of a project that hold its environment, by custom; `.conda` is VS Code's. */
const usualFolders = ['.venv', 'venv', 'env', 'virtualenv', '.conda', '.pixi/envs/default'];
const maxSmallFile = 65_536;

/**
 * The interpreter of a workspace, the surest first: what the editor uses here, an environment in
 * the folder, the one that poetry, uv, pdm, pipenv, conda or pyenv keeps for it elsewhere, the
 * activated one, and at last the machine's. Nothing is started to find out.
 */
export async function findPython(context: PythonContext): Promise<PythonChoice> {
  const inFolder = await ofFolder(context);
  const { warnings } = inFolder;
  const found =
    (await chosenEnvironment(context)) ??
    inFolder.found ??
    (await ofPoetry(context)) ??
    (await ofPdm(context)) ??
    (await ofProjectFile(context)) ??
    (await ofConda(context)) ??
    (await ofPyenv(context)) ??
    (await toolThatFinds(context)) ??
    (await activated(context)) ??
    (await chosenInterpreter(context));
  return found === undefined ? await ofMachine(context, warnings) : { ...found, warnings };
}

/** Environments in the folder itself; one that is broken is said and passed over. */
async function ofFolder(
  context: PythonContext,
): Promise<{ readonly found: Found | undefined; readonly warnings: readonly string[] }> {
  const { look } = context;
  const named = context.environment['UV_PROJECT_ENVIRONMENT'] ?? '';
  const warnings: string[] = [];
  for (const folder of [...(named === '' ? [] : [named]), ...usualFolders]) {
    const python = await pythonIn(context, folder);
    if (python !== undefined) {
      const argv = path.isAbsolute(python) ? [python] : [`\${workspaceFolder}/${python}`];
      return { found: { argv, why: `the environment ${folder} of this folder` }, warnings };
    }
    if (await isEnvironment(look, folder)) {
      warnings.push(
        `The environment ${folder} has no Python that this system can start: it was made on another system, or by a Python that is gone; make it anew.`,
      );
    }
  }
  return { found: undefined, warnings };
}

/** The interpreter of an environment; undefined where there is none, or a link to nothing. */
async function pythonIn(context: PythonContext, folder: string): Promise<string | undefined> {
  const names =
    context.platform === 'win32'
      ? ['Scripts/python.exe', 'python.exe']
      : ['bin/python', 'bin/python3'];
  for (const name of names) {
    if ((await context.look.kind(`${folder}/${name}`)) === 'file') {
      return `${folder}/${name}`;
    }
  }
  return undefined;
}

async function isEnvironment(look: WorkspaceLook, folder: string): Promise<boolean> {
  return (
    (await look.kind(`${folder}/pyvenv.cfg`)) === 'file' ||
    (await look.kind(`${folder}/conda-meta`)) === 'folder'
  );
}

/** The editor's choice, if it is an environment: a machine's own Python is no choice for a project. */
async function chosenEnvironment(context: PythonContext): Promise<Found | undefined> {
  const { chosenPython, look } = context;
  if (chosenPython === undefined) {
    return undefined;
  }
  const why = 'the environment that the Python extension uses here';
  if ((await look.kind(chosenPython)) === 'folder') {
    const python = await pythonIn(context, chosenPython);
    return python === undefined ? undefined : { argv: [python], why };
  }
  const bin = path.dirname(chosenPython);
  const isOne =
    (await look.kind(chosenPython)) === 'file' &&
    ((await isEnvironment(look, bin)) || (await isEnvironment(look, path.dirname(bin))));
  return isOne ? { argv: [chosenPython], why } : undefined;
}

async function chosenInterpreter({
  chosenPython,
  look,
}: PythonContext): Promise<Found | undefined> {
  return chosenPython !== undefined && (await look.kind(chosenPython)) === 'file'
    ? { argv: [chosenPython], why: 'the interpreter that the Python extension uses here' }
    : undefined;
}

/** Poetry keeps environments in its cache, named after project and folder. */
async function ofPoetry(context: PythonContext): Promise<Found | undefined> {
  const { look } = context;
  const project = (await look.read('pyproject.toml')) ?? '';
  const isPoetry = /^\[tool\.poetry\b/m.test(project);
  if (!isPoetry && (await look.kind('poetry.lock')) !== 'file') {
    return undefined;
  }
  const name = await poetryName(project, context);
  for (const folder of await poetryFolders(context)) {
    const candidates = (await look.list(folder)).filter((each) => each.startsWith(`${name}-py`));
    // One for each version of Python: the activated one, else the newest.
    const active = `${name}-py${await activeVersion(look, folder, name)}`;
    for (const each of [active, ...candidates.sort(byVersion).reverse()]) {
      const python = await pythonIn(context, path.join(folder, each));
      if (python !== undefined) {
        return { argv: [python], why: `the environment ${each} that poetry keeps for this folder` };
      }
    }
  }
  return undefined;
}

/** The version of `poetry env use`, which poetry notes beside the environments. */
async function activeVersion(look: WorkspaceLook, folder: string, name: string): Promise<string> {
  const text = await look.read(path.join(folder, 'envs.toml'), maxSmallFile);
  const [, section = ''] = (text ?? '').split(`[${name}]`);
  return /^\s*minor\s*=\s*"([\d.]{1,10})"/m.exec(section.split('\n[')[0] ?? '')?.[1] ?? '';
}

function byVersion(one: string, other: string): number {
  return one.localeCompare(other, 'en', { numeric: true });
}

/** How poetry names an environment: project, and a hash of the folder. */
async function poetryName(project: string, { look, platform }: PythonContext): Promise<string> {
  const name = /^name[ \t]*=[ \t]*["']([^"'\n]{1,200})["']/m.exec(project)?.[1];
  const real = await realpath(look.root).catch(() => look.root);
  const folder = platform === 'win32' ? real.toLowerCase() : real;
  const clean = (name ?? 'non-package-mode').toLowerCase().replace(/[ $`!*@"\\\r\n\t]/g, '_');
  const hash = createHash('sha256').update(folder).digest('base64url').slice(0, 8);
  return `${clean.slice(0, 42)}-${hash}`;
}

/** Where poetry may keep environments: as told, else its cache of this platform. */
async function poetryFolders(context: PythonContext): Promise<readonly string[]> {
  const { environment, homeDirectory, look, platform } = context;
  const told = environment['POETRY_VIRTUALENVS_PATH'] ?? '';
  const cache = environment['POETRY_CACHE_DIR'] ?? '';
  const local = environment['LOCALAPPDATA'] ?? path.join(homeDirectory, 'AppData', 'Local');
  const usual =
    platform === 'win32'
      ? path.join(local, 'pypoetry', 'Cache')
      : platform === 'darwin'
        ? path.join(homeDirectory, 'Library', 'Caches', 'pypoetry')
        : path.join(xdgDirectory(context, 'XDG_CACHE_HOME', '.cache'), 'pypoetry');
  const config = (await look.read('poetry.toml', maxSmallFile)) ?? '';
  const configured = /^path[ \t]*=[ \t]*["']([^"'\n]{1,500})["']/m.exec(config)?.[1] ?? '';
  return [
    ...(told === '' ? [] : [told]),
    ...(configured === '' || configured.includes('{') ? [] : [configured]),
    path.join(cache === '' ? usual : cache, 'virtualenvs'),
  ];
}

/** pdm writes the interpreter of a project into a file. */
async function ofPdm({ look }: PythonContext): Promise<Found | undefined> {
  const named = (await look.read('.pdm-python', maxSmallFile))?.trim() ?? '';
  return path.isAbsolute(named) && (await look.kind(named)) === 'file'
    ? { argv: [named], why: 'the interpreter that .pdm-python names' }
    : undefined;
}

/** pipenv and virtualenvwrapper note in an environment which project it is for. */
async function ofProjectFile(context: PythonContext): Promise<Found | undefined> {
  const { environment, homeDirectory, look } = context;
  const home = environment['WORKON_HOME'] ?? '';
  const folders = [
    ...(home === '' ? [] : [home]),
    path.join(homeDirectory, '.local', 'share', 'virtualenvs'),
    path.join(homeDirectory, '.virtualenvs'),
  ];
  for (const folder of folders) {
    for (const name of await look.list(folder)) {
      const place = path.join(folder, name);
      const project = (await look.read(path.join(place, '.project'), maxSmallFile))?.trim();
      const python = project === look.root ? await pythonIn(context, place) : undefined;
      if (python !== undefined) {
        return { argv: [python], why: `the environment ${name} that names this folder` };
      }
    }
  }
  return undefined;
}

/** The conda environment that the folder's file names, if it has been made. */
async function ofConda(context: PythonContext): Promise<Found | undefined> {
  const { environment, homeDirectory, look } = context;
  const name = await condaName(look);
  if (name === undefined) {
    return undefined;
  }
  const known = await look.read(path.join(homeDirectory, '.conda', 'environments.txt'));
  const prefixes = [environment['CONDA_PREFIX'] ?? '', ...(known ?? '').split(/\r?\n/)];
  for (const prefix of prefixes.map((line) => line.trim())) {
    const python = prefix.split(/[\\/]/).at(-1) === name && (await pythonIn(context, prefix));
    if (typeof python === 'string') {
      return { argv: [python], why: `the conda environment ${name} of this folder's file` };
    }
  }
  return undefined;
}

async function condaName(look: WorkspaceLook): Promise<string | undefined> {
  const text =
    (await look.read('environment.yml', maxSmallFile)) ??
    (await look.read('environment.yaml', maxSmallFile));
  return /^name:[ \t]*["']?([\w.-]{1,100})/m.exec(text ?? '')?.[1];
}

async function ofPyenv(context: PythonContext): Promise<Found | undefined> {
  const { environment, homeDirectory, look } = context;
  const name = (await look.read('.python-version', maxSmallFile))?.trim().split(/\s/)[0] ?? '';
  // A bare version is a Python without the packages of this folder.
  if (!/^[A-Za-z][\w.-]*$/.test(name)) {
    return undefined;
  }
  const root = environment['PYENV_ROOT'] ?? path.join(homeDirectory, '.pyenv');
  const python = await pythonIn(context, path.join(root, 'versions', name));
  return python === undefined
    ? undefined
    : { argv: [python], why: `the environment ${name} that .python-version names` };
}

/** The folder is kept by a tool whose environment was not found: the tool finds it at the start. */
async function toolThatFinds(context: PythonContext): Promise<Found | undefined> {
  const { look } = context;
  const project = (await look.read('pyproject.toml')) ?? '';
  const has = async (file: string): Promise<boolean> => (await look.kind(file)) === 'file';
  const conda = await condaName(look);
  const tools: readonly { readonly isUsed: boolean; readonly argv: readonly string[] }[] = [
    {
      isUsed: (await has('uv.lock')) || /^\[tool\.uv\b/m.test(project),
      argv: ['uv', 'run', 'python'],
    },
    {
      isUsed: (await has('poetry.lock')) || /^\[tool\.poetry\b/m.test(project),
      argv: ['poetry', 'run', 'python'],
    },
    { isUsed: await has('pdm.lock'), argv: ['pdm', 'run', 'python'] },
    { isUsed: await has('Pipfile'), argv: ['pipenv', 'run', 'python'] },
    {
      isUsed: conda !== undefined,
      argv: ['conda', 'run', '--no-capture-output', '-n', conda ?? '', 'python'],
    },
  ];
  for (const { isUsed, argv } of tools) {
    const [tool = ''] = argv;
    if (isUsed && (await onPath(context, tool))) {
      return { argv, why: `${tool}, which keeps this folder's environment` };
    }
  }
  return undefined;
}

async function activated(context: PythonContext): Promise<Found | undefined> {
  const folder = context.environment['VIRTUAL_ENV'] ?? '';
  const python = folder === '' ? undefined : await pythonIn(context, folder);
  return python === undefined
    ? undefined
    : { argv: [python], why: `the activated environment ${folder}` };
}

/** The machine's own: `python3`, because many systems have no `python`. */
async function ofMachine(
  context: PythonContext,
  warnings: readonly string[],
): Promise<PythonChoice> {
  const names = context.platform === 'win32' ? ['py', 'python', 'python3'] : ['python3', 'python'];
  for (const name of names) {
    if (await onPath(context, name)) {
      return {
        argv: [name],
        why: `${name} of this machine`,
        warnings: [
          ...warnings,
          `No environment of this folder was found (.venv, poetry, uv and others): ${name} of this machine is used, which may lack the packages that the program needs.`,
        ],
      };
    }
  }
  const [name = ''] = names;
  return {
    argv: [name],
    why: 'no Python was found',
    warnings: [
      ...warnings,
      'No Python was found, neither in this folder nor on the PATH: install one, or make an environment .venv here.',
    ],
  };
}

/** True where a program of that name lies in a folder of the PATH. */
export async function onPath(context: PythonContext, name: string): Promise<boolean> {
  const { environment, look, platform } = context;
  const isWindows = platform === 'win32';
  const variable = environment['PATH'] ?? environment['Path'] ?? '';
  for (const folder of variable.split(isWindows ? ';' : ':')) {
    // The stubs there open the Store instead of running Python.
    const isStore = isWindows && /[\\/]WindowsApps[\\/]?$/i.test(folder);
    const file = path.join(folder, isWindows ? `${name}.exe` : name);
    if (folder !== '' && !isStore && (await look.kind(file)) === 'file') {
      return true;
    }
  }
  return false;
}
