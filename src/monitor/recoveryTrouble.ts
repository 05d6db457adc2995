import { known, type Observed, unknown } from '../core/observed';
import type { CauseId } from '../diagnostics/causeIds';
import type { Finding } from '../diagnostics/finding';
import { inconclusiveLimit } from '../diagnostics/ranking';
import type { Health } from '../diagnostics/status';
import type { PortObservation } from '../host/portObservation';

/** What recovery tells apart: each kind has a plan of its own. */
export type TroubleKind =
  /** No session, and nothing that a command would cure: dialogs, addresses, a TWS that is off. */
  | 'connection'
  /** TWS takes no connection any more; only its restart cures that, and dialling makes it worse. */
  | 'wedged'
  /** TWS runs and its API port is closed, or its API is off. */
  | 'api off'
  /** TWS has lost a data farm, or gives no data. */
  | 'data'
  /** TWS has lost its link to IBKR. */
  | 'upstream'
  /** Our client id is taken. */
  | 'client id'
  /** Trouble that nobody but time or a person ends. */
  | 'other';

export interface Trouble {
  readonly kind: TroubleKind;
  /** Tells this TWS from the next one; undefined where the machine was not seen. */
  readonly tws: string | undefined;
  /** One sentence. */
  readonly evidence: string;
}

/** What is looked at. */
export interface TroubleView {
  readonly health: Health;
  readonly findings: readonly Finding[];
  /** Undefined where the machine was not looked at just now. */
  readonly os: PortObservation | undefined;
  readonly nowMs: number;
}

/** A TWS that is younger may still be at its login. Milliseconds; the port opens after 1 to 3 min. */
const loginMs = 180_000;

const wedgedCauses: ReadonlySet<CauseId> = new Set([
  'wedged_close_wait',
  'accept_queue_wedge',
  'gateway_frozen',
]);

const kinds: ReadonlyMap<CauseId, TroubleKind> = new Map([
  ['silent_api_not_enabled', 'api off'],
  ['farm_broken_2103', 'data'],
  ['farm_flap', 'data'],
  ['hmds_broken_2105', 'data'],
  ['secdef_broken_2157', 'data'],
  ['silent_stream_death', 'data'],
  ['upstream_lost_1100', 'upstream'],
  ['tws_server_broken_2110', 'upstream'],
  ['outage_outlives_reset_window', 'upstream'],
  ['client_id_in_use_326', 'client id'],
]);

/** The trouble of the connection as recovery sees it; undefined while all is well. */
export function troubleOf(view: TroubleView): Trouble | undefined {
  const { health, findings, os } = view;
  if (health === 'healthy') {
    return undefined;
  }
  const finding = decisive(findings);
  const kind = isApiOff(view) ? 'api off' : kindOf(finding, health);
  const cause = finding?.causes[0];
  return {
    kind,
    tws: twsIdentity(os),
    evidence:
      finding === undefined
        ? 'the connection is not well, and nothing says why'
        : `${finding.message}${cause === undefined ? '' : ` (${cause.id}: ${cause.why})`}`,
  };
}

/** True where conclusive evidence names a cause that dialling again makes worse. */
export function isWedged(finding: Finding | undefined): boolean {
  const best = finding?.causes[0];
  return best !== undefined && wedgedCauses.has(best.id) && best.confidence > inconclusiveLimit;
}

/**
 * Whether the system still shows a TWS that takes no connections: dead sockets, connections that
 * nobody accepts, or a stopped process. Known only where all three can be seen.
 */
export function showsWedge(os: PortObservation): Observed<boolean> {
  const { listeners, closeWait, established } = os;
  const isStuck =
    (listeners.known &&
      listeners.value.some(
        ({ isStopped, receiveQueue }) => isStopped || (receiveQueue ?? 0) > 0,
      )) ||
    (closeWait.known && closeWait.value.some(({ side }) => side === 'server')) ||
    (established.known && established.value.some(({ serverOwned }) => serverOwned === false));
  if (isStuck) {
    return known(true);
  }
  const canSee =
    listeners.known &&
    closeWait.known &&
    established.known &&
    listeners.value.every(({ receiveQueue }) => receiveQueue !== undefined);
  return canSee ? known(false) : unknown('the system does not show whether TWS takes connections');
}

/** The finding that says most about the connection; a broken farm stands behind a lost link. */
function decisive(findings: readonly Finding[]): Finding | undefined {
  const ofConnection = findings.filter(({ subject }) => subject.kind !== 'runner');
  const told = (kind: TroubleKind): Finding | undefined =>
    ofConnection.find(({ causes }) => causes[0] !== undefined && kinds.get(causes[0].id) === kind);
  return ofConnection.find(isWedged) ?? told('upstream') ?? told('data') ?? ofConnection[0];
}

function kindOf(finding: Finding | undefined, health: Health): TroubleKind {
  const best = finding?.causes[0];
  if (isWedged(finding)) {
    return 'wedged';
  }
  const kind = best === undefined ? undefined : kinds.get(best.id);
  return kind ?? (health === 'degraded' ? 'other' : 'connection');
}

/** A TWS that is long past its start and listens on none of its usual ports. */
function isApiOff({ os, nowMs, health }: TroubleView): boolean {
  if (os === undefined || health === 'degraded') {
    return false;
  }
  const { listeners, otherUsualPortsListening, twsProcesses } = os;
  return (
    listeners.known &&
    listeners.value.length === 0 &&
    otherUsualPortsListening.known &&
    otherUsualPortsListening.value.length === 0 &&
    twsProcesses.known &&
    twsProcesses.value.some(
      ({ product, startedAtMs, isStopped }) =>
        product === 'TWS' && !isStopped && nowMs - startedAtMs >= loginMs,
    )
  );
}

/** Who listens, and which processes of TWS there are. */
function twsIdentity(os: PortObservation | undefined): string | undefined {
  if (os === undefined || !os.listeners.known || !os.twsProcesses.known) {
    return undefined;
  }
  const listeners = os.listeners.value.map(({ socketId }) => socketId);
  const processes = os.twsProcesses.value.map(({ pid, startedAtMs }) => `${pid}@${startedAtMs}`);
  return [...listeners, ...processes].sort().join(' ');
}
