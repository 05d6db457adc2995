import {
  type ConnectionFacts,
  describeListener,
  isProvenStranger,
  type ListenerKind,
  listenerKind,
} from '../connectionFacts';
import type { Adjustment } from '../ranking';
import type { Stage } from '../situation';
import { type ConnectionRule, isClosed } from './rule';

/** Timeouts and routing errors: on loopback there is no network that could be at fault. */
const reachability: ConnectionRule = {
  name: 'reachability',
  judge: (facts) => {
    if (facts.stage === 'tcp timeout') {
      return facts.isLocal ? localTimeout(facts) : remoteTimeout;
    }
    return facts.stage === 'unreachable' ? unreachable : [];
  },
};

/** Rule 9: a timeout within this machine is a queue that is full; whose, the listener tells. */
function localTimeout(facts: ConnectionFacts): readonly Adjustment[] {
  const { listeners } = facts;
  const kind = listenerKind(facts);
  const isForeign = kind === 'stranger' || kind === 'native' || kind === 'proxy';
  return [
    {
      cause: 'accept_queue_wedge',
      add: isForeign ? 3 : 10,
      why: 'a connection within this machine timed out: the queue of the listener is full',
      isConclusive: !isForeign && (listeners?.length ?? 0) > 0,
    },
    ...fullForeignQueue(facts, kind),
    { cause: 'gateway_frozen', add: 1, why: 'a frozen TWS fills its queue too' },
    {
      cause: 'tcp_timeout_unreachable',
      add: listeners?.length === 0 ? 20 : 1,
      why: 'something drops the packets, such as a local firewall',
    },
  ];
}

/** The queue of a program that is not TWS says nothing about TWS. */
function fullForeignQueue(facts: ConnectionFacts, kind: ListenerKind): readonly Adjustment[] {
  const [first] = facts.listeners ?? [];
  if (first === undefined) {
    return [];
  }
  const why = `the listener is ${describeListener(first)}, and it accepts nothing more`;
  switch (kind) {
    case 'stranger':
      return [{ cause: 'wrong_service', add: 25, why, isConclusive: isProvenStranger(facts) }];
    case 'native':
      return [{ cause: 'wrong_service', add: 8, why }];
    case 'proxy':
      return [{ cause: 'proxy_upstream_timeout', add: 10, why }];
    default:
      return [];
  }
}

const remoteTimeout: readonly Adjustment[] = [
  { cause: 'tcp_timeout_unreachable', add: 8, why: 'no answer to the TCP connection' },
  { cause: 'bad_host', add: 1, why: 'the host may be the wrong one' },
  { cause: 'accept_queue_wedge', add: 1, why: 'the queue of the listener may be full' },
];

const unreachable: readonly Adjustment[] = [
  { cause: 'tcp_timeout_unreachable', add: 5, why: 'the system has no way to the host' },
  { cause: 'bad_host', add: 2.5, why: 'the host may be the wrong one' },
];

/** Containers and WSL reach the host under private addresses that TWS does not trust by itself. */
const containerNetwork: ConnectionRule = {
  name: 'container network',
  judge: ({ situation, stage }) => {
    const { host } = situation.endpoint;
    const isContainerLike =
      /^172\.(?:1[6-9]|2\d|3[01])\./.test(host) ||
      host.startsWith('192.168.65.') ||
      /^(?:host|gateway)\.docker\.internal$/.test(host);
    const stages: readonly Stage[] = ['refused', 'tcp timeout', 'silent', 'closed before hello'];
    const why = `${host} is the address of a container or WSL host`;
    return isContainerLike && stages.includes(stage)
      ? [{ cause: 'wsl_docker_network', add: 9, why }]
      : [];
  },
};

/** Nobody on our port, but somebody on another usual one. */
const otherPortListens: ConnectionRule = {
  name: 'other port listens',
  judge: (facts) => {
    const { otherPorts, listeners, situation } = facts;
    if (!isClosed(facts) || otherPorts === undefined) {
      return [];
    }
    const [first] = otherPorts;
    if (first === undefined) {
      const why = 'no other usual port is listening either';
      return [{ cause: 'port_mode_mismatch', times: 0.4, why }];
    }
    if (listeners !== undefined && listeners.length > 0) {
      return [];
    }
    const why = `port ${first} is listening, port ${situation.endpoint.port} is not`;
    const isNoTws = facts.twsProcesses?.length === 0;
    return [
      { cause: 'port_mode_mismatch', add: 12, why },
      ...(isNoTws
        ? [
            {
              cause: 'port_mode_mismatch',
              times: 0.75,
              why: 'no TWS or IB Gateway process is seen on this machine',
            } as const,
          ]
        : []),
    ];
  },
};

/** A port without a listener on a machine without a TWS: it is not running. */
const nobodyListens: ConnectionRule = {
  name: 'nobody listens',
  judge: (facts) => {
    if (!isClosed(facts) || facts.twsProcesses?.length !== 0) {
      return [];
    }
    const why = 'no TWS or IB Gateway process runs on this machine, and nobody listens';
    return [
      { cause: 'port_refused', add: 3, why, isConclusive: facts.otherPorts?.length === 0 },
      { cause: 'startup_window_reset', times: 0.2, why },
      { cause: 'twofa_timeout', times: 0.1, why },
    ];
  },
};

/** Refused, and yet somebody listens: on another address, or only since. */
const listenerElsewhere: ConnectionRule = {
  name: 'listener elsewhere',
  judge: (facts) => {
    const [listener] = facts.listeners ?? [];
    if (facts.stage !== 'refused' || listener === undefined) {
      return [];
    }
    const name = describeListener(listener);
    return isWildcardOrSame(listener.address, facts.situation.endpoint.host)
      ? [
          { cause: 'startup_window_reset', add: 8, why: `${name} has begun to listen since` },
          { cause: 'port_refused', times: 0.6, why: `${name} listens now` },
        ]
      : [{ cause: 'bad_host', add: 8, why: `${name} listens on ${listener.address} only` }];
  },
};

function isWildcardOrSame(address: string, host: string): boolean {
  return ['0.0.0.0', '::', '*', '', host].includes(address) || address.endsWith(`:${host}`);
}

/** Group A of the catalogue: reaching the port. */
export const reachRules: readonly ConnectionRule[] = [
  reachability,
  containerNetwork,
  otherPortListens,
  nobodyListens,
  listenerElsewhere,
];
