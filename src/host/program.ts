import { posix, win32 } from 'node:path';

export type Runtime = 'python' | 'node' | 'java' | 'shell' | 'script' | 'native';

/** The program that a command line really runs, with wrappers and interpreters taken off. */
export interface Program {
  readonly kind: 'module' | 'script' | 'inline' | 'tool' | 'binary';
  readonly runtime: Runtime;
  /**
   * Module or main class; path of the script or executable (absolute where the working
   * directory is known); the code itself for `inline`; for a `tool` such as `make` or `npm` the
   * tool with its first words (`npm run trade`).
   */
  readonly name: string;
  readonly args: readonly string[];
  readonly workingDirectory: string | undefined;
  /** The outermost program that only starts this one (`sudo`, `uv`); undefined without any. */
  readonly wrapper?: string | undefined;
}

interface Wrapper {
  /** Options whose value is the next argument. */
  readonly valueOptions: string;
  /** Arguments before the wrapped command that are no options (`timeout 10s`). */
  readonly positionals?: number;
  /** The word that must come first (`uv run`). */
  readonly subcommand?: string;
}

/** Programs that only start another one; from their manuals. */
const wrappers: Readonly<Record<string, Wrapper>> = {
  env: { valueOptions: '-u --unset -C --chdir -a --argv0' },
  nohup: { valueOptions: '' },
  setsid: { valueOptions: '' },
  timeout: { valueOptions: '-s --signal -k --kill-after', positionals: 1 },
  gtimeout: { valueOptions: '-s --signal -k --kill-after', positionals: 1 },
  nice: { valueOptions: '-n --adjustment' },
  ionice: { valueOptions: '-c --class -n --classdata' },
  chrt: { valueOptions: '-T -P -D', positionals: 1 },
  taskset: { valueOptions: '', positionals: 1 },
  stdbuf: { valueOptions: '-i --input -o --output -e --error' },
  unbuffer: { valueOptions: '' },
  time: { valueOptions: '-f --format -o --output' },
  caffeinate: { valueOptions: '-t -w' },
  sudo: { valueOptions: '-u --user -g --group -h --host -p --prompt -C -r -t -T -D --chdir' },
  doas: { valueOptions: '-u -C' },
  'systemd-run': { valueOptions: '-p --property -u --unit -E --setenv -t --description' },
  'xvfb-run': { valueOptions: '-n --server-num -s --server-args -e -f -p -w' },
  'dbus-run-session': { valueOptions: '--config-file --dbus-daemon' },
  'systemd-inhibit': { valueOptions: '' },
  flock: { valueOptions: '-w --timeout --wait -E --conflict-exit-code', positionals: 1 },
  gosu: { valueOptions: '', positionals: 1 },
  'su-exec': { valueOptions: '', positionals: 1 },
  tini: { valueOptions: '-p -e' },
  'dumb-init': { valueOptions: '-r --rewrite' },
  uv: {
    valueOptions:
      '--with --with-editable --with-requirements --python -p --extra --group --no-group --only-group --package --project --directory --env-file --index-url --index --config-file --cache-dir',
    subcommand: 'run',
  },
  poetry: { valueOptions: '-C --directory -P --project', subcommand: 'run' },
  pipenv: { valueOptions: '--python', subcommand: 'run' },
  pdm: { valueOptions: '-p --project --venv', subcommand: 'run' },
  hatch: { valueOptions: '-e --env', subcommand: 'run' },
  rye: { valueOptions: '', subcommand: 'run' },
  pixi: { valueOptions: '-e --environment --manifest-path', subcommand: 'run' },
  conda: { valueOptions: '-n --name -p --prefix --cwd', subcommand: 'run' },
  mamba: { valueOptions: '-n --name -p --prefix --cwd', subcommand: 'run' },
  micromamba: { valueOptions: '-n --name -p --prefix --cwd', subcommand: 'run' },
};

/** Python programs that run another one in their own process. */
const pythonHosts: Readonly<Record<string, string>> = {
  pdb: '-c',
  cProfile: '-o -s',
  profile: '-o -s',
  runpy: '',
  coverage: '--source --include --omit --rcfile --data-file --context --concurrency',
  debugpy:
    '--connect --listen --configure-qt --configure-subProcess --adapter-access-token --parent-session-pid --log-to --pid',
};

const nodeValueOptions =
  '-r --require --import --loader --experimental-loader -C --conditions --env-file --title --icu-data-dir --inspect-port --tsconfig';
const javaValueOptions =
  '-cp -classpath --class-path -p --module-path --upgrade-module-path --add-modules --add-opens --add-exports --add-reads --limit-modules --patch-module --enable-native-access';

/** Tools whose first words say what is run. */
const tools: ReadonlySet<string> = new Set(
  'npm npx pnpm yarn make gmake just task docker docker-compose podman cargo go dotnet mvn gradle deno bun kubectl'.split(
    ' ',
  ),
);
const scriptRuntimes: ReadonlySet<string> = new Set(
  'ruby perl rscript julia php lua deno bun dotnet'.split(' '),
);
const scriptEnding = /\.(?:[cm]?[jt]s|rb|pl|r|jl|php|lua|dll)$/i;

/** Wrappers inside wrappers end somewhere; a longer chain is not a command that people write. */
const maxWrappers = 8;

/** The last part of a path in either notation, lower case, without `.exe` and a login shell's `-`. */
export function executableName(path: string): string {
  return baseName(path)
    .toLowerCase()
    .replace(/^-/, '')
    .replace(/\.(exe|com)$/, '');
}

/** The last part of a path in either notation. */
export function baseName(path: string): string {
  return path.split(/[\\/]/).at(-1) ?? path;
}

/**
 * What `argv` runs. Relative paths are resolved against `workingDirectory` where it is known.
 * @returns undefined for an empty command line
 */
export function programOf(
  argv: readonly string[],
  workingDirectory: string | undefined,
): Program | undefined {
  let rest = splitTitle(argv);
  let wrapper: string | undefined;
  for (let depth = 0; depth < maxWrappers; depth += 1) {
    const [first, ...args] = rest;
    if (first === undefined) {
      return undefined;
    }
    const parsed = parseInterpreter(first, args);
    // A wrapper may itself be a script: `python /opt/conda/bin/conda run …`.
    const inner =
      unwrap(executableName(first), args) ??
      (parsed.kind === 'script' ? unwrap(executableName(parsed.name), parsed.args) : undefined);
    if (inner === undefined) {
      return { ...resolveName(parsed, workingDirectory), workingDirectory, wrapper };
    }
    wrapper ??= executableName(parsed.kind === 'script' ? parsed.name : first);
    rest = inner;
  }
  return undefined;
}

/** npm, its kin and pm2 write a whole command line into one argument. */
function splitTitle(argv: readonly string[]): readonly string[] {
  const [only] = argv;
  return argv.length === 1 && only !== undefined && /^(?:npm|pnpm|yarn|node) /.test(only)
    ? only.trim().split(/\s+/)
    : argv;
}

interface Options {
  /** Arguments from the first one that is no option. */
  readonly rest: readonly string[];
  readonly moduleName: string | undefined;
}

/** Skips options, each with its value where it takes one; `-m NAME` ends them where asked for. */
function skipOptions(
  args: readonly string[],
  valueOptions: string,
  moduleOptions: readonly string[] = [],
): Options {
  const withValue = new Set(valueOptions.split(' '));
  let index = 0;
  for (; index < args.length; index += 1) {
    const arg = args[index] ?? '';
    if (moduleOptions.includes(arg)) {
      return { rest: args.slice(index + 2), moduleName: args[index + 1] };
    }
    if (arg === '--') {
      index += 1;
      break;
    }
    if (!arg.startsWith('-') || arg === '-') {
      break;
    }
    if (withValue.has(arg)) {
      index += 1;
    }
  }
  return { rest: args.slice(index), moduleName: undefined };
}

/** The command that a wrapper starts; undefined where `name` is no wrapper or starts nothing. */
function unwrap(name: string, args: readonly string[]): readonly string[] | undefined {
  const wrapper = Object.hasOwn(wrappers, name) ? wrappers[name] : undefined;
  if (wrapper === undefined) {
    return undefined;
  }
  let { rest } = skipOptions(args, wrapper.valueOptions);
  if (wrapper.subcommand !== undefined) {
    if (rest[0] !== wrapper.subcommand) {
      return undefined;
    }
    const inner = skipOptions(rest.slice(1), wrapper.valueOptions, ['-m', '--module']);
    if (inner.moduleName !== undefined) {
      return ['python', '-m', inner.moduleName, ...inner.rest];
    }
    const isScript = /\.pyw?$/i.test(inner.rest[0] ?? '');
    rest = isScript ? ['python', ...inner.rest] : inner.rest;
  }
  rest = rest.slice(wrapper.positionals ?? 0);
  while (name === 'env' && /^[A-Za-z_]\w*=/.test(rest[0] ?? '')) {
    rest = rest.slice(1);
  }
  return rest.length === 0 ? undefined : rest;
}

type Parsed = Pick<Program, 'kind' | 'runtime' | 'name' | 'args'>;

function parseInterpreter(executable: string, args: readonly string[]): Parsed {
  const name = executableName(executable);
  const parsed = parseKnownInterpreter(name, args);
  if (parsed !== undefined) {
    return parsed;
  }
  if (scriptRuntimes.has(name)) {
    const { rest } = skipOptions(args[0] === 'run' ? args.slice(1) : args, '');
    const [script, ...others] = rest;
    if (script !== undefined && scriptEnding.test(script)) {
      return { kind: 'script', runtime: 'script', name: script, args: others };
    }
  }
  if (tools.has(name)) {
    const end = args.findIndex((arg) => arg.startsWith('-'));
    const words = args.slice(0, Math.min(end < 0 ? args.length : end, 2));
    const called = [name, ...words].join(' ');
    return { kind: 'tool', runtime: 'native', name: called, args: args.slice(words.length) };
  }
  return { kind: 'binary', runtime: 'native', name: executable, args };
}

function parseKnownInterpreter(name: string, args: readonly string[]): Parsed | undefined {
  if (/^(?:pythonw?|pypy)\d*(?:\.\d+)*t?$/.test(name) || name === 'py') {
    return parsePython(args);
  }
  if (/^(?:node|nodejs|electron|tsx|ts-node)$/.test(name)) {
    return parseNode(name === 'tsx' && args[0] === 'watch' ? args.slice(1) : args);
  }
  if (/^(?:ba|da|z|k|a|fi|tc|c)?sh$/.test(name)) {
    return parseShell(args);
  }
  if (/^javaw?$/.test(name) || name.startsWith('javaappli')) {
    return parseJava(args);
  }
  return undefined;
}

/** `python [flags] script | -m module | -c code`; flags may be joined (`-um module`). */
function parsePython(args: readonly string[]): Parsed | undefined {
  const runtime = 'python';
  for (let index = 0; index < args.length; index += 1) {
    const arg = args[index] ?? '';
    if (!arg.startsWith('-') || arg === '-') {
      return arg === '-' ? undefined : pythonScript(arg, args.slice(index + 1));
    }
    if (arg.startsWith('--')) {
      index += arg === '--check-hash-based-pycs' ? 1 : 0;
      continue;
    }
    const at = arg.search(/[cmXW]/);
    if (at < 0) {
      continue;
    }
    const joined = arg.slice(at + 1);
    const value = joined === '' ? (args[index + 1] ?? '') : joined;
    const after = args.slice(index + (joined === '' ? 2 : 1));
    if (arg[at] === 'm') {
      return pythonModule(value, after);
    }
    if (arg[at] === 'c') {
      return { kind: 'inline', runtime, name: value, args: after };
    }
    index += joined === '' ? 1 : 0;
  }
  return undefined;
}

function pythonModule(name: string, args: readonly string[]): Parsed {
  return hostedPython(name, args) ?? { kind: 'module', runtime: 'python', name: name.trim(), args };
}

function pythonScript(script: string, args: readonly string[]): Parsed {
  // VS Code starts a debugged program through scripts inside the folder `debugpy`.
  const isDebugger = /[\\/]debugpy(?:[\\/]launcher)?[\\/]?$/.test(script);
  return (
    hostedPython(isDebugger ? 'debugpy' : undefined, args) ?? {
      kind: 'script',
      runtime: 'python',
      name: script,
      args,
    }
  );
}

/** The program inside a debugger or profiler. */
function hostedPython(host: string | undefined, args: readonly string[]): Parsed | undefined {
  if (host === undefined || !Object.hasOwn(pythonHosts, host)) {
    return undefined;
  }
  const afterRun = host === 'coverage' && args[0] === 'run' ? args.slice(1) : args;
  const dashes = host === 'debugpy' ? afterRun.indexOf('--') : -1;
  const target = afterRun.slice(dashes + 1);
  const { rest, moduleName } = skipOptions(target, pythonHosts[host] ?? '', ['-m']);
  if (moduleName !== undefined) {
    return { kind: 'module', runtime: 'python', name: moduleName, args: rest };
  }
  const [script, ...others] = rest;
  return script === undefined
    ? undefined
    : { kind: 'script', runtime: 'python', name: script, args: others };
}

function parseNode(args: readonly string[]): Parsed | undefined {
  const code = args.findIndex((arg) => /^(?:-e|-p|-pe|--eval|--print)$/.test(arg));
  const { rest } = skipOptions(args, nodeValueOptions);
  const first = args.length - rest.length;
  if (code >= 0 && code < first) {
    const text = args[code + 1] ?? '';
    return { kind: 'inline', runtime: 'node', name: text, args: args.slice(code + 2) };
  }
  const [script, ...others] = rest;
  if (script === undefined) {
    return undefined;
  }
  if (/(?:^|[\\/])(?:tsx|ts-node|tsx[\\/]dist[\\/]cli\.mjs)$/.test(script)) {
    return parseNode(others[0] === 'watch' ? others.slice(1) : others);
  }
  return { kind: 'script', runtime: 'node', name: script, args: others };
}

function parseShell(args: readonly string[]): Parsed | undefined {
  const runtime = 'shell';
  const { rest } = skipOptions(args, '-o +o -O +O --rcfile --init-file');
  const [first, ...others] = rest;
  if (first === undefined) {
    return undefined;
  }
  // `-c` takes the first argument that is no option; `bash -ec CODE` is the same.
  const isInline = args
    .slice(0, args.length - rest.length)
    .some((arg) => /^-[a-zA-Z]*c[a-zA-Z]*$/.test(arg));
  return { kind: isInline ? 'inline' : 'script', runtime, name: first, args: others };
}

function parseJava(args: readonly string[]): Parsed | undefined {
  const runtime = 'java';
  const { rest, moduleName } = skipOptions(args, javaValueOptions, ['-jar', '-m', '--module']);
  if (moduleName !== undefined) {
    return {
      kind: moduleName.endsWith('.jar') ? 'script' : 'module',
      runtime,
      name: moduleName,
      args: rest,
    };
  }
  const [mainClass, ...others] = rest;
  return mainClass === undefined
    ? undefined
    : { kind: 'module', runtime, name: mainClass, args: others };
}

function resolveName(parsed: Parsed, workingDirectory: string | undefined): Parsed {
  const isPath = parsed.kind === 'script' || (parsed.kind === 'binary' && hasSlash(parsed.name));
  return isPath ? { ...parsed, name: resolvePath(parsed.name, workingDirectory) } : parsed;
}

function hasSlash(text: string): boolean {
  return /[\\/]/.test(text);
}

/** An absolute path where that can be known; otherwise the path tidied up. */
export function resolvePath(path: string, workingDirectory: string | undefined): string {
  const flavour = isWindowsPath(path) || isWindowsPath(workingDirectory ?? '') ? win32 : posix;
  return workingDirectory === undefined
    ? flavour.normalize(path)
    : flavour.resolve(workingDirectory, path);
}

function isWindowsPath(path: string): boolean {
  return /^[A-Za-z]:[\\/]/.test(path) || path.startsWith('\\\\');
}

/** Windows' paths know no difference between capitals and small letters, nor between slashes. */
function comparable(path: string): string {
  return isWindowsPath(path) ? path.toLowerCase().replaceAll('/', '\\') : path;
}

/** True where `path` is `folder` or lies below it. */
export function isInside(path: string, folder: string): boolean {
  const inner = comparable(path);
  const outer = comparable(folder).replace(/(?<=.)[\\/]+$/, '');
  const next = inner[outer.length];
  return (
    inner.startsWith(outer) &&
    (next === undefined || next === '/' || next === '\\' || /[\\/]$/.test(outer))
  );
}

/**
 * True where both command lines run the same program. Interpreter, flags and arguments do not
 * count; `-m pkg.mod` in a folder is the same as the script `folder/pkg/mod.py`. Two modules of
 * one name are the same here: the workspace is the caller's to compare.
 */
export function isSameProgram(one: Program, other: Program): boolean {
  const isPlain = ({ kind }: Program): boolean => kind === 'inline' || kind === 'tool';
  if (isPlain(one) || isPlain(other)) {
    return one.kind === other.kind && one.runtime === other.runtime && one.name === other.name;
  }
  if (one.kind === 'module' && other.kind === 'module') {
    return one.runtime === other.runtime && one.name === other.name;
  }
  if (one.kind === 'module' || other.kind === 'module') {
    const [module, file] = one.kind === 'module' ? [one, other] : [other, one];
    return modulePaths(module).includes(comparable(file.name));
  }
  const isBare = (program: Program): boolean =>
    program.kind === 'binary' && !hasSlash(program.name);
  return isBare(one) || isBare(other)
    ? executableName(one.name) === executableName(other.name)
    : comparable(one.name) === comparable(other.name);
}

function modulePaths(module: Program): readonly string[] {
  if (module.runtime !== 'python' || module.workingDirectory === undefined) {
    return [];
  }
  const path = module.name.replaceAll('.', '/');
  return [`${path}.py`, `${path}/__main__.py`].map((file) =>
    comparable(resolvePath(file, module.workingDirectory)),
  );
}

/** The program in a few words, without its arguments: they may hold secrets. */
export function describeProgram(program: Program): string {
  switch (program.kind) {
    case 'module':
      return program.runtime === 'python' ? `python -m ${program.name}` : program.name;
    case 'inline':
      return `${program.runtime} with code on the command line`;
    case 'script':
    case 'tool':
    case 'binary':
      return program.name;
  }
}
