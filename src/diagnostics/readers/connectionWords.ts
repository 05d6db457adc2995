import type { LogLine } from '../logLine';
import { shorten } from '../notices';
import type { RunnerFact } from '../runnerFacts';
import { failedFact, failureClass as failureClassOf } from './clientFacts';
import { errorClassIn, isTimeoutClass, isUnanswered, type LineReader, tcpTimeout } from './reader';
import { apiPort } from './sign';

const brokerWord = /\b(?:IBKR|IB|TWS|Gateway|IB_?(?:async|insync|api)|Interactive Brokers)\b/i;
const otherService = /websocket|database|sqlite|redis|postgres|smtp|telegram|slack|dashboard/i;
/** Of other things than a broker. */
const otherGateway =
  /\b(?:api|auth|cloud|data|default|e?mail|http|iot|message|nat|payments?|sms|storage|transit|vpn|web)[ _-]?gateway\b|\bgateway database\b/gi;
const portInText = new RegExp(`['":\\s,]${apiPort}\\b`);
const failedToConnect =
  /\b(?:fail(?:ed|ure) to connect|could(?: not|n't) connect|cannot connect|unable to connect|connection (?:attempt \d{1,3} |to \S{1,60} )?(?:failed|refused|timed out)|connect failed|(?:error|exception|time(?:d )?out) (?:while |when )?connecting|handshake (?:timed out|timeout|failed)|connect(?:ion)? (?:call failed|refused|reset by peer|timed out)|connect ECONNREFUSED|connect ETIMEDOUT)\b/i;
const lostConnection =
  /\b(?:connection (?:(?:to|with) [\w ]{1,40} )?(?:was |is |has been )?(?:lost|dropped|closed unexpectedly)|lost (?:the |its )?connection|disconnected unexpectedly|unexpectedly disconnected)\b/i;
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

/** An exception that a client of TWS raised while it was connecting; it need not say so. */
export function readConnectionFailure(text: string): readonly RunnerFact[] | undefined {
  if (/^(?:\w{1,80}\.){0,4}EOFError\b/.test(text)) {
    return [{ kind: 'tcp connected' }, { kind: 'connection lost', text: shorten(text) }];
  }
  const errorClass = failureClassOf(text);
  return isTimeoutClass(errorClass) ||
    /Connection|Socket|gaierror|OSError|HostUnreachable/.test(errorClass)
    ? [failedFact(text)]
    : undefined;
}

function isAboutBroker({ text, logger }: LogLine): boolean {
  return (
    brokerWord.test(text.replace(otherGateway, '')) ||
    portInText.test(text) ||
    (logger !== undefined && /ibkr|ib_(?:async|insync)|ibapi|tws|gateway/i.test(logger))
  );
}

function failureClass(text: string): string {
  const named = isUnanswered(text) ? tcpTimeout : errorClassIn(text);
  if (named !== '') {
    return named;
  }
  return /reset by peer|ECONNRESET/i.test(text) ? 'ConnectionResetError' : '';
}
