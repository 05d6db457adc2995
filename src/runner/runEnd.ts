import type { CauseId } from '../diagnostics/causeIds';
import type { ExitEvidence, RunnerStatus } from '../diagnostics/status';
import { runnerFamily } from '../host/processRoles';
import { baseName, programOf } from '../host/program';
import type { ExitAudit } from './exitAudit';
import { exitCauses } from './exitCauses';

/** The end of a run, with what speaks for and against another start. */
export interface RunEnd extends Pick<ExitEvidence, 'code' | 'signal' | 'how' | 'lastLines'> {
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  readonly livedMs: number;
  /** As it was asked for; empty for the built-in runner. */
  readonly command: readonly string[];
  /** It finished a cycle or a fetch. */
  readonly isWorkSeen: boolean;
  /** As seen; or it never spoke of its work, and such a program is taken for working. */
  readonly hasWorked: boolean;
  /** Causes that its own words named before it ended, as `kill_switch_triggered`. */
  readonly named: readonly CauseId[];
  /** What the program itself has noted about its end and its kill switch. */
  readonly audit: ExitAudit;
}

/** Whether another start may help, and why, in words that follow "…: ". */
export interface EndReading {
  readonly mayRestart: boolean;
  readonly why: string;
}

/** Puts the evidence of a run's end together; undefined while it has not ended. */
export function runEndOf(status: RunnerStatus, audit: ExitAudit): RunEnd | undefined {
  const { exit, startedAt, command, findings } = status;
  if (exit === null) {
    return undefined;
  }
  const atMs = Date.parse(exit.at);
  return {
    ...exit,
    atMs,
    livedMs: startedAt === null ? 0 : Math.max(0, atMs - Date.parse(startedAt)),
    command,
    isWorkSeen: isWorkSeen(status),
    hasWorked: hasWorked(status),
    named: findings.flatMap(({ causes }) => (causes[0] === undefined ? [] : [causes[0].id])),
    audit,
  };
}

function isWorkSeen({ lastCycleAt, lastFetchAt }: RunnerStatus): boolean {
  return lastCycleAt !== null || lastFetchAt !== null;
}

/** Seen at work, or without a word of failure: who says nothing of it is taken for working. */
export function hasWorked(status: RunnerStatus): boolean {
  return isWorkSeen(status) || !status.symbolStatus.some(({ failures }) => failures > 0);
}

/** A start changes nothing about these. */
const persistentCauses: ReadonlySet<CauseId> = new Set<CauseId>([
  'bad_configuration',
  'command_not_found',
  'wrong_interpreter',
  'disk_full',
  'duplicate_runner',
  'helper_port_taken',
  'kill_switch_triggered',
]);

/** Notes of the trader's runner after which its own watchdog starts it again (origin, 4.6). */
const restartableNotes: Readonly<Record<string, number>> = {
  clean_shutdown: 0,
  keyboard_interrupt: 0,
  sigint: 0,
  sigterm: 0,
  pre_flight_gateway_unreachable: 1,
  unhandled_exception: 2,
};

/**
 * Signals by which somebody outside asks a program to end, by the code that a shell, and by custom
 * a program that heeds them, ends with then: 128 and the signal's number, the same on every POSIX.
 */
const outsideSignals: Readonly<Record<number, string>> = {
  129: 'SIGHUP',
  130: 'SIGINT',
  131: 'SIGQUIT',
  143: 'SIGTERM',
};

/** Reads from the evidence whether the end of a run means "do not start again" (law 10). */
export function readRunEnd(end: RunEnd): EndReading {
  const no = (why: string): EndReading => ({ mayRestart: false, why });
  if (end.how === 'unseen') {
    return no('nobody saw how it ended, and without that evidence nothing is started');
  }
  if (end.audit.killSwitch !== null) {
    return no(`its kill switch ${end.audit.killSwitch}`);
  }
  if (end.named.includes('kill_switch_triggered')) {
    return no('its kill switch is set, as its own words say');
  }
  return ofRefusal(end) ?? ofNote(end) ?? ofCode(end) ?? ofCauses(end) ?? ofSignal(end);
}

/** Codes by which the trader's runner refuses to run at all (origin system, section 4.6). */
function ofRefusal({ command, code }: RunEnd): EndReading | undefined {
  const program = programOf(command, undefined);
  const isTheirs = program !== undefined && runnerFamily(program) === 'robo_trader';
  return isTheirs && code !== null && code >= 4 && code <= 9
    ? {
        mayRestart: false,
        why: `its exit code ${code} means that it must not be started again before you looked`,
      }
    : undefined;
}

/** The program's own note outweighs the code: it ends with 0 for good and for bad reasons. */
function ofNote({ audit }: RunEnd): EndReading | undefined {
  if (audit.note === null) {
    return undefined;
  }
  const { reason, code } = audit.note;
  return restartableNotes[reason] === code
    ? { mayRestart: true, why: `it noted "${reason}", after which it may be started again` }
    : {
        mayRestart: false,
        why: `it noted "${reason}" (code ${code}), which is no reason to start it again`,
      };
}

/** Codes that mean "do not start me again" (contracts; origin system, section 4.6). */
function ofCode(end: RunEnd): EndReading | undefined {
  const { code } = end;
  if (code === null) {
    return undefined;
  }
  const no = (why: string): EndReading => ({ mayRestart: false, why });
  const program = programOf(end.command, undefined);
  const family = program === undefined ? undefined : runnerFamily(program);
  if (end.command.length === 0 || family === 'built-in') {
    return ofBuiltIn(end, code);
  }
  if (family === 'robo_trader' && program !== undefined) {
    if (baseName(program.name) === 'START_TRADER.sh') {
      return code === 0
        ? undefined
        : no(`its start script ended with code ${code}, a failed check`);
    }
    return code === 0
      ? no(
          'it ended with code 0, which it gives for a stop, a kill switch and a lost connection alike, and left no fresh note that says which',
        )
      : undefined;
  }
  return code === 0 ? no('it ended with code 0, so that it was done') : undefined;
}

function ofBuiltIn({ isWorkSeen }: RunEnd, code: number): EndReading | undefined {
  if (code === 0) {
    return { mayRestart: false, why: 'it was done, or was asked to stop by somebody else' };
  }
  if (code !== 1) {
    return undefined;
  }
  // The same code for a check that failed at its start and for a session that never came back.
  return isWorkSeen
    ? { mayRestart: true, why: 'it lost its connection for good' }
    : { mayRestart: false, why: 'its own check of the connection failed' };
}

function ofCauses(end: RunEnd): EndReading | undefined {
  const isBuiltIn = end.command.length === 0;
  const { causes, meaning } = exitCauses({
    exit: end,
    argv: end.command,
    isBuiltIn,
    livedMs: end.livedMs,
  });
  const best = causes[0];
  // An interpreter that fell may do so once; a module that is missing stays so.
  return persistentCauses.has(best.id) && (best.id !== 'wrong_interpreter' || end.signal === null)
    ? { mayRestart: false, why: meaning ?? best.why }
    : undefined;
}

function ofSignal({ code, signal }: RunEnd): EndReading {
  const byCode = code === null ? undefined : outsideSignals[code];
  if (byCode !== undefined) {
    return {
      mayRestart: false,
      why: `its exit code ${code ?? ''} says that somebody ended it with ${byCode}, as one does on purpose`,
    };
  }
  if (signal !== null && Object.values(outsideSignals).includes(signal)) {
    return {
      mayRestart: false,
      why: `somebody else ended it with ${signal}, as one does on purpose`,
    };
  }
  if (code === null && signal === null) {
    return { mayRestart: false, why: 'neither exit code nor signal is known' };
  }
  return {
    mayRestart: true,
    why: `it ended by itself with ${signal ?? `exit code ${code ?? ''}`}`,
  };
}
