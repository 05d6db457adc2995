import type { CauseId } from '../causeIds';
import type { Subject } from '../finding';
import type { LogLine } from '../logLine';
import { shorten } from '../notices';
import type { RunnerFact } from '../runnerFacts';
import { errorClassIn, type LinePattern, type LineReader, tableReader } from './reader';

type Guesses = readonly { readonly id: CauseId; readonly confidence: number }[];

const connection: Subject = { kind: 'connection' };
const runner: Subject = { kind: 'runner' };
const process: Subject = { kind: 'process' };

/** A pattern whose mere presence points to causes. */
function sign(has: string, pattern: RegExp, subject: Subject, causes: Guesses): LinePattern {
  return {
    has,
    pattern,
    read: (_match, line) => [{ kind: 'sign', subject, causes, text: shorten(line.text) }],
  };
}

function one(id: CauseId, confidence = 0.85): Guesses {
  return [{ id, confidence }];
}

/** Ports of TWS and IB Gateway, 4003 and 4004 being those of the usual images. */
const apiPort = '(?:749[67]|400[1-4])';

const clientSigns: readonly LinePattern[] = [
  sign('server version information', /Failed to receive server version/i, connection, [
    { id: 'server_version_missing', confidence: 0.5 },
    { id: 'silent_handshake', confidence: 0.4 },
  ]),
  sign('rejecting connections', /server may be rejecting connections/i, connection, [
    { id: 'closed_at_once_untrusted', confidence: 0.6 },
    { id: 'startup_window_reset', confidence: 0.2 },
  ]),
  sign('either closed or broken', /socket either closed or broken/i, connection, [
    { id: 'closed_at_once_untrusted', confidence: 0.35 },
    { id: 'peer_closed_after_startapi', confidence: 0.3 },
  ]),
  sign('api is not accepted', /API is not accepted/i, connection, one('silent_accept_dialog')),
  sign(
    'already in use',
    /client ?id\b.{0,20}\balready in use(?!\?)/i,
    connection,
    one('client_id_in_use_326'),
  ),
  sign(
    'request timed out',
    /\b(?:positions|orders|executions|account updates|summary).{0,40} request timed out/i,
    connection,
    one('sync_request_timeout', 0.8),
  ),
  sign(
    'event loop',
    /event loop is (?:already running|closed)|attached to a different (?:event )?loop|no current event loop/i,
    runner,
    one('event_loop_misuse', 0.8),
  ),
  sign('time zone not found', /Time zone not found/i, connection, one('timezone_unsupported')),
  sign(
    'missing',
    /missing \d{1,2} required positional argument/,
    runner,
    one('client_lib_mismatch', 0.6),
  ),
  sign(
    'not supported between',
    /not supported between instances of 'NoneType' and 'int'/,
    runner,
    one('client_lib_mismatch', 0.5),
  ),
  sign(
    'no module named',
    /No module named '?(?:ib_async|ib_insync|ibapi|nest_asyncio)/,
    runner,
    one('client_lib_mismatch', 0.8),
  ),
  sign('data left on queue', /unprocessed data left on queue/i, connection, one('decoder_desync')),
  sign('invalid message length', /Invalid message length/i, connection, one('decoder_desync', 0.8)),
  sign(
    'numberformatexception',
    /NumberFormatException: For input string/,
    connection,
    one('malformed_request_320'),
  ),
  sign(
    'connection threshold',
    /maximum API connection threshold/i,
    connection,
    one('max_clients_32', 0.5),
  ),
  sign(
    'update dropped',
    /Not connected; update dropped/i,
    connection,
    one('fills_dropped_during_1100'),
  ),
  sign(
    'paper trading disclaimer',
    /disclaimer must first be accepted/i,
    connection,
    one('paper_disclaimer_10141'),
  ),
  sign('pacing violation', /\bpacing violation\b/i, connection, one('pacing_162')),
];

const processSigns: readonly LinePattern[] = [
  sign(
    'socat',
    /socat\[\d+\] E bind\(.{0,200}Address already in use/,
    process,
    one('proxy_bind_failed'),
  ),
  sign(
    'socat',
    /socat\[\d+\] E connect\(.{0,200}refused/i,
    connection,
    one('proxy_upstream_refused'),
  ),
  sign(
    'socat',
    /socat\[\d+\] E connect\(.{0,200}timed out/i,
    connection,
    one('proxy_upstream_timeout'),
  ),
  sign(
    'second factor',
    /login has not completed after Second Factor/i,
    process,
    one('twofa_timeout'),
  ),
  sign('1111', /\bExiting with exit code=1111\b/, process, one('twofa_timeout', 0.8)),
  sign(
    'autorestart file not found',
    /autorestart file not found/i,
    process,
    one('autorestart_broken'),
  ),
  sign(
    'unrecognized username',
    /Unrecognized Username or Password/i,
    process,
    one('login_failed', 0.8),
  ),
  sign('login failed', /\bIBC: Login failed/i, process, one('login_failed')),
  sign('passkey', /PassKey is not supported/i, process, one('login_failed', 0.8)),
  sign('existing session', /Existing session detected/i, process, one('existing_session_relogin')),
  sign('re-login is required', /Re-login is required/i, process, one('existing_session_relogin')),
  sign('ccp lockout', /CCP LOCKOUT/i, process, one('ccp_lockout')),
  sign('killed', /: line \d{1,6}:\s{1,8}\d{1,8} Killed/, process, one('jvm_killed_oom', 0.8)),
  sign('outofmemoryerror', /java\.lang\.OutOfMemoryError/, process, one('jvm_killed_oom', 0.8)),
  sign('heartbeat', /not received heartbeat/i, process, one('gateway_frozen', 0.5)),
  sign(
    'process is already running',
    /Error: process is already running/i,
    process,
    one('duplicate_gateway', 0.7),
  ),
  // Rows of lsof: the owner tells whose dead connection it is.
  sign(
    'close_wait',
    /^(?:java|JavaAppli)\b.{0,400}CLOSE_WAIT/i,
    connection,
    one('wedged_close_wait', 0.8),
  ),
  sign(
    'close_wait',
    /^python\S{0,20}\s.{0,400}CLOSE_WAIT/i,
    connection,
    one('self_inflicted_probe_zombies', 0.6),
  ),
  // Rows of netstat and ss: local end first. ss puts the state in front, with a hyphen.
  sign(
    'close_wait',
    new RegExp(`[.:]${apiPort}\\s{1,30}\\S{1,60}\\s{1,30}CLOSE_WAIT`),
    connection,
    one('wedged_close_wait', 0.6),
  ),
  sign(
    'close-wait',
    new RegExp(`CLOSE-WAIT\\s{1,10}\\d+\\s{1,10}\\d+\\s{1,20}\\S{1,60}:${apiPort}\\s`),
    connection,
    one('wedged_close_wait', 0.6),
  ),
];

const runnerSigns: readonly LinePattern[] = [
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

const readSigns = tableReader([...clientSigns, ...processSigns, ...runnerSigns]);

const brokerWord = /\b(?:IBKR|IB|TWS|Gateway|IB_?(?:async|insync|api)|Interactive Brokers)\b/i;
const otherService = /websocket|database|sqlite|redis|postgres|smtp|telegram|slack|dashboard/i;
const portInText = new RegExp(`['":\\s,]${apiPort}\\b`);
const failedToConnect =
  /\b(?:fail(?:ed|ure) to connect|could(?: not|n't) connect|cannot connect|unable to connect|connection (?:attempt \d{1,3} )?failed|connect failed|handshake (?:timed out|timeout|failed)|connect(?:ion)? (?:call failed|refused|reset by peer|timed out)|connect ECONNREFUSED|connect ETIMEDOUT)\b/i;
const lostConnection =
  /\bconnection (?:to \w{1,20} )?(?:was )?(?:lost|dropped|closed unexpectedly)\b/i;
const connectedWords =
  /\b(?:successfully (?:re)?connected|(?:re)?connected successfully|connection (?:re-?)?established(?: successfully)?|connection (?:restored|recovered|healthy)|(?:re)?connected to (?:IBKR|IB|TWS)\b)/i;

/** A program's own words about its connection to the broker, and no other connection. */
const readConnectionWords: LineReader = (line) => {
  const { text } = line;
  if (otherService.test(text) || !isAboutBroker(line)) {
    return undefined;
  }
  if (failedToConnect.test(text)) {
    return [{ kind: 'connection failed', errorClass: failureClass(text), text: shorten(text) }];
  }
  if (lostConnection.test(text)) {
    return [{ kind: 'connection lost', text: shorten(text) }];
  }
  return connectedWords.test(text) ? [{ kind: 'connected' }] : undefined;
};

function isAboutBroker({ text, logger }: LogLine): boolean {
  return (
    brokerWord.test(text) ||
    portInText.test(text) ||
    (logger !== undefined && /ibkr|ib_(?:async|insync)|ibapi|tws|gateway/i.test(logger))
  );
}

function failureClass(text: string): string {
  const named = errorClassIn(text);
  if (named !== '') {
    return named;
  }
  return /reset by peer|ECONNRESET/i.test(text) ? 'ConnectionResetError' : '';
}

/** Lines that point to a cause whoever printed them. */
export const readSign: LineReader = (line) => readSigns(line) ?? readConnectionWords(line);

/** The facts in the last line of a traceback (`TimeoutError: …`), which has no other wrapping. */
export function factsOfException(text: string): readonly RunnerFact[] {
  const line: LogLine = { text };
  const said = readSign(line);
  if (said !== undefined && said.length > 0) {
    return said;
  }
  return [{ kind: 'error', text: shorten(text) }];
}
