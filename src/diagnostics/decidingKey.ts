import type { CauseId } from './causeIds';
import type { Finding } from './finding';

/** Causes that are about the host, not the port. */
const hostCauses: ReadonlySet<CauseId> = new Set<CauseId>([
  'bad_host',
  'tcp_timeout_unreachable',
  'ipv6_trusted_ip_mismatch',
  'wsl_docker_network',
]);

/** Which value of the configuration a finding about the connection stands at. */
export function decidingKey({ guide }: Finding): 'host' | 'port' | 'clientId' | 'mode' {
  if (hostCauses.has(guide)) {
    return 'host';
  }
  if (guide === 'client_id_in_use_326') {
    return 'clientId';
  }
  return guide === 'account_mode_mismatch' ? 'mode' : 'port';
}
