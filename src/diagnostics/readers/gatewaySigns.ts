import type { LinePattern } from './reader';
import { apiPort, connection, one, process, sign } from './sign';

/** Lines of TWS, IB Gateway, their keepers and forwarders, and rows of socket tables. */
export const gatewaySigns: readonly LinePattern[] = [
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
