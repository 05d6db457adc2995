import type { CauseText, System } from '../cause';
import type { CauseId } from '../causeIds';
import { freeSpace } from '../steps';

const venvPython: Readonly<Record<System, string>> = {
  macOS: '`.venv/bin/python`',
  Windows: '`.venv\\Scripts\\python.exe`',
  Linux: '`.venv/bin/python`',
};

/** Causes on the side of the runner and of Robo itself. */
export const runnerCauses = {
  runner_stalled: {
    layer: null,
    severity: 'error',
    looksLike: 'Its log may go on; no cycle and no successful fetch for too long.',
    tellsApart:
      'The age of the last finished cycle, beyond the pauses that it announced. A runner that prints nothing at all is silent: why, nobody can say from outside.',
    remedy: [
      'Run `robo test`: does TWS answer, with data?',
      'If it does not, mend that first: the runner waits for it.',
      'If it does, restart the runner (Robo: Restart Runner) when no position depends on it.',
    ],
    prevent: 'Give every request in the program a time limit, and let it print each cycle.',
  },
  runner_silent: {
    layer: null,
    severity: 'warning',
    looksLike: 'The process lives and has printed before; no line has come for long.',
    tellsApart:
      'It may hang, or log to a file of its own, or have its output held back by buffering: silence alone does not tell.',
    remedy: [
      'See in its own log file, if it has one, whether it works.',
      'If it should print, set LOG_CONSOLE=1 (the Python system), or start Python with -u.',
      'If it hangs, run `robo test`, then restart the runner (Robo: Restart Runner).',
    ],
    prevent: 'Let it print a line for each cycle; docs/runner-events.md shows the form.',
  },
  runner_crash_loop: {
    layer: null,
    severity: 'error',
    looksLike: 'Several exits within half an hour, each within two minutes after the start.',
    tellsApart: 'The exit codes and last lines of the runs; the same each time means one reason.',
    remedy: [
      'Do not start it again yet: read the last lines of the runner log (`robo log --runner`).',
      'Mend what they name; if it is the connection, run `robo test` until it passes.',
      'Then start it once, and watch its first cycle.',
    ],
    prevent: 'No watchdog that restarts without looking at the reason.',
  },
  runner_exited: {
    layer: null,
    severity: 'error',
    looksLike: 'The process is gone without having been asked to stop.',
    tellsApart: 'Exit code or signal, and the last lines that it printed.',
    remedy: [
      'Read the last lines of the runner log (`robo log --runner`).',
      'Open positions: look at them in TWS first.',
      'Start it again when you know why.',
    ],
    prevent: 'Let the program print why it ends, and exit with a code of its own.',
  },
  runner_error: {
    layer: null,
    severity: 'error',
    looksLike: 'A traceback or error line that names no fault of the connection.',
    tellsApart: 'The exception is none of the known connection or data faults.',
    remedy: [
      'Look at the line of your own code that the traceback names, and at the values there.',
      'If it began with a change, go back to the version before it.',
    ],
    prevent: 'Run changed code on the paper account first.',
  },
  runner_older_than_source: {
    layer: null,
    severity: 'warning',
    looksLike: 'A fix is in the files, and the running program behaves as before.',
    tellsApart:
      'The process started before the newest change of the source that it runs. Whether the changed lines matter to it cannot be seen.',
    remedy: [
      'Restart the runner (Robo: Restart Runner) when no position depends on it, so that it loads the new source.',
    ],
    prevent: 'Restart the runner after each change or pull.',
  },
  kill_switch_triggered: {
    layer: null,
    severity: 'error',
    looksLike:
      'The runner refuses to trade or ends within seconds, often with exit code 0; the broker is fine.',
    tellsApart:
      'Its own message or state file (data/kill_switch_state.json) says so, with the reason.',
    remedy: [
      'Read the reason. If it is a loss limit, decide yourself before resetting it.',
      'If it is a fault of the connection, let `robo test` pass first.',
      'Reset the kill switch with the means of the runner, not by deleting its data. Restarts do not reset it.',
    ],
    prevent:
      'Limits that fit the size of the positions; a fault of the connection should not set it.',
  },
  bad_configuration: {
    layer: null,
    severity: 'error',
    looksLike:
      'A value in .env, the settings, the flags or the environment is missing or impossible; the program ends before it connects.',
    tellsApart: 'The message names key, value and place; TWS is not involved.',
    remedy: [
      'Correct the value at the place that the message names (.env, settings, flag or environment).',
      'Start it as it is meant to be started: a system with a pre-flight or start script of its own wants that first.',
    ],
    prevent: 'Run `robo test` after each change of .env or settings.',
  },
  command_not_found: {
    layer: null,
    severity: 'error',
    looksLike:
      'ENOENT, "command not found", exit code 127 (not found) or 126 (not executable); no line of the runner is printed.',
    tellsApart:
      'The name is not on the PATH of who started it, or the file is not there; on many systems it is python3, not python.',
    remedy: [
      'Correct robo.runner.command: use the full path of the program.',
      { text: 'The Python of a virtual environment is usually:', bySystem: venvPython },
      {
        text: 'See where a command is found (NAME is its name):',
        bySystem: {
          macOS: '`command -v NAME`',
          Windows: '`Get-Command NAME` in PowerShell',
          Linux: '`command -v NAME`',
        },
      },
    ],
    prevent: 'Full paths: services and editors have another PATH than terminals.',
  },
  wrong_interpreter: {
    layer: null,
    severity: 'error',
    looksLike:
      'It ends at once: ModuleNotFoundError, "cannot find module", or the interpreter itself falls (bus error, segmentation fault).',
    tellsApart: 'It fails before any line about the broker; the broker is not involved.',
    remedy: [
      {
        text: "Start it with the interpreter of the workspace's own environment, in robo.runner.command:",
        bySystem: venvPython,
      },
      'Install its packages into that environment (`-m pip install -r requirements.txt`).',
      'If the interpreter itself falls, it was built for another processor or mixed with packages of another one: make the environment anew.',
    ],
    prevent: 'Name the interpreter by its full path; do not rely on an activated environment.',
  },
  worker_unresponsive: {
    layer: null,
    severity: 'error',
    looksLike: 'Connected, and every command to the worker times out, for every symbol.',
    tellsApart:
      'Robo gets data from the same TWS; only the commands within the runner time out. If Robo gets none either, it is the data path.',
    remedy: [
      'Run `robo test`: does TWS answer with data?',
      'If it does, restart the runner (Robo: Restart Runner): worker and pipe start anew.',
      'Look for two readers of one pipe, or a blocked event loop, in the worker.',
    ],
    prevent: 'One reader for each pipe, and a time limit for each command.',
  },
  database_locked: {
    layer: null,
    severity: 'error',
    looksLike: '"database is locked"; the broker is fine.',
    tellsApart: 'Another process has the database file open, often an older runner.',
    remedy: [
      'Run `robo ps` for older runners, and end the duplicates with `robo kill-duplicates`.',
      {
        text: 'See who has the file open (FILE is the database):',
        bySystem: {
          macOS: '`lsof FILE`',
          Windows: 'Resource Monitor > CPU > Associated Handles, search for the name of the file',
          Linux: '`lsof FILE` or `fuser -v FILE`',
        },
      },
      'Do not delete the database or its -wal and -journal files.',
    ],
    prevent: 'One writer; SQLite with a busy timeout and in WAL mode.',
  },
  helper_port_taken: {
    layer: null,
    severity: 'warning',
    looksLike: '"Address already in use" for a dashboard or websocket port.',
    tellsApart: 'It is not the API port: the connection to TWS works.',
    remedy: [
      {
        text: 'See which program has it (N is the port in the message):',
        bySystem: {
          macOS: '`lsof -nP -iTCP:N -sTCP:LISTEN`',
          Windows:
            '`Get-Process -Id (Get-NetTCPConnection -LocalPort N -State Listen).OwningProcess` in PowerShell',
          Linux: "`ss -ltnp 'sport = :N'`",
        },
      },
      'If it is an older helper of yours, end that one. If it is a stranger, give the helper another port (DASH_PORT, WEBSOCKET_PORT).',
    ],
    prevent: 'End helpers together with their runner.',
  },
  disk_full: {
    layer: null,
    severity: 'error',
    looksLike: '"No space left on device" (ENOSPC); logs and databases stop.',
    tellsApart: 'The system gave that very error; a missing right would be EACCES or EROFS.',
    remedy: [
      { text: 'Find what is full and what grows:', bySystem: freeSpace },
      'Free space: logs that grow fast first. Never delete databases of the runner.',
      'Then check that runner and records write again (`robo status`).',
    ],
    prevent: 'Rotate logs; look at a log that grows by gigabytes an hour, it repeats something.',
  },
  records_unwritable: {
    layer: null,
    severity: 'warning',
    looksLike: 'Status and log files are old or missing; the watch itself goes on.',
    tellsApart:
      'The system refused a write of Robo: rights, a read-only disk, a link, a taken path.',
    remedy: [
      'Correct what the message names: make the state directory writable for you, remove a link, free space.',
      'Or choose another directory with --state-dir, ROBO_STATE_DIR or robo.stateDirectory.',
      'Until then trust `robo status` and the editor, not the files.',
    ],
    prevent: 'Keep the state directory on a local disk that only you write to.',
  },
} as const satisfies Partial<Record<CauseId, CauseText>>;
