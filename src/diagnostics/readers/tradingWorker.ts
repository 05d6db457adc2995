import { shorten } from '../notices';
import type { RunnerFact } from '../runnerFacts';
import { quiet } from './quiet';
import { errorClassIn, type LinePattern, type LineReader } from './reader';
import { connection, type Guesses, one, runner, sign } from './sign';

/** A command to the worker ran into its limit: the worker, or TWS behind it, is silent. */
export const workerSilent: Guesses = [
  { id: 'worker_unresponsive', confidence: 0.5 },
  { id: 'hist_timeout', confidence: 0.2 },
  { id: 'half_open_zombie', confidence: 0.1 },
];

/** The handshake was answered, and accounts did not come. */
const withoutAccounts: Guesses = [
  { id: 'partial_handshake_no_next_valid_id', confidence: 0.5 },
  { id: 'silent_modal_dialog', confidence: 0.15 },
  { id: 'relogin_hang', confidence: 0.1 },
];

function failedBy(has: string, pattern: RegExp, errorClass: string): LinePattern {
  return {
    has,
    pattern,
    read: (_match, { text }) => [{ kind: 'connection failed', errorClass, text: shorten(text) }],
  };
}

function lost(has: string, pattern: RegExp): LinePattern {
  return {
    has,
    pattern,
    read: (_match, { text }) => [{ kind: 'connection lost', text: shorten(text) }],
  };
}

function connected(has: string, pattern: RegExp): LinePattern {
  return { has, pattern, read: () => [{ kind: 'connected' }] };
}

function connecting(has: string, pattern: RegExp): LinePattern {
  return {
    has,
    pattern,
    read: ([, host = '', port]) => [{ kind: 'connecting', host, port: Number(port) }],
  };
}

/** How the trader's system connects: its worker, its checks of the port, its retries. */
export const tradingConnectionPatterns: readonly LinePattern[] = [
  connecting(
    'connecting ',
    /\bConnecting (?:\w{1,20} client )?to ([\w.:-]{1,253}?):(\d{2,5}) timeout=/,
  ),
  connecting(
    'via subprocess host=',
    /^Connecting to IBKR via subprocess host=(\S{1,253}) port=(\d{2,5})/,
  ),
  connecting('handshake host=', /^Starting IBKR handshake host=(\S{1,253}) port=(\d{2,5})/),
  {
    has: 'connectasync() returned',
    pattern: /\bconnectAsync\(\) returned/,
    read: () => [{ kind: 'tcp connected' }],
  },
  {
    has: 'handshake complete! serverversion=',
    pattern: /\bhandshake complete! serverVersion=(\d{1,5})/,
    read: ([, version]) => [{ kind: 'hello', serverVersion: Number(version) }],
  },
  connected('connection fully established', /\bConnection fully established\b/),
  connected('handshake complete host=', /\bIBKR handshake complete host=/),
  connected('via subprocess host=', /^Connected to IBKR via subprocess host=/),
  connected('persistent ibkr connection', /\bPersistent IBKR connection still active\b/i),
  connected('health check ok', /^Health check OK\b/),
  connected('connection restored after', /\bConnection restored after \d/),
  failedBy('handshake timeout after', /\bAPI handshake timeout after [\d.]{1,10}s/, 'TimeoutError'),
  failedBy('handshake timed out at', /\bHandshake timed out at \d/i, 'TimeoutError'),
  // Their own words for a silent handshake: what they add about settings is a guess.
  failedBy('api connection timeout', /\bAPI connection timeout\b/i, 'TimeoutError'),
  failedBy('ibkr connection timeout', /\bIBKR CONNECTION TIMEOUT\b/, 'TimeoutError'),
  failedBy('connection timeout on attempt', /\bConnection timeout on attempt \d/, 'TimeoutError'),
  failedBy(
    'socket connection failed',
    /\bSocket connection failed to port \d/,
    'ConnectionRefusedError',
  ),
  quiet('not listening yet', /\bnot listening yet\b/i),
  failedBy(
    'tws/ib gateway not running',
    /\bPort \d{2,5} is not (?:open|listening)\b/i,
    'ConnectionRefusedError',
  ),
  failedBy(
    'gateway_port_listening',
    /\bgateway_port_listening\b.{0,40}\bport \d{2,5} not listening/,
    'ConnectionRefusedError',
  ),
  {
    has: 'connection failed on attempt',
    pattern: /\bConnection failed on attempt \d{1,4}: ?(.{0,500})/,
    read: ([text, detail = '']) => [
      { kind: 'connection failed', errorClass: errorClassIn(detail), text: shorten(text) },
    ],
  },
  sign(
    'managed accounts',
    /\bNo managed accounts received\b|\bconnected but no managed accounts\b|\bNo managed accounts - connection invalid\b/i,
    connection,
    withoutAccounts,
  ),
  lost('existing connection is dead', /\bExisting connection is dead\b/),
  lost('attempting reconnection', /\bHealth check failed, attempting reconnection\b/),
  lost('will reconnect', /^Connection check failed: .{0,300}\bwill reconnect$/),
  // The monitor's repeated summaries: the lines before them say what failed.
  quiet('last good connection', /^Last good connection: /),
  quiet('connection lost for', /\bconnection lost for [\d.]{1,10} minutes/i),
  quiet('circuit breaker', /\bCircuit breaker\b/),
  quiet('real-time connection', /\bReal-time connection (?:lost|established)\b/),
  quiet('websocket server at', /\bConnected to WebSocket server at\b/),
  // A probe that could not run says nothing of the port.
  quiet('lsof probe for port', /\blsof probe for port \d{1,5} timed out\b/),
  quiet('check timed out', /\b(?:port|zombie) check timed out\b/),
];

const workerGone =
  /\bPoisoning IBKR worker|\bworker generation poisoned\b|\bworker (?:did not (?:respond|answer)|is unresponsive|died|crashed|exited unexpectedly)\b|\bSubprocess (?:crashed|not running|died)\b|\bSubprocessCrashError\b/i;

/** The worker that talks to the broker for the runner. */
export const tradingWorkerPatterns: readonly LinePattern[] = [
  quiet('lineage belongs to a stale', /\bcontract lineage\b/),
  sign('command timeout', /\bCommand timeout\b/, runner, workerSilent),
  ...[
    'poisoning ibkr worker',
    'worker generation poisoned',
    'worker did not',
    'worker is unresponsive',
    'worker died',
    'worker crashed',
    'worker exited unexpectedly',
    'subprocess crashed',
    'subprocess not running',
    'subprocess died',
    'subprocesscrasherror',
  ].map((has) => sign(has, workerGone, runner, one('worker_unresponsive', 0.7))),
  sign('reader thread error', /\bReader thread error\b/i, runner, one('worker_unresponsive', 0.6)),
  sign('gateway api down', /\breports Gateway API down\b/, connection, [
    { id: 'silent_handshake', confidence: 0.45 },
    { id: 'wedged_close_wait', confidence: 0.2 },
  ]),
  sign(
    'broker session is disconnected',
    /\bbroker session is disconnected\b/,
    connection,
    one('not_connected_504', 0.5),
  ),
];

/** The worker's answers on its stdout: `{"status":"error","error":…,"error_type":…}`. */
export const readWorkerAnswer: LineReader = ({ fields, at }) => {
  if (fields?.['status'] !== 'error' || typeof fields['error_type'] !== 'string') {
    return undefined;
  }
  const { error_type: errorClass, error, detail } = fields;
  const text = shorten(
    [error, detail].filter((part) => typeof part === 'string' && part !== '').join(' '),
  );
  return workerFacts(errorClass, text === '' ? errorClass : text).map((fact) =>
    at === undefined ? fact : { at, ...fact },
  );
};

function workerFacts(errorClass: string, text: string): readonly RunnerFact[] {
  if (/timeout|timed out/i.test(`${errorClass} ${text}`)) {
    return [{ kind: 'connection failed', errorClass: 'TimeoutError', text }];
  }
  if (errorClass === 'GatewayRequiresRestartError') {
    const causes: Guesses = [
      { id: 'silent_handshake', confidence: 0.5 },
      { id: 'wedged_close_wait', confidence: 0.25 },
    ];
    return [{ kind: 'sign', subject: connection, causes, text }];
  }
  return errorClass.includes('Connection')
    ? [{ kind: 'connection failed', errorClass: errorClassIn(text), text }]
    : [{ kind: 'error', text: `${errorClass}: ${text}` }];
}
