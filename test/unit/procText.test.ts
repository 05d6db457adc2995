import assert from 'node:assert/strict';
import {
  parseAddress,
  parseBootTime,
  parseCommandLine,
  parseProcStat,
  parseTcpTable,
} from '../../src/host/procText';

const tail = 'S 7 40 40 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 139366 3133440 416';

describe('reading the text of /proc', () => {
  for (const name of ['java', 'a b', 'evil) R 1 (x', 'two\nlines', '', '((']) {
    it(`finds the fields behind the name ${JSON.stringify(name)}`, () => {
      assert.deepEqual(parseProcStat(`123 (${name}) ${tail}`), {
        name,
        state: 'S',
        parentPid: 7,
        processGroup: 40,
        startTicks: '139366',
      });
    });
  }

  for (const text of ['', '123', '123 (x) S 7', '123 (x)', 'no parentheses at all']) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      assert.equal(parseProcStat(text), undefined);
    });
  }

  const commandLines: readonly (readonly [string, readonly string[]])[] = [
    ['', []],
    ['sleep\x0010\0', ['sleep', '10']],
    ['sleep', ['sleep']],
    ['sh\0-c\0\0x\0', ['sh', '-c', '', 'x']],
    ['npm start\0\0\0\0', ['npm start']],
  ];
  for (const [text, argv] of commandLines) {
    it(`splits ${JSON.stringify(text)}`, () => {
      assert.deepEqual(parseCommandLine(text), argv);
    });
  }

  it('reads the boot time, and takes zero or nothing for unknown', () => {
    assert.equal(parseBootTime('cpu 1 2\nbtime 1795333413\nprocesses 9\n'), 1795333413);
    assert.equal(parseBootTime('btime 0\n'), undefined);
    assert.equal(parseBootTime('cpu 1 2\n'), undefined);
  });

  const addresses: readonly (readonly [string, string, string])[] = [
    ['0100007F', '7F000001', '127.0.0.1'],
    ['00000000', '00000000', '0.0.0.0'],
    ['0000000000000000FFFF00000100007F', '00000000000000000000FFFF7F000001', '127.0.0.1'],
    ['00000000000000000000000000000000', '00000000000000000000000000000000', '::'],
    ['00000000000000000000000001000000', '00000000000000000000000000000001', '::1'],
    ['B80D0120000000000000000001000000', '20010DB8000000000000000000000001', '2001:db8::1'],
    [
      '000080FE00000000FF005450DC4F1EFE',
      'FE80000000000000505400FFFE1E4FDC',
      'fe80::5054:ff:fe1e:4fdc',
    ],
    [
      'B80D012001000200030004000500 0600'.replace(' ', ''),
      '20010DB8000200010004000300060005',
      '2001:db8:2:1:4:3:6:5',
    ],
  ];
  for (const [little, big, text] of addresses) {
    it(`shows ${text} on machines of either byte order`, () => {
      assert.equal(parseAddress(little, true), text);
      assert.equal(parseAddress(big, false), text);
    });
  }

  const header =
    '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
  const listen =
    '   0: 0100007F:1D49 00000000:0000 0A 00000000:00000025 00:00000000 00000000  1000        0 51234 1 00000000a09b6cc2 100 0 0 10 0\n';
  const closeWait =
    '  11: 0100007F:1D49 0100007F:9348 08 00000000:00000001 02:0000000C 00000000     0        0 15179 2 0000000009928ce5 21 4 32 23 -1\n';

  it('reads state, queue and number of the rows of the wanted ports', () => {
    assert.deepEqual(parseTcpTable(header + listen + closeWait, new Set([7497]), true), [
      {
        local: { address: '127.0.0.1', port: 7497 },
        remote: { address: '0.0.0.0', port: 0 },
        state: 'LISTEN',
        receiveQueue: 37,
        inode: '51234',
      },
      {
        local: { address: '127.0.0.1', port: 7497 },
        remote: { address: '127.0.0.1', port: 37704 },
        state: 'CLOSE_WAIT',
        receiveQueue: 1,
        inode: '15179',
      },
    ]);
    assert.equal(parseTcpTable(header + listen + closeWait, new Set([37704]), true)?.length, 1);
    assert.deepEqual(parseTcpTable(header + listen, new Set([1]), true), []);
  });

  it('counts a socket once that the kernel printed twice, as it was last', () => {
    const twice = closeWait.replace(' 08 ', ' 01 ') + listen + closeWait + listen;
    const rows = parseTcpTable(header + twice, new Set([7497]), true);
    assert.deepEqual(
      rows?.map(({ state }) => state),
      ['CLOSE_WAIT', 'LISTEN'],
    );
  });

  it('keeps two listeners apart that share an address', () => {
    const rows = parseTcpTable(
      header + listen + listen.replace('51234', '51235'),
      new Set([7497]),
      true,
    );
    assert.deepEqual(
      rows?.map(({ inode }) => inode),
      ['51234', '51235'],
    );
  });

  it('is unknown, not empty, where the table has another form', () => {
    assert.equal(parseTcpTable('', new Set([7497]), true), undefined);
    assert.equal(parseTcpTable(`${header}  0: nonsense\n`, new Set([7497]), true), undefined);
  });
});
