import { causesOfMessage, describeDuration } from '../notices';
import type { Adjustment } from '../ranking';
import { heldForMs, type Stage } from '../situation';
import { atOnceMs, type ConnectionRule } from './rule';

const closedWhy = 'the connection was closed before any byte';

/** Rule 3: closed before a byte. At once, the age of TWS decides; later, a person or an end did. */
const closedBeforeHello: ConnectionRule = {
  name: 'closed before hello',
  judge: (facts) => {
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
      { cause: 'closed_at_once_untrusted', add: 2, why },
      {
        cause: 'startup_window_reset',
        add: isReset ? 3.5 : 1.5,
        why: `${why}: TWS may be starting`,
      },
      { cause: 'wrong_service', add: 1, why: `${why}: another service may have hung up` },
      {
        cause: 'proxy_upstream_refused',
        add: 1.2,
        why: `${why}: a forwarder may have nothing behind it`,
      },
    ];
  },
};

/** TWS trusts this machine by itself; another must stand in its list. */
const untrustedMachine: ConnectionRule = {
  name: 'another machine',
  judge: ({ stage, isLocal, situation }) => {
    const why = `it comes from another machine than ${situation.endpoint.host}, which TWS must trust`;
    return stage === 'closed before hello' && !isLocal
      ? [{ cause: 'closed_at_once_untrusted', add: 5, why }]
      : [];
  },
};

/** Codes after which TWS closes, and that say why. */
const decisiveCodes: ReadonlySet<number> = new Set([326, 10141, 2139, 507, 1300]);
const upstreamCodes: ReadonlySet<number> = new Set([1100, 2110]);

/** Whether a message says why TWS ends a session; a farm that is broken for hours does not. */
export function tellsEnd(code: number): boolean {
  return decisiveCodes.has(code) || upstreamCodes.has(code);
}

/** Rule 8: a code that TWS gave before it closed or fell silent decides by itself. */
const codedReason: ConnectionRule = {
  name: 'coded reason',
  judge: ({ stage, messages }) => {
    const stages: readonly Stage[] = ['closed after start', 'not ready', 'lost'];
    if (!stages.includes(stage)) {
      return [];
    }
    return messages.flatMap(({ code, text }): readonly Adjustment[] => {
      const [cause] = causesOfMessage(code, text);
      const why = `TWS sent message ${code}`;
      if (cause === undefined) {
        return [];
      }
      if (decisiveCodes.has(code)) {
        return [{ cause: cause.id, add: 60, why, isConclusive: true }];
      }
      return upstreamCodes.has(code) ? [{ cause: cause.id, add: 8, why }] : [];
    });
  },
};

/** More clients than TWS takes. */
const crowd: ConnectionRule = {
  name: 'crowd',
  judge: ({ stage, established }) => {
    const stages: readonly Stage[] = ['closed after start', 'closed before hello'];
    const count = established?.length ?? 0;
    const why = `${count} clients are connected; 32 is the limit`;
    return stages.includes(stage) && count >= 32 ? [{ cause: 'max_clients_32', add: 20, why }] : [];
  },
};

/** Connections that the peer ended before they were ready. */
export const closingRules: readonly ConnectionRule[] = [
  closedBeforeHello,
  untrustedMachine,
  codedReason,
  crowd,
];
