import type { CauseText } from '../cause';
import type { CauseId } from '../causeIds';
import {
  apiSettings,
  enableApi,
  portConnections,
  restartContainer,
  restartTws,
  trustThisMachine,
} from '../steps';

/** Group B of the catalogue: between TCP and the first id. */
export const handshakeCauses = {
  silent_handshake: {
    layer: 'hello',
    severity: 'error',
    looksLike: '"Connected", then nothing, then TimeoutError(): TCP is up and no byte comes back.',
    tellsApart:
      'This is the whole family. A waiting dialog, an untrusted address, API settings and a stuck gateway look the same from the socket; only evidence from outside it decides.',
    remedy: [
      'Look at TWS or IB Gateway for a dialog, also behind other windows and on other desktops, and answer it: "Accept incoming connection?", a paper-trading notice, a login message. Robo holds its connection, so the answer heals it at once.',
      trustThisMachine,
      enableApi,
      'If no dialog is open and the settings are right, restart TWS or IB Gateway by hand, then connect once. Do not retry in between.',
    ],
    prevent:
      'Put 127.0.0.1 under "Trusted IPs", keep one connection, and do not check the port by connecting.',
  },
  silent_accept_dialog: {
    layer: 'hello',
    severity: 'error',
    looksLike:
      'TCP is up and no byte comes back until somebody clicks; TWS shows "Accept incoming connection?".',
    tellsApart:
      'First client from this address, no CLOSE_WAIT sockets; the log of TWS says that the API is not accepted; it heals the moment the dialog is answered.',
    remedy: [
      'Find the dialog "Accept incoming connection?" in TWS or IB Gateway (often behind other windows) and click Yes. Robo holds the connection: it heals at once.',
      trustThisMachine,
      'With IBC: AcceptIncomingConnectionAction=accept in its config.ini, for addresses that are not trusted yet.',
    ],
    prevent: 'An address under "Trusted IPs" is never asked about.',
  },
  ipv6_trusted_ip_mismatch: {
    layer: 'hello',
    severity: 'error',
    looksLike: 'Silence, or a dialog that names ::1 or an fe80:: address.',
    tellsApart: 'The same client with 127.0.0.1 instead of localhost works.',
    remedy: [
      'Use 127.0.0.1 instead of localhost or ::1: set IBKR_HOST (or robo.host).',
      {
        text: 'Or open {} and add ::1 under "Trusted IPs" beside 127.0.0.1.',
        byProduct: apiSettings,
      },
    ],
    prevent: 'Write 127.0.0.1 in every program that connects.',
  },
  silent_api_not_enabled: {
    layer: 'hello',
    severity: 'error',
    looksLike: 'Usually the port refuses; sometimes it accepts and stays silent.',
    tellsApart:
      'No dialog is open and no stuck sockets exist. TWS normally does not listen at all with the API off, so a dialog or a stuck gateway is likelier.',
    remedy: [
      enableApi,
      'If it was on already, restart TWS or IB Gateway by hand: some changes count only then.',
    ],
    prevent: 'Restart once after a change of the API settings, then test before you trade.',
  },
  silent_modal_dialog: {
    layer: 'hello',
    severity: 'error',
    looksLike: 'Silence after TCP while TWS shows a notice: paper trading, login messages, tasks.',
    tellsApart:
      'Nobody is connected and no stuck sockets exist; closing the notice heals it. From outside it looks like the accept dialog.',
    remedy: [
      'Look at TWS or IB Gateway and close every notice: paper-trading warning, login messages, "Resume login", pending tasks.',
      'With IBC: AcceptNonBrokerageAccountWarning=yes in its config.ini.',
    ],
    prevent: 'Look at the window after each login, or let IBC answer the notices that it knows.',
  },
  wedged_close_wait: {
    layer: 'sockets',
    severity: 'error',
    looksLike: 'TCP is up and silent for every client id; the count of CLOSE_WAIT sockets grows.',
    tellsApart:
      'CLOSE_WAIT sockets on the API port that belong to TWS or IB Gateway (java). If they belong to another program, that program leaks them. Dead sockets with a handshake that still passes are only a warning.',
    remedy: [
      'Stop retrying: each attempt can add another dead connection.',
      restartTws,
      restartContainer,
      'Then connect once. Remove checks that connect to the port and close without a handshake.',
      { text: 'See the dead connections and whose they are:', bySystem: portConnections },
    ],
    prevent: 'Keep one connection, and close it cleanly; watch the port through the socket table.',
  },
  accept_queue_wedge: {
    layer: 'hello',
    severity: 'error',
    looksLike: 'TCP connects and stays silent; after many attempts TCP itself times out.',
    tellsApart:
      'Connections wait in the accept queue of the listener (Recv-Q above 0), or ours belongs to no process on the side of TWS; a loopback connection that times out means that the queue is full. An older session may go on living.',
    remedy: [
      'Stop retrying: the queue only fills.',
      restartTws,
      restartContainer,
      'Then connect once.',
      {
        text: 'See the queue of the listener:',
        bySystem: {
          macOS: '`netstat -Lan -p tcp | grep {port}`',
          Windows: 'Windows does not show it; count the connections with `netstat -ano -p TCP`',
          Linux: "`ss -ltn 'sport = :{port}'` (column Recv-Q)",
        },
      },
    ],
    prevent:
      'No probes: one failed client can stop the accept loop of some versions for all others.',
  },
  server_version_missing: {
    layer: 'hello',
    severity: 'error',
    looksLike: '"Failed to receive server version information", often followed by a made-up 502.',
    tellsApart:
      'The client log of a silent handshake: TCP was up, so the 502 is not a refusal. Why TWS was silent, this line does not tell.',
    remedy: [
      'Run `robo test`: it looks at sockets and processes too and ranks the causes.',
      'Answer any dialog in TWS or IB Gateway, then look at its Trusted IPs.',
      'Only if neither helps, restart it by hand.',
    ],
    prevent: 'Start the runner behind the test, so that it meets no silent TWS.',
  },
  closed_at_once_untrusted: {
    layer: 'hello',
    severity: 'error',
    looksLike: '"Connected" and "Disconnected" within milliseconds, without a byte.',
    tellsApart:
      'TWS has been running for a while and the listener is TWS itself; clients from a trusted address work. A young TWS that closes is still starting.',
    remedy: [
      {
        text: 'Open {} and add the exact address of the client under "Trusted IPs".',
        byProduct: apiSettings,
      },
      'For clients on other machines untick "Allow connections from localhost only" there: with it they are refused without a question.',
    ],
    prevent: 'Give clients fixed addresses: subnets cannot be trusted as a whole.',
  },
  startup_window_reset: {
    layer: 'hello',
    severity: 'warning',
    looksLike:
      'Refused, closed or reset (ECONNRESET) within the first minutes after its start or restart.',
    tellsApart:
      'The TWS process is young: the port opens 1 to 3 minutes after its start, and only after the login.',
    remedy: [
      'Finish the login, including the second factor on your phone.',
      'Wait a minute or two; Robo connects again by itself. Do not restart it meanwhile: each restart costs another second factor.',
    ],
    prevent: 'Start the runner after TWS, behind the test.',
  },
  client_id_in_use_326: {
    layer: 'ready',
    severity: 'error',
    looksLike: 'Message 326, then TWS closes the connection.',
    tellsApart:
      'If another local process holds a connection to the port, it is a second client; if none does, TWS has not yet released the old slot (usually 30 to 60 s).',
    remedy: [
      'See whether another program uses the same id: `robo ps`. End a duplicate runner with `robo kill-duplicates`.',
      { text: 'See who is connected:', bySystem: portConnections },
      'If there is none, wait a minute; or give this client another id (IBKR_CLIENT_ID for the runner, robo.clientId for Robo).',
      'If the id stays taken, restart TWS or IB Gateway by hand.',
    ],
    prevent: 'One id for each program; tools never use the id of the runner.',
  },
  peer_closed_after_startapi: {
    layer: 'ready',
    severity: 'error',
    looksLike: '"Peer closed connection. clientId N already in use?"; the id is only a guess.',
    tellsApart:
      'No 326 and no 10141 was seen. TWS may be restarting, the id may be taken, or the paper-trading notice may be open.',
    remedy: [
      'Look at TWS or IB Gateway: is it restarting, or is a notice open?',
      'Check for a second client with the same id: `robo ps`.',
      'Try once with another client id; if that works, the id was the reason.',
    ],
    prevent: 'One id for each program.',
  },
  paper_disclaimer_10141: {
    layer: 'ready',
    severity: 'error',
    looksLike: 'Message 10141 (older versions 2139), then TWS closes the connection.',
    tellsApart: 'The code says it; it happens on paper accounts only.',
    remedy: [
      'Accept the paper-trading disclaimer in the TWS or IB Gateway window.',
      'With IBC: AcceptNonBrokerageAccountWarning=yes in its config.ini.',
    ],
    prevent: 'It comes with each paper login: look at the window, or let IBC accept it.',
  },
  partial_handshake_no_next_valid_id: {
    layer: 'ready',
    severity: 'error',
    looksLike: 'The server version arrives; managed accounts or the next order id do not.',
    tellsApart:
      'The API itself works. TWS is usually not (fully) logged in to its trading server, half started, or shows a notice.',
    remedy: [
      'Look at TWS or IB Gateway: is the login finished, is a notice open?',
      'Wait two minutes after a start. If it stays so, restart it by hand.',
    ],
    prevent: 'Start the runner only when `robo test` passes the layer ready.',
  },
  server_version_too_old: {
    layer: 'hello',
    severity: 'error',
    looksLike: 'Message 503 or 506, or "server version N required".',
    tellsApart: 'The version number in the hello is outside what the client takes.',
    remedy: [
      {
        text: 'See the version of the program: {}.',
        byProduct: {
          TWS: 'Help > About Trader Workstation',
          'IB Gateway': 'Help > About IB Gateway',
        },
      },
      'Update TWS or IB Gateway, or the client library, whichever is older.',
    ],
    prevent: 'Update both together, and pin the version of the library.',
  },
  client_lib_mismatch: {
    layer: null,
    severity: 'error',
    looksLike: 'A Python TypeError or the like while connecting or decoding.',
    tellsApart: 'There is a traceback, and the handshake of Robo passes at the same time.',
    remedy: [
      'Use the interpreter and virtual environment that the runner was made for.',
      {
        text: 'See which versions it has:',
        bySystem: {
          macOS: '`.venv/bin/python -m pip list` (look for ibapi, ib_async, ib_insync)',
          Windows: '`.venv\\Scripts\\python -m pip list` (look for ibapi, ib_async, ib_insync)',
          Linux: '`.venv/bin/python -m pip list` (look for ibapi, ib_async, ib_insync)',
        },
      },
      'Install the one version of the library that the program was written for.',
    ],
    prevent: 'Pin the version of the library in requirements or lock file.',
  },
  timezone_unsupported: {
    layer: 'hello',
    severity: 'error',
    looksLike: '"Time zone not found for Greenwich Mean Time" right after the hello.',
    tellsApart: 'The hello arrived with version and time; only its zone name is not understood.',
    remedy: [
      'Choose another time zone on the login screen (More options > Time zone), for example US/Eastern.',
      'Or update the client library to one that takes localised zone names.',
    ],
    prevent: 'Run TWS with a zone of the region/city kind.',
  },
  bad_length_507: {
    layer: 'ready',
    severity: 'error',
    looksLike: 'Message 507 "Bad Message Length", then closed.',
    tellsApart:
      'It is the Java way to say end of stream: the client id is in use, or TWS was closed or locked. The code alone does not tell which.',
    remedy: [
      'See whether another client uses the same id: `robo ps`.',
      'See whether TWS was closed or locked; then connect again, once.',
    ],
    prevent: 'One id for each program.',
  },
  not_connected_504: {
    layer: 'tcp',
    severity: 'error',
    looksLike: 'Message 504 "Not connected" for each request.',
    tellsApart: 'It is made by the client; the reason stands a few lines above it.',
    remedy: [
      'Look at the lines before it for why the connection failed or ended.',
      'The program must wait for the next valid id before its first request.',
    ],
    prevent: 'Let the program stop asking when its connection has ended.',
  },
  port_reset_1300: {
    layer: 'port',
    severity: 'error',
    looksLike: 'Message 1300 with the new port, then TWS closes the connection.',
    tellsApart: 'The code says it.',
    remedy: [
      'If you changed the port, set IBKR_PORT (or robo.port) to the new one yourself, after checking whether it is paper or live.',
      { text: 'If you did not, set "Socket port" back in {}.', byProduct: apiSettings },
    ],
    prevent: 'Change the port only while no program is connected.',
  },
  max_clients_32: {
    layer: 'ready',
    severity: 'error',
    looksLike: 'New clients are refused or closed; message about the maximum of 32.',
    tellsApart: '32 or more connections to the port are established.',
    remedy: [
      { text: 'See who is connected:', bySystem: portConnections },
      'Close clients that you do not need; `robo ps` lists runners on this machine.',
      'Look for a program that connects again and again without closing.',
    ],
    prevent: 'One connection for each program, kept and used again.',
  },
  self_inflicted_probe_zombies: {
    layer: 'sockets',
    severity: 'warning',
    looksLike: 'CLOSE_WAIT sockets grow by one per check; later TWS stops answering.',
    tellsApart:
      'The other ends of the dead sockets belonged to a checker, and they appear at its period, also while the runner sleeps.',
    remedy: [
      'Stop checks that connect to the port and close without a handshake: port scanners, connect_ex in Python, health checks of containers and dashboards.',
      { text: 'Find the checker by its connections:', bySystem: portConnections },
      'Let Robo watch instead: it reads the socket table and keeps one connection.',
    ],
    prevent: 'Read the socket table, or ask `robo status`; never connect only to look.',
  },
  reconnect_race: {
    layer: null,
    severity: 'warning',
    looksLike: 'Connect and disconnect lines doubled, in quick turn; message 501.',
    tellsApart: 'One process, the same lines twice within moments.',
    remedy: [
      'Let one place in the program own the connection and its retries.',
      'A callback that the library calls on disconnect must not connect itself while a loop does.',
    ],
    prevent: 'Guard the reconnect with a lock, and back off between attempts.',
  },
} as const satisfies Partial<Record<CauseId, CauseText>>;
