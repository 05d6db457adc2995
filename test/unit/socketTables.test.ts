import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { createSocketTablePatterns } from '../../src/diagnostics/readers/socketTables';
import { createFactReader } from '../../src/diagnostics/runnerReader';
import { checkTable, describeLogs, findingsIn, summaryOf } from '../support/logFixtures';

describe('pasted tables of sockets', () => {
  describeLogs('socketTables');

  it('keeps its tables quick', () => {
    checkTable(createSocketTablePatterns());
  });

  it('gives one incident with count and span for the rows of one table', () => {
    const row = (port: number): string =>
      `tcp6       1      0 127.0.0.1:4001   127.0.0.1:${port}   CLOSE_WAIT  4242/java`;
    const [finding, ...rest] = findingsIn([row(1111), row(2222), row(3333)].join('\n'));
    assert.deepEqual(rest, []);
    assert.deepEqual(
      [finding?.line, finding?.endLine, finding?.count, finding?.causes[0]],
      [1, 3, 3, { id: 'wedged_close_wait', confidence: 0.8 }],
    );
  });

  const rows: readonly (readonly [string, string, string | undefined])[] = [
    [
      'TWS as a client of IBKR',
      'JavaAppli 9 t 52u IPv6 0x1 0t0 TCP 10.0.0.5:5839->ndc1.ibllc.com:newoak (CLOSE_WAIT)',
      undefined,
    ],
    [
      'another port',
      'tcp6       1      0 127.0.0.1:5432   127.0.0.1:53124   CLOSE_WAIT  4242/java',
      undefined,
    ],
    [
      'a forwarder that is left alone by the gateway',
      'CLOSE-WAIT 1 0 172.18.0.2:4004 172.18.0.1:51000 users:(("socat",pid=31,fd=6))',
      'silent_handshake',
    ],
    [
      'ss with protocol and IPv6',
      'tcp CLOSE-WAIT 1 0 [::ffff:127.0.0.1]:7496 [::ffff:127.0.0.1]:51000 users:(("java",pid=31,fd=6))',
      'wedged_close_wait',
    ],
    [
      'macOS with the owner by name',
      'tcp4       0      0  127.0.0.1.7497   127.0.0.1.57324   CLOSE_WAIT  1 2  JavaAppli:13551 00102',
      'wedged_close_wait',
    ],
    [
      'a leak of node',
      'node 77 t 21u IPv4 0x1 0t0 TCP 127.0.0.1:50001->127.0.0.1:7497 (CLOSE_WAIT)',
      'self_inflicted_probe_zombies',
    ],
    [
      'Swedish',
      'tcp  1  0 127.0.0.1:4002  127.0.0.1:53124  STÄNG_VÄNTA  4242/java',
      'wedged_close_wait',
    ],
    ['a listener of a forwarder', 'socat 31 root 5u IPv4 0x1 0t0 TCP *:4002 (LISTEN)', undefined],
    ['prose', 'The port 7497 is in state CLOSE_WAIT again', undefined],
    [
      'a full queue of Linux',
      'tcp   51   0 0.0.0.0:4002   0.0.0.0:*   LISTEN',
      'accept_queue_wedge',
    ],
  ];
  for (const [name, row, expected] of rows) {
    it(name, () => {
      const [fact] = createFactReader()(row);
      assert.equal(fact?.kind === 'sign' ? fact.causes[0]?.id : undefined, expected);
    });
  }

  it('counts clients of the newest table only', () => {
    const table = [
      'State Recv-Q Send-Q Local Address:Port Peer Address:Port',
      ...Array.from(
        { length: 20 },
        (_, index) => `ESTAB 0 0 127.0.0.1:7497 127.0.0.1:${41000 + index}`,
      ),
    ];
    const later = table.map((row) => row.replace(':410', ':420'));
    assert.deepEqual(summaryOf([...table, ...later].join('\n')), []);
  });

  it('remembers nothing from one text to the next', () => {
    const listener = (pid: number): string => `java ${pid} t 93u IPv6 0x1 0t0 TCP *:4001 (LISTEN)`;
    assert.deepEqual(createFactReader()(listener(1)), []);
    assert.deepEqual(createFactReader()(listener(2)), []);
  });
});
