import type { RecoveryAttempt, RecoveryStep } from './status';

const words: Readonly<Record<RecoveryStep, string | undefined>> = {
  hold: 'held the silent connection',
  dial: 'dialled',
  clientId: 'another client id',
  ENABLEAPI: 'ENABLEAPI',
  RECONNECTDATA: 'RECONNECTDATA',
  RECONNECTACCOUNT: 'RECONNECTACCOUNT',
  RESTART: 'RESTART',
  call: undefined,
};

/**
 * What recovery has tried, for people: `tried: held the silent connection (…); RECONNECTDATA (…)`.
 * Undefined where nothing was tried.
 */
export function triedText(recovery: readonly RecoveryAttempt[] | undefined): string | undefined {
  const parts = (recovery ?? []).flatMap(({ step, outcome }) => {
    const word = words[step];
    return word === undefined ? [] : [`${word} (${outcome})`];
  });
  return parts.length === 0 ? undefined : `tried: ${parts.join('; ')}`;
}
