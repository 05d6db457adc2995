import type { CauseId } from './causeIds';
import { absorb, extend, type Incident, type IncidentBook, type Place } from './logIncidents';
import type { CauseGuess } from './notices';
import type { SourcePlace } from './runnerFacts';

/** How a client is without a connection: it cannot reach the port, gets no session, or lost one. */
export type LinkGroup = 'reach' | 'handshake' | 'loss';

const groups: Readonly<Partial<Record<CauseId, LinkGroup>>> = {
  port_refused: 'reach',
  port_mode_mismatch: 'reach',
  port_reset_1300: 'reach',
  bad_host: 'reach',
  tcp_timeout_unreachable: 'reach',
  wsl_docker_network: 'reach',
  proxy_upstream_refused: 'handshake',
  proxy_upstream_timeout: 'handshake',
  wrong_service: 'handshake',
  silent_handshake: 'handshake',
  silent_accept_dialog: 'handshake',
  ipv6_trusted_ip_mismatch: 'handshake',
  silent_api_not_enabled: 'handshake',
  silent_modal_dialog: 'handshake',
  wedged_close_wait: 'handshake',
  accept_queue_wedge: 'handshake',
  server_version_missing: 'handshake',
  closed_at_once_untrusted: 'handshake',
  startup_window_reset: 'handshake',
  client_id_in_use_326: 'handshake',
  peer_closed_after_startapi: 'handshake',
  paper_disclaimer_10141: 'handshake',
  partial_handshake_no_next_valid_id: 'handshake',
  server_version_too_old: 'handshake',
  timezone_unsupported: 'handshake',
  bad_length_507: 'handshake',
  max_clients_32: 'handshake',
  tws_daily_restart_drop: 'loss',
  half_open_zombie: 'loss',
  not_connected_504: 'loss',
};

/** What a line says of a connection that is not there. */
export interface LinkTrouble {
  readonly causes: readonly CauseGuess[];
  readonly message: string;
  readonly source: SourcePlace | undefined;
  /** `host:port`; empty where it is not known. */
  readonly endpoint: string;
}

/** Evidence that names its cause, and evidence that only says that it did not work. */
const decisive = 0.75;
const weak = 0.5;

/**
 * A client without a connection. However it says so, and however often it tries again, it is one
 * incident per endpoint and per way in which it fails; the loss before it is its beginning.
 */
export class LinkIncidents {
  constructor(private readonly book: IncidentBook) {}

  /** The group of a cause; undefined for causes that a client without a connection does not have. */
  static groupOf(causes: readonly CauseGuess[]): LinkGroup | undefined {
    const [best] = causes;
    return best === undefined ? undefined : groups[best.id];
  }

  /** An open one; for an endpoint, if that is known. */
  open(endpoint = ''): Incident | undefined {
    return this.book.find((_, key) => isLink(key, endpoint));
  }

  /** One that explains silence: an attempt that failed, not only a loss. */
  failing(endpoint = ''): Incident | undefined {
    return this.book.find((_, key) => isLink(key, endpoint) && !isGroup(key, 'loss'));
  }

  /** @returns the incident, and whether it is new */
  add(trouble: LinkTrouble, place: Place): { incident: Incident; isNew: boolean } {
    const { causes, endpoint } = trouble;
    const group = LinkIncidents.groupOf(causes) ?? 'handshake';
    const failing = this.failing(endpoint);
    const own =
      this.book.find((_, key) => isLink(key, endpoint) && isGroup(key, group)) ??
      // Words that decide nothing belong to what is known already.
      (confidence(causes) < weak || group === 'loss' ? failing : undefined);
    if (own !== undefined) {
      this.count(own, trouble, place);
      return { incident: own, isNew: false };
    }
    const before = this.book.withdraw(
      (incident, key) =>
        isLink(key, endpoint) && (isGroup(key, 'loss') || confidence(incident.causes) < weak),
    );
    const parts = { ...trouble, subject: { kind: 'connection' } as const };
    const incident = this.book.add(`link/${group}/${endpoint}`, newParts(parts), place);
    for (const part of before) {
      // A restart: lost, refused while it is away, back. Silence is a matter of its own.
      const isAway = group === 'reach' || causes[0]?.id === 'startup_window_reset';
      if (isAway && LinkIncidents.groupOf(part.causes) === 'loss') {
        incident.begunBy ??= { causes: part.causes, message: part.message };
      }
      absorb(incident, part);
    }
    return { incident, isNew: true };
  }

  /** A session is there: what kept a client of that endpoint from one is over. */
  recover(endpoint: string, place: Place): void {
    this.book.recover((_, key) => isLink(key, endpoint), place);
  }

  private count(incident: Incident, trouble: LinkTrouble, place: Place): void {
    extend(incident, place);
    incident.count += 1;
    incident.source ??= trouble.source;
    const [now, before] = [confidence(trouble.causes), confidence(incident.causes)];
    const isBetter = now >= decisive || before < weak ? now > before : now >= before + 0.1;
    const isSameKind =
      LinkIncidents.groupOf(trouble.causes) === LinkIncidents.groupOf(incident.causes);
    if (isBetter && isSameKind) {
      incident.causes = trouble.causes;
      incident.message = trouble.message;
    }
  }
}

function newParts({
  subject,
  causes,
  message,
  source,
}: LinkTrouble & Pick<Incident, 'subject'>): Pick<
  Incident,
  'subject' | 'causes' | 'message' | 'source'
> {
  return { subject, causes, message, source };
}

function confidence([best]: readonly CauseGuess[]): number {
  return best?.confidence ?? 0;
}

function isGroup(key: string, group: LinkGroup): boolean {
  return key.startsWith(`link/${group}/`);
}

function isLink(key: string, endpoint: string): boolean {
  // Asked for nearly every line of an outage.
  if (!key.startsWith('link/')) {
    return false;
  }
  const [, , of = ''] = endpoint === '' ? [] : key.split('/');
  return of === '' || of === endpoint;
}
