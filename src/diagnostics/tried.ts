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

/** As `triedSteps`, as part of a sentence: `tried: held the silent connection (…); …`. */
export function triedText(recovery: readonly RecoveryAttempt[] | undefined): string | undefined {
  const steps = triedSteps(recovery);
  return steps === undefined ? undefined : `tried: ${steps}`;
}

/**
 * What recovery has tried, for people: `held the silent connection (…); RECONNECTDATA (…)`.
 * Undefined where nothing was tried.
 */
export function triedSteps(recovery: readonly RecoveryAttempt[] | undefined): string | undefined {
  const parts = (recovery ?? []).flatMap(({ step, outcome }) => {
    const word = words[step];
    return word === undefined ? [] : [`${word} (${outcome})`];
  });
  return parts.length === 0 ? undefined : parts.join('; ');
}
