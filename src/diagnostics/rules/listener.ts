import {
  type ConnectionFacts,
  describeListener,
  isProvenStranger,
  listenerKind,
} from '../connectionFacts';
import type { Adjustment } from '../ranking';
import { heldForMs } from '../situation';
import { atOnceMs, type ConnectionRule } from './rule';

/**
 * Rule 1: a listener that is not TWS. A name proves much where it is that of a known server, and
 * less where it is an interpreter, which may run anything.
 */
const foreignListener: ConnectionRule = {
  name: 'foreign listener',
  judge: (facts) => {
    const [first] = facts.listeners ?? [];
    if (first === undefined) {
      return [];
    }
    const why = `the listener is ${describeListener(first)}, neither java nor TWS`;
    switch (facts.stage) {
      case 'silent':
        return foreignSilence(facts, why);
      case 'closed before hello':
        return foreignClose(facts, why);
      default:
        return [];
    }
  },
};

function foreignSilence(facts: ConnectionFacts, why: string): readonly Adjustment[] {
  switch (listenerKind(facts)) {
    case 'stranger':
      return [
        { cause: 'wrong_service', add: 25, why, isConclusive: isProvenStranger(facts) },
        { cause: 'silent_handshake', times: 0.3, why },
        { cause: 'silent_accept_dialog', times: 0.2, why },
        { cause: 'silent_modal_dialog', times: 0.2, why },
      ];
    case 'native':
      return [
        { cause: 'wrong_service', add: 6, why },
        { cause: 'proxy_upstream_timeout', add: 1.5, why: `${why}, and may forward` },
        { cause: 'silent_accept_dialog', times: 0.4, why },
        { cause: 'silent_modal_dialog', times: 0.4, why },
      ];
    case 'interpreter':
      // It may be anything that a script can be, a stand-in for TWS included.
      return [{ cause: 'wrong_service', add: 2.4, why }];
    default:
      return [];
  }
}

/** Untrusted addresses and starting are things of TWS; a foreign program that hangs up is neither. */
function foreignClose(facts: ConnectionFacts, why: string): readonly Adjustment[] {
  const kind = listenerKind(facts);
  if (kind !== 'stranger' && kind !== 'native' && kind !== 'interpreter') {
    return [];
  }
  const hangsUp = `${why}: it does not take the hello of the TWS API`;
  const own = { cause: 'wrong_service', why: hangsUp } as const;
  const mayForward = { cause: 'proxy_upstream_refused', why: `${why}, and may forward` } as const;
  if (kind === 'interpreter') {
    // It may be anything that a script can be, a stand-in for TWS included.
    return [
      { ...own, add: 7 },
      { cause: 'closed_at_once_untrusted', times: 0.9, why },
      { cause: 'startup_window_reset', times: 0.2, why },
      { cause: 'silent_accept_dialog', times: 0.3, why },
    ];
  }
  return [
    kind === 'stranger'
      ? { ...own, add: 25, isConclusive: isProvenStranger(facts) }
      : { ...own, add: 10 },
    { cause: 'closed_at_once_untrusted', times: 0.2, why },
    { cause: 'startup_window_reset', times: 0.2, why },
    { cause: 'silent_accept_dialog', times: 0.2, why },
    ...(kind === 'native' ? [{ ...mayForward, add: 1.5 }] : []),
  ];
}

/** Rules 1 and 3: a forwarder closes at once when nothing listens behind it. */
const proxyInFront: ConnectionRule = {
  name: 'proxy in front',
  judge: (facts) => {
    const [proxy] = facts.listeners ?? [];
    if (listenerKind(facts) !== 'proxy' || proxy === undefined) {
      return [];
    }
    const name = describeListener(proxy);
    if (facts.stage === 'silent') {
      const why = `${name} accepts for the gateway, and the gateway does not answer`;
      return [{ cause: 'proxy_upstream_timeout', add: 6, why }];
    }
    if (facts.stage !== 'closed before hello') {
      return [];
    }
    if (heldForMs(facts.situation) >= atOnceMs) {
      const why = `${name} accepted and gave up later`;
      return [{ cause: 'proxy_upstream_timeout', add: 15, why }];
    }
    const why = `${name} accepted and closed at once, as when nothing listens behind it`;
    return [
      { cause: 'proxy_upstream_refused', add: 25, why, isConclusive: true },
      { cause: 'wrong_service', times: 0.3, why: `${name} is a forwarder` },
    ];
  },
};

/** An owner that we may not see: a forwarder or server of the system is as likely as TWS. */
const hiddenListener: ConnectionRule = {
  name: 'hidden listener',
  judge: (facts) => {
    const isHidden = facts.listeners?.some(({ role }) => role === 'hidden') ?? false;
    if (!isHidden || facts.stage !== 'closed before hello') {
      return [];
    }
    const why = 'the owner of the port is hidden, as that of docker or another user is';
    const isNoTws = facts.twsProcesses?.length === 0;
    const against = 'no TWS or IB Gateway process is seen on this machine';
    return [
      { cause: 'proxy_upstream_refused', add: isNoTws ? 4 : 2, why },
      { cause: 'wrong_service', add: 1, why },
      ...(isNoTws
        ? [
            { cause: 'closed_at_once_untrusted', times: 0.4, why: against } as const,
            { cause: 'startup_window_reset', times: 0.4, why: against } as const,
          ]
        : []),
    ];
  },
};

/** Who listens. */
export const listenerRules: readonly ConnectionRule[] = [
  foreignListener,
  proxyInFront,
  hiddenListener,
];
