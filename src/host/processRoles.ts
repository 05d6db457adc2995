import type { ProcessInfo } from './machine';
import { type Program, baseName, executableName, programOf } from './program';

/** What kind of program a process runs, as far as Robo cares. */
export type ProcessKind =
  'tws' | 'java' | 'proxy' | 'runner' | 'worker' | 'helper' | 'monitor' | 'robo' | 'other';

/** Which program of Interactive Brokers, or Robo's stand-in for it. */
export type TwsProduct = 'TWS' | 'IB Gateway' | 'IBC' | 'simulator';

/** Runners that are known by name. Programs of one family stand in for each other. */
export type RunnerFamily = 'robo_trader' | 'built-in';

/** What one process is, judged by the program that it runs and never by words in its arguments. */
export interface ProcessClass {
  readonly kind: ProcessKind;
  /** Set exactly for kind `tws`. */
  readonly product: TwsProduct | undefined;
  /** Undefined where the command line is hidden or empty. */
  readonly program: Program | undefined;
  readonly family: RunnerFamily | undefined;
  /** True for programs that start runners again when they end. */
  readonly respawnsRunners: boolean;
}

export type ProcessLook = Pick<ProcessInfo, 'argv' | 'name' | 'workingDirectory'>;

/** Says what a process is. Pure; whether it belongs to a workspace is another question. */
export function classifyProcess(look: ProcessLook): ProcessClass {
  const program = asEditorChild(programOf(look.argv, look.workingDirectory), look);
  const product = twsProduct(look, program);
  if (product !== undefined) {
    return { kind: 'tws', product, program, family: undefined, respawnsRunners: false };
  }
  const family = program === undefined ? undefined : runnerFamily(program);
  const kind = kindOf(look, program, family);
  const respawnsRunners = kind === 'monitor' || (program !== undefined && isWatchdog(program));
  return { kind, product: undefined, program, family, respawnsRunners };
}

function kindOf(
  look: ProcessLook,
  program: Program | undefined,
  family: RunnerFamily | undefined,
): ProcessKind {
  if (program?.runtime === 'java' || isJavaExecutable(look, program)) {
    return 'java';
  }
  if (program === undefined) {
    return 'other';
  }
  if (roboFiles.some((file) => isRoboFile(program, file)) || isBinary(program, 'robo')) {
    return 'robo';
  }
  if (family !== undefined && !isLauncher(program)) {
    return 'runner';
  }
  if (isWorker(program)) {
    return 'worker';
  }
  if (isPythonFile(program, ['ibkr_connection_monitor'])) {
    return 'monitor';
  }
  if (isHelper(program)) {
    return 'helper';
  }
  return isProxy(program) ? 'proxy' : 'other';
}

/**
 * Why Robo never signals a process of this class, in words; undefined where it may.
 * @param startedByUs the process, or the one it descends from, was started by Robo: then the
 *   trader's own program may be Java, and a simulator may be ended. TWS is untouchable always.
 */
export function untouchableReason(
  { kind, product }: Pick<ProcessClass, 'kind' | 'product'>,
  startedByUs = false,
): string | undefined {
  if (kind === 'tws' && product !== undefined && (product !== 'simulator' || !startedByUs)) {
    return product === 'simulator'
      ? 'it is a simulated TWS, which is ended where it was started'
      : `it is ${product}, whose login would cost you a second factor; only you end it`;
  }
  if (startedByUs) {
    return undefined;
  }
  if (kind === 'java') {
    return 'it is a Java program and may be TWS or IB Gateway; only you end it';
  }
  return kind === 'proxy' ? 'it forwards ports for others; only you end it' : undefined;
}

/** The known family of a runner; undefined for any other program. */
export function runnerFamily(program: Program): RunnerFamily | undefined {
  const isRoboTrader =
    isModule(program, ['robo_trader.runner_async', 'robo_trader.runner']) ||
    isPackageFile(program, ['runner_async', 'runner']) ||
    (program.runtime === 'python' && isFile(program, ['start_ai_trading.py']));
  if (isRoboTrader || isLauncher(program)) {
    return 'robo_trader';
  }
  return isRoboFile(program, 'runner.cjs') ? 'built-in' : undefined;
}

/** The script that starts the trader's whole system; it is a runner only as the user's command. */
function isLauncher(program: Program): boolean {
  return isFile(program, ['START_TRADER.sh']);
}

function isWorker(program: Program): boolean {
  const name = 'ibkr_subprocess_worker';
  return (
    isPythonFile(program, [name]) ||
    isModule(program, [`robo_trader.clients.${name}`]) ||
    // Started as `python -I -c CODE`, where the code or an argument names the file.
    (program.kind === 'inline' &&
      program.runtime === 'python' &&
      [program.name, ...program.args].some((text) => text.includes(name)))
  );
}

function isHelper(program: Program): boolean {
  return (
    isModule(program, ['robo_trader.websocket_server']) ||
    isPackageFile(program, ['websocket_server']) ||
    isPythonFile(program, ['app']) ||
    isWatchdog(program)
  );
}

/** A script that calls itself a watchdog (`watchdog.sh`, `runner_watchdog.py`), and no test of one. */
function isWatchdog({ kind, name }: Program): boolean {
  const watchdog =
    /^(?!test)(?:[\w.-]*[_-])?watch_?dog(?:[_-][\w.-]*)?\.(?:sh|bash|zsh|py|[cm]?[jt]s|rb|pl)$/i;
  return (kind === 'script' || kind === 'binary') && watchdog.test(baseName(name));
}

function isModule(program: Program, names: readonly string[]): boolean {
  return program.kind === 'module' && program.runtime === 'python' && names.includes(program.name);
}

function isFile(program: Program, names: readonly string[]): boolean {
  return (
    (program.kind === 'script' || program.kind === 'binary') &&
    names.includes(baseName(program.name))
  );
}

/** A Python program by the last part of its file or module, wherever it lies. */
function isPythonFile(program: Program, names: readonly string[]): boolean {
  return (
    program.runtime === 'python' &&
    (isFile(
      program,
      names.map((name) => `${name}.py`),
    ) ||
      isModule(program, names))
  );
}

/** A file of the package `robo_trader`, started by its path. */
function isPackageFile(program: Program, names: readonly string[]): boolean {
  const parts = program.name.split(/[\\/]/);
  return (
    program.kind === 'script' &&
    program.runtime === 'python' &&
    parts.at(-2) === 'robo_trader' &&
    names.some((name) => parts.at(-1) === `${name}.py`)
  );
}

const roboFiles = ['cli.cjs', 'daemon.cjs', 'robo'];

/** One of Robo's bundles: in `dist`, or copied into a folder that carries our name. */
function isRoboFile(program: Program, file: string): boolean {
  const parts = program.name.split(/[\\/]/);
  return (
    program.kind === 'script' &&
    program.runtime === 'node' &&
    parts.at(-1) === file &&
    (parts.length === 1 ||
      file === 'robo' ||
      parts.at(-2) === 'dist' ||
      parts.some((part) => /robo/i.test(part)))
  );
}

function isBinary(program: Program, name: string): boolean {
  return program.kind === 'binary' && executableName(program.name) === name;
}

/**
 * An editor's own Node runs our bundles as `code /…/globalStorage/…/daemon.cjs`, which looks like
 * an editor with an opened file. Only our installed places count: nobody edits there.
 */
function asEditorChild(program: Program | undefined, look: ProcessLook): Program | undefined {
  const [, script, ...args] = look.argv;
  const isOurs =
    script !== undefined && /[\\/](?:globalStorage|extensions)[\\/].*\.cjs$/.test(script);
  return program?.kind === 'binary' && isOurs
    ? { ...program, kind: 'script', runtime: 'node', name: script, args }
    : program;
}

/** Scripts by which IBC starts TWS and IB Gateway (IBC user guide). */
const ibcScripts: ReadonlySet<string> = new Set([
  'gatewaystart.sh',
  'twsstart.sh',
  'gatewaystartmacos.sh',
  'twsstartmacos.sh',
  'ibcstart.sh',
  'displaybannerandlaunch.sh',
  'startgateway.bat',
  'starttws.bat',
  'startibc.bat',
]);

function twsProduct(look: ProcessLook, program: Program | undefined): TwsProduct | undefined {
  const executable = look.argv[0] ?? look.name;
  // The macOS launchers carry the product in their path, with blanks.
  if (/[\\/]IB Gateway\b.*[\\/]Contents[\\/]MacOS[\\/]/i.test(executable)) {
    return 'IB Gateway';
  }
  if (/[\\/]Trader Workstation\b.*[\\/]Contents[\\/]MacOS[\\/]/i.test(executable)) {
    return 'TWS';
  }
  if (program === undefined) {
    return undefined;
  }
  const byClass = isJavaExecutable(look, program) ? javaProduct(look.argv) : undefined;
  if (byClass !== undefined) {
    return byClass;
  }
  if (isSimulator(program)) {
    return 'simulator';
  }
  const isStarter = program.kind === 'script' && program.runtime === 'shell';
  if (program.kind !== 'binary' && !isStarter) {
    return undefined;
  }
  if (ibcScripts.has(baseName(program.name).toLowerCase())) {
    return 'IBC';
  }
  const name = executableName(program.name);
  return name === 'tws' ? 'TWS' : /^ibgateway1?$/.test(name) ? 'IB Gateway' : undefined;
}

function isSimulator(program: Program): boolean {
  return (
    program.args[0] === 'simulate' &&
    (isRoboFile(program, 'cli.cjs') || isRoboFile(program, 'robo') || isBinary(program, 'robo'))
  );
}

function isJavaExecutable(look: ProcessLook, program: Program | undefined): boolean {
  if (program?.runtime === 'java') {
    return true;
  }
  if (program !== undefined && program.kind !== 'binary') {
    return false;
  }
  // A launcher may run it under another name: the system's own name and its options stay.
  return (
    [program?.name ?? '', look.name].some((name) =>
      /^(?:javaw?|javaappli.*)$/.test(executableName(name)),
    ) ||
    (program?.args.some((arg) => jvmOption.test(arg)) ?? false)
  );
}

/** Options that only a Java virtual machine takes (java(1)): heap, tuning, its own properties. */
const jvmOption = /^-(?:Xm[sxn]\d+[kmgt]?$|XX:[+\-\w]|Djava\.|Dsun\.java)/i;

/**
 * TWS and IB Gateway by main class, class path and start options. The trader's own Java client
 * of the API (`TwsApi.jar`) is none of them.
 */
function javaProduct(argv: readonly string[]): TwsProduct | undefined {
  const has = (pattern: RegExp): boolean => argv.some((arg) => pattern.test(arg));
  if (has(/^(?:ibcalpha\.ibc|ibcontroller)\./)) {
    // IBC loads TWS or IB Gateway into its own process.
    return has(/^(?:ibcalpha\.ibc\.IbcGateway|ibcontroller\.IBGatewayController)$/)
      ? 'IB Gateway'
      : has(/^(?:ibcalpha\.ibc\.IbcTws|ibcontroller\.IBController)$/)
        ? 'TWS'
        : 'IBC';
  }
  if (has(/^ibgateway\.GWClient$/)) {
    return 'IB Gateway';
  }
  if (has(/^jclient\.LoginFrame$/)) {
    return 'TWS';
  }
  if (has(/(?:^|[\\/;:])(?:jts4launch|twslaunch)[^\\/;:]*\.jar(?:$|[;:])/i)) {
    return has(/[\\/]ibgateway[\\/]/i) ? 'IB Gateway' : 'TWS';
  }
  return undefined;
}

const forwarders: ReadonlySet<string> = new Set([
  'socat',
  'docker-proxy',
  'rootlesskit',
  'rootlessport',
  'slirp4netns',
  'pasta',
  'gvproxy',
  'vpnkit',
  'com.docker.backend',
  'com.docker.vpnkit',
  'wslrelay',
  'haproxy',
  'envoy',
  'stunnel',
  'stunnel4',
  'rinetd',
  'redir',
  'simpleproxy',
  'frpc',
  'autossh',
]);

function isProxy(program: Program): boolean {
  if (program.kind === 'tool') {
    return program.name.startsWith('kubectl port-forward');
  }
  const name = program.kind === 'binary' ? executableName(program.name) : '';
  return forwarders.has(name) || (name === 'ssh' && forwardsPorts(program.args));
}

/** ssh(1): options with a value, by letter. */
const sshValueOptions = 'bcDEeFIiJLlmOopQRSWw';

/** True for `ssh` that was asked to forward (-L, -R, -D, -W) or to run nothing (-N). */
function forwardsPorts(args: readonly string[]): boolean {
  for (let index = 0; index < args.length; index += 1) {
    const arg = args[index] ?? '';
    if (!arg.startsWith('-')) {
      return false;
    }
    for (let at = 1; at < arg.length; at += 1) {
      const letter = arg[at] ?? '';
      if ('LRDWN'.includes(letter)) {
        return true;
      }
      if (sshValueOptions.includes(letter)) {
        const value = arg.slice(at + 1) || (args[index + 1] ?? '');
        if (/^(?:Local|Remote|Dynamic)Forward\b/i.test(value)) {
          return true;
        }
        index += at === arg.length - 1 ? 1 : 0;
        break;
      }
    }
  }
  return false;
}
