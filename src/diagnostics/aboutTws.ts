import type { LogFinding } from './logIncidents';
import { apiPort } from './readers/sign';
import type { RunnerFact } from './runnerFacts';

/** Names of TWS, of IBKR, of clients of theirs and of what stands around a gateway. */
const names =
  /ibkr|\bib[-_ ]?(?:async|insync|api|py|gateway|gw|client|wrapper|automater)|interactive[-_ ]?brokers?|trader workstation|ibcalpha|com\.ib\.|\btws|\bjts\b|\bdata farm\b|ibgateway|eclientsocket|robo_trader|nautilus_trader|quantconnect|vnpy|\bapi connection (?:failed|ready)|["'.\s[(]ib["'.:\])]/i;
/** Too short to be told from other words without their case. */
const shortNames =
  /\b(?:IBC?|IBG|HMDS|IBApi\w*)\b|\bIb[A-Z]\w|\bIB[A-Z][a-z]|\bE(?:Client|Wrapper|Reader)\b|\bJTS-/;
/** A port of TWS behind a host, or called one; 4000 is the inner one of the usual images. */
const ports = new RegExp(
  `(?::|['"], |\\bport\\W{1,4})(?:${apiPort}|4000)(?![\\w.])|:(?:newoak|pxc-sp[lv]r-ft|pxc-roid)\\b`,
  'i',
);

/** Whether a text names TWS, a client of it, or a port of it. */
export function namesTws(text: string): boolean {
  return names.test(text) || shortNames.test(text) || ports.test(text);
}

/** Whether a line that stands for this was printed by TWS or by a client of it, and nobody else. */
export function isOfTws(fact: RunnerFact): boolean {
  switch (fact.kind) {
    case 'connecting':
    case 'hello':
      return true;
    case 'tws message':
      return fact.isWithoutCode !== true;
    default:
      return false;
  }
}

/** A text of TWS, an error of a socket, an end of Java: others print such, too. */
const mostWithoutTws = 0.65;

/**
 * A finding from a log that nowhere shows that it is about TWS. What it says of the program
 * itself stays as it is: a full disk is one, whoever trades.
 */
export function lessSure(finding: LogFinding): LogFinding {
  const [best, ...others] = finding.causes;
  return best === undefined ||
    finding.subject.kind === 'runner' ||
    best.confidence <= mostWithoutTws
    ? finding
    : { ...finding, causes: [{ ...best, confidence: mostWithoutTws }, ...others] };
}
