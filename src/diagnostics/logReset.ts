import { windowsBetween } from '../ibkr/resetWindows';
import type { Incident, Place } from './logIncidents';
import { phaseOf } from './outage';

/** A time that says where it stands; a local time without an offset could lie anywhere. */
const withOffset = /(?:Z|[+-]\d\d:\d\d)$/;

/**
 * Sets a TWS that was without IBKR against IBKR's published resets: one that lay inside and went
 * by is expected, one that began inside and went on is not. The log does not tell the region, so
 * the resets of all regions count.
 * @param recoveredAt undefined where the log ends before it is over
 */
export function judgeByTime(incident: Incident, recoveredAt: Place | undefined): void {
  const sinceMs = epochMs(incident.first);
  const nowMs = epochMs(recoveredAt ?? incident.last);
  if (Number.isNaN(sinceMs) || Number.isNaN(nowMs) || nowMs < sinceMs) {
    return;
  }
  const resets = windowsBetween(sinceMs, sinceMs, { zone: undefined }).filter(
    ({ kind }) => kind === 'server reset' || kind === 'weekend maintenance',
  );
  const phases = resets.map((window) => phaseOf(window, { sinceMs, nowMs }));
  const [own] = incident.causes;
  if (own === undefined || phases.length === 0) {
    return;
  }
  const isInside = phases.includes('inside');
  incident.causes = [
    { id: isInside ? 'nightly_reset' : 'outage_outlives_reset_window', confidence: 0.65 },
    { id: own.id, confidence: 0.3 },
  ];
  // Not back when the log ends: expected, but nobody saw it return.
  incident.severity = isInside ? (recoveredAt === undefined ? 'warning' : 'info') : 'error';
}

function epochMs({ at, isTimed }: Place): number {
  return isTimed && at !== undefined && withOffset.test(at) ? Date.parse(at) : Number.NaN;
}
