import type { CauseId } from '../diagnostics/causeIds';
import type { SomeCauses } from '../diagnostics/makeFinding';
import type { ExitEvidence } from '../diagnostics/status';
import { runnerFamily } from '../host/processRoles';
import { baseName, programOf } from '../host/program';

/** A run that has ended by itself, as far as its end says why. */
export interface EndedRun {
  readonly exit: Pick<ExitEvidence, 'code' | 'signal' | 'lastLines'>;
  readonly argv: readonly string[];
  readonly isBuiltIn: boolean;
  /** From its start to its end, in milliseconds. */
  readonly livedMs: number;
}

interface Reading {
  readonly id: CauseId;
  readonly confidence: number;
  /** What the end means, to follow "The runner has ended …:". */
  readonly meaning: string;
}

/** A program that falls sooner was never at work: its environment is the likelier reason. */
const atStartMs = 60_000;

/** Exit codes of the trader's own runner (origin system, section 4.6). */
const traderExits: Readonly<Record<number, Reading>> = {
  4: { id: 'bad_configuration', confidence: 0.6, meaning: 'its own pre-flight was never run' },
  5: { id: 'bad_configuration', confidence: 0.6, meaning: 'its own pre-flight is out of date' },
  6: { id: 'runner_exited', confidence: 0.9, meaning: 'it found positions without protection' },
  7: { id: 'runner_exited', confidence: 0.9, meaning: 'its safety journal forbids the start' },
  8: { id: 'runner_exited', confidence: 0.9, meaning: 'the safety checks of its broker failed' },
  9: { id: 'runner_exited', confidence: 0.9, meaning: 'its settlement is not ready' },
};

/** Exit codes of the script that starts the trader's system (origin system, section 4.6). */
const launcherExits: Readonly<Record<number, Reading>> = {
  3: { id: 'command_not_found', confidence: 0.7, meaning: 'it did not find lsof' },
  4: {
    id: 'bad_configuration',
    confidence: 0.85,
    meaning: 'the settings of IBC or the port are not those that it allows',
  },
  5: {
    id: 'helper_port_taken',
    confidence: 0.8,
    meaning: 'the port of its dashboard or websocket is taken',
  },
  7: { id: 'runner_exited', confidence: 0.9, meaning: 'its safety journal forbids the start' },
  75: { id: 'duplicate_runner', confidence: 0.6, meaning: 'another start holds its lock' },
  76: {
    id: 'wrong_interpreter',
    confidence: 0.85,
    meaning: 'its Python environment cannot be used',
  },
};

/** Codes that shells give for commands which they cannot start; 9009 is that of cmd. */
const shellExits: Readonly<Record<number, Reading>> = {
  126: {
    id: 'command_not_found',
    confidence: 0.8,
    meaning: 'so a shell says that a command may not be executed',
  },
  127: {
    id: 'command_not_found',
    confidence: 0.85,
    meaning: 'so a shell says that a command was not found',
  },
  9009: {
    id: 'command_not_found',
    confidence: 0.85,
    meaning: 'so cmd says that a command was not found',
  },
};

/** Signals by which an interpreter falls, not a program in it. */
const fallSignals: ReadonlySet<string> = new Set(['SIGBUS', 'SIGSEGV', 'SIGILL', 'SIGTRAP']);
/** The same as a shell passes them on (128 + n: Linux and macOS), and as Windows numbers them. */
const fallCodes: ReadonlySet<number> = new Set([
  132, 133, 135, 138, 139, 0xc0000005, 0xc000001d, 0xc0000135, 0xc0000139, 0xc000007b,
]);

/** Last lines that name the reason, the surest first. */
const lastWords: readonly { readonly pattern: RegExp; readonly reading: Reading }[] = [
  {
    pattern: /No space left on device|\bENOSPC\b/,
    reading: { id: 'disk_full', confidence: 0.9, meaning: 'it had no space left to write' },
  },
  {
    pattern:
      /\b(?:ModuleNotFoundError|ImportError)\b|\bNo module named\b|\bERR_MODULE_NOT_FOUND\b|\bCannot find module\b|error while loading shared libraries|\bdyld(?:\[\d+\])?: |NoClassDefFoundError|\bImage not found\b/,
    reading: {
      id: 'wrong_interpreter',
      confidence: 0.8,
      meaning: 'a module or library that it needs is not in its environment',
    },
  },
  {
    pattern:
      /: error: (?:unrecognized arguments|the following arguments are required|argument |invalid choice)/,
    reading: {
      id: 'bad_configuration',
      confidence: 0.85,
      meaning: 'it does not take the arguments of robo.runner.command',
    },
  },
];

/** What the end of a run points to, best first, and what its code means where that is known. */
export function exitCauses(run: EndedRun): {
  readonly causes: SomeCauses;
  readonly meaning: string | undefined;
} {
  const reading = readEnd(run);
  const own = 'it ended without having been asked to';
  if (reading === undefined) {
    return { causes: [{ id: 'runner_exited', confidence: 0.95, why: own }], meaning: undefined };
  }
  const { id, confidence, meaning } = reading;
  const best = { id, confidence, why: meaning };
  const rest = Math.floor((0.95 - confidence) * 100) / 100;
  return {
    causes:
      id === 'runner_exited' ? [best] : [best, { id: 'runner_exited', confidence: rest, why: own }],
    meaning,
  };
}

function readEnd(run: EndedRun): Reading | undefined {
  const { code, signal, lastLines } = run.exit;
  if (code === 0) {
    return undefined;
  }
  return (
    ofOwnCode(run, code) ??
    lastWords.find(({ pattern }) => lastLines.some((line) => pattern.test(line)))?.reading ??
    ofFall(run, code, signal) ??
    (code === null ? undefined : shellExits[code])
  );
}

/** Codes whose meaning the program itself has fixed. */
function ofOwnCode({ argv, isBuiltIn }: EndedRun, code: number | null): Reading | undefined {
  if (code === null) {
    return undefined;
  }
  const program = programOf(argv, undefined);
  const family = program === undefined ? undefined : runnerFamily(program);
  if (isBuiltIn || family === 'built-in') {
    return code === 2
      ? { id: 'bad_configuration', confidence: 0.95, meaning: 'its configuration cannot be used' }
      : undefined;
  }
  if (program === undefined || family !== 'robo_trader') {
    return undefined;
  }
  return (baseName(program.name) === 'START_TRADER.sh' ? launcherExits : traderExits)[code];
}

function ofFall(
  { livedMs }: EndedRun,
  code: number | null,
  signal: string | null,
): Reading | undefined {
  const hasFallen =
    (signal !== null && fallSignals.has(signal)) || (code !== null && fallCodes.has(code));
  return hasFallen && livedMs < atStartMs
    ? {
        id: 'wrong_interpreter',
        confidence: 0.6,
        meaning: 'the interpreter itself fell, just after its start',
      }
    : undefined;
}
