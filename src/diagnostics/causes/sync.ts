import type { CauseText } from '../cause';
import type { CauseId } from '../causeIds';

/** Group C of the catalogue: the start-up requests, the clock and the account. */
export const syncCauses = {
  sync_request_timeout: {
    layer: 'ready',
    severity: 'error',
    looksLike: '"positions request timed out", "completed orders request timed out".',
    tellsApart: 'The server time is answered; only one kind of request is not.',
    remedy: [
      'Fetch less at the start, or give the request more time.',
      'Treat the session as not ready until the answer is there.',
      'If it stays so, restart TWS or IB Gateway by hand.',
    ],
    prevent: 'Ask at the start only for what the program needs.',
  },
  account_updates_missing: {
    layer: 'account',
    severity: 'warning',
    looksLike: 'The client hangs while connecting; messages 2100 or 2101.',
    tellsApart: 'Several managed accounts, or another client holds the account subscription.',
    remedy: [
      'Name the account when connecting (in ib_async: `connect(account=…)`).',
      'Let one client subscribe to account updates.',
    ],
    prevent: 'With several accounts, name the one that is meant in every request.',
  },
  relogin_hang: {
    layer: 'clock',
    severity: 'error',
    looksLike: 'Connected, and no request is answered since the login.',
    tellsApart: 'The server time is not answered; a new connection works.',
    remedy: [
      'Close this connection and open a new one (Robo: Reconnect, or restart the runner).',
      'Look at TWS for a dialog that came with the login.',
    ],
    prevent: 'Open a new connection after each login of TWS.',
  },
  event_loop_misuse: {
    layer: null,
    severity: 'error',
    looksLike: '"This event loop is already running", "Event loop is closed".',
    tellsApart: 'A Python RuntimeError before any connection; the handshake of Robo passes.',
    remedy: [
      'Do not call blocking functions of the library inside async code or notebooks.',
      'Use the async variants, or one thread with a loop of its own.',
    ],
    prevent: 'Keep every call to the library in one loop and one thread.',
  },
  decoder_desync: {
    layer: 'ready',
    severity: 'error',
    looksLike: '"Decoding error", "unprocessed data left", "Invalid message length".',
    tellsApart:
      'If a new connection heals it, the stream was cut; if not, the library is at fault.',
    remedy: [
      'Connect again, once.',
      'If it returns at the same message, update the client library.',
    ],
    prevent: 'Drop the connection after a decoding error instead of reading on.',
  },
  account_mode_mismatch: {
    layer: 'account',
    severity: 'error',
    looksLike: 'Paper was asked for and the account is a live one, or the reverse.',
    tellsApart: 'Paper account ids start with D (DU…, DF…); the port is only a convention.',
    remedy: [
      'Stop, and look at the title bar of TWS or IB Gateway: which account is logged in?',
      'Log in to the account that you mean, or correct TRADING_MODE and IBKR_PORT yourself. Robo never changes from paper to live for you.',
    ],
    prevent: 'Set TRADING_MODE: then the test compares the account with it before each start.',
  },
  clock_skew: {
    layer: 'clock',
    severity: 'warning',
    looksLike: 'The server time that TWS reports is far from the time here.',
    tellsApart: 'Everything else passes; bars and market hours are judged with the wrong time.',
    remedy: [
      {
        text: 'Switch on automatic time on this machine and on the one that runs TWS:',
        bySystem: {
          macOS: 'System Settings > General > Date & Time, or `sudo sntp -sS time.apple.com`',
          Windows:
            'Settings > Time & language > Date & time > Sync now, or `w32tm /resync` as administrator',
          Linux: '`sudo timedatectl set-ntp true`, then `timedatectl` shows whether it is in step',
        },
      },
      'A virtual machine or WSL that slept may need a restart of its clock.',
    ],
    prevent: 'Leave automatic time on.',
  },
} as const satisfies Partial<Record<CauseId, CauseText>>;
