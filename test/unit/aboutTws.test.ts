import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { describe, it } from 'mocha';
import { LogFeed } from '../../src/diagnostics/logFeed';
import type { LogFinding } from '../../src/diagnostics/logIncidents';
import { LogReader } from '../../src/diagnostics/logReader';

function findings(lines: readonly string[]): readonly LogFinding[] {
  const reader = new LogReader();
  const feed = new LogFeed();
  for (const line of lines) {
    reader.push(line);
    feed.push(Buffer.from(`${line}\n`));
  }
  const found = reader.end();
  assert.deepEqual(feed.end(), found);
  return found;
}

/** `cause confidence` of each finding. */
function causes(...lines: readonly string[]): readonly string[] {
  return findings(lines).map(({ causes: [best] }) => `${best?.id ?? ''} ${best?.confidence ?? 0}`);
}

/** What other programs print too is sure only in a log that is about TWS. */
const sharedWords: readonly (readonly [string, string, number])[] = [
  ['channel 3: open failed: connect failed: Connection refused', 'proxy_upstream_refused', 0.85],
  ['Requested market data is not subscribed.', 'not_subscribed', 0.95],
  ['historical request refused: pacing violation', 'pacing_162', 0.85],
  ['Client ID (5) is already in use', 'client_id_in_use_326', 0.85],
  ["client id '7' is already in use", 'client_id_in_use_326', 0.85],
  ['clientId 7, already in use', 'client_id_in_use_326', 0.85],
  ['client id 5 already in use', 'client_id_in_use_326', 0.85],
  ['No security definition has been found for the request', 'no_secdef_200', 0.95],
  ['No market data during competing live session', 'competing_session_10197', 0.95],
  [
    '2026/02/03 09:14:02 socat[12] E connect(5, AF=2 10.0.0.3:8883, 16): Connection timed out',
    'proxy_upstream_timeout',
    0.85,
  ],
  ['java.lang.OutOfMemoryError: Java heap space', 'jvm_killed_oom', 0.8],
  ['Error: Unsupported Version 12', 'server_version_too_old', 0.85],
  ['Error: unprocessed data left on queue', 'decoder_desync', 0.85],
];

/** Lines without a fault that show what a log is about. */
const namings: readonly string[] = [
  'INFO starting the bot on 127.0.0.1:7497',
  'INFO ib_async.client: Logged on to server version 176',
  'ERROR -1 2104 Market data farm connection is OK:usfarm',
  '2026-02-03 09:14:01:123 IBC: Starting Gateway',
  '{"level":"info","msg":"options","port": 4002}',
  'loading the wrapper for Interactive Brokers',
];

describe('a log that nowhere shows that it is about TWS', () => {
  for (const [line, id, sure] of sharedWords) {
    it(`is no ground to be sure: ${line}`, () => {
      assert.deepEqual(causes(line), [`${id} 0.65`]);
    });
    for (const naming of namings) {
      it(`else as sure as ever: ${naming.slice(0, 40)} … ${line}`, () => {
        assert.deepEqual(causes(naming, line), [`${id} ${sure}`]);
        assert.deepEqual(causes(line, naming), [`${id} ${sure}`]);
      });
    }
  }

  it('tells of the program itself what it says', () => {
    assert.deepEqual(causes('OSError: [Errno 28] No space left on device'), ['disk_full 0.9']);
  });

  it('is one even if numbers in it look like ports', () => {
    const line = 'client id 5 already in use';
    assert.deepEqual(causes('worker[4001]: 7497 rows in 4002 ms', line), [
      'client_id_in_use_326 0.65',
    ]);
  });

  it('says nothing of the ids and numbers of other programs', () => {
    assert.deepEqual(
      causes(
        '1770128043: Client id bot-7 already in use, disconnecting.',
        'java.lang.NumberFormatException: For input string: "abc"',
      ),
      [],
    );
    assert.deepEqual(
      causes(
        'Error reading request. Unable to parse data. java.lang.NumberFormatException: For input string: "26598 "',
      ),
      ['malformed_request_320 0.65'],
    );
  });
});

describe("the system's words alone for a connection that failed", () => {
  const refused = 'connect: Connection refused';
  const client = 'Cannot connect to 127.0.0.1:7497 clientId:0';
  const coded = "Error. Id: -1, Code: 502, Msg: Couldn't connect to TWS.";
  const cases: readonly (readonly [string, readonly string[], string])[] = [
    ['before the client', [refused, client], 'port_refused 0.8'],
    ['before its code', [refused, coded], 'port_refused 0.8'],
    ['behind its code', [coded, refused], 'port_refused 0.6'],
    [
      'behind its attempt',
      ['Connecting to 127.0.0.1:7497 clientId:0', refused],
      'port_refused 0.8',
    ],
    ['too far from it', [refused, 'a', 'b', 'c', client], 'port_refused 0.35'],
    [
      'that TCP was not answered',
      ['Connecting to 10.0.0.4:7497 clientId:0', 'connect: Connection timed out'],
      'tcp_timeout_unreachable 0.6',
    ],
    [
      'that there is no way',
      ['Connecting to 10.0.0.4:7497 clientId:0', 'connect: No route to host'],
      'tcp_timeout_unreachable 0.7',
    ],
  ];
  for (const [name, lines, expected] of cases) {
    it(name, () => {
      assert.deepEqual(causes(...lines), [expected]);
    });
  }

  it('is nobody’s where no client of TWS is near', () => {
    assert.deepEqual(causes(refused, 'worker of the cache stopped'), []);
  });
});

describe('what loggers keep beside the text', () => {
  it('is the reason in a key of its own', () => {
    const line = { level: 'error', ts: 1770128042.1, msg: 'connect failed', host: '10.1.2.3' };
    const error = 'dial tcp 10.1.2.3:4002: connect: no route to host';
    assert.deepEqual(causes(JSON.stringify({ ...line, error })), ['tcp_timeout_unreachable 0.7']);
    assert.deepEqual(causes(JSON.stringify({ ...line, err: { message: error } })), [
      'tcp_timeout_unreachable 0.7',
    ]);
    assert.deepEqual(causes(JSON.stringify({ ...line, error: error.replace('4002', '6379') })), []);
  });

  it('is the error in an object of its own', () => {
    const ib = { code: 10141, msg: 'Paper trading disclaimer must first be accepted.', id: -1 };
    const line = { '@timestamp': '2026-02-03T14:14:02Z', message: 'error()', ib };
    assert.deepEqual(causes(JSON.stringify(line)), ['paper_disclaimer_10141 0.95']);
  });

  it('is the whole of a message as bytes, as the journal has it', () => {
    const said = '\u001b[31mError 1100, reqId -1: Connectivity has been lost.';
    const line = { PRIORITY: '3', _PID: '2217', MESSAGE: [...Buffer.from(said)] };
    assert.deepEqual(causes(JSON.stringify(line)), ['upstream_lost_1100 0.95']);
    assert.deepEqual(causes(JSON.stringify({ ...line, MESSAGE: [1100, -1] })), []);
  });
});
