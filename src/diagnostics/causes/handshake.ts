import { apiSettings, type CauseText, restartTws } from '../cause';
import type { CauseId } from '../causeIds';

/** Group B of the catalogue: between TCP and the first id. */
export const handshakeCauses = {
  silent_handshake: {
    layer: 'hello',
    title: 'TWS accepts the connection but does not answer the API hello',
    severity: 'error',
    looksLike: '"Connected", then nothing, then TimeoutError(): TCP is up and no byte comes back.',
    tellsApart:
      'This is the whole family. A waiting dialog, an untrusted address, API settings and a stuck gateway look the same from the socket; only evidence from outside it decides.',
    remedy: [
      'Look at TWS or IB Gateway for a dialog, also behind other windows and on other desktops, and answer it: "Accept incoming connection?", a paper-trading notice, a login message.',
      `Open ${apiSettings}: check "Enable ActiveX and Socket Clients" (TWS), "Socket port", and add 127.0.0.1 to "Trusted IPs".`,
      'If no dialog is open and the settings are right, restart TWS or IB Gateway by hand, then connect once.',
    ],
  },
  silent_accept_dialog: {
    layer: 'hello',
    title: 'TWS waits for someone to accept the connection',
    severity: 'error',
    looksLike:
      'TCP is up and no byte comes back until somebody clicks; TWS shows "Accept incoming connection?".',
    tellsApart:
      'First client from this address, no CLOSE_WAIT sockets; the TWS log says that the API is not accepted; it heals the moment the dialog is answered.',
    remedy: [
      'Find the dialog "Accept incoming connection?" in TWS or IB Gateway (often behind other windows) and click Yes. Robo holds the connection: it heals at once.',
      `Add 127.0.0.1 to "Trusted IPs" in ${apiSettings}, so that it does not ask again.`,
      'With IBC: AcceptIncomingConnectionAction=accept.',
    ],
  },
  ipv6_trusted_ip_mismatch: {
    layer: 'hello',
    title: 'The client comes from an IPv6 address that TWS does not trust',
    severity: 'error',
    looksLike: 'Silence, or a dialog that names ::1 or an fe80:: address.',
    tellsApart: 'The same client with 127.0.0.1 instead of localhost works.',
    remedy: [
      'Use 127.0.0.1 instead of localhost.',
      `Or add ::1 to "Trusted IPs" in ${apiSettings}.`,
    ],
  },
  silent_api_not_enabled: {
    layer: 'hello',
    title: 'The API is switched off, or was changed without a restart',
    severity: 'error',
    looksLike: 'Usually the port refuses; sometimes it accepts and stays silent.',
    tellsApart:
      'No dialog is open and no stuck sockets exist. TWS normally does not listen at all with the API off, so a dialog or a stuck gateway is likelier.',
    remedy: [
      `Open ${apiSettings}.`,
      'In TWS tick "Enable ActiveX and Socket Clients", press Apply and OK.',
      'If it was ticked already, restart TWS: some changes count only then.',
    ],
  },
  silent_modal_dialog: {
    layer: 'hello',
    title: 'Another dialog in TWS blocks the API',
    severity: 'error',
    looksLike: 'Silence after TCP while TWS shows a notice: paper trading, login messages, tasks.',
    tellsApart: 'Nobody is connected and no stuck sockets exist; closing the notice heals it.',
    remedy: [
      'Look at TWS or IB Gateway and close every notice: paper-trading warning, login messages, "Resume login", pending tasks.',
      'With IBC: AcceptNonBrokerageAccountWarning=yes.',
    ],
  },
  wedged_close_wait: {
    layer: 'sockets',
    title: 'TWS holds dead connections and no longer answers new ones',
    severity: 'error',
    looksLike: 'TCP is up and silent for every client id; the count of CLOSE_WAIT sockets grows.',
    tellsApart:
      'CLOSE_WAIT sockets on the API port that belong to TWS or IB Gateway (java). If they belong to another program, that program leaks them.',
    remedy: [
      'Stop retrying: each attempt can add another dead connection.',
      restartTws,
      'Then connect once. Remove checks that connect to the port and close without a handshake.',
    ],
  },
  accept_queue_wedge: {
    layer: 'hello',
    title: 'TWS has stopped accepting connections',
    severity: 'error',
    looksLike: 'TCP connects and stays silent; after many attempts TCP itself times out.',
    tellsApart:
      'Connections wait in the accept queue of the listener (Recv-Q above 0), or ours belongs to no process on the side of TWS; a loopback connection that times out means that the queue is full.',
    remedy: ['Stop retrying: the queue only fills.', restartTws, 'Then connect once.'],
  },
  server_version_missing: {
    layer: 'hello',
    title: 'A client gave up waiting for the server version',
    severity: 'error',
    looksLike: '"Failed to receive server version information", often followed by a made-up 502.',
    tellsApart: 'The client log of a silent handshake: TCP was up, so the 502 is not a refusal.',
    remedy: [
      'Run `robo test`: it looks at sockets and processes too and ranks the causes.',
      'Answer any dialog in TWS, then check Trusted IPs, then restart TWS.',
    ],
  },
  closed_at_once_untrusted: {
    layer: 'hello',
    title: 'TWS closes the connection at once: this address is not trusted',
    severity: 'error',
    looksLike: '"Connected" and "Disconnected" within milliseconds, without a byte.',
    tellsApart:
      'TWS has been running for a while and the listener is TWS itself; clients from 127.0.0.1 work.',
    remedy: [
      `In ${apiSettings} add the exact address of this machine to "Trusted IPs".`,
      'For clients on other machines untick "Allow connections from localhost only" there.',
    ],
  },
  startup_window_reset: {
    layer: 'hello',
    title: 'TWS is still starting',
    severity: 'warning',
    looksLike: 'Refused, closed or reset (ECONNRESET) within the first two minutes or so.',
    tellsApart: 'The TWS process is young, or waits for the login or the second factor.',
    remedy: [
      'Finish the login, including the second factor on your phone.',
      'Wait a minute; Robo connects again by itself.',
    ],
  },
  client_id_in_use_326: {
    layer: 'ready',
    title: 'The client id is already in use',
    severity: 'error',
    looksLike: 'Message 326, then TWS closes the connection.',
    tellsApart:
      'If another local process holds a connection to the port, it is a second runner; if none does, TWS has not yet released the old slot (usually 30 to 60 s).',
    remedy: [
      'See whether another program uses the same id: `robo ps`. End the duplicate.',
      'If there is none, wait a minute; or give this client another id (IBKR_CLIENT_ID for the runner, robo.clientId for Robo).',
      'If the id stays taken, restart TWS.',
    ],
  },
  peer_closed_after_startapi: {
    layer: 'ready',
    title: 'TWS ends the connection after the hello, without saying why',
    severity: 'error',
    looksLike: '"Peer closed connection. clientId N already in use?"; the id is only a guess.',
    tellsApart:
      'No 326 and no 10141 was seen. TWS may be restarting, the id may be taken, or the paper-trading notice may be open.',
    remedy: [
      'Look at TWS: is it restarting, or is a notice open?',
      'Check for a second client with the same id: `robo ps`.',
      'Try once with another client id.',
    ],
  },
  paper_disclaimer_10141: {
    layer: 'ready',
    title: 'The paper-trading disclaimer has not been accepted',
    severity: 'error',
    looksLike: 'Message 10141 (older versions 2139), then TWS closes the connection.',
    tellsApart: 'The code says it; it happens on paper accounts only.',
    remedy: [
      'Accept the paper-trading disclaimer in the TWS or IB Gateway window.',
      'With IBC: AcceptNonBrokerageAccountWarning=yes.',
    ],
  },
  partial_handshake_no_next_valid_id: {
    layer: 'ready',
    title: 'TWS answers the hello but never becomes ready',
    severity: 'error',
    looksLike: 'The server version arrives; managed accounts or the next order id do not.',
    tellsApart: 'TWS is not (fully) logged in to its trading server, or half started.',
    remedy: [
      'Look at TWS: is the login finished, is a notice open?',
      'Wait two minutes after a start. If it stays so, restart TWS or IB Gateway.',
    ],
  },
  server_version_too_old: {
    layer: 'hello',
    title: 'TWS and the client do not share an API version',
    severity: 'error',
    looksLike: 'Message 503 or 506, or "server version N required".',
    tellsApart: 'The version number in the hello is outside what the client takes.',
    remedy: ['Update TWS or IB Gateway, or the client library, whichever is older.'],
  },
  client_lib_mismatch: {
    layer: null,
    title: 'The client library does not fit: TWS itself is fine',
    severity: 'error',
    looksLike: 'A Python TypeError or the like while connecting or decoding.',
    tellsApart: 'There is a traceback, and the handshake of Robo passes at the same time.',
    remedy: [
      'Use the interpreter and virtual environment that the runner was made for.',
      'Install one version of ibapi, or ib_async, that fits the program.',
    ],
  },
  timezone_unsupported: {
    layer: 'hello',
    title: 'The client does not know the time zone that TWS names',
    severity: 'error',
    looksLike: '"Time zone not found for Greenwich Mean Time" right after the hello.',
    tellsApart: 'The hello arrived with version and time; only its zone name is not understood.',
    remedy: [
      'Choose another time zone on the TWS login screen (More options > Time zone), for example US/Eastern.',
      'Or update the client library.',
    ],
  },
  bad_length_507: {
    layer: 'ready',
    title: 'The Java client lost the connection in the middle of a message (507)',
    severity: 'error',
    looksLike: 'Message 507 "Bad Message Length", then closed.',
    tellsApart: 'It is the Java way to say end of stream: client id in use, or TWS closed.',
    remedy: [
      'See whether another client uses the same id: `robo ps`.',
      'See whether TWS was closed or locked; then connect again.',
    ],
  },
  not_connected_504: {
    layer: 'tcp',
    title: 'The program asked before it was connected',
    severity: 'error',
    looksLike: 'Message 504 "Not connected" for each request.',
    tellsApart: 'It is made by the client; the reason stands a few lines above it.',
    remedy: [
      'Look at the lines before it for why the connection failed or ended.',
      'The program must wait for the next valid id before its first request.',
    ],
  },
  port_reset_1300: {
    layer: 'port',
    title: 'The API port was changed in TWS',
    severity: 'error',
    looksLike: 'Message 1300 with the new port, then TWS closes the connection.',
    tellsApart: 'The code says it.',
    remedy: [
      'If you changed the port, set IBKR_PORT (or robo.port) to the new one, after checking whether it is paper or live.',
      `If you did not, set "Socket port" back in ${apiSettings}.`,
    ],
  },
  max_clients_32: {
    layer: 'ready',
    title: 'Too many API clients are connected',
    severity: 'error',
    looksLike: 'New clients are refused or closed; message about the maximum of 32.',
    tellsApart: '32 or more connections to the port are established.',
    remedy: [
      'Close clients that you do not need; `robo ps` lists those on this machine.',
      'Look for a program that connects again and again without closing.',
    ],
  },
  self_inflicted_probe_zombies: {
    layer: 'sockets',
    title: 'A checking program leaves dead connections behind',
    severity: 'warning',
    looksLike: 'CLOSE_WAIT sockets grow by one per check; later TWS stops answering.',
    tellsApart:
      'The other ends of the dead sockets belonged to a checker, and they appear at its period, also while the runner sleeps.',
    remedy: [
      'Stop checks that connect to the port and close without a handshake (nc -z, connect_ex, port scanners).',
      'Let Robo watch instead: it reads the socket table and keeps one connection.',
    ],
  },
  reconnect_race: {
    layer: null,
    title: 'Several reconnect loops run against each other',
    severity: 'warning',
    looksLike: 'Connect and disconnect lines doubled, in quick turn.',
    tellsApart: 'One process, the same lines twice within moments.',
    remedy: ['Let one place in the program own the connection and its retries.'],
  },
} as const satisfies Partial<Record<CauseId, CauseText>>;
