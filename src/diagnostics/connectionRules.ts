import {
  type ConnectionFacts,
  describeListener,
  listenerKind,
  otherClients,
  serverZombies,
  twsAgeMs,
  unaccepted,
  youngMs,
} from './connectionFacts';
import { causesOfMessage, describeDuration } from './notices';
import type { Adjustment } from './ranking';
import { heldForMs, type Stage } from './situation';

/**
 * A rule reads the facts and says what they speak for and against. It keeps quiet where it
 * does not apply or could not see; what is unknown never counts as absence (law 4).
 */
export type ConnectionRule = (facts: ConnectionFacts) => readonly Adjustment[];

/** A peer that closes sooner than this never waited for a person. Milliseconds. */
const atOnceMs = 1000;

/** Nobody listened when it was tried, or when it was looked at. Unknown is not closed. */
function isClosed({ stage, listeners }: ConnectionFacts): boolean {
  return stage === 'refused' || (stage === 'not tried' && listeners?.length === 0);
}

const silentWhy = 'TCP was accepted and no byte has come back';
const closedWhy = 'the connection was closed before any byte';
const notReadyWhy = 'the hello was answered, and accounts or next valid id are missing';

/** What each stage is compatible with before any other evidence is looked at. */
const stageCauses: Readonly<Partial<Record<Stage, readonly Adjustment[]>>> = {
  'name unknown': [
    { cause: 'bad_host', add: 10, why: 'the name does not resolve', isConclusive: true },
  ],
  refused: [
    {
      cause: 'port_refused',
      add: 5,
      why: 'the connection was refused: nobody listened',
      isConclusive: true,
    },
    { cause: 'port_mode_mismatch', add: 0.7, why: 'TWS may listen on another port' },
    { cause: 'startup_window_reset', add: 0.7, why: 'TWS may be starting' },
  ],
  silent: [
    { cause: 'silent_handshake', add: 3, why: silentWhy },
    { cause: 'silent_accept_dialog', add: 1.5, why: `${silentWhy}, as while a dialog waits` },
    { cause: 'silent_modal_dialog', add: 1, why: `${silentWhy}, as while a notice is open` },
    { cause: 'silent_api_not_enabled', add: 0.4, why: silentWhy },
    { cause: 'wedged_close_wait', add: 0.4, why: silentWhy },
    { cause: 'accept_queue_wedge', add: 0.3, why: silentWhy },
  ],
  'not tws': [
    {
      cause: 'wrong_service',
      add: 20,
      why: 'the first bytes are not those of the TWS API',
      isConclusive: true,
    },
  ],
  'unsupported version': [
    {
      cause: 'server_version_too_old',
      add: 20,
      why: 'the version in the hello is outside what Robo speaks',
      isConclusive: true,
    },
  ],
  malformed: [
    {
      cause: 'decoder_desync',
      add: 20,
      why: 'the answers began as those of TWS, and then the stream lost its frames',
      isConclusive: true,
    },
  ],
  'not ready': [
    { cause: 'partial_handshake_no_next_valid_id', add: 5, why: notReadyWhy },
    { cause: 'silent_modal_dialog', add: 1.5, why: notReadyWhy },
    { cause: 'tws_server_broken_2110', add: 0.5, why: notReadyWhy },
  ],
  'closed after start': [
    {
      cause: 'peer_closed_after_startapi',
      add: 4,
      why: 'TWS closed after the hello and gave no code',
    },
    { cause: 'client_id_in_use_326', add: 1.5, why: 'a taken client id ends like this' },
    { cause: 'paper_disclaimer_10141', add: 0.7, why: 'an open paper disclaimer ends like this' },
    { cause: 'startup_window_reset', add: 0.7, why: 'a restart of TWS ends like this' },
  ],
  unanswered: [
    { cause: 'half_open_zombie', add: 4, why: 'the server time is no longer answered' },
    { cause: 'gateway_frozen', add: 2.5, why: 'the server time is no longer answered' },
    { cause: 'relogin_hang', add: 1.5, why: 'the server time is no longer answered' },
  ],
  lost: [
    { cause: 'tws_daily_restart_drop', add: 4, why: 'TWS ended a session that had been ready' },
    { cause: 'half_open_zombie', add: 0.7, why: 'the connection broke' },
  ],
};

const byStage: ConnectionRule = ({ stage }) => stageCauses[stage] ?? [];

/** Timeouts and routing errors: on loopback there is no network that could be at fault. */
const reachability: ConnectionRule = (facts) => {
  const isTimeout = facts.stage === 'tcp timeout';
  if (!isTimeout && facts.stage !== 'unreachable') {
    return [];
  }
  if (facts.isLocal && isTimeout) {
    const isListening = (facts.listeners?.length ?? 0) > 0;
    return [
      {
        cause: 'accept_queue_wedge',
        add: 10,
        why: 'a connection within this machine timed out: the queue of the listener is full',
        isConclusive: isListening,
      },
      { cause: 'gateway_frozen', add: 1, why: 'a frozen TWS fills its queue too' },
      {
        cause: 'tcp_timeout_unreachable',
        add: facts.listeners?.length === 0 ? 20 : 1,
        why: 'something drops the packets, such as a local firewall',
      },
    ];
  }
  return [
    {
      cause: 'tcp_timeout_unreachable',
      add: isTimeout ? 8 : 4,
      why: isTimeout ? 'no answer to the TCP connection' : 'the system has no way to the host',
    },
    { cause: 'bad_host', add: isTimeout ? 1 : 4, why: 'the host may be the wrong one' },
    ...(isTimeout
      ? [
          {
            cause: 'accept_queue_wedge',
            add: 1,
            why: 'the queue of the listener may be full',
          } as const,
        ]
      : []),
  ];
};

/** Containers and WSL reach the host under private addresses that TWS does not trust by itself. */
const containerNetwork: ConnectionRule = ({ situation, stage }) => {
  const { host } = situation.endpoint;
  const isContainerLike =
    /^172\.(?:1[6-9]|2\d|3[01])\./.test(host) ||
    host.startsWith('192.168.65.') ||
    /^(?:host|gateway)\.docker\.internal$/.test(host);
  const stages: readonly Stage[] = ['refused', 'tcp timeout', 'silent', 'closed before hello'];
  return isContainerLike && stages.includes(stage)
    ? [
        {
          cause: 'wsl_docker_network',
          add: 6,
          why: `${host} is the address of a container or WSL host`,
        },
      ]
    : [];
};

/** Rule 1: a listener that is not TWS. Its name weighs little unless it proves a foreign server. */
const foreignListener: ConnectionRule = (facts) => {
  const kind = listenerKind(facts);
  const [first] = facts.listeners ?? [];
  const stages: readonly Stage[] = ['silent', 'closed before hello'];
  if (first === undefined || !stages.includes(facts.stage)) {
    return [];
  }
  const why = `the listener is ${describeListener(first)}, neither java nor TWS`;
  if (kind === 'stranger') {
    return [{ cause: 'wrong_service', add: 14, why }];
  }
  return kind === 'not java' ? [{ cause: 'wrong_service', add: 2, why }] : [];
};

/** Rules 1 and 3: a forwarder closes at once when nothing listens behind it. */
const proxyInFront: ConnectionRule = (facts) => {
  if (listenerKind(facts) !== 'proxy') {
    return [];
  }
  const [proxy] = facts.listeners ?? [];
  const name = proxy === undefined ? 'a forwarder' : describeListener(proxy);
  if (facts.stage === 'silent') {
    const why = `${name} accepts for the gateway, and the gateway does not answer`;
    return [{ cause: 'proxy_upstream_timeout', add: 6, why }];
  }
  if (facts.stage !== 'closed before hello') {
    return [];
  }
  return heldForMs(facts.situation) < atOnceMs
    ? [
        {
          cause: 'proxy_upstream_refused',
          add: 25,
          why: `${name} accepted and closed at once, as when nothing listens behind it`,
          isConclusive: true,
        },
      ]
    : [{ cause: 'proxy_upstream_timeout', add: 15, why: `${name} accepted and gave up later` }];
};

/** Rule 3: closed before a byte. At once, the age of TWS decides; later, a person or an end did. */
const closedBeforeHello: ConnectionRule = (facts) => {
  if (facts.stage !== 'closed before hello') {
    return [];
  }
  const held = heldForMs(facts.situation);
  const why = `${closedWhy}, after ${describeDuration(held)}`;
  if (held >= atOnceMs) {
    return [
      { cause: 'silent_accept_dialog', add: 3, why: `${why}: the dialog may have been refused` },
      { cause: 'closed_at_once_untrusted', add: 1.5, why },
      { cause: 'startup_window_reset', add: 1.5, why: `${why}: TWS may have ended` },
    ];
  }
  const isReset = facts.situation.connection?.end?.kind !== 'fin';
  return [
    { cause: 'closed_at_once_untrusted', add: 3, why },
    { cause: 'startup_window_reset', add: isReset ? 3.5 : 1.5, why: `${why}: TWS may be starting` },
    { cause: 'wrong_service', add: 1, why: `${why}: another service may have hung up` },
    { cause: 'proxy_upstream_refused', add: 0.5, why },
  ];
};

/** A young TWS is starting or at its login; an old one is not. */
const ageOfTws: ConnectionRule = (facts) => {
  const age = twsAgeMs(facts);
  if (age === undefined) {
    return [];
  }
  const text = `TWS has been running for ${describeDuration(age)}`;
  const isYoung = age < youngMs;
  if (isClosed(facts)) {
    return isYoung
      ? [
          { cause: 'startup_window_reset', add: 12, why: `${text}: starting, or at its login` },
          { cause: 'twofa_timeout', add: 4, why: `${text}: it may wait for the second factor` },
        ]
      : [
          {
            cause: 'twofa_timeout',
            add: 3,
            why: `${text} and does not listen: a login or second factor may be waiting`,
          },
          { cause: 'startup_window_reset', times: 0.3, why: text },
        ];
  }
  switch (facts.stage) {
    case 'closed before hello':
      return isYoung
        ? [
            { cause: 'startup_window_reset', add: 10, why: `${text}: it is still starting` },
            { cause: 'closed_at_once_untrusted', times: 0.4, why: text },
          ]
        : [
            { cause: 'closed_at_once_untrusted', add: 5, why: `${closedWhy}, and ${text}` },
            { cause: 'startup_window_reset', times: 0.3, why: text },
          ];
    case 'silent':
    case 'not ready':
    case 'closed after start':
      return isYoung
        ? [
            {
              cause: 'startup_window_reset',
              add: 2.5,
              why: `${text}: its login may not be finished`,
            },
          ]
        : [];
    default:
      return [];
  }
};

/** Nobody on our port, but somebody on another usual one. */
const otherPortListens: ConnectionRule = (facts) => {
  const { otherPorts, listeners, situation } = facts;
  if (!isClosed(facts) || otherPorts === undefined) {
    return [];
  }
  const [first] = otherPorts;
  if (first === undefined) {
    const why = 'no other usual port is listening either';
    return [{ cause: 'port_mode_mismatch', times: 0.1, why }];
  }
  return listeners !== undefined && listeners.length > 0
    ? []
    : [
        {
          cause: 'port_mode_mismatch',
          add: 12,
          why: `port ${first} is listening, port ${situation.endpoint.port} is not`,
        },
      ];
};

/** What the process and listener tables say about a refused or untried port. */
const nobodyListens: ConnectionRule = (facts) => {
  if (!isClosed(facts)) {
    return [];
  }
  const isUntried = facts.stage === 'not tried';
  const result: Adjustment[] = [];
  if (isUntried) {
    result.push({
      cause: 'port_refused',
      add: 5,
      why: `nobody listens on port ${facts.situation.endpoint.port}`,
      isConclusive: true,
    });
  }
  if (facts.twsProcesses?.length === 0) {
    const why = 'no TWS or IB Gateway process runs on this machine';
    result.push(
      { cause: 'port_refused', add: 3, why },
      { cause: 'startup_window_reset', times: 0.2, why },
    );
  }
  const [listener] = facts.listeners ?? [];
  if (listener !== undefined) {
    result.push(
      isWildcardOrSame(listener.address, facts.situation.endpoint.host)
        ? {
            cause: 'startup_window_reset',
            add: 6,
            why: `${describeListener(listener)} has begun to listen since`,
          }
        : {
            cause: 'bad_host',
            add: 8,
            why: `${describeListener(listener)} listens on ${listener.address} only`,
          },
    );
  }
  return result;
};

function isWildcardOrSame(address: string, host: string): boolean {
  return ['0.0.0.0', '::', '*', '', host].includes(address) || address.endsWith(`:${host}`);
}

/** Rule 4: dead connections that TWS itself holds. */
const zombies: ConnectionRule = (facts) => {
  const count = serverZombies(facts);
  if (facts.stage !== 'silent' && facts.stage !== 'not tried') {
    return [];
  }
  if (count === 0) {
    return [{ cause: 'wedged_close_wait', times: 0.2, why: 'there are no CLOSE_WAIT sockets' }];
  }
  if (count === undefined) {
    return [];
  }
  const isOwnerTws =
    facts.closeWait?.some(({ role }) => role === 'tws' || role === 'java') ?? false;
  const why = `TWS holds ${count} dead connection${count === 1 ? '' : 's'} (CLOSE_WAIT)`;
  return facts.stage === 'silent'
    ? [{ cause: 'wedged_close_wait', add: isOwnerTws ? 40 : 10, why, isConclusive: isOwnerTws }]
    : [{ cause: 'wedged_close_wait', add: 1, why }];
};

/** Rule 5: connections that nobody accepts. */
const acceptQueue: ConnectionRule = (facts) => {
  if (facts.stage !== 'silent') {
    return [];
  }
  const waiting = unaccepted(facts);
  if (waiting === 0) {
    return [{ cause: 'accept_queue_wedge', times: 0.2, why: 'no connection waits to be accepted' }];
  }
  if (waiting === undefined) {
    return [];
  }
  const count = `${waiting} connection${waiting === 1 ? '' : 's'}`;
  return [
    {
      cause: 'accept_queue_wedge',
      add: 30,
      why: `the system has completed ${count} that the listener never accepted`,
      isConclusive: true,
    },
  ];
};

/** A process that is stopped by a signal explains every silence. */
const stoppedProcess: ConnectionRule = (facts) => {
  const stages: readonly Stage[] = ['silent', 'tcp timeout', 'not ready', 'unanswered'];
  if (!stages.includes(facts.stage)) {
    return [];
  }
  const listener = facts.listeners?.find(({ isStopped }) => isStopped);
  const process =
    (facts.listeners?.length ?? 0) === 0
      ? facts.twsProcesses?.find(({ isStopped }) => isStopped)
      : undefined;
  const name =
    listener === undefined
      ? process && `${process.product} (pid ${process.pid})`
      : describeListener(listener);
  return name === undefined
    ? []
    : [
        {
          cause: 'gateway_frozen',
          add: 200,
          why: `${name} is stopped by a signal: the system accepts for it and nobody answers`,
          isConclusive: true,
        },
      ];
};

/** Rules 6 and 7: who else is connected tells a dialog for us from a blocked API. */
const companions: ConnectionRule = (facts) => {
  const others = otherClients(facts);
  const hasZombies = serverZombies(facts) !== 0;
  if (facts.stage !== 'silent' || others === undefined || hasZombies) {
    return [];
  }
  if (others.length > 0) {
    const why = 'another client is connected, so TWS accepts: it probably asks about this one';
    return [
      { cause: 'silent_accept_dialog', add: 3.5, why },
      { cause: 'silent_modal_dialog', times: 0.5, why: 'another client is connected' },
      { cause: 'silent_api_not_enabled', times: 0.1, why: 'another client is connected' },
    ];
  }
  const why = 'nobody is connected and no dead connections exist: a dialog or notice may be open';
  return [
    { cause: 'silent_accept_dialog', add: 0.5, why },
    { cause: 'silent_modal_dialog', add: 0.4, why },
  ];
};

/** An IPv6 address is not the trusted 127.0.0.1. */
const ipv6Address: ConnectionRule = ({ stage, situation }) =>
  situation.endpoint.host.includes(':') && (stage === 'silent' || stage === 'closed before hello')
    ? [
        {
          cause: 'ipv6_trusted_ip_mismatch',
          add: 4,
          why: `${situation.endpoint.host} is an IPv6 address`,
        },
      ]
    : [];

/** Settings and trust rarely change by themselves: what worked lately is more likely stuck. */
const workedLately: ConnectionRule = ({ stage, situation }) => {
  const { lastReadyAtMs, nowMs } = situation;
  if (stage !== 'silent' || lastReadyAtMs === undefined) {
    return [];
  }
  const why = `it worked ${describeDuration(nowMs - lastReadyAtMs)} ago`;
  return [
    { cause: 'silent_api_not_enabled', times: 0.3, why },
    { cause: 'accept_queue_wedge', add: 0.3, why },
  ];
};

/** Rule 8: a code that TWS gave before it closed or fell silent decides by itself. */
const codedReason: ConnectionRule = ({ stage, messages }) => {
  const decisive = new Set([326, 10141, 2139, 507, 1300]);
  const upstream = new Set([1100, 2110]);
  const stages: readonly Stage[] = ['closed after start', 'not ready', 'lost'];
  if (!stages.includes(stage)) {
    return [];
  }
  return messages.flatMap(({ code, text }): readonly Adjustment[] => {
    const [cause] = causesOfMessage(code, text);
    if (cause === undefined || !(decisive.has(code) || upstream.has(code))) {
      return [];
    }
    const why = `TWS sent message ${code}`;
    return decisive.has(code)
      ? [{ cause: cause.id, add: 60, why, isConclusive: true }]
      : [{ cause: cause.id, add: 8, why }];
  });
};

/** More clients than TWS takes. */
const crowd: ConnectionRule = ({ stage, established }) => {
  const stages: readonly Stage[] = ['closed after start', 'closed before hello'];
  const count = established?.length ?? 0;
  return stages.includes(stage) && count >= 32
    ? [{ cause: 'max_clients_32', add: 20, why: `${count} clients are connected; 32 is the limit` }]
    : [];
};

/** Where TWS has gone after a session that had been ready. */
const afterTheEnd: ConnectionRule = (facts) => {
  if (facts.stage === 'lost') {
    const result: Adjustment[] = [];
    if (facts.situation.connection?.end?.kind === 'reset') {
      result.push({ cause: 'half_open_zombie', add: 2, why: 'the connection was reset' });
    }
    if (facts.listeners?.length === 0) {
      const why = 'TWS closed, and nobody listens on the port any more';
      result.push({ cause: 'port_refused', add: 3, why });
    }
    return result;
  }
  if (facts.stage === 'unanswered' && facts.twsProcesses?.length === 0) {
    return [{ cause: 'half_open_zombie', add: 4, why: 'no TWS process runs on this machine' }];
  }
  return [];
};

/** All rules; their order does not matter. */
export const connectionRules: readonly ConnectionRule[] = [
  byStage,
  reachability,
  containerNetwork,
  foreignListener,
  proxyInFront,
  closedBeforeHello,
  ageOfTws,
  otherPortListens,
  nobodyListens,
  zombies,
  acceptQueue,
  stoppedProcess,
  companions,
  ipv6Address,
  workedLately,
  codedReason,
  crowd,
  afterTheEnd,
];
