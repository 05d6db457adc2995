import { formatEndpoint } from '../ibkr/endpoint';
import { type ConnectionFacts, factsOf, gatherEvidence } from './connectionFacts';
import { ownFileEvidence } from './twsFileFacts';
import { setupOf } from './setup';
import { tellsEnd } from './rules/closing';
import { connectionRules } from './rules/connectionRules';
import { isClosed } from './rules/rule';
import type { Finding, Layer, Severity } from './finding';
import { describeDuration, shorten } from './notices';
import { makeFinding } from './makeFinding';
import { rank } from './ranking';
import { type ConnectionSituation, heldForMs, type Stage } from './situation';

const layerOfStage: Readonly<Record<Stage, Layer>> = {
  'not tried': 'port',
  'name unknown': 'tcp',
  refused: 'tcp',
  unreachable: 'tcp',
  'tcp timeout': 'tcp',
  silent: 'hello',
  'closed before hello': 'hello',
  'not tws': 'hello',
  'unsupported version': 'hello',
  malformed: 'clock',
  'not ready': 'ready',
  'closed after start': 'ready',
  open: 'ready',
  unanswered: 'clock',
  lost: 'tcp',
};

/**
 * What is wrong with the connection, with ranked causes; undefined while nothing is. An open,
 * answering session has no finding here, whoever the system says is listening.
 */
export function diagnoseConnection(situation: ConnectionSituation): Finding | undefined {
  const facts = factsOf(situation);
  if (facts.stage === 'open') {
    return undefined;
  }
  const causes = rank(connectionRules.flatMap(({ judge }) => judge(facts)));
  return makeFinding({
    subject: { kind: 'connection' },
    causes,
    message: describe(facts),
    nowMs: situation.nowMs,
    evidence: [...gatherEvidence(facts), ...ownFileEvidence(facts)],
    setup: setupOf(situation),
    layer: causes[0]?.id === 'wedged_close_wait' ? 'sockets' : layerOfStage[facts.stage],
    severity: severityOf(facts),
    ...portsInstead(facts),
  });
}

/** Where TWS may listen instead; nothing where somebody listens on our port, or nobody knows. */
function portsInstead(facts: ConnectionFacts): Pick<Finding, 'listeningPorts'> {
  const { otherPorts = [], listeners } = facts;
  const isNobodyThere = isClosed(facts) && listeners?.length === 0;
  return isNobodyThere && otherPorts.length > 0 ? { listeningPorts: otherPorts } : {};
}

/** A passive look alone only warns where somebody does listen. */
function severityOf({ stage, listeners }: ConnectionFacts): Severity {
  return stage === 'not tried' && listeners?.length !== 0 ? 'warning' : 'error';
}

/** One sentence: what happened and what was seen. */
function describe(facts: ConnectionFacts): string {
  const { situation, stage } = facts;
  const { connection } = situation;
  const where = formatEndpoint(situation.endpoint);
  const held = describeDuration(heldForMs(situation));
  const end = connection?.end;
  const systemWords = end?.kind === 'not connected' ? ` (${end.code})` : '';
  switch (stage) {
    case 'not tried':
      return facts.listeners?.length === 0
        ? `Nobody listens on ${where}.`
        : `The sockets of ${where} show dead connections.`;
    case 'name unknown':
      return end?.kind === 'not connected' && end.code === 'EAI_AGAIN'
        ? `The host name ${situation.endpoint.host} could not be looked up${systemWords}: the name service does not answer.`
        : `The host name ${situation.endpoint.host} does not resolve${systemWords}.`;
    case 'refused':
      return `${where} refused the connection${systemWords}: nobody listened there.`;
    case 'unreachable':
      return `${where} cannot be reached${systemWords}.`;
    case 'tcp timeout':
      return `${where} did not answer the TCP connection for ${held}.`;
    case 'silent':
      return connection?.isHelloBegun === true
        ? `${where} sent a part of an answer to the API hello, and for ${held} not the rest.`
        : `TCP accepted by ${where}, no answer to the API hello for ${held}.`;
    case 'closed before hello':
      return `${where} accepted TCP and closed it after ${held}, ${connection?.isHelloBegun === true ? 'in the middle of an answer' : 'before any byte'}.`;
    case 'not tws':
      return `${where} answers, but not as TWS: ${describeBytes(end)}.`;
    case 'unsupported version':
      return `${where} answered with server version ${connection?.serverVersion ?? 'unknown'}, which Robo does not speak.`;
    case 'malformed':
      return `${where} ${connection?.endedIn === 'ready' ? 'answered the hello' : 'was ready'} and then sent bytes that cannot be read${end?.kind === 'malformed' ? `: ${end.why}` : ''}.`;
    case 'not ready':
      return `${where} answered the hello (server version ${connection?.serverVersion ?? 'unknown'}), but for ${held} ${missing(situation)}.`;
    case 'closed after start':
      return `${where} answered the hello and closed the connection after ${held}${lastCode(facts)}.`;
    case 'unanswered':
      return `${where} is connected, but has not answered the server time for ${describeDuration(situation.unansweredForMs ?? 0)}.`;
    case 'lost':
      return `${where} ended a session that was ready${lastCode(facts, tellsEnd)}.`;
    case 'open':
      return `${where} is ready.`;
  }
}

function missing({ connection }: ConnectionSituation): string {
  const hasAccounts = (connection?.accounts.length ?? 0) > 0;
  if (hasAccounts) {
    return 'no next valid id came, only the accounts';
  }
  return connection?.nextValidId === undefined
    ? 'neither accounts nor next valid id came'
    : 'no accounts came, only the next valid id';
}

function lastCode({ messages }: ConnectionFacts, isMeant = isNoGreeting): string {
  const last = messages.findLast(({ code }) => isMeant(code));
  return last === undefined ? '' : ` with message ${last.code}: ${shorten(last.text)}`;
}

/** Farms that are well greet every session. */
function isNoGreeting(code: number): boolean {
  return code !== 2104 && code !== 2106 && code !== 2158;
}

type End = NonNullable<ConnectionSituation['connection']>['end'];

function describeBytes(end: End): string {
  if (end?.kind !== 'not tws') {
    return 'its bytes are another protocol';
  }
  const service = recogniseService(end.firstBytes);
  return service === undefined ? end.why : `these are the first bytes of ${service}`;
}

/** Names the service that begins a conversation so; undefined for bytes of no known kind. */
export function recogniseService(bytes: Uint8Array): string | undefined {
  const [type = 0, major = 0, minor = 0] = bytes;
  // TLS records: 0x15 is an alert, 0x16 a handshake; versions 3.0 to 3.4.
  if ((type === 0x15 || type === 0x16) && major === 3 && minor <= 4) {
    return 'a TLS server';
  }
  // MySQL greets with a 3-byte length, sequence 0 and protocol 10.
  if (bytes[3] === 0 && bytes[4] === 10 && bytes.length > 8) {
    return 'a MySQL server';
  }
  const text = Buffer.from(bytes).toString('latin1');
  return greetings.find(({ pattern }) => pattern.test(text))?.service;
}

const greetings: readonly { readonly pattern: RegExp; readonly service: string }[] = [
  { pattern: /^HTTP\/\d|^<(?:!doctype|html)/i, service: 'a web server' },
  { pattern: /^SSH-/, service: 'an SSH server' },
  { pattern: /^220[ -]/, service: 'a mail or FTP server' },
  { pattern: /^(?:-ERR|-DENIED|\+PONG|\+OK)/, service: 'a Redis or POP3 server' },
  { pattern: /^RFB \d/, service: 'a VNC server' },
];
