import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { parseLogLine } from '../../src/diagnostics/logLine';
import { causesOfMessage } from '../../src/diagnostics/notices';
import { readTwsCode } from '../../src/diagnostics/readers/twsCodes';
import { classify, messageCodes } from '../../src/ibkr/messageCodes';

const ok = 'Market data farm connection is OK:usfarm';
const lost = 'Connectivity between IBKR and Trader Workstation has been lost.';

/** `code id text`; empty where the line says nothing. */
function read(raw: string): string {
  const [fact] = readTwsCode(parseLogLine(raw)) ?? [];
  return fact?.kind === 'tws message' ? `${fact.code} ${fact.requestId} ${fact.text}` : '';
}

describe('readTwsCode', () => {
  const wrapped: readonly [string, string][] = [
    // ib_insync, ib_async
    [`Error 1100, reqId -1: ${lost}`, `1100 -1 ${lost}`],
    [`Warning 2104, reqId -1: ${ok}`, `2104 -1 ${ok}`],
    [
      "2024-01-02 10:00:00,123 ib_async.wrapper ERROR Error 200, reqId 5: No security definition, contract: Stock(symbol='HBAR')",
      "200 5 No security definition, contract: Stock(symbol='HBAR')",
    ],
    // IBKR's own clients
    [`ERROR -1 2104 ${ok}`, `2104 -1 ${ok}`],
    [`ERROR -1 1732000000000 2104 ${ok}`, `2104 -1 ${ok}`],
    [`ERROR -1 1732000000000 2104 ${ok} advancedOrderRejectJson=`, `2104 -1 ${ok}`],
    [`17:37:29.865 STDERR ERROR:ibapi.wrapper:ERROR -1 2104 ${ok}`, `2104 -1 ${ok}`],
    [
      'ERROR 3 200 No security definition has been found for the request',
      '200 3 No security definition has been found for the request',
    ],
    [`Error. Id: -1, Code: 2104, Msg: ${ok}`, `2104 -1 ${ok}`],
    [
      `Error. Id: 9, Time: 1732000000000, Code: 10197, Msg: No market data`,
      '10197 9 No market data',
    ],
    [
      `Error. Id: 4, Error Time: 20240102-10:00:00, Error Code: 162, Error Msg: Historical no data`,
      '162 4 Historical no data',
    ],
    [`Error Id: -1, Code: 2103, Msg: gone:usfarm`, '2103 -1 gone:usfarm'],
    [`id=-1, code=2104, msg=${ok}`, `2104 -1 ${ok}`],
    [`Error {reqId=-1, errorCode=2104, errorMsg='${ok}'}`, `2104 -1 ${ok}`],
    [`-1 2104 ${ok}`, `2104 -1 ${ok}`],
    [`error: -1 - 2104 - ${ok}`, `2104 -1 ${ok}`],
    [`Error: 2104 -1 ${ok}`, `2104 -1 ${ok}`],
    // IbPy, backtrader, ezibpy
    [`***** STORE NOTIF: <error id=-1, errorCode=2104, errorMsg=${ok}>`, `2104 -1 ${ok}`],
    [
      '[#354] Requested market data is not subscribed.',
      '354 -1 Requested market data is not subscribed.',
    ],
    ['errorCode=502, errorMsg=Could not connect', '502 -1 Could not connect'],
    // Lean
    [
      `2026-05-21T13:56:30.1579926Z TRACE:: InteractiveBrokersBrokerage.HandleError(): RequestId: -1 ErrorCode: 2103 - Market data farm connection is broken:hfarm`,
      '2103 -1 Market data farm connection is broken:hfarm',
    ],
    [
      '2016-03-23T13:31:00Z TRACE:: InteractiveBrokersBrokerage.HandleError(): Order: 2 ErrorCode: 321 - Error validating request',
      '321 2 Error validating request',
    ],
    [
      "ERROR:: Brokerage.OnMessage(): Error - Code: 321 - Error validating request:-'rd' : cause - You must specify an account.",
      "321 -1 Error validating request:-'rd' : cause - You must specify an account.",
    ],
    // Java programs
    [
      `[ERROR] 2021-10-01 00:19:28.492 [TWSEventProcessor-2] Trader - error-3: -1 | 2103 | Market data farm connection is broken:usfarm`,
      '2103 -1 Market data farm connection is broken:usfarm',
    ],
    [
      `[INFO ] 2021-10-01 00:19:28.492 [TWSEventProcessor-2] EventReport - [IB API] 2103: Market data farm connection is broken:usfarm`,
      '2103 -1 Market data farm connection is broken:usfarm',
    ],
    // Rust, Node, NautilusTrader
    [
      `[2024-01-01T00:00:00Z ERROR ibapi::transport::common] error: [1102] ${lost}`,
      `1102 -1 ${lost}`,
    ],
    [`Notice { code: 2104, message: "${ok}" }`, `2104 -1 ${ok}`],
    [`IbkrError { code: 1100 } ${lost}`, `1100 -1 ${lost}`],
    [`Message(2104, "${ok}")`, `2104 -1 ${ok}`],
    [`{ code: 2104, reqId: -1 } ${ok}`, `2104 -1 ${ok}`],
    [`Error: ${ok} { code: 2104, reqId: -1 }`, `2104 -1 Error: ${ok}`],
    [`[2104] ${ok}`, `2104 -1 ${ok}`],
    [`${ok} (code: 2104, req_id=-1)`, `2104 -1 ${ok}`],
    [
      `2024-01-01T00:00:00.000000000Z [WARN] TRADER-001.InteractiveBrokersClient: ${ok} (code: 2104, req_id=-1)`,
      `2104 -1 ${ok}`,
    ],
    ['Error 504 req_id=1: Not connected', '504 1 Not connected'],
    // vnpy and other languages
    [`2024-01-01 09:30:00.123 | INFO | IB | 信息通知，代码：2104，内容: ${ok}`, `2104 -1 ${ok}`],
    ['信息通知，代码：1100，内容: 与盈透的连接已断开', '1100 -1 与盈透的连接已断开'],
    ['错误 1100: 与盈透的连接已断开', '1100 -1 与盈透的连接已断开'],
    [
      'Fehler 1100: Verbindung zwischen IB und TWS verloren',
      '1100 -1 Verbindung zwischen IB und TWS verloren',
    ],
    ['Código: 2103, mensaje: Conexión rota:usfarm', '2103 -1 Conexión rota:usfarm'],
    ['エラーコード: 1100 接続が失われました', '1100 -1 接続が失われました'],
    ['2103: Verbindung unterbrochen:usfarm', '2103 -1 Verbindung unterbrochen:usfarm'],
    ['-1 2105 £¨HMDS) Á¬½Ó:ushmds', '2105 -1 £¨HMDS) Á¬½Ó:ushmds'],
    // Loose forms whose words fit
    [
      `TWS Error 2110: Connectivity between Trader Workstation and server is broken`,
      '2110 -1 Connectivity between Trader Workstation and server is broken',
    ],
    [`IB error (1100) ${lost}`, `1100 -1 ${lost}`],
    [
      '162 - Historical Market Data Service error message:No data',
      '162 -1 Historical Market Data Service error message:No data',
    ],
    [
      '2105: HMDS data farm connection is broken: ushmds',
      '2105 -1 HMDS data farm connection is broken: ushmds',
    ],
    [`${ok} (2104)`, `2104 -1 ${ok}`],
    [`Got code 2104 from TWS: ${ok}`, `2104 -1 from TWS: ${ok}`],
    [`20:54:49:921 -> ---54-2--1-2104-${ok}-`, `2104 -1 ${ok}`],
    ['11:57:47:942 -> ---H4-2-7-200-No security definition-', '200 7 No security definition'],
    // Requests in other languages, whose words nobody need know
    ['Error. Id: 4, Code: 200, Msg: 找不到请求的证券定义', '200 4 找不到请求的证券定义'],
    ['Error 200, reqId 4: Keine Wertpapierdefinition', '200 4 Keine Wertpapierdefinition'],
    [
      'Error 439, reqId 7: Algorithm definition not found.',
      '439 7 Algorithm definition not found.',
    ],
    // Brackets and quotes around it
    [`error(reqId=-1, errorCode=2104, errorString=${ok})`, `2104 -1 ${ok}`],
    [`error_event(-1, 2104, '${ok}', None)`, `2104 -1 ${ok}`],
    [`&lt;error id=-1, errorCode=2104, errorMsg=${ok}&gt;`, `2104 -1 ${ok}`],
    [`{'reqId': -1, 'errorCode': 2104, 'errorString': '${ok}'}`, `2104 -1 ${ok}`],
    ['Error 504: Not connected', '504 -1 Not connected'],
    ['TWS error 1100', '1100 -1 '],
    ['IB disconnected with code 1100', '1100 -1 IB disconnected'],
    // JSON
    ['{"errorCode":1100,"errorMsg":"lost","reqId":-1}', '1100 -1 lost'],
    [`{"level":50,"code":2104,"reqId":-1,"msg":"${ok}"}`, `2104 -1 ${ok}`],
    [`{"level":"error","error":{"code":1100,"reqId":-1,"message":"${lost}"}}`, `1100 -1 ${lost}`],
    [`{"level":"error","code":1100,"message":"${lost}"}`, `1100 -1 ${lost}`],
    ['{"message":"Error 1100, reqId -1: \\u8bf7\\u6c42"}', '1100 -1 请求'],
    [
      `{"log":"ERROR -1 2104 ${ok}\\n","stream":"stderr","time":"2024-01-01T00:00:00Z"}`,
      `2104 -1 ${ok}`,
    ],
    [`ib-gateway-1  | 2024-01-01 00:00:00 ERROR -1 2104 ${ok}`, `2104 -1 ${ok}`],
  ];
  for (const [line, expected] of wrapped) {
    it(`reads ${line.slice(0, 90)}`, () => {
      assert.equal(read(line), expected);
    });
  }

  const ordinary: readonly string[] = [
    // HTTP and other services
    '200 OK',
    'HTTP 502 Bad Gateway',
    'HTTP/1.1 200 OK',
    'GET /v1/api/iserver/auth/status,401',
    '"GET /api/status HTTP/1.1" 200 532',
    '127.0.0.1 - - [22/Nov/2024:10:00:00 +0000] "GET / HTTP/1.1" 404 162',
    'status code: 503',
    'status_code=404 reason=Not Found',
    'Request failed with status code 502',
    'response code 200 in 162 ms',
    'Error 404: Not Found',
    'errorCode: 503 Service Unavailable',
    '{"code":200,"message":"success"}',
    '{"code":0,"id":5,"message":"ok","url":"/x"}',
    '{"statusCode":504,"message":"Gateway Time-out"}',
    '{"level":30,"req":{"id":1,"method":"GET"},"res":{"statusCode":200},"msg":"request completed"}',
    'websocket closed with code 1006',
    'close code: 1000',
    // Processes
    'exit code 1',
    'exited with exit code: 137',
    'return code 200',
    'process 2104 started',
    'Started worker [2104]',
    'pid 1100 exited',
    'Worker (pid 2104) market data thread is up',
    'INFO: Started server process [1100]',
    'bot[2104]: started',
    // Quantities, prices, times
    '2104 bars loaded',
    'Loaded 1100 bars for AAPL',
    '1100 shares of TSLA bought',
    'Bought 200 shares',
    'BUY 200 AAPL @ 162.5',
    'AAPL 162 200 354',
    'AAPL: Signal=1, Price=$200',
    'Volume: 1100',
    '1,100 rows',
    'price 1100.50 for SPX',
    'Total: 2104 records in 2106 ms',
    'took 1100 ms',
    'latency=1100ms',
    'Processed 200 symbols, executed 100 trades',
    'market closed at 1600',
    'Equity: 100,354',
    '2025 was a good year',
    '2024-01-02 10:00:00 INFO 354 bars',
    '10197 contracts open',
    'order 201 filled at 162.0',
    'Position 100 of NVDA',
    // Ports and addresses
    'Listening on port 2104',
    'Connecting to 127.0.0.1:2104',
    'Server on :1100 is up',
    'connect 10.0.0.5:1100 established',
    // Places in the source, versions
    'File "bot.py", line 200, in main',
    'bot.py:1100: DeprecationWarning: old connection code',
    'at connect (/home/t/bot.js:200:15)',
    'server version 176',
    'Build 2104.1 of the market data service',
    'version: 10.30.1100',
    // Codes of other things
    'country code: 354',
    'currency code 840',
    'SQL error code: 1100 table locked',
    'sqlite error: 100',
    'error count: 200',
    'error 5: input/output error',
    'errno 111',
    '[Errno 111] Connect call failed',
    '[WinError 10061] No connection could be made',
    'Errors: 200',
    'error 10054: connection reset by peer',
    'TWS uptime 1100 s',
    'IB Gateway 1100 MB heap',
    'Sent 354 messages over IB connection',
    'Order 1100: Filled',
    'Filled 100 order 12',
    'Bought 200 orderId=7',
    'Placed 354, id: 5',
    'id=5 code=200 msg=OK',
    'id=5, code=502, msg=Bad Gateway',
    'order 12 closed, code: 200',
    '{"reqId":1,"code":503,"msg":"Service Unavailable"}',
    'Error 1100',
    'Error 1234: unknown database',
    'error 200 rows skipped',
    'retry 3 of 200',
    'order_id=1100 status=Filled',
    'reqId 2104: bars requested',
    'id: 2104',
    'clientId=100',
    'conId=265598 code=AAPL',
    'Warning: 200 connections open',
    'message 2104 sent',
    'API version 100',
    'IB 200 day average crossed',
    '[100] AAPL bought',
    '(200) shares',
    '',
    '-',
    '1100',
    'ERROR something odd happened',
  ];
  for (const line of ordinary) {
    it(`says nothing of ${line || '(empty)'}`, () => {
      assert.equal(read(line), '');
    });
  }

  it('says good news without blame, whatever level it carries', () => {
    for (const code of [1102, 2104, 2106, 2107, 2108, 2119, 2158]) {
      for (const level of ['ERROR', 'CRITICAL', 'WARNING', 'INFO']) {
        const line = `2024-01-02 10:00:00,123 ${level} ib: Error ${code}, reqId -1: all fine`;
        assert.equal(read(line), `${code} -1 all fine`);
        assert.deepEqual(causesOfMessage(code, 'all fine'), []);
      }
    }
  });

  it('knows each documented code in each usual wrapping', () => {
    for (const code of messageCodes) {
      const words = classify(code)
        .text.replace(/[^ \w.]/g, ' ')
        .trim();
      for (const line of [
        `Error ${code}, reqId 7: ${words}`,
        `Error. Id: 7, Code: ${code}, Msg: ${words}`,
        `id=7, errorCode=${code}, errorMsg=${words}`,
        JSON.stringify({ reqId: 7, code, msg: words }),
      ]) {
        assert.ok(read(line).startsWith(`${code} 7 `), `${line} → ${read(line)}`);
      }
    }
  });

  it('takes any text', () => {
    const pieces = fc.constantFrom(
      'Error ',
      '1100',
      ', reqId ',
      '-1',
      ': ',
      'code',
      '=',
      '[',
      ']',
      ' ',
      '2104',
      '代码：',
      'é',
      '200',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(pieces, fc.string()), { maxLength: 12 }), (parts) => {
        const [fact] = readTwsCode({ text: parts.join('') }) ?? [];
        assert.ok(fact === undefined || fact.kind === 'tws message');
      }),
    );
  });

  it('stays quick on hostile lines', () => {
    const started = process.cpuUsage().user;
    for (const part of [
      'code ',
      'id 1 ',
      'error ',
      '1100 ',
      '-1 ',
      '[1',
      'code:',
      'id=',
      ' 2104,',
      'IB ',
      'a code',
      '"code": ',
      '代码',
      '4-2-',
    ]) {
      const text = part.repeat(8192 / part.length);
      readTwsCode({ text });
      readTwsCode({ text: `error 1100 ${text}` });
      readTwsCode({ text: `${text} code=2104` });
    }
    const spentMs = (process.cpuUsage().user - started) / 1000;
    assert.ok(spentMs < 1000, `${spentMs} ms of processor time`);
  });
});
