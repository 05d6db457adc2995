import type { RunnerFact } from '../runnerFacts';
import { shorten } from '../notices';
import { failed, lost, refusedByWindows, twsFact } from './clientFacts';
import type { LinePattern } from './reader';
import { rustErrors } from './rustIbapi';
import { apiPort, connection, one, runner, sign } from './sign';
import { stoqeyErrors } from './stoqey';

/** Texts of TWS that some programs print without their code. The code is what is believed later. */
const textsWithoutCode: readonly (readonly [string, RegExp, number])[] = [
  ['connectivity between', /\bConnectivity between .{1,60} has been lost/i, 1100],
  ['connectivity between', /\bConnectivity between .{1,60} restored.{0,10}data lost/i, 1101],
  ['connectivity between', /\bConnectivity between .{1,60} restored/i, 1102],
  ['connectivity between', /\bConnectivity between .{1,60} is broken/i, 2110],
  ['farm connection is broken', /\bMarket data farm connection is broken/i, 2103],
  ['farm connection is broken', /\bHMDS data farm connection is broken/i, 2105],
  ['farm connection is broken', /\bSec-?def data farm connection is broken/i, 2157],
  ['farm connection is ok', /\bMarket data farm connection is OK/i, 2104],
  ['farm connection is ok', /\bHMDS data farm connection is OK/i, 2106],
  ['farm connection is ok', /\bSec-?def data farm connection is OK/i, 2158],
  ['during competing live session', /\bNo market data during competing live session/i, 10_197],
  ['no security definition has been found', /\bNo security definition has been found/i, 200],
  ['displaying delayed market data', /\bDisplaying delayed market data/i, 10_167],
  ['market data is not subscribed', /\bRequested market data is not subscribed/i, 354],
];

/** Lines that point to a cause whichever client printed them, and the last lines of tracebacks. */
export const clientSigns: readonly LinePattern[] = [
  // So ends the reader thread of an old ibapi when the program closes the connection itself.
  lost('bad file descriptor', /^OSError: \[Errno 9\] Bad file descriptor.*/, true),
  lost('winerror 10038', /^OSError: \[WinError 10038\].*/, true),
  {
    has: 'api error: ',
    pattern: /(?:\[reqId (-?\d{1,10})\] )?\bAPI error: (\d{1,5}): (.*)/,
    read: ([, id, code = '', text = '']) => [twsFact(code, id, text)],
  },
  {
    has: 'retryerror[',
    pattern: /^(?:\w{1,80}\.){0,4}RetryError: RetryError\[.{0,120}\braised (\w{1,80})>/,
    // What was tried is not told; the class decides whether it only repeats a failed connection.
    read: ([text, raised = '']) => [{ kind: 'error', text: shorten(`${raised}: ${text}`) }],
  },
  sign(
    'connectionerror: not connected',
    /\bConnectionError: Not connected\b/,
    connection,
    one('not_connected_504', 0.7),
  ),
  lost('socket connection broken', /\bSocket connection broken while connecting/),
  lost('connectionreseterror: ', /^(?:\w{1,80}\.){0,4}ConnectionResetError: .*/),
  lost('connectionabortederror: ', /^(?:\w{1,80}\.){0,4}ConnectionAbortedError: .*/),
  // Four bytes are the length of a frame of TWS.
  lost(
    'incompletereaderror: ',
    /\bIncompleteReadError: \d{1,4} bytes read on a total of 4 expected.*/,
  ),
  // C# and Java
  failed('system.net.sockets.socketexception', /\bSystem\.Net\.Sockets\.SocketException\b.*/),
  lost('system.io.endofstreamexception', /\bSystem\.IO\.EndOfStreamException\b.*/),
  lost('beyond the end of the stream', /\bUnable to read beyond the end of the stream.*/),
  lost('java.io.eofexception', /(?:^|: |\s-\s)java\.io\.EOFException.*/),
  failed('java.net.', /\bjava\.net\.(?:Connect|NoRouteToHost|UnknownHost)Exception\b.*/),
  // Windows, in whatever program: the address stands behind.
  ...refusedByWindows.map((words) =>
    failed(
      words.toLowerCase(),
      new RegExp(`${words}.{0,160}:${apiPort}\\b`, 'i'),
      'ConnectionRefusedError',
    ),
  ),
  // Go
  failed('dial tcp ', new RegExp(`\\bdial tcp \\S{1,253}:${apiPort}: .*`)),
  failed('gaierror: ', /^(?:\w{1,80}\.){0,4}gaierror: .*/),
  sign('server version information', /Failed to receive server version/i, connection, [
    { id: 'server_version_missing', confidence: 0.5 },
    { id: 'silent_handshake', confidence: 0.4 },
  ]),
  sign('api is not accepted', /API is not accepted/i, connection, one('silent_accept_dialog')),
  sign(
    'already in use',
    // Those of TWS are numbers.
    /client ?id\b[\s:=#('"]{0,3}(?:\d{1,10}[)'",]{0,2}\s)?(?:is |was )?already in use(?!\?)/i,
    connection,
    one('client_id_in_use_326'),
  ),
  sign(
    'event loop',
    /event loop is (?:already running|closed)|attached to a different (?:event )?loop|no current event loop/i,
    runner,
    one('event_loop_misuse', 0.8),
  ),
  sign(
    'required positional argument',
    /missing \d{1,2} required positional argument/,
    runner,
    one('client_lib_mismatch', 0.6),
  ),
  // Newer clients give more to what they call than the program takes.
  sign(
    'positional argument',
    /\b(?=\w{0,40}(?:IB|Ib|TWS|Tws|Wrapper))\w{1,80}\.\w{1,40}\(\) takes (?:from \d{1,2} to )?\d{1,2} positional arguments? but \d{1,2} were given/,
    runner,
    one('client_lib_mismatch', 0.6),
  ),
  sign(
    'not supported between',
    /not supported between instances of 'NoneType' and 'int'/,
    runner,
    one('client_lib_mismatch', 0.5),
  ),
  // The environment lacks it; or the program was written for its predecessor.
  sign('no module named', /No module named '?(?:ib_async|ib_insync|ibapi)\b/, runner, [
    { id: 'wrong_interpreter', confidence: 0.6 },
    { id: 'client_lib_mismatch', confidence: 0.25 },
  ]),
  sign(
    'numberformatexception',
    // Any program in Java has such; TWS says what it was reading.
    /\b(?:reading request|parse data)\b.{0,80}NumberFormatException: For input string/i,
    connection,
    one('malformed_request_320'),
  ),
  sign(
    'paper trading disclaimer',
    /disclaimer must first be accepted/i,
    connection,
    one('paper_disclaimer_10141'),
  ),
  sign('pacing violation', /\bpacing violation\b/i, connection, one('pacing_162')),
  failed('timed out connecting to', /\bTimed out connecting to (?:IB|TWS)\b.*/, 'TimeoutError'),
  failed(
    'connection to',
    /\bconnection to (?:the )?(?:IB|TWS|Interactive Brokers|Gateway)\S{0,20}.{0,20} timed out.*/i,
    'TimeoutError',
  ),
  {
    has: 'closed during handshake',
    pattern: /\bclosed during handshake.*/i,
    read: ([text]) => [{ kind: 'tcp connected' }, { kind: 'connection lost', text: shorten(text) }],
  },
  lost(
    'connection to',
    /\bconnection to (?:the )?(?:IB|TWS|Gateway)\S{0,20} (?:was )?lost\b.*/i,
    true,
  ),
  ...['heartbeat', 'heart beat'].map((has) =>
    sign(
      has,
      /\b(?:IB\w{0,30}|TWS|Gateway)\b.{0,60}\bheart ?beat (?:failed|missed|lost|time|not answered)/i,
      connection,
      one('half_open_zombie', 0.6),
    ),
  ),
  sign(
    'account download timed out',
    /\baccount download timed out/i,
    connection,
    one('account_updates_missing', 0.7),
  ),
  sign(
    'currenttime request timed out',
    /\bcurrentTime request timed out/,
    connection,
    one('half_open_zombie', 0.6),
  ),
  ...stoqeyErrors,
  ...rustErrors,
  ...textsWithoutCode.map(([has, pattern, code]): LinePattern => ({
    has,
    pattern,
    read: (match): readonly RunnerFact[] => [
      { ...twsFact(String(code), undefined, match.input.slice(match.index)), isWithoutCode: true },
    ],
  })),
];
