import { usualPort } from '../ibkr/endpoint';
import type { ConnectionFacts } from './connectionFacts';
import { describeDuration } from './notices';
import type { Adjustment } from './ranking';
import { type ConnectionRule, isClosed } from './rules/rule';
import { type NamedPort, type OwnFileFacts, ownFileFacts } from './twsFileFacts';

/**
 * What TWS, IB Gateway and IBC have written themselves: lines since our attempt, the state of the
 * login, and the settings. Settings alone never decide: newer versions keep theirs elsewhere.
 */
export const ownFiles: ConnectionRule = {
  name: 'own files',
  judge: (facts) => {
    const own = ownFileFacts(facts);
    if (own === undefined) {
      return [];
    }
    if (isClosed(facts)) {
      return [...openLogins(facts, own), ...namedPorts(facts, own)];
    }
    return facts.stage === 'silent' || facts.stage === 'closed before hello'
      ? [...sinceAttempt(facts, own), ...trust(facts, own)]
      : [];
  },
};

/** A login that is not done explains a port that nobody listens on. */
function openLogins({ situation }: ConnectionFacts, own: OwnFileFacts): readonly Adjustment[] {
  return own.login.map(({ cause, text, atMs, isConclusive }) => {
    const ago = describeDuration(Math.max(0, situation.nowMs - atMs));
    const why = `the log said ${ago} ago: ${text}`;
    // A full login is ordinary where a person starts the program: it weighs little by itself.
    const add = cause === 'autorestart_broken' ? 3 : isConclusive ? 200 : 14;
    return { cause, add, why, isConclusive };
  });
}

/** The files of TWS name another API port than the one that was asked for, or the same. */
function namedPorts(
  { situation, otherPorts }: ConnectionFacts,
  own: OwnFileFacts,
): readonly Adjustment[] {
  const { port } = situation.endpoint;
  if (own.ports.some((named) => named.port === port)) {
    const why = `the files of TWS name port ${port} too`;
    return [{ cause: 'port_mode_mismatch', times: 0.3, why }];
  }
  const [first] = own.ports;
  if (first === undefined) {
    return [];
  }
  const other = own.ports.find((named) => !crossesIntoLive(port, named));
  if (other === undefined) {
    const why = `${first.file} names port ${first.port}, not ${port}: that one is for live trading, and Robo never follows it`;
    return [{ cause: 'port_refused', add: 1, why }];
  }
  const why = `${other.file} names port ${other.port}, not ${port}`;
  const isListening = otherPorts?.includes(other.port) ?? false;
  return [
    { cause: 'port_mode_mismatch', add: isListening ? 8 : 4, why },
    { cause: 'port_refused', add: 1, why },
  ];
}

/** A port for live trading, by convention or by its file, asked for from one that is not. */
function crossesIntoLive(ours: number, other: NamedPort): boolean {
  const mode = usualPort(other.port)?.mode ?? other.mode;
  return mode === 'live' && usualPort(ours)?.mode !== 'live';
}

/** Lines that TWS wrote between the beginning of our attempt and its end. */
function sinceAttempt(facts: ConnectionFacts, own: OwnFileFacts): readonly Adjustment[] {
  const isSilent = facts.stage === 'silent';
  const ours = clientAddress(facts);
  const result: Adjustment[] = [];
  const notAccepted = own.ofAttempt.find(({ kind }) => kind === 'not accepted');
  if (notAccepted !== undefined) {
    const isOurs = own.ourLogs.has(notAccepted.file) || ownTwsCount(facts) < 2;
    const why = `since this attempt the log says: ${notAccepted.text}`;
    result.push(
      isSilent
        ? { cause: 'silent_accept_dialog', add: isOurs ? 60 : 8, why, isConclusive: isOurs }
        : { cause: 'silent_accept_dialog', add: 6, why },
    );
  }
  for (const event of own.ofAttempt) {
    if (event.kind === 'not trusted') {
      const why = `since this attempt the log says: ${event.text}`;
      result.push(
        isSilent
          ? { cause: 'silent_accept_dialog', add: 4, why }
          : { cause: 'closed_at_once_untrusted', add: 8, why },
      );
    }
    if (event.kind === 'accepted' && isSilent && sameAddress(event.address, ours)) {
      const why = `since this attempt the log says: ${event.text}`;
      result.push({ cause: 'accept_queue_wedge', times: 0.3, why });
    }
    if (event.kind === 'denied' && !isSilent && sameAddress(event.address, ours)) {
      const why = `since this attempt the log says: ${event.text}`;
      result.push({ cause: 'closed_at_once_untrusted', add: 60, why, isConclusive: true });
    }
  }
  return result;
}

/** TWS and IB Gateways that run here; of several, a log may be the other one's. */
function ownTwsCount({ twsProcesses }: ConnectionFacts): number {
  return (twsProcesses ?? []).filter(({ product }) => product === 'TWS' || product === 'IB Gateway')
    .length;
}

/** Whether the trusted addresses hold ours: without it, TWS asks a person or hangs up. */
function trust(facts: ConnectionFacts, own: OwnFileFacts): readonly Adjustment[] {
  const ours = clientAddress(facts);
  const lists = own.settings.flatMap(({ file, trustedIps }) =>
    trustedIps === undefined ? [] : [{ file, trustedIps }],
  );
  const [first] = lists;
  if (ours === undefined || first === undefined) {
    return [];
  }
  const holds = lists.map(({ trustedIps }) => trustedIps.some((ip) => sameAddress(ip, ours)));
  if (holds.every((isHeld) => isHeld)) {
    const why = `${first.file} trusts ${ours}`;
    return [
      { cause: 'closed_at_once_untrusted', times: 0.3, why },
      { cause: 'silent_accept_dialog', times: keepsListElsewhere(facts) ? 0.8 : 0.4, why },
      { cause: 'ipv6_trusted_ip_mismatch', times: 0.1, why },
    ];
  }
  // Two settings that disagree say nothing: ours may be either.
  return holds.some((isHeld) => isHeld) ? [] : untrusted(facts, ours, first);
}

function untrusted(
  facts: ConnectionFacts,
  ours: string,
  { file, trustedIps }: { readonly file: string; readonly trustedIps: readonly string[] },
): readonly Adjustment[] {
  const list = trustedIps.length === 0 ? 'no address' : `only ${trustedIps.slice(0, 4).join(', ')}`;
  const why = `${file} trusts ${list}, and this connection came from ${ours}`;
  if (facts.stage !== 'silent') {
    return [{ cause: 'closed_at_once_untrusted', add: 6, why }];
  }
  const isOnlyIpv4 = ours.includes(':') && trustedIps.includes('127.0.0.1');
  return isOnlyIpv4
    ? [
        { cause: 'ipv6_trusted_ip_mismatch', add: 8, why },
        { cause: 'silent_accept_dialog', add: 1, why },
      ]
    : [{ cause: 'silent_accept_dialog', add: 4, why }];
}

/** TWS itself keeps its list in an encrypted file; the one of `jts.ini` is that of IB Gateway. */
function keepsListElsewhere({ listeners }: ConnectionFacts): boolean {
  return listeners?.every(({ product }) => product === 'TWS') ?? false;
}

/**
 * The address under which TWS sees us; undefined where it sees a forwarder, or where we cannot
 * tell which of its addresses this machine used.
 */
function clientAddress(facts: ConnectionFacts): string | undefined {
  const { situation, listeners, established } = facts;
  if (listeners?.some(({ role }) => role === 'proxy') === true) {
    return undefined;
  }
  const ourPort = situation.connection?.localPort;
  const seen = established?.find(({ clientPort }) => clientPort === ourPort);
  const { host } = situation.endpoint;
  // A connection to a loopback address comes from the same one.
  return ourPort !== undefined && seen !== undefined
    ? plainAddress(seen.clientAddress)
    : host === 'localhost'
      ? undefined
      : plainAddress(host);
}

function sameAddress(a: string, b: string | undefined): boolean {
  return b !== undefined && plainAddress(a) === plainAddress(b);
}

/** `::ffff:127.0.0.1` is 127.0.0.1 in the notation of IPv6. */
function plainAddress(address: string): string {
  return address
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/^::ffff:(?=\d+\.)/, '')
    .replace(/^0:0:0:0:0:0:0:1$/, '::1');
}
