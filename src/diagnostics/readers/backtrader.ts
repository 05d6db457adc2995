import { shorten } from '../notices';
import { coded, lost, means } from './clientFacts';
import { quiet } from './quiet';
import type { LinePattern } from './reader';
import { connection, sign } from './sign';

/** What Python says of a fault in code, not of a socket. */
const raisedByProgram =
  /\bobject (?:has no attribute|is not (?:callable|iterable|subscriptable))\b|\bpositional arguments?\b|\bunexpected keyword\b|\bis not defined\b/;

/** IbPy's messages as it prints them, and the store of backtrader above it. */
export const backtraderLines: readonly LinePattern[] = [
  // Behind a time the word "error" is taken for a level, so it may be missing here.
  coded(
    ', errorcode=',
    /\bid=(?<id>-?\d{1,10}|None), errorCode=(?<code>\d{1,5}), errorMsg=(?<text>.*?)>?$/,
  ),
  // Without a code it is an exception of the reader: the socket has ended.
  {
    has: 'errormsg=',
    pattern: /(?:\bid=None, errorCode=None, |<error )errorMsg=(.*?)>?$/,
    // The thread that reads reports its own end so, and what the program raised when it was called.
    read: ([, text = '']) =>
      raisedByProgram.test(text)
        ? [{ kind: 'error', text: shorten(`IbPy: ${text}`) }]
        : [{ kind: 'connection lost', text: shorten(`IbPy: ${text}`) }],
  },
  lost('<connectionclosed', /<connectionClosed\b/),
  means('<nextvalidid', /<nextValidId orderId=\d/, { kind: 'connected' }),
  quiet('<managedaccounts', /<managedAccounts /),
  quiet('<currenttime', /<currentTime /),
  quiet('store notif', /\bSTORE NOTIF: (?:Ambiguous|No )/),
  sign('data notif: connbroken', /\bDATA NOTIF: CONNBROKEN\b/, connection, [
    { id: 'upstream_lost_1100', confidence: 0.45 },
    { id: 'tws_daily_restart_drop', confidence: 0.25 },
  ]),
  quiet('data notif: ', /\bDATA NOTIF: [A-Z_]{2,20}\b/),
];
