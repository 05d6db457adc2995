import { listenerKind, ownConnection } from '../connectionFacts';
import type { Adjustment } from '../ranking';
import type { ConnectionRule } from './rule';

/** A session that broke by a reset, and one whose TWS is gone from the port. */
const afterTheEnd: ConnectionRule = {
  name: 'after the end',
  judge: ({ stage, situation, listeners, twsProcesses }) => {
    if (stage !== 'lost') {
      return [];
    }
    const result: Adjustment[] = [];
    if (situation.connection?.end?.kind === 'reset') {
      result.push({ cause: 'half_open_zombie', add: 2, why: 'the connection was reset' });
    }
    if (listeners?.length === 0) {
      const isGone = twsProcesses?.length === 0;
      const why = `TWS closed, and nobody listens on the port any more${isGone ? '; its process is gone' : ''}`;
      result.push({ cause: 'port_refused', add: isGone ? 5 : 3.2, why });
      if (isGone) {
        result.push({ cause: 'jvm_killed_oom', add: 1.6, why });
      }
    }
    return result;
  },
};

/** Nobody can answer where no TWS runs and nobody listens, and nothing is frozen there. */
const nobodyBehind: ConnectionRule = {
  name: 'nobody behind the session',
  judge: (facts) => {
    const why = 'no TWS process runs on this machine, and nobody listens';
    const isNobody = facts.twsProcesses?.length === 0 && listenerKind(facts) === 'none';
    return facts.stage === 'unanswered' && isNobody
      ? [
          { cause: 'half_open_zombie', add: 8, why, isConclusive: true },
          { cause: 'gateway_frozen', times: 0.3, why },
          { cause: 'relogin_hang', times: 0.3, why },
        ]
      : [];
  },
};

/** Where both ends of our connection are on this machine, the table shows whether it is whole. */
const otherEnd: ConnectionRule = {
  name: 'other end of the session',
  judge: (facts) => {
    const own = ownConnection(facts);
    if (facts.stage !== 'unanswered' || own?.serverOwned !== true) {
      return [];
    }
    const why = 'the other end of the connection is there and belongs to a process';
    return [
      { cause: 'half_open_zombie', times: 0.2, why },
      { cause: 'gateway_frozen', add: 0.8, why: `${why}, which does not answer` },
      { cause: 'relogin_hang', add: 1.5, why: `${why}, which does not answer` },
    ];
  },
};

/** Sleep, NAT and cables break connections between machines, and tell neither end. */
const remoteSession: ConnectionRule = {
  name: 'session to another machine',
  judge: ({ stage, isLocal, situation }) => {
    const isBroken = stage === 'lost' && situation.connection?.end?.kind === 'reset';
    const why = 'TWS runs on another machine: sleep, NAT or a cable may have cut the connection';
    return !isLocal && (stage === 'unanswered' || isBroken)
      ? [{ cause: 'half_open_zombie', add: 4, why }]
      : [];
  },
};

/** New connections are not accepted either: the whole program stands still, not this session. */
const queueBehindSession: ConnectionRule = {
  name: 'queue behind the session',
  judge: (facts) => {
    const waiting = facts.listeners?.reduce(
      (sum, { receiveQueue }) => sum + (receiveQueue ?? 0),
      0,
    );
    const why = `${waiting ?? 0} new connections wait to be accepted too`;
    return facts.stage === 'unanswered' && (waiting ?? 0) > 0
      ? [{ cause: 'gateway_frozen', add: 6, why }]
      : [];
  },
};

/** Sessions that had been ready. */
export const sessionRules: readonly ConnectionRule[] = [
  afterTheEnd,
  nobodyBehind,
  otherEnd,
  queueBehindSession,
  remoteSession,
];
