import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { LineDecoder, maxLineBytes } from '../../src/diagnostics/textDecoding';

function linesOf(...chunks: readonly Uint8Array[]): readonly string[] {
  const decoder = new LineDecoder();
  return [...chunks.flatMap((chunk) => [...decoder.push(chunk)]), ...decoder.end()];
}

function byteByByte(bytes: Uint8Array): readonly string[] {
  return linesOf(...Array.from(bytes, (byte) => Uint8Array.of(byte)));
}

/** `Error 1100: 连接已断开` and `请求` in GBK. */
const gbkWords = [0xc1, 0xac, 0xbd, 0xd3, 0xd2, 0xd1, 0xb6, 0xcf, 0xbf, 0xaa];

describe('LineDecoder', () => {
  const table: readonly [string, Buffer, readonly string[]][] = [
    ['nothing', Buffer.alloc(0), []],
    ['line feeds', Buffer.from('a\nb\n\nc'), ['a', 'b', '', 'c']],
    ['an end with a line feed', Buffer.from('a\nb\n'), ['a', 'b']],
    ['CR LF', Buffer.from('a\r\nb\r\n\r\nc'), ['a', 'b', '', 'c']],
    ['CR alone', Buffer.from('10%\r20%\rdone\r\nnext'), ['10%', '20%', 'done', 'next']],
    ['CR at the end', Buffer.from('a\rb\r'), ['a', 'b']],
    ['UTF-8', Buffer.from('für 与盈透\nok\n'), ['für 与盈透', 'ok']],
    ['a mark of UTF-8', Buffer.from('\ufeffa\nb'), ['a', 'b']],
    [
      'UTF-16LE',
      Buffer.from('\ufeffError 1100: 连接\r\nb\n', 'utf16le'),
      ['Error 1100: 连接', 'b'],
    ],
    ['UTF-16BE', Buffer.from('\ufeffa 连\r\nb', 'utf16le').swap16(), ['a 连', 'b']],
    [
      'UTF-16 without a mark, as PowerShell appends it',
      Buffer.concat([Buffer.from('a\n'), Buffer.from('Error 1100\r\nb\r\n', 'utf16le')]),
      ['a', 'Error 1100', 'b'],
    ],
    ['zeros of a file cut by rotation', Buffer.from('\0\0\0\0a\nb'), ['a', 'b']],
    [
      'Latin-1',
      Buffer.from('Verbindung für 2110 zurück é\n', 'latin1'),
      ['Verbindung für 2110 zurück é'],
    ],
    ['Windows-1252', Buffer.from([0x93, 0x61, 0x94, 0x20, 0x80, 0x0a]), ['\u201ca\u201d \u20ac']],
    [
      'GBK',
      Buffer.from([...Buffer.from('Error 1100: '), ...gbkWords, 10]),
      ['Error 1100: 连接已断开'],
    ],
    [
      'one bad line among good ones',
      Buffer.concat([Buffer.from('与\n'), Buffer.from([0xfc, 0x72, 10]), Buffer.from('é\nok')]),
      ['与', 'ür', 'é', 'ok'],
    ],
  ];
  for (const [name, bytes, expected] of table) {
    it(`${name}, in one piece and byte by byte`, () => {
      assert.deepEqual(linesOf(bytes), expected);
      assert.deepEqual(byteByByte(bytes), expected);
    });
  }

  it('gives a line as soon as it is whole', () => {
    const decoder = new LineDecoder();
    assert.deepEqual(decoder.push(Buffer.from('a')), []);
    assert.deepEqual(decoder.push(Buffer.from('b\nc')), ['ab']);
    assert.deepEqual(decoder.push(Buffer.from('\r')), []);
    assert.deepEqual(decoder.push(Buffer.from('\n')), ['c']);
    assert.deepEqual(decoder.end(), []);
  });

  it('cuts endless lines, and goes on behind them', () => {
    const decoder = new LineDecoder();
    for (let i = 0; i < 40; i += 1) {
      assert.deepEqual(decoder.push(Buffer.alloc(10_000, 'x')), []);
    }
    const [long = '', next] = decoder.push(Buffer.from('tail\nnext\n'));
    assert.equal(long.length, maxLineBytes);
    assert.equal(next, 'next');
    const [whole = '', after] = linesOf(Buffer.from(`${'y'.repeat(400_000)}\nz`));
    assert.equal(whole.length, maxLineBytes);
    assert.equal(after, 'z');
  });

  it('loses no line, wherever the chunks are cut', () => {
    const words = fc.array(fc.string({ unit: fc.constantFrom('a', 'é', '与', ' ', '1') }));
    fc.assert(
      fc.property(
        words,
        fc.constantFrom('\n', '\r\n'),
        fc.integer({ min: 1, max: 9 }),
        (lines, br, size) => {
          const bytes = Buffer.from(lines.map((line) => line + br).join(''));
          const chunks: Buffer[] = [];
          for (let start = 0; start < bytes.length; start += size) {
            chunks.push(bytes.subarray(start, start + size));
          }
          assert.deepEqual(linesOf(...chunks), lines);
        },
      ),
    );
  });

  it('takes any bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 })), (chunks) => {
        for (const line of linesOf(...chunks)) {
          assert.ok(!/[\n\r\0]/.test(line));
        }
      }),
    );
  });

  it('keeps the codes whatever the encoding', () => {
    fc.assert(
      fc.property(fc.uint8Array({ min: 0x80, maxLength: 30 }), (noise) => {
        const bytes = Buffer.concat([Buffer.from('Error 1100: '), noise, Buffer.from(' 2103\n')]);
        const [line = ''] = linesOf(bytes);
        assert.ok(line.startsWith('Error 1100: '));
      }),
    );
  });
});
