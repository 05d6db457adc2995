import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { parseLogLine } from '../../src/diagnostics/logLine';
import type { RunnerFact } from '../../src/diagnostics/runnerFacts';
import { readTraceback, TracebackReader } from '../../src/diagnostics/traceback';

/** `kind: words @file:line` of the facts, and `-` for each line that others may read. */
function read(text: string): readonly string[] {
  const reader = new TracebackReader();
  const said: string[] = [];
  for (const raw of text.replace(/^\n/, '').split('\n')) {
    const { isMine, facts } = reader.push(parseLogLine(raw));
    said.push(...facts.map(describeFact), ...(isMine || raw === '' ? [] : ['-']));
  }
  return [...said, ...reader.take().map(describeFact)];
}

function describeFact(fact: RunnerFact): string {
  const words = 'text' in fact ? fact.text : '';
  const source = 'source' in fact ? fact.source : undefined;
  const place = source === undefined ? '' : ` @${source.file}:${source.line}`;
  const cause = fact.kind === 'sign' ? ` ${fact.causes[0]?.id ?? ''}` : '';
  return `${fact.kind}${cause}: ${words}${place}`;
}

const library = '/home/t/venv/lib/python3.12/site-packages/ib_async/client.py';

describe('TracebackReader', () => {
  const table: readonly [string, string, readonly string[]][] = [
    [
      'Python: the last frame of the trader',
      `
Traceback (most recent call last):
  File "/home/t/bot/run.py", line 10, in main
    go()
  File "/home/t/bot/strategy.py", line 42, in go
    return df.iloc[5]
           ~~~~~~~^^^
  File "/usr/lib/python3/dist-packages/pandas/core/indexing.py", line 1073, in __getitem__
    raise KeyError(key)
KeyError: 'close'
next`,
      ["error: KeyError: 'close' @/home/t/bot/strategy.py:42", '-'],
    ],
    [
      'Python: an exception without words',
      `
Traceback (most recent call last):
  File "bot.py", line 3, in <module>
    main()
KeyboardInterrupt`,
      ['error: KeyboardInterrupt @bot.py:3'],
    ],
    [
      'Python: a chain counts once, the last one',
      `
Traceback (most recent call last):
  File "a.py", line 1, in f
ValueError: first

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "b.py", line 2, in g
RuntimeError: second`,
      ['error: RuntimeError: second @b.py:2'],
    ],
    [
      'Python: in a chain the known one is worth more',
      `
Traceback (most recent call last):
  File "bot.py", line 1, in f
ConnectionRefusedError: [Errno 111] Connect call failed ('127.0.0.1', 7497)

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "bot.py", line 9, in g
RuntimeError: could not start`,
      [
        "connection failed: ConnectionRefusedError: [Errno 111] Connect call failed ('127.0.0.1', 7497) @bot.py:1",
      ],
    ],
    [
      'Python: a timeout while the client connected',
      `
Traceback (most recent call last):
  File "/home/t/bot.py", line 9, in main
    await ib.connectAsync('127.0.0.1', 7497)
  File "${library}", line 200, in connectAsync
    await asyncio.wait_for(...)
  File "/usr/lib/python3.12/asyncio/tasks.py", line 520, in wait_for
    return await fut
TimeoutError`,
      ['connection failed: TimeoutError @/home/t/bot.py:9'],
    ],
    [
      'Python: a timeout of something else stays an error of the program',
      `
Traceback (most recent call last):
  File "/home/t/bot.py", line 9, in main
    await session.get(url)
  File "/usr/lib/python3.12/asyncio/tasks.py", line 520, in wait_for
    return await fut
TimeoutError`,
      ['error: TimeoutError @/home/t/bot.py:9'],
    ],
    [
      'Python: what the client said just before is no second failure',
      `
API connection failed: TimeoutError()
Traceback (most recent call last):
  File "/home/t/bot.py", line 9, in main
    ib.connect()
  File "${library}", line 200, in connectAsync
    x
TimeoutError`,
      ['-', 'error: TimeoutError @/home/t/bot.py:9'],
    ],
    [
      'Python: a prefix on every line',
      `
2024-01-02 10:00:00,123 ERROR bot: Traceback (most recent call last):
2024-01-02 10:00:00,123 ERROR bot:   File "/home/t/bot.py", line 9, in main
2024-01-02 10:00:00,123 ERROR bot:     go()
2024-01-02 10:00:00,123 ERROR bot: ValueError: bad
2024-01-02 10:00:01,000 INFO bot: on`,
      ['error: ValueError: bad @/home/t/bot.py:9', '-'],
    ],
    [
      'Python: through docker compose',
      `
bot-1  | Traceback (most recent call last):
bot-1  |   File "/app/bot.py", line 9, in main
bot-1  |     go()
bot-1  | ValueError: bad
bot-1  | on`,
      ['error: ValueError: bad @/app/bot.py:9', '-'],
    ],
    [
      'Python: quoted in an issue',
      `
> Traceback (most recent call last):
>   File "/app/bot.py", line 9, in main
>     go()
> ValueError: bad
> on`,
      ['error: ValueError: bad @/app/bot.py:9', '-'],
    ],
    [
      'Python: a group gives each of its exceptions',
      `
  + Exception Group Traceback (most recent call last):
  |   File "/home/t/bot.py", line 20, in <module>
  |     asyncio.run(main())
  | ExceptionGroup: unhandled errors in a TaskGroup (2 sub-exceptions)
  +-+---------------- 1 ----------------
    | Traceback (most recent call last):
    |   File "/home/t/bot.py", line 7, in feed
    |     raise ValueError('feed')
    | ValueError: feed
    +---------------- 2 ----------------
    | Traceback (most recent call last):
    |   File "/home/t/bot.py", line 8, in trade
    |     x
    | KeyError: 'AAPL'
    +------------------------------------
next`,
      [
        'error: ValueError: feed @/home/t/bot.py:7',
        "error: KeyError: 'AAPL' @/home/t/bot.py:8",
        '-',
      ],
    ],
    [
      'Python: cut off by an ordinary line',
      `
Traceback (most recent call last):
  File "bot.py", line 3, in <module>
    main()
2024-01-02 10:00:00 INFO and on it goes`,
      ['error: A traceback whose last line is missing @bot.py:3', '-'],
    ],
    [
      'Java',
      `
Exception in thread "main" java.lang.IllegalStateException: no contract
	at com.ib.client.EReader.run(EReader.java:10)
	at com.acme.bot.Bot.start(Bot.java:88)
	at com.acme.bot.Main.main(Main.java:5)
done`,
      [
        'error: Exception in thread "main" java.lang.IllegalStateException: no contract @Bot.java:88',
        '-',
      ],
    ],
    [
      'Java: the cause below is better known',
      `
java.lang.RuntimeException: start failed
	at com.acme.Bot.start(Bot.java:12)
Caused by: java.net.ConnectException: Connection refused: 127.0.0.1 7497
	at java.base/sun.nio.ch.Net.connect(Net.java:579)
	... 12 more`,
      [
        'connection failed: java.net.ConnectException: Connection refused: 127.0.0.1 7497 @Bot.java:12',
      ],
    ],
    [
      '.NET',
      `
Unhandled exception. System.InvalidOperationException: bad state
 ---> System.ArgumentException: inner
   at System.Linq.Enumerable.First[T](IEnumerable) in /_/src/Linq/First.cs:line 20
   at Acme.Bot.Run() in C:\\bot\\Bot.cs:line 88
   --- End of inner exception stack trace ---
   at Acme.Program.Main() in C:\\bot\\Program.cs:line 5`,
      ['error: System.ArgumentException: inner @C:\\bot\\Bot.cs:88'],
    ],
    [
      '.NET in German',
      `
System.Exception: kaputt
   bei Acme.Bot.Run() in C:\\bot\\Bot.cs:Zeile 88.`,
      ['error: System.Exception: kaputt @C:\\bot\\Bot.cs:88'],
    ],
    [
      'JavaScript',
      `
TypeError: Cannot read properties of undefined (reading 'bars')
    at parse (/home/t/bot/node_modules/lib/index.js:3:4)
    at fetchBars (file:///home/t/bot/feed.mjs:12:5)
    at async main (/home/t/bot/main.ts:40:3)
    at node:internal/process/task_queues:95:5
`,
      [
        "error: TypeError: Cannot read properties of undefined (reading 'bars') @/home/t/bot/feed.mjs:12",
      ],
    ],
    [
      'JavaScript: a refused connection',
      `
Error: connect ECONNREFUSED 127.0.0.1:7497
    at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1555:16)
    at Object.connect (/home/t/bot/ib.ts:7:9)
listening`,
      ['connection failed: Error: connect ECONNREFUSED 127.0.0.1:7497 @/home/t/bot/ib.ts:7', '-'],
    ],
    [
      'JavaScript: no frame of a file',
      `
Error: connect ECONNREFUSED 127.0.0.1:7497
    at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1555:16)`,
      ['connection failed: Error: connect ECONNREFUSED 127.0.0.1:7497'],
    ],
    [
      'JavaScript: code and request behind the stack',
      `
Error: Connectivity between IBKR and Trader Workstation has been lost.
    at Decoder.emitError (/home/t/bot/node_modules/@stoqey/ib/dist/decoder.js:3:4)
    at f (/home/t/bot/ib.ts:7:9) 1100 -1`,
      ['tws message: Error: Connectivity between IBKR and Trader Workstation has been lost.'],
    ],
    [
      'JavaScript: good news raised as an error',
      `
Error: Market data farm connection is OK:usfarm
    at f (/home/t/bot/ib.ts:7:9) {
  code: 2104
}`,
      ['-', '-'],
    ],
    [
      'JavaScript: the properties of an error',
      `
TypeError: x
    at f (/home/t/bot/ib.ts:7:9) {
  code: 'E'
}`,
      ['error: TypeError: x @/home/t/bot/ib.ts:7', '-', '-'],
    ],
    [
      '.NET: a number behind the name',
      `
System.Net.Sockets.SocketException (10061): refused 127.0.0.1:7497
   at Acme.Bot.Run() in C:\\bot\\Bot.cs:line 88`,
      [
        'connection failed: System.Net.Sockets.SocketException (10061): refused 127.0.0.1:7497 @C:\\bot\\Bot.cs:88',
      ],
    ],
    [
      'an error without a stack is read as any other line',
      `
Error: connect ECONNREFUSED 127.0.0.1:7497
listening`,
      ['connection failed: Error: connect ECONNREFUSED 127.0.0.1:7497', '-'],
    ],
    [
      'an error without a stack that nobody knows says nothing',
      `
Error: odd
listening`,
      ['-'],
    ],
    [
      'Rust',
      `
thread 'main' panicked at src/main.rs:12:5:
index out of bounds: the len is 3
note: run with \`RUST_BACKTRACE=1\` environment variable to display a backtrace
next`,
      ['error: panicked: index out of bounds: the len is 3 @src/main.rs:12', '-'],
    ],
    [
      'Rust before 1.73',
      `thread 'main' panicked at 'no answer', src/main.rs:12:5`,
      ['error: panicked: no answer @src/main.rs:12'],
    ],
    [
      'Rust: a panic in a library, with its backtrace',
      `
thread 'feed' panicked at /home/t/.cargo/registry/src/index/ibapi-1.0/src/client.rs:99:1:
closed
stack backtrace:
   0: rust_begin_unwind
             at /rustc/90b35a/library/std/src/panicking.rs:645:5
   1: bot::main
             at ./src/main.rs:20:9`,
      ['error: panicked: closed @./src/main.rs:20'],
    ],
    [
      'Go',
      `
panic: runtime error: index out of range [3] with length 3

goroutine 1 [running]:
github.com/x/ib.(*Client).Run(0x1)
	/home/t/go/pkg/mod/github.com/x/ib@v1.0.0/client.go:50 +0x1d
main.main()
	/home/t/bot/main.go:12 +0x1d
exit status 2`,
      ['error: panic: runtime error: index out of range [3] with length 3 @/home/t/bot/main.go:12'],
    ],
    [
      'C++',
      `
terminate called after throwing an instance of 'std::runtime_error'
  what():  no socket
Aborted (core dumped)`,
      ['error: std::runtime_error: no socket', '-'],
    ],
    [
      'words like these are no stack',
      'at 10:00 we met\n... 3 more to come\nFile "x" saved',
      ['-', '-', '-'],
    ],
    ['no traceback', 'Traceback logging is on', ['-']],
  ];
  for (const [name, text, expected] of table) {
    it(name, () => {
      assert.deepEqual(read(text), expected);
    });
  }

  it('carries the time of its lines', () => {
    const reader = new TracebackReader();
    for (const raw of [
      '2024-01-02 10:00:00,123 ERROR bot: it failed',
      'Traceback (most recent call last):',
      '  File "a.py", line 1, in f',
      'ValueError: x',
    ]) {
      reader.push(parseLogLine(raw));
    }
    assert.equal(reader.take()[0]?.at, '2024-01-02T10:00:00.123');
  });

  it('leaves a JSON line with its traceback inside to other readers', () => {
    const reader = new TracebackReader();
    const raw = JSON.stringify({
      message: 'Traceback (most recent call last):\n  File "a.py", line 1',
    });
    assert.equal(reader.push(parseLogLine(raw)).isMine, false);
    assert.equal(reader.push(parseLogLine('Connected')).isMine, false);
  });

  it('stays quick on hostile lines', () => {
    const started = process.cpuUsage().user;
    for (const part of [
      'at ',
      'a.',
      '(',
      'File "',
      '| ',
      '+-',
      'Caused by: ',
      "panicked at '",
      'A.b(',
    ]) {
      const line = part.repeat(8000 / part.length);
      read(`Traceback (most recent call last):\n${line}\nError: ${line}\n${line}\nat ${line}:1:1)`);
    }
    assert.ok(process.cpuUsage().user - started < 1_500_000);
  });
});

describe('readTraceback', () => {
  it('reads one text', () => {
    const text =
      'Traceback (most recent call last):\r\n  File "bot.py", line 7, in f\r\nZeroDivisionError: division by zero';
    assert.deepEqual(readTraceback(text).map(describeFact), [
      'error: ZeroDivisionError: division by zero @bot.py:7',
    ]);
  });

  it('says nothing of a text without one', () => {
    assert.deepEqual(readTraceback('all is well\nreally'), []);
  });
});
