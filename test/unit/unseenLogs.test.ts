import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { LogReader } from '../../src/diagnostics/logReader';

/** `cause` of each finding, in the order of the text. */
function causes(text: string): readonly string[] {
  const reader = new LogReader();
  for (const line of text.replace(/^\n|\n$/g, '').split('\n')) {
    reader.push(line);
  }
  return reader.end().map((finding) => finding.causes[0]?.id ?? '');
}

/** Shapes that a second reader brought, who had not seen the patterns. */
describe('logs of shapes that the patterns were not written for', () => {
  const cases: readonly (readonly [string, string, readonly string[]])[] = [
    [
      'a time between the request and the code',
      `
-1 | 20260105-08:15:00 UTC | 2104 | Market data farm connection is OK:eufarm |
-1 | 20260105-08:16:40 UTC | 1100 | Connectivity between IBKR and Trader Workstation has been lost. |`,
      ['upstream_lost_1100'],
    ],
    [
      'an ISO time between the request and the code',
      'error: -1, 2026-01-05T08:16:40.5Z, 2110, Connectivity between Trader Workstation and server is broken.',
      ['tws_server_broken_2110'],
    ],
    [
      'the arguments of a callback as a list in JSON',
      '{"ts":"2026-01-05T08:16:40Z","event":"onError","args":[12,1767600999000,10197,"No market data during competing live session",""]}',
      ['competing_session_10197'],
    ],
    [
      'the arguments of a callback for errors, the text first',
      '{"level":"warn","data":["Sec-def data farm connection is broken:secdefeu",2157,-1]}',
      ['secdef_broken_2157'],
    ],
    [
      'lists of other things in JSON',
      `
{"event":"fills","data":[200,1100,"AAPL filled",3]}
{"event":"rest","args":["GET /orders",502,12]}
{"event":"scan","payload":["sold out",504,"x"]}`,
      [],
    ],
    [
      'a connect that nobody answered, by an address behind the error',
      'IB: Error: connect ETIMEDOUT 192.168.7.9:4001',
      ['tcp_timeout_unreachable'],
    ],
    [
      'the same in Python, Go and .NET',
      `
ERROR link could not connect to gateway: [Errno 110] Connect call failed ('192.168.7.9', 4001)
2026/01/05 08:16:40 feed: dial tcp 192.168.7.9:4001: i/o timeout
System.Net.Sockets.SocketException (10060): A connection attempt failed because the connected party did not properly respond after a period of time. 192.168.7.9:4001`,
      ['tcp_timeout_unreachable'],
    ],
    [
      'a connect within one machine that nobody answered: a full queue',
      'gateway: dial tcp 127.0.0.1:4001: i/o timeout',
      ['accept_queue_wedge'],
    ],
    [
      "a client's own deadline after TCP was answered",
      `
Connecting to 192.168.7.9:4001 with clientId 3...
Connected
API connection failed: TimeoutError()`,
      ['silent_handshake'],
    ],
    [
      'a refusal in the words of Windows, in its languages',
      `
[08:16:40 ERR] Orders stopped. No connection could be made because the target machine actively refused it. [::1]:7496
[08:16:41 ERR] Es konnte keine Verbindung hergestellt werden, da der Zielcomputer die Verbindung verweigerte. 127.0.0.1:7496
[08:16:42 ERR] Aucune connexion n’a pu être établie car l’ordinateur cible l’a expressément refusée. 127.0.0.1:7496
[08:16:43 ERR] 由于目标计算机积极拒绝，无法连接。 127.0.0.1:7496`,
      ['port_refused'],
    ],
    [
      'a refusal in the words of Windows by another port',
      '[08:16:40 ERR] cache: No connection could be made because the target machine actively refused it. 127.0.0.1:6379',
      [],
    ],
    [
      'a refusal by its number alone',
      'System.Net.Sockets.SocketException (10061): 対象のコンピューターによって拒否されたため、接続できませんでした。',
      ['port_refused'],
    ],
    [
      'R, which does not say why',
      `
Error in socketConnection(host = host, port = port, open = "ab", blocking = blocking) :
  cannot open the connection
In addition: Warning message:
In socketConnection(host = host, port = port, open = "ab", blocking = blocking) :
  127.0.0.1:4002 cannot be opened`,
      ['port_refused'],
    ],
    [
      'the guess about the client id in a line of its own',
      `
ERROR:ib_insync.client:Peer closed connection
ERROR:ib_insync.client:clientId 44 already in use?
ERROR:ib_insync.client:API connection failed: TimeoutError()`,
      ['peer_closed_after_startapi'],
    ],
    [
      'a deadline that runs out after the peer has closed is no silence',
      `
Connecting to 192.168.7.9:4001 with clientId 3...
Connected
Peer closed connection.
API connection failed: TimeoutError()`,
      ['closed_at_once_untrusted'],
    ],
    [
      'silence after a session was lost is silence',
      `
Connecting to 127.0.0.1:4001 with clientId 3...
Connected
API connection ready
Peer closed connection.
API connection failed: TimeoutError()`,
      ['silent_handshake'],
    ],
    [
      'a callback of the program that the client calls with more than it takes',
      `
Traceback (most recent call last):
  File "/srv/desk/.venv/lib/python3.12/site-packages/ibapi/decoder.py", line 1380, in processErrorMsg
    self.wrapper.error(reqId, errorTime, errorCode, errorString)
TypeError: Desk.error() takes 4 positional arguments but 5 were given`,
      ['client_lib_mismatch'],
    ],
    [
      'the same without its frames, by the name of the class',
      'TypeError: DeskWrapper.orderStatus() takes 11 positional arguments but 12 were given',
      ['client_lib_mismatch'],
    ],
    [
      'a logger of the program that is called wrongly',
      `
Traceback (most recent call last):
  File "/srv/desk/desk/main.py", line 12, in loop
    log.error("lost %s", name, code)
TypeError: Log.error() takes 2 positional arguments but 4 were given`,
      ['runner_error'],
    ],
    [
      'keepers that start a program no more',
      `
2026-01-05 08:16:40,120 INFO gave up: momentum entered FATAL state, too many start retries too quickly
Jan 05 08:16:41 desk systemd[1]: momentum.service: Start request repeated too quickly.
PM2      | Script /srv/desk/index.js had too many unstable restarts (16). Stopped. "errored"`,
      ['runner_crash_loop'],
    ],
    [
      'a keeper that starts the gateway no more',
      'Jan 05 08:16:41 desk systemd[1]: ibgateway.service: Start request repeated too quickly.',
      ['port_refused'],
    ],
    [
      'clients of other brokers that fail in the same words',
      `
2026-01-05 08:16:40 ERROR kraken.client API connection failed: TimeoutError()
2026-01-05 08:16:41 ERROR bybit.stream: Peer closed connection.`,
      [],
    ],
    [
      'a client of ours beside another broker',
      '2026-01-05 08:16:40 ERROR ib_async.client API connection failed: TimeoutError(), orders go to alpaca',
      ['silent_handshake'],
    ],
    [
      'a session that the system gave up because nobody answered',
      'ERROR ibapi::transport: error reading next message (shutting down): Io(Os { code: 110, kind: TimedOut, message: "Connection timed out" })',
      ['half_open_zombie'],
    ],
    [
      'an error of Rust with its causes below',
      `
[2026-01-05T08:16:40Z INFO  desk] starting
Error: no session with IB Gateway

Caused by:
    0: client
    1: Connection refused (os error 111)`,
      ['port_refused'],
    ],
    [
      'an error of Rust about something else, with its causes below',
      `
Error: cannot read the list of symbols

Caused by:
    No such file or directory (os error 2)
done`,
      [],
    ],
    [
      'Julia, refused',
      `
ERROR: IOError: connect: connection refused (ECONNREFUSED)
Stacktrace:
 [1] wait_connected(x::Sockets.TCPSocket)
   @ Sockets /opt/julia/share/julia/stdlib/v1.10/Sockets/src/Sockets.jl:529
 [2] connect(port::Int64, clientId::Int64)
   @ Jib ~/.julia/packages/Jib/Zz9/src/Jib.jl:70
 [3] top-level scope
   @ ~/desk/run.jl:4`,
      ['port_refused'],
    ],
    [
      'Julia, closed before the hello was answered',
      `
ERROR: EOFError: read end of file
Stacktrace:
 [1] read_msg(socket::Sockets.TCPSocket)
   @ Jib.Reader ~/.julia/packages/Jib/Zz9/src/reader.jl:11
 [2] connect(host::String, port::Int64, clientId::Int64)
   @ Jib ~/.julia/packages/Jib/Zz9/src/Jib.jl:54`,
      ['closed_at_once_untrusted'],
    ],
    [
      'Julia, refused by another server',
      `
ERROR: IOError: connect: connection refused (ECONNREFUSED)
Stacktrace:
 [1] connect(host::String, port::Int64)
   @ Redis ~/.julia/packages/Redis/Zz9/src/connection.jl:33`,
      ['runner_error'],
    ],
    [
      'a web server whose pages are not served, beside the gateway',
      '2026/01/05 08:16:40 [error] 7#7: *1 connect() failed (111: Connection refused) while connecting to upstream, client: 10.0.0.2, server: desk, request: "GET / HTTP/1.1", upstream: "http://127.0.0.1:3000/", host: "desk"',
      [],
    ],
    [
      'a forwarder of the API whose gateway is away',
      '2026/01/05 08:16:40 [error] 7#7: *1 connect() failed (111: Connection refused) while connecting to upstream, client: 10.0.0.2, server: 0.0.0.0:4003, upstream: "127.0.0.1:4001", bytes from/to client:0/0, bytes from/to upstream:0/0',
      ['proxy_upstream_refused'],
    ],
    [
      'gateways of another kind',
      `
ERROR payments gateway: connection failed: timed out
08:16:40 ERROR api-gateway connection refused by auth
API Gateway: connection timed out after 29 s`,
      [],
    ],
    [
      'a gateway of ours beside one of another kind',
      'ERROR IB Gateway connection refused, and so is the API gateway',
      ['port_refused'],
    ],
    [
      'servers of another kind by their ports',
      `
System.Net.Sockets.SocketException (10061): Connection refused 127.0.0.1:6379
java.net.ConnectException: Connection refused: queue.lan:9092
2026/01/05 08:16:40 socat[7] E connect(5, AF=2 127.0.0.1:5900, 16): Connection refused`,
      [],
    ],
    [
      'a refused socket in code in which no client of TWS has a part',
      `
java.net.ConnectException: Connection refused
	at java.base/sun.nio.ch.Net.pollConnect(Native Method)
	at com.desk.Rates.load(Rates.java:20)`,
      ['runner_error'],
    ],
    [
      'a refused socket of a client of TWS',
      `
java.net.ConnectException: Connection refused
	at java.base/sun.nio.ch.Net.pollConnect(Native Method)
	at com.ib.client.EClientSocket.eConnect(EClientSocket.java:61)
	at com.desk.Link.open(Link.java:20)`,
      ['port_refused'],
    ],
    [
      'a code among labels, its words in another object',
      '{"@timestamp":"2026-01-05T08:16:40Z","log.level":"error","error":{"message":"No market data during competing live session"},"labels":{"ib_code":"10197","req_id":"8"},"message":"notice"}',
      ['competing_session_10197'],
    ],
    [
      'a number among labels of something else',
      '{"message":"done","labels":{"code":"1100","job":"scan"},"fields":{"rows":2110}}',
      [],
    ],
    [
      'the end of neighbours, killed or by themselves',
      `
Jan 05 08:16:40 desk kernel: Out of memory: Killed process 991 (firefox) total-vm:9195304kB
grafana-1 exited with code 1`,
      [],
    ],
    [
      'the end of the gateway, killed by the system',
      'Jan 05 08:16:40 desk kernel: Out of memory: Killed process 991 (java) total-vm:9195304kB',
      ['jvm_killed_oom'],
    ],
  ];

  it('is sure of a refusal only where it is known who was asked', () => {
    const best = (text: string): number | undefined => {
      const reader = new LogReader();
      reader.push(text);
      return reader.end()[0]?.causes[0]?.confidence;
    };
    assert.equal(best('java.net.ConnectException: Connection refused'), 0.6);
    assert.equal(best('java.net.ConnectException: Connection refused: localhost:7496'), 0.8);
  });

  for (const [name, text, expected] of cases) {
    it(name, () => {
      assert.deepEqual(causes(text), expected);
    });
  }
});
