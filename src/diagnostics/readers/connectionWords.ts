import type { LogLine } from '../logLine';
import { shorten } from '../notices';
import { errorClassIn, type LineReader } from './reader';
import { apiPort } from './sign';

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
export const readConnectionWords: LineReader = (line) => {
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
