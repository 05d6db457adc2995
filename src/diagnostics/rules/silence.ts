import {
  type ConnectionFacts,
  describeListener,
  isHeard,
  listenerKind,
  otherClients,
  ownConnection,
  serverZombies,
  twsAgeMs,
  unaccepted,
  youngMs,
} from '../connectionFacts';
import { describeDuration } from '../notices';
import type { Adjustment } from '../ranking';
import type { Stage } from '../situation';
import { type ConnectionRule, isClosed } from './rule';

/** Rule 4: dead connections that TWS itself holds. */
const deadConnections: ConnectionRule = {
  name: 'dead connections',
  judge: (facts) => {
    const count = serverZombies(facts);
    if ((facts.stage !== 'silent' && facts.stage !== 'not tried') || count === undefined) {
      return [];
    }
    if (count === 0) {
      const none = 'TWS holds no CLOSE_WAIT sockets';
      return [{ cause: 'wedged_close_wait', times: 0.2, why: none }];
    }
    const isOwnerTws =
      facts.closeWait?.some(({ role }) => role === 'tws' || role === 'java') ?? false;
    const owner = isOwnerTws ? 'TWS' : 'the listener';
    const why = `${owner} holds ${count} dead connection${count === 1 ? '' : 's'} (CLOSE_WAIT)`;
    if (facts.stage !== 'silent') {
      return [{ cause: 'wedged_close_wait', add: 1, why }];
    }
    // A client that is served may have had such a neighbour for a moment only.
    const isOtherServed = otherClients(facts)?.some(isHeard) ?? false;
    const isConclusive = isOwnerTws && !isOtherServed;
    return [
      { cause: 'wedged_close_wait', add: isOwnerTws ? 40 : 10, why, isConclusive },
      ...(isOtherServed
        ? [{ cause: 'wedged_close_wait', times: 0.8, why: 'another client is connected' } as const]
        : []),
    ];
  },
};

/** Rule 5: connections that nobody accepts. */
const acceptQueue: ConnectionRule = {
  name: 'accept queue',
  judge: (facts) => {
    const waiting = unaccepted(facts);
    if (facts.stage !== 'silent' || waiting === undefined) {
      return [];
    }
    if (waiting === 0) {
      const why = 'no connection waits to be accepted';
      return [{ cause: 'accept_queue_wedge', times: 0.2, why }];
    }
    const count = `${waiting} connection${waiting === 1 ? '' : 's'}`;
    const why = `the system has completed ${count} that the listener never accepted`;
    const isFrozenToo = 'a TWS that is frozen as a whole accepts nothing either';
    return [
      { cause: 'accept_queue_wedge', why, ...queueWeight(facts, waiting) },
      { cause: 'gateway_frozen', add: 1.5, why: isFrozenToo },
    ];
  },
};

/** How much a queue says: much where ours stands in it too and the listener may be TWS. */
function queueWeight(
  facts: ConnectionFacts,
  waiting: number,
): Pick<Adjustment, 'add' | 'isConclusive'> {
  const kind = listenerKind(facts);
  if (ownConnection(facts)?.serverOwned === true) {
    // Robo's own was accepted. One that arrives just now waits too, for a moment; several do not.
    return { add: waiting > 1 ? 7 : 1.2 };
  }
  if (kind === 'stranger' || kind === 'native') {
    return { add: 4 };
  }
  if (kind === 'proxy' || (serverZombies(facts) ?? 0) > 0) {
    return { add: 8 };
  }
  const age = twsAgeMs(facts);
  if (age !== undefined && age < youngMs) {
    // Its start may keep it from accepting yet, and a restart would cost another login.
    return { add: 6 };
  }
  const isSeen = (facts.listeners?.length ?? 0) > 0;
  return { add: 20, isConclusive: isSeen };
}

const stoppable: readonly Stage[] = [
  'refused',
  'not tried',
  'silent',
  'tcp timeout',
  'not ready',
  'unanswered',
];

/** A process that is stopped by a signal explains every silence. */
const stoppedProcess: ConnectionRule = {
  name: 'stopped process',
  judge: (facts) => {
    const stopped = stoppable.includes(facts.stage) ? stoppedOne(facts) : undefined;
    if (stopped === undefined || (facts.stage === 'not tried' && !isClosed(facts))) {
      return [];
    }
    if (isClosed(facts)) {
      const why = `${stopped.name} is stopped by a signal, before it listened`;
      return [{ cause: 'gateway_frozen', add: 12, why }];
    }
    const why = `${stopped.name} is stopped by a signal: the system accepts for it and nobody answers`;
    return stopped.isOther
      ? [{ cause: 'gateway_frozen', add: 5, why }]
      : [{ cause: 'gateway_frozen', add: 200, why, isConclusive: true }];
  },
};

/** The stopped process that answers for the port, or should; `isOther`: known not to be TWS. */
function stoppedOne(
  facts: ConnectionFacts,
): { readonly name: string; readonly isOther: boolean } | undefined {
  const listener = facts.listeners?.find(({ isStopped }) => isStopped);
  if (listener !== undefined) {
    const isOther = ['stranger', 'native', 'proxy'].includes(listenerKind(facts));
    return { name: describeListener(listener), isOther };
  }
  // A TWS that is seen and stopped counts only where another's port is not known to be ours.
  const process =
    (facts.listeners?.length ?? 0) === 0
      ? facts.twsProcesses?.find(({ isStopped }) => isStopped)
      : undefined;
  return process && { name: `${process.product} (pid ${process.pid})`, isOther: false };
}

/** Rules 6 and 7: who else is connected tells a dialog for us from a blocked API. */
const companions: ConnectionRule = {
  name: 'companions',
  judge: (facts) => {
    const others = otherClients(facts);
    if (facts.stage !== 'silent' || others === undefined || serverZombies(facts) !== 0) {
      return [];
    }
    const kind = listenerKind(facts);
    if (kind === 'stranger' || kind === 'native') {
      return [];
    }
    if (others.some(isHeard)) {
      const why = 'another client is connected, so TWS accepts: it probably asks about this one';
      const against = 'another client is connected';
      return [
        { cause: 'silent_accept_dialog', add: 4.5, why },
        { cause: 'silent_modal_dialog', times: 0.5, why: against },
        { cause: 'silent_api_not_enabled', times: 0.1, why: against },
      ];
    }
    if (others.length > 0) {
      return [];
    }
    const why = 'nobody is connected and no dead connections exist: a dialog or notice may be open';
    return [
      { cause: 'silent_accept_dialog', add: 0.5, why },
      { cause: 'silent_modal_dialog', add: 0.4, why },
    ];
  },
};

/** An IPv6 address is not the trusted 127.0.0.1. */
const ipv6Address: ConnectionRule = {
  name: 'IPv6 address',
  judge: ({ stage, situation }) => {
    const { host } = situation.endpoint;
    const isStage = stage === 'silent' || stage === 'closed before hello';
    const why = `${host} is an IPv6 address`;
    return isStage && host.includes(':')
      ? [{ cause: 'ipv6_trusted_ip_mismatch', add: 4, why }]
      : [];
  },
};

/** Settings and trust rarely change by themselves: what worked lately is more likely stuck. */
const workedLately: ConnectionRule = {
  name: 'worked lately',
  judge: ({ stage, situation }): readonly Adjustment[] => {
    const { lastReadyAtMs, nowMs } = situation;
    if (stage !== 'silent' || lastReadyAtMs === undefined) {
      return [];
    }
    const why = `it worked ${describeDuration(nowMs - lastReadyAtMs)} ago`;
    return [
      { cause: 'silent_api_not_enabled', times: 0.3, why },
      { cause: 'accept_queue_wedge', add: 0.3, why },
    ];
  },
};

/** The look-alikes of a silent handshake. */
export const silenceRules: readonly ConnectionRule[] = [
  deadConnections,
  acceptQueue,
  stoppedProcess,
  companions,
  ipv6Address,
  workedLately,
];
