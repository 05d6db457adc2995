import type { CauseText } from '../cause';
import type { CauseId } from '../causeIds';

/** Causes on the side of the runner and of Robo itself. */
export const runnerCauses = {
  runner_stalled: {
    layer: null,
    title: 'The runner is alive but finishes no cycle',
    severity: 'error',
    looksLike: 'The log may go on; no cycle and no successful fetch for too long.',
    tellsApart: 'The age of the last finished cycle, judged with the hours of the market.',
    remedy: [
      'Run `robo test`: does TWS answer?',
      'If it does, restart the runner (Robo: Restart Runner).',
    ],
  },
  runner_silent: {
    layer: null,
    title: 'The runner prints nothing',
    severity: 'warning',
    looksLike: 'The process lives, and no line has come for long.',
    tellsApart: 'Output may go to a file of its own, or be held back by buffering.',
    remedy: [
      'Check where it logs: set LOG_CONSOLE=1, or let it print its cycles.',
      'A program can print JSON lines for Robo; see the documentation.',
    ],
  },
  runner_crash_loop: {
    layer: null,
    title: 'The runner ends again and again soon after its start',
    severity: 'error',
    looksLike: 'Several exits in a row; Robo has stopped restarting it.',
    tellsApart: 'The exit codes and last lines of the runs.',
    remedy: ['Read the last lines of the runner log, mend the cause, then start it once.'],
  },
  runner_exited: {
    layer: null,
    title: 'The runner has ended',
    severity: 'error',
    looksLike: 'The process is gone without having been asked to stop.',
    tellsApart: 'Exit code or signal, and the last lines that it printed.',
    remedy: ['Read the last lines of the runner log.', 'Start it again when you know why.'],
  },
  runner_error: {
    layer: null,
    title: 'The runner reports an error in its own code',
    severity: 'error',
    looksLike: 'A traceback or error line that names no fault of the connection.',
    tellsApart: 'The exception is none of the known connection or data faults.',
    remedy: ['Look at the line that the traceback names.'],
  },
  kill_switch_triggered: {
    layer: null,
    title: 'The kill switch of the runner is set',
    severity: 'error',
    looksLike: 'The runner refuses to trade or ends within seconds; the broker is fine.',
    tellsApart: 'Its own message or state file says so, with the reason.',
    remedy: [
      'Read the reason. If it is a loss limit, decide yourself before resetting it.',
      'Reset the kill switch in the runner, not by deleting its data.',
    ],
  },
  bad_configuration: {
    layer: null,
    title: 'The configuration cannot be used',
    severity: 'error',
    looksLike: 'A value in .env, the settings or the flags is missing or impossible.',
    tellsApart: 'The message names key, value and place.',
    remedy: ['Correct the value at the place that the message names.'],
  },
  command_not_found: {
    layer: null,
    title: 'The command of the runner does not exist',
    severity: 'error',
    looksLike: 'The runner cannot be started (ENOENT), no line is printed.',
    tellsApart: 'The name is not on the PATH; on many systems it is python3, not python.',
    remedy: [
      'Correct robo.runner.command: use the full path, or python3 of the virtual environment.',
    ],
  },
  records_unwritable: {
    layer: null,
    title: 'Robo cannot write its records',
    severity: 'warning',
    looksLike: 'Status and log files are old or missing; the disk is full or read-only.',
    tellsApart: 'The watch itself goes on; only the files do not.',
    remedy: [
      'Free space, or correct the permissions of the state directory.',
      'Or choose another one with --state-dir or ROBO_STATE_DIR.',
    ],
  },
} as const satisfies Partial<Record<CauseId, CauseText>>;
