import { quiet } from './quiet';
import type { LinePattern } from './reader';
import { connection, one, process, sign } from './sign';

/**
 * An error or notice among the messages of TWS's API log (`20:54:49:921 -> ---54-2--1-2104-…`):
 * fields end with a hyphen, after a length of four bytes. Newer servers send no version field.
 */
function frame(has: string, version: string): LinePattern {
  return {
    has,
    pattern: new RegExp(
      String.raw`(?:^|\s)-?> \S{0,6}?4-${version}(-?\d{1,10})-(\d{1,5})-([^-\d\s].{0,2000})`,
    ),
    read: ([, id, code, text = '']) => [
      {
        kind: 'tws message',
        code: Number(code),
        requestId: Number(id),
        // An empty or JSON field of order rejections may follow, and a time.
        text: text.replace(/-{1,3}(?:\d{13}-?)?$/, ''),
      },
    ],
  };
}

/** The API log and the launcher log of TWS and IB Gateway. */
export const twsLogPatterns: readonly LinePattern[] = [
  frame('4-2-', '2-'),
  frame('> --', ''),
  // A request before the API is accepted: a dialog waits, or the client did not wait.
  sign('api is not accepted', /API is not accepted/i, connection, [
    { id: 'silent_accept_dialog', confidence: 0.6 },
    { id: 'client_lib_mismatch', confidence: 0.2 },
  ]),
  sign(
    'trusted',
    /\b(?:ip|address|host|client|peer|connection)\b.{0,80}\b(?:not|un-?)\s?trusted\b|\b(?:not|un-?)\s?trusted (?:ip|address|host|client|peer)\b/i,
    connection,
    one('closed_at_once_untrusted', 0.7),
  ),
  sign('in use', /\b(?:API (?:server|port)|socket port)\b.{0,60}\bin use\b/i, process, [
    { id: 'duplicate_gateway', confidence: 0.4 },
    { id: 'wrong_service', confidence: 0.3 },
  ]),
  sign(
    'maximum ',
    /\bmaximum (?:number of )?(?:API )?(?:clients|connections)\b.{0,40}\b(?:reached|exceeded)/i,
    connection,
    one('max_clients_32', 0.6),
  ),
  sign(
    ' to ccp',
    /\bconnection to ccp\b.{0,40}\b(?:lost|failed|closed|broken|dropped)/i,
    connection,
    one('upstream_lost_1100', 0.5),
  ),
  sign(
    'deadlock',
    /\bdeadlock(?:s|ed)?\b.{0,20}\b(?:detected|found)\b|\b(?:detected|found)\b.{0,20}\bdeadlock/i,
    process,
    one('gateway_frozen', 0.7),
  ),
  // Routine of the log4j lines: memory, processor, single clients that come and go.
  quiet('[jts-', /\[JTS-(?:DeadlockMonitor|EServerSocket(?:Notifier)?|SocketListener)-\d/),
];
