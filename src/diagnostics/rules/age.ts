import { type ConnectionFacts, twsAgeMs, youngMs } from '../connectionFacts';
import { describeDuration } from '../notices';
import type { Adjustment } from '../ranking';
import { type ConnectionRule, isClosed } from './rule';

/** A young TWS is starting or at its login; an old one is not. */
export const ageRule: ConnectionRule = {
  name: 'age of TWS',
  judge: (facts) => {
    const age = twsAgeMs(facts);
    if (age === undefined) {
      return [];
    }
    const text = `TWS has been running for ${describeDuration(age)}`;
    const isYoung = age < youngMs;
    if (isClosed(facts)) {
      // Where somebody listens, though not for us, the age of TWS is not the reason.
      const isSeenListening = (facts.listeners?.length ?? 0) > 0;
      return isSeenListening ? [] : isYoung ? youngAndClosed(text) : oldAndClosed(text);
    }
    switch (facts.stage) {
      case 'closed before hello':
        return isYoung ? youngHangsUp(text) : oldHangsUp(facts, text);
      case 'silent':
      case 'not ready':
      case 'closed after start': {
        const why = `${text}: its login may not be finished`;
        return isYoung ? [{ cause: 'startup_window_reset', add: 2.5, why }] : [];
      }
      default:
        return [];
    }
  },
};

function youngAndClosed(text: string): readonly Adjustment[] {
  return [
    { cause: 'startup_window_reset', add: 12, why: `${text}: starting, or at its login` },
    { cause: 'twofa_timeout', add: 4, why: `${text}: it may wait for the second factor` },
    { cause: 'port_refused', times: 0.4, why: text },
  ];
}

function oldAndClosed(text: string): readonly Adjustment[] {
  return [
    {
      cause: 'twofa_timeout',
      add: 2.8,
      why: `${text} and does not listen: a login or second factor may be waiting`,
    },
    { cause: 'startup_window_reset', times: 0.3, why: text },
  ];
}

function youngHangsUp(text: string): readonly Adjustment[] {
  return [
    { cause: 'startup_window_reset', add: 10, why: `${text}: it is still starting` },
    { cause: 'closed_at_once_untrusted', times: 0.4, why: text },
  ];
}

function oldHangsUp({ listeners }: ConnectionFacts, text: string): readonly Adjustment[] {
  // Where another program may own the port, the age of TWS says less about it.
  const isOwnerSeen = listeners?.some(({ role }) => role === 'tws') ?? false;
  const why = `the connection was closed before any byte, and ${text}`;
  return [
    { cause: 'closed_at_once_untrusted', add: isOwnerSeen ? 5 : 1.5, why },
    { cause: 'startup_window_reset', times: 0.3, why: text },
  ];
}
