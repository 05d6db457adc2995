import { type CauseText, restartTws } from '../cause';
import type { CauseId } from '../causeIds';

/** Group E of the catalogue: login and processes. */
export const processCauses = {
  twofa_timeout: {
    layer: 'process',
    title: 'TWS waits for, or has missed, the second factor',
    severity: 'error',
    looksLike: 'A TWS or IB Gateway process, and no listener on any API port.',
    tellsApart: 'The process lives and listens on none of the usual ports.',
    remedy: [
      'Look at the TWS or IB Gateway window and at IBKR Mobile on your phone; confirm the login.',
      'If the time ran out, log in again. Do not restart it in a loop: repeated logins get locked.',
    ],
  },
  weekly_2fa_reauth: {
    layer: 'process',
    title: 'The weekly full login is due',
    severity: 'error',
    looksLike: 'The port is closed since Sunday, after the weekly restart.',
    tellsApart:
      'Sunday, about 01:00 US Eastern; automatic restarts carry on from Monday to Saturday only.',
    remedy: ['Log in with password and second factor once; it lasts for the week.'],
  },
  autorestart_broken: {
    layer: 'process',
    title: 'The automatic restart of TWS failed',
    severity: 'error',
    looksLike: '"autorestart file not found", or a rejected login after the restart time.',
    tellsApart: 'It happened at the restart time; the restart token was not accepted.',
    remedy: ['Log in again with your credentials.', 'Check the auto-restart setting and IBC.'],
  },
  existing_session_relogin: {
    layer: 'process',
    title: 'A login elsewhere has taken the session',
    severity: 'error',
    looksLike: '"Existing session detected" or "Re-login is required" in TWS.',
    tellsApart: 'The dialog in TWS, or the line in the log of IBC.',
    remedy: [
      'Decide which login should hold the session and log in there.',
      'With IBC: one primary only (ExistingSessionDetectedAction).',
    ],
  },
  login_failed: {
    layer: 'process',
    title: 'The login to TWS failed',
    severity: 'error',
    looksLike: '"Login failed", "Unrecognized Username or Password".',
    tellsApart: 'The line in the log of IBC or the login window.',
    remedy: [
      'Log in by hand once and read what the window says.',
      'Do not retry in a loop: the account gets locked.',
    ],
  },
  version_desupported_2172: {
    layer: 'hello',
    title: 'This version of TWS will soon no longer be supported',
    severity: 'warning',
    looksLike: 'Message 2172 with a date.',
    tellsApart: 'The code says it; until the date everything works.',
    remedy: ['Install the current TWS or IB Gateway before the date in the message.'],
  },
  ccp_lockout: {
    layer: 'process',
    title: 'The login server ignores this user for a while',
    severity: 'error',
    looksLike: 'The login hangs; "CCP LOCKOUT" in the log of the gateway controller.',
    tellsApart: 'It follows a hard kill or many logins.',
    remedy: ['Wait ten minutes or more before the next login.', 'Log in and out on IBKR Mobile.'],
  },
  jvm_killed_oom: {
    layer: 'process',
    title: 'The system killed TWS for lack of memory',
    severity: 'error',
    looksLike: 'The process is gone; "Killed", exit code 137.',
    tellsApart: 'The kernel log names it.',
    remedy: [
      'Give the machine more memory, or TWS less (Configure > Settings > Memory Allocation).',
    ],
  },
  gateway_frozen: {
    layer: 'process',
    title: 'TWS is frozen',
    severity: 'error',
    looksLike: 'It listens and answers nothing; its window does not react.',
    tellsApart:
      'The process is stopped (state T), or uses no processor time or all of it; its log has stood still.',
    remedy: ['If someone stopped it (Ctrl-Z, a debugger), let it continue.', restartTws],
  },
  duplicate_gateway: {
    layer: 'process',
    title: 'Two TWS or IB Gateway programs run',
    severity: 'warning',
    looksLike: 'Odd answers; two processes, one session.',
    tellsApart: 'Two TWS or IB Gateway processes on this machine.',
    remedy: ['Close the one that you do not need, by hand.'],
  },
  duplicate_runner: {
    layer: 'process',
    title: 'The same runner runs twice',
    severity: 'error',
    looksLike: 'Message 326, double orders, or duplicate order ids.',
    tellsApart: 'Two processes of the same program, workspace and endpoint.',
    remedy: ['`robo kill-duplicates` shows them and ends all but the rightful one.'],
  },
} as const satisfies Partial<Record<CauseId, CauseText>>;
