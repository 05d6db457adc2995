import { quiet } from './quiet';
import type { LinePattern } from './reader';
import { connection, one, process, runner, sign } from './sign';

/** START_TRADER.sh, the pre-flight gate, and the watchdog of the trader's system. */
export const tradingLauncherPatterns: readonly LinePattern[] = [
  // Ordinary progress of a start, which may take minutes.
  quiet('still waiting', /^\s{0,8}Still waiting/),
  quiet('startup/2fa', /\bNormal during startup\/2FA\b/),
  quiet('2fa required', /\bSTARTING GATEWAY - 2FA REQUIRED\b/),
  sign('preflight not run', /\bPREFLIGHT NOT RUN\b/, runner, [
    { id: 'runner_exited', confidence: 0.6 },
    { id: 'bad_configuration', confidence: 0.2 },
  ]),
  sign('preflight stale', /\bPREFLIGHT STALE\b/, runner, one('runner_exited', 0.7)),
  sign(
    'preflight safety gate blocked',
    /\bPREFLIGHT SAFETY GATE BLOCKED\b/,
    runner,
    one('runner_exited', 0.5),
  ),
  sign('config corrupt', /\bconfig corrupt\b/i, runner, one('bad_configuration', 0.8)),
  sign(
    'lsof not ',
    /\blsof not (?:found|installed|available)\b/i,
    runner,
    one('command_not_found', 0.75),
  ),
  sign(
    'owned by another process',
    /\bport \d{2,5} is (?:already )?owned by another process/i,
    runner,
    one('helper_port_taken', 0.85),
  ),
  sign(
    'failed to own http',
    /\bfailed to own HTTP \d{2,5}\b/,
    runner,
    one('helper_port_taken', 0.65),
  ),
  sign(
    'could not bind',
    /\b(?:websocket|dashboard|metrics|http)\b.{0,40}\bcould not bind\b/i,
    runner,
    one('helper_port_taken', 0.85),
  ),
  sign('ws rejected', /\bWS rejected: /, runner, one('bad_configuration', 0.7)),
  sign(
    'websocket_port',
    /\bWEBSOCKET_(?:PORT|URL)\b.{0,40}\b(?:must be|conflicts)\b/,
    runner,
    one('bad_configuration'),
  ),
  sign(
    'requires ib gateway port',
    /\brequires IB Gateway port \d{2,5}; got\b/,
    runner,
    one('bad_configuration'),
  ),
  sign(
    'ibc config',
    /\bIBC config (?:not found|must contain)\b|\binvalid IBC .{0,40}configuration\b/i,
    process,
    one('bad_configuration'),
  ),
  sign('invalid ibc', /\binvalid IBC .{0,40}configuration\b/i, process, one('bad_configuration')),
  sign(
    'bootstrap failed',
    /\bPython dependency bootstrap failed\b/i,
    runner,
    one('wrong_interpreter', 0.75),
  ),
  sign(
    'python environment cannot',
    /\bPython environment cannot import\b/i,
    runner,
    one('wrong_interpreter', 0.8),
  ),
  sign(
    'virtualenv creation',
    /\bvirtualenv creation did not produce\b/i,
    runner,
    one('wrong_interpreter', 0.75),
  ),
  sign(
    'no safe python interpreter',
    /\bNo safe Python interpreter found\b/i,
    runner,
    one('wrong_interpreter', 0.8),
  ),
  sign(
    'lifecycle lock',
    /\b(?:lifecycle lock|connect lock)\b.{0,60}\b(?:busy|held|failed)\b/i,
    runner,
    one('duplicate_runner', 0.4),
  ),
  sign(
    'did not start within',
    /\bGateway did not start (?:listening on port \d{2,5} )?within\b/i,
    process,
    [
      { id: 'twofa_timeout', confidence: 0.5 },
      { id: 'port_refused', confidence: 0.2 },
      { id: 'login_failed', confidence: 0.1 },
    ],
  ),
  sign('not listening after', /\bPort still not listening after \d/i, process, [
    { id: 'twofa_timeout', confidence: 0.5 },
    { id: 'port_refused', confidence: 0.2 },
  ]),
  ...[
    'gateway process died',
    'gateway process not detected',
    'failed to start gateway',
    'no ib gateway found',
  ].map((has) =>
    sign(
      has,
      /\bGateway process (?:died|not detected)\b|^Failed to start Gateway\b|\bNo IB Gateway found in\b/,
      process,
      one('port_refused', 0.6),
    ),
  ),
  sign(
    'stopped unexpectedly',
    /\bTrading system stopped unexpectedly\b/,
    runner,
    one('runner_exited', 0.7),
  ),
  sign('api layer is unresponsive', /\bAPI layer is unresponsive\b/i, connection, [
    { id: 'silent_handshake', confidence: 0.5 },
    { id: 'wedged_close_wait', confidence: 0.25 },
  ]),
  sign('stall detected', /\bSTALL DETECTED\b/, runner, one('runner_stalled')),
  sign(
    'restart failed',
    /^Restart FAILED\b|\bRestart failed \d{1,4}x\b|\b(?:runner|trader|trading system) restart failed\b/i,
    runner,
    one('runner_crash_loop', 0.7),
  ),
  sign(
    'restart launcher',
    /\bRestart launcher (?:failed|did not produce)\b/,
    runner,
    one('runner_crash_loop', 0.6),
  ),
  sign('restart request denied', /\bRESTART REQUEST DENIED\b/, runner, one('runner_exited', 0.6)),
  sign('safety block', /\bTERMINAL SAFETY BLOCK\b/, runner, one('runner_exited', 0.6)),
];
