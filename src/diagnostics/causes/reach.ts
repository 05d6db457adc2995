import type { CauseText } from '../cause';
import type { CauseId } from '../causeIds';
import {
  apiSettings,
  enableApi,
  portConnections,
  portOwner,
  restartContainer,
  restartTws,
  twsProcesses,
} from '../steps';

/** Group A of the catalogue: reaching the port. */
export const reachCauses = {
  port_refused: {
    layer: 'port',
    severity: 'error',
    looksLike:
      'The connection is refused at once (ECONNREFUSED, ConnectionRefusedError; many clients print message 502).',
    tellsApart:
      'No process listens on the port. A TWS process without a listener is starting, waits for its login or has the API switched off; without a TWS process it is not running.',
    remedy: [
      'Start TWS or IB Gateway and log in, with the second factor: its port opens only after the login.',
      enableApi,
      { text: 'Compare "Socket port" in {} with the port that Robo uses.', byProduct: apiSettings },
      { text: 'See whether it runs at all:', bySystem: twsProcesses },
    ],
    prevent:
      'Let it restart itself each night (Lock and Exit > Auto restart), and log in on Sunday.',
  },
  port_mode_mismatch: {
    layer: 'port',
    severity: 'error',
    looksLike: 'The connection is refused although TWS or IB Gateway runs and is logged in.',
    tellsApart:
      'Another of the usual ports is listening: 7497 TWS paper, 7496 TWS live, 4002 IB Gateway paper, 4001 IB Gateway live (4004 and 4003 in the usual Docker images). Which account is behind it, only its id tells.',
    remedy: [
      'Decide which account you mean, and look at the title bar of TWS or IB Gateway: paper account ids start with D, live ones with U or F.',
      'If the port that listens is the one you mean, set IBKR_PORT (or robo.port) to it yourself. Robo never changes from paper to live for you.',
      { text: 'Or set "Socket port" to {port} in {}.', byProduct: apiSettings },
      { text: 'See who listens on the port that was asked for:', bySystem: portOwner },
    ],
    prevent: 'Keep the usual ports, one for each program and mode.',
  },
  bad_host: {
    layer: 'tcp',
    severity: 'error',
    looksLike:
      'The name does not resolve (ENOTFOUND, gaierror), or the address is not the one on which TWS listens.',
    tellsApart:
      'The resolver does not know the name, or TWS listens on another address: not the port is wrong, but the host.',
    remedy: [
      'Use 127.0.0.1 if TWS runs on this machine: set IBKR_HOST (or robo.host).',
      'Otherwise check the spelling of the host, or use its IPv4 address.',
      {
        text: 'See what the name resolves to (HOST is the name):',
        bySystem: {
          macOS: '`dscacheutil -q host -a name HOST`',
          Windows: '`Resolve-DnsName HOST` in PowerShell',
          Linux: '`getent hosts HOST`',
        },
      },
    ],
    prevent: 'Write addresses, not names: 127.0.0.1 instead of localhost.',
  },
  tcp_timeout_unreachable: {
    layer: 'tcp',
    severity: 'error',
    looksLike: 'The TCP connection times out, or the system has no route; no refusal comes back.',
    tellsApart:
      'The host is not this machine. A timeout on 127.0.0.1 is hardly ever the network: there the listener has stopped accepting.',
    remedy: [
      'Check that the machine is on, awake and reachable, and that host and port are right.',
      {
        text: 'On the machine of TWS, allow the port for this client alone (CLIENT is the address of the client):',
        bySystem: {
          macOS:
            'System Settings > Network > Firewall > Options, allow incoming connections for Trader Workstation or IB Gateway',
          Windows:
            '`New-NetFirewallRule -DisplayName "TWS API" -Direction Inbound -Protocol TCP -LocalPort {port} -RemoteAddress CLIENT -Action Allow` in PowerShell as administrator',
          Linux: '`sudo ufw allow from CLIENT to any port {port} proto tcp`',
        },
      },
      {
        text: 'There, open {}, untick "Allow connections from localhost only" and add the address of the client under "Trusted IPs".',
        byProduct: apiSettings,
      },
      'Antivirus programs filter connections too: look in their log for TWS or java.',
    ],
    prevent: 'Run the program on the machine of TWS, or through an SSH tunnel to it.',
  },
  wsl_docker_network: {
    layer: 'tcp',
    severity: 'error',
    looksLike: 'Refused, timed out or silent from inside WSL or a container; TWS runs on the host.',
    tellsApart:
      'Inside, 127.0.0.1 is not the host. With the address of the host (172.x, host.docker.internal) the client counts as remote, which TWS does not trust by itself.',
    remedy: [
      {
        text: 'Use the address of the host instead of 127.0.0.1. Find it inside the container or WSL:',
        bySystem: {
          macOS: '`host.docker.internal` is its name in Docker Desktop',
          Windows:
            '`ip route show default` in WSL, or `host.docker.internal` in Docker Desktop; on Windows 11 `networkingMode=mirrored` in .wslconfig makes 127.0.0.1 the same for both',
          Linux: '`docker run --add-host=host.docker.internal:host-gateway …` gives it that name',
        },
      },
      {
        text: 'Open {}, untick "Allow connections from localhost only" and add the exact address of the container or WSL under "Trusted IPs" (no subnets).',
        byProduct: apiSettings,
      },
      'The address of WSL can change with each start of Windows: then add the new one.',
    ],
    prevent: 'Run the program beside TWS, on the same side of the container.',
  },
  proxy_upstream_refused: {
    layer: 'hello',
    severity: 'error',
    looksLike:
      'TCP connects and closes within milliseconds, before any byte; socat logs "Connection refused".',
    tellsApart: 'The listener is socat, docker-proxy, ssh or the like, not java or TWS.',
    remedy: [
      'Look behind the forwarder: is IB Gateway there running and logged in? In Docker: `docker logs --tail 50 NAME` (`docker ps` shows the name).',
      'Give it time for the login: 1 to 3 minutes after its start, with the second factor.',
      'Check the port to which the forwarder connects: in the usual images 4001 live and 4002 paper inside, 4003 and 4004 outside.',
      { text: 'See which forwarder has the port:', bySystem: portOwner },
    ],
    prevent: 'Start the forwarder only when the port behind it listens.',
  },
  proxy_upstream_timeout: {
    layer: 'hello',
    severity: 'error',
    looksLike: 'TCP connects, then silence or a late close; socat logs "Connection timed out".',
    tellsApart:
      'The listener is a forwarder. Where its log says that the connection behind it timed out within one machine, the queue of the gateway is full; mere silence may also be a dialog in the gateway.',
    remedy: [
      'Look at the gateway behind it for an open dialog (in Docker over VNC, if the image has it), and answer it.',
      restartContainer,
      restartTws,
      'Stop health checks that connect to the port every few minutes: they fill the queue.',
    ],
    prevent: 'Watch the port through the socket table (as Robo does), not by connecting.',
  },
  proxy_bind_failed: {
    layer: 'port',
    severity: 'error',
    looksLike: 'socat logs "Address already in use"; connections behave oddly.',
    tellsApart: 'Two forwarders for the same port, usually after an automatic restart.',
    remedy: [
      { text: 'See which program holds the port:', bySystem: portOwner },
      'If it is a stale forwarder of yours (socat, ssh, docker-proxy), end that one; never TWS or java.',
      'Start socat with the options `reuseaddr,fork`.',
    ],
    prevent: 'Let one place start the forwarder, and end it with the gateway.',
  },
  wrong_service: {
    layer: 'hello',
    severity: 'error',
    looksLike: 'TCP connects; what comes back is not the TWS protocol, or nothing at all.',
    tellsApart:
      'The bytes are those of HTTP, TLS, SSH or another service, or the owner of the port is neither java nor TWS. The Client Portal gateway on port 5000 is not the TWS API either.',
    remedy: [
      'Use the TWS API port: 7497 paper or 7496 live for TWS, 4002 paper or 4001 live for IB Gateway.',
      { text: 'See which program holds the port:', bySystem: portOwner },
      {
        text: 'If it needs that port, give TWS another one: "Socket port" in {}.',
        byProduct: apiSettings,
      },
      { text: 'See who is connected to it:', bySystem: portConnections },
    ],
    prevent: 'Keep 7496, 7497, 4001 and 4002 free of other programs.',
  },
} as const satisfies Partial<Record<CauseId, CauseText>>;
