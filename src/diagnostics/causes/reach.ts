import { apiSettings, type CauseText, restartTws } from '../cause';
import type { CauseId } from '../causeIds';

/** Group A of the catalogue: reaching the port. */
export const reachCauses = {
  port_refused: {
    layer: 'port',
    title: 'Nothing listens on the API port',
    severity: 'error',
    looksLike: 'The connection is refused at once (ECONNREFUSED, message 502).',
    tellsApart:
      'No process listens on the port. A TWS process without a listener is starting, waiting for its login or has the API switched off; without a TWS process it is not running.',
    remedy: [
      'Start TWS or IB Gateway and log in; its port opens only after the login.',
      `Open ${apiSettings}.`,
      'In TWS tick "Enable ActiveX and Socket Clients" (IB Gateway has it always on).',
      'Compare "Socket port" there with the port that Robo uses.',
    ],
  },
  port_mode_mismatch: {
    layer: 'port',
    title: 'TWS listens on another port than the one asked for',
    severity: 'error',
    looksLike: 'The connection is refused although TWS or IB Gateway runs and is logged in.',
    tellsApart:
      'Another of the usual ports is listening: 7497 TWS paper, 7496 TWS live, 4002 IB Gateway paper, 4001 IB Gateway live.',
    remedy: [
      'Decide which account you mean: paper account ids start with D, live ones with U or F.',
      'If the listening port is the one you mean, set IBKR_PORT (or robo.port) to it yourself. Robo never changes from paper to live for you.',
      `Or set "Socket port" in ${apiSettings}.`,
    ],
  },
  bad_host: {
    layer: 'tcp',
    title: 'The host name does not lead to the machine that runs TWS',
    severity: 'error',
    looksLike: 'The name does not resolve, or the connection fails before it starts.',
    tellsApart: 'The address is not 127.0.0.1, or the resolver does not know the name.',
    remedy: [
      'Use 127.0.0.1 if TWS runs on this machine.',
      'Otherwise check the spelling of the host, or use its IPv4 address.',
    ],
  },
  tcp_timeout_unreachable: {
    layer: 'tcp',
    title: 'The machine that should run TWS does not answer',
    severity: 'error',
    looksLike: 'The TCP connection times out; no refusal comes back.',
    tellsApart:
      'The host is not this machine. A timeout on 127.0.0.1 is never the network: there the listener has stopped accepting.',
    remedy: [
      'Check that the machine is on and reachable, and that host and port are right.',
      'Look for a firewall or antivirus between the two that drops the port.',
      `On that machine untick "Allow connections from localhost only" and add this machine to "Trusted IPs" in ${apiSettings}.`,
    ],
  },
  wsl_docker_network: {
    layer: 'tcp',
    title: 'WSL or a container looks for TWS on its own loopback address',
    severity: 'error',
    looksLike: 'Refused or silent, from inside WSL or a container, while TWS runs on the host.',
    tellsApart: 'The peer address is of the 172.x kind or host.docker.internal, not 127.0.0.1.',
    remedy: [
      'Use the address of the host machine instead of 127.0.0.1.',
      `In ${apiSettings} untick "Allow connections from localhost only" and add the exact address of the container or WSL to "Trusted IPs" (no subnets).`,
    ],
  },
  proxy_upstream_refused: {
    layer: 'hello',
    title: 'A forwarder answers, but the gateway behind it does not listen',
    severity: 'error',
    looksLike: 'TCP connects and closes within milliseconds, before any byte.',
    tellsApart: 'The listener is socat, docker-proxy, ssh or the like, not java or TWS.',
    remedy: [
      'Look behind the forwarder: start IB Gateway there and log in.',
      'Check the port that the forwarder connects to (4001 live, 4002 paper inside the usual images).',
    ],
  },
  proxy_upstream_timeout: {
    layer: 'hello',
    title: 'A forwarder answers, but the gateway behind it no longer accepts',
    severity: 'error',
    looksLike: 'TCP connects, then silence or a late close; socat logs "Connection timed out".',
    tellsApart:
      'The listener is a forwarder, and the connection behind it times out: the backlog of the gateway is full.',
    remedy: [restartTws, 'Stop health checks that connect to the port every few minutes.'],
  },
  proxy_bind_failed: {
    layer: 'port',
    title: 'A second forwarder cannot take the port',
    severity: 'error',
    looksLike: 'socat logs "Address already in use"; connections behave oddly.',
    tellsApart: 'Two forwarders for the same port, usually after an automatic restart.',
    remedy: ['End the stale forwarder.', 'Start socat with the option reuseaddr.'],
  },
  wrong_service: {
    layer: 'hello',
    title: 'Another program answers on this port, not the TWS API',
    severity: 'error',
    looksLike: 'TCP connects; what comes back is not the TWS protocol, or nothing at all.',
    tellsApart:
      'The bytes are those of HTTP, TLS, SSH or another service, or the owner of the port is neither java nor TWS (the Client Portal gateway on 5000 is not the TWS API).',
    remedy: [
      'Use the TWS API port: 7497 or 7496 for TWS, 4002 or 4001 for IB Gateway.',
      'If another program took the port, end it or give TWS another "Socket port".',
    ],
  },
} as const satisfies Partial<Record<CauseId, CauseText>>;
