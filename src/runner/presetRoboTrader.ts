import { runnerFamily } from '../host/processRoles';
import { baseName, programOf } from '../host/program';
import { wantsPreflight } from './blockers';
import type { HelperCommand } from './helperCommand';
import { type Preset, type PresetContext, variable } from './preset';
import { findPython } from './workspacePython';

/** What goes with a program of the trader's system: variables, helpers, and what to know. */
export type ProgramExtras = Pick<Preset, 'environment' | 'helpers' | 'warnings'>;

const noExtras: ProgramExtras = { environment: {}, helpers: [], warnings: [] };
/** Ports of the system's helpers where nothing else is set (origin system, section 4.1). */
const defaultPorts = { DASH_PORT: 5555, WEBSOCKET_PORT: 8765 } as const;

/** Where the system's runner lies, the newest form first. */
const runners: readonly { readonly file: string; readonly start: readonly string[] }[] = [
  { file: 'robo_trader/runner_async.py', start: ['-m', 'robo_trader.runner_async'] },
  { file: 'robo_trader/runner.py', start: ['-m', 'robo_trader.runner'] },
  { file: 'start_ai_trading.py', start: ['start_ai_trading.py'] },
];

/** The runner of the trader's Python system, started directly; its script comes second. */
export async function roboTraderPresets(context: PresetContext): Promise<readonly Preset[]> {
  const direct = await directPreset(context);
  const script = await scriptPreset(context, direct !== undefined);
  return [direct, script].filter((preset) => preset !== undefined);
}

async function directPreset(context: PresetContext): Promise<Preset | undefined> {
  for (const { file, start } of runners) {
    if ((await context.look.kind(file)) === 'file') {
      const python = await findPython(context);
      const symbols = context.symbols.length > 0 ? ['--symbols', '${symbols}'] : [];
      const command = [...python.argv, ...start, ...symbols];
      const extras = await extrasWith(context, python.argv);
      return {
        id: 'robo_trader',
        title: `The robo_trader system: ${start.join(' ')}`,
        why: `This folder holds ${file}. Python: ${python.why}.`,
        command,
        ...extras,
        warnings: [
          ...python.warnings,
          ...extras.warnings,
          ...((await wantsPreflight(context.look, context))
            ? [
                'It starts only within five minutes after its own pre-flight (scripts/preflight_check.py), and exits with code 4 or 5 otherwise.',
              ]
            : []),
        ],
      };
    }
  }
  return undefined;
}

/**
 * What goes with a command that the trader has written: nothing unless it runs the system's
 * runner, whose console and helpers are the same then as with the preset.
 */
export async function extrasOf(
  command: readonly string[],
  context: PresetContext,
): Promise<ProgramExtras> {
  const program = programOf(command, context.look.root);
  const isRunner = program !== undefined && runnerFamily(program) === 'robo_trader';
  if (!isRunner || baseName(program.name) === launcher) {
    return noExtras;
  }
  const module = command.indexOf('-m');
  const python = module > 0 ? command.slice(0, module) : (await findPython(context)).argv;
  return extrasWith(context, python);
}

async function extrasWith(
  context: PresetContext,
  python: readonly string[],
): Promise<ProgramExtras> {
  const console = consoleOf(context);
  const helpers = await helpersOf(context, python);
  return {
    environment: console.environment,
    helpers: helpers.helpers,
    warnings: [...console.warnings, ...helpers.warnings],
  };
}

/** With LOG_FILE its logger writes to stdout only where that is a terminal, or LOG_CONSOLE says so. */
function consoleOf(context: PresetContext): Pick<ProgramExtras, 'environment' | 'warnings'> {
  if (variable(context, 'LOG_FILE') === '') {
    return { environment: {}, warnings: [] };
  }
  const told = variable(context, 'LOG_CONSOLE');
  return told === ''
    ? { environment: { LOG_CONSOLE: '1' }, warnings: [] }
    : {
        environment: {},
        warnings: /^(?:0|false|no|off)$/i.test(told)
          ? [
              `LOG_CONSOLE is ${told} and LOG_FILE is set: it prints nothing, and Robo cannot see whether it works.`,
            ]
          : [],
      };
}

async function helpersOf(
  context: PresetContext,
  python: readonly string[],
): Promise<Pick<ProgramExtras, 'helpers' | 'warnings'>> {
  const { look } = context;
  const app = await look.read('app.py');
  const servesFeed = app !== undefined && startsFeed(app);
  const feedPort = portOf(context, 'WEBSOCKET_PORT');
  const dashboardPort = portOf(context, 'DASH_PORT');
  const helpers: HelperCommand[] = [];
  if (!servesFeed && (await look.kind('robo_trader/websocket_server.py')) === 'file') {
    helpers.push({
      name: 'websocket_server',
      command: [...python, '-m', 'robo_trader.websocket_server'],
      environment: { WEBSOCKET_PORT: String(feedPort.port) },
      order: 'before',
      port: feedPort.port,
    });
  }
  if (app !== undefined && isDashboard(app)) {
    helpers.push({
      name: 'app.py',
      command: [...python, 'app.py'],
      environment: { DASH_PORT: String(dashboardPort.port) },
      // One that serves the runner's feed has to be there first.
      order: servesFeed ? 'before' : 'after',
      port: dashboardPort.port,
    });
  }
  return {
    helpers,
    warnings: [
      ...(helpers.length === 0 ? [] : [...feedPort.warnings, ...dashboardPort.warnings]),
      ...(app !== undefined && isDashboard(app) ? dashboardWarnings(app) : []),
    ],
  };
}

/** `app.py` is a usual name: only one of this system is its dashboard. */
function isDashboard(app: string): boolean {
  return /\brobo_trader\b|\bDASH_PORT\b/.test(app);
}

/** Since 2026 the dashboard runs the feed's server itself; before, the call stood in a comment. */
function startsFeed(app: string): boolean {
  return app
    .split('\n')
    .some((line) => /^[ \t]*(?:ws_manager\.start|(?:await )?websockets\.serve)\(/.test(line));
}

/** A call at the beginning of a statement; in comments and texts the same words forbid it. */
const probeCall =
  /^[ \t]*(?:(?:\w+[ \t]*=|await|if|return)[ \t]*)*(?:\w+\.)?(?:ib\.connect(?:Async)?|connect_ex)\(/;

function dashboardWarnings(app: string): readonly string[] {
  const probes = app.split('\n').some((line) => probeCall.test(line));
  return probes
    ? [
        'Its app.py opens connections to TWS of its own for its status page, on live ports too: such probes can block TWS for everyone. Switch robo.runner.helpers off to leave it out.',
      ]
    : [];
}

function portOf(
  context: PresetContext,
  name: keyof typeof defaultPorts,
): { readonly port: number; readonly warnings: readonly string[] } {
  const text = variable(context, name);
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  const usual = defaultPorts[name];
  if (text === '' || (port >= 1 && port <= 65535)) {
    return { port: text === '' ? usual : port, warnings: [] };
  }
  const warning = `${name} is "${text}", which is no port; Robo takes the usual ${usual}.`;
  return { port: usual, warnings: [warning] };
}

const launcher = 'START_TRADER.sh';

/** The script that starts the whole system, with what it does behind Robo's back. */
async function scriptPreset(
  context: PresetContext,
  isDirectKnown: boolean,
): Promise<Preset | undefined> {
  const { look, platform } = context;
  const text = await look.read(launcher);
  if (text === undefined || platform === 'win32') {
    return undefined;
  }
  const isExecutable = await look.isExecutable(launcher);
  return {
    id: 'start_trader',
    title: `The script ./${launcher}`,
    why: `This folder holds ${launcher}, which starts the whole system with its own checks.`,
    command: [
      ...(isExecutable ? [] : ['bash']),
      `./${launcher}`,
      ...(context.symbols.length > 0 ? ['${symbols}'] : []),
    ],
    environment: {},
    helpers: [],
    warnings: scriptWarnings(text, isDirectKnown),
  };
}

/** What its text says that it does; only whole lines that are no comments count. */
function scriptWarnings(text: string, isDirectKnown: boolean): readonly string[] {
  const lines = text.split('\n').filter((line) => !/^\s*(?:#|echo\b|printf\b)/.test(line));
  const has = (pattern: RegExp): boolean => lines.some((line) => pattern.test(line));
  const instead = isDirectKnown ? ' The runner itself is the better choice for supervision.' : '';
  return [
    ...(has(/[^&]&\s*$|\bnohup\b|\bdisown\b|\bsetsid\b/)
      ? [
          `It starts programs in the background: when it has ended, Robo sees its end and not theirs.${instead}`,
        ]
      : []),
    ...(has(/\bwatchdog|\blaunchctl\b|\bsystemctl\b/)
      ? [
          'It knows a supervisor of its own (watchdog, launchd or systemd): one that is switched on starts the runner again after Robo has ended it.',
        ]
      : []),
    ...(has(/\bpkill\b|\bkillall\b/) ? ['It ends programs by their names, in every folder.'] : []),
    ...(has(/\b(?:pkill|killall)\b.*(?:gateway|tws|java)/i)
      ? ['It may end IB Gateway or TWS, which costs you a login with its second factor.']
      : []),
  ];
}
