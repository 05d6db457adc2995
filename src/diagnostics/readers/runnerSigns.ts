import type { LinePattern } from './reader';
import { connection, one, runner, sign } from './sign';

/** Lines of runners about themselves. */
export const runnerSigns: readonly LinePattern[] = [
  // Good news about the switch stays unsaid.
  {
    has: 'kill',
    pattern:
      /\bkill[ _-]?switch.{0,40}\b(?:auto_)?(?:reset|clear(?:ed)?|inactive|not (?:active|triggered)|disarmed|ok|enabled|initiali[sz]ed)\b/i,
    read: () => [],
  },
  sign(
    'kill',
    /\bkill[ _-]?switch\b.{0,60}\b(?:trigger(?:ed)?|activat(?:ed|ion)|engaged|active|tripped|on)\b|\bKILL SWITCH\b|event=kill_switch_triggered/,
    runner,
    one('kill_switch_triggered'),
  ),
  sign(
    'limit exceeded',
    /^(?:Position|Daily|Portfolio) (?:loss|drawdown) limit exceeded/i,
    runner,
    one('kill_switch_triggered', 0.7),
  ),
  sign('stall detected', /\bSTALL DETECTED\b/, runner, one('runner_stalled')),
  sign(
    'cycle_skipped_unhealthy',
    /event=cycle_skipped_unhealthy/,
    runner,
    one('runner_stalled', 0.6),
  ),
  sign('restart failed', /\brestart failed\b/i, runner, one('runner_crash_loop', 0.6)),
  sign('bus error', /^Bus error/i, runner, one('runner_exited', 0.6)),
  sign('segmentation fault', /^Segmentation fault/i, runner, one('runner_exited', 0.6)),
  sign('database is locked', /\bdatabase is locked\b/i, runner, one('runner_error', 0.8)),
  sign('api layer is unresponsive', /API layer is unresponsive/i, connection, [
    { id: 'silent_handshake', confidence: 0.5 },
    { id: 'wedged_close_wait', confidence: 0.25 },
  ]),
  sign('command not found', /: command not found$/, runner, one('command_not_found')),
  sign('enoent', /\bspawn \S{1,200} ENOENT\b/, runner, one('command_not_found')),
  sign(
    "can't open file",
    /can't open file '.{1,300}': \[Errno 2\]/,
    runner,
    one('command_not_found', 0.7),
  ),
];
