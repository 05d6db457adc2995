import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  decodeFields,
  decodeText,
  encodeFrame,
  frameOf,
  FrameReader,
  MalformedFrameError,
  maxFrameBytes,
  maxHelloBytes,
} from '../../src/ibkr/frames';

function lengthPrefix(length: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(length);
  return bytes;
}

const body = fc.uint8Array({ minLength: 1, maxLength: 60 });

describe('frames', () => {
  it('are a length and fields with a NUL behind each', () => {
    assert.deepEqual(encodeFrame([71, 2, 9000, '']), Buffer.from('\0\0\0\x0b71\x002\x009000\0\0'));
    assert.deepEqual(encodeFrame(['é']), Buffer.from([0, 0, 0, 3, 0xc3, 0xa9, 0]));
  });

  it('give their fields back, whatever text is in them', () => {
    const field = fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0'));
    fc.assert(
      fc.property(fc.array(field, { minLength: 1 }), (fields) => {
        assert.deepEqual(decodeFields(encodeFrame(fields).subarray(4)), fields);
      }),
    );
  });

  it('are handed on as they came, or as if they had been encoded anew', () => {
    const byte = fc.oneof(fc.constant(0), fc.integer({ min: 32, max: 126 }), fc.nat(255));
    const bytes = fc.array(byte, { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(bytes, fc.boolean(), (some, isEnded) => {
        const body = Buffer.from([0x31, 0x37, 0, ...some, ...(isEnded ? [0] : [])]);
        assert.deepEqual(frameOf(body), encodeFrame(decodeFields(body)));
      }),
      { numRuns: 1000 },
    );
  });

  it('may lack the last NUL', () => {
    assert.deepEqual(decodeFields(Buffer.from('49\x001\x00123')), ['49', '1', '123']);
    assert.deepEqual(decodeFields(Buffer.from('')), []);
  });

  it('are read as Latin-1 where they are not UTF-8, as from a localised TWS on Windows', () => {
    assert.equal(decodeText(Buffer.from('Verbindung unterbrochen: Börse', 'latin1')).at(-4), 'ö');
    assert.equal(decodeText(Buffer.from('接続')), '接続');
  });
});

describe('the frame reader', () => {
  it('yields the same bodies however the stream is cut', () => {
    fc.assert(
      fc.property(
        fc.array(body, { minLength: 1, maxLength: 12 }),
        fc.array(fc.nat({ max: 40 }), { maxLength: 40 }),
        (bodies, cuts) => {
          const stream = Buffer.concat(
            bodies.flatMap((each) => [lengthPrefix(each.length), Buffer.from(each)]),
          );
          const reader = new FrameReader();
          const read: Buffer[] = [];
          let from = 0;
          for (const cut of [...cuts, stream.length]) {
            for (const each of reader.push(stream.subarray(from, from + cut))) {
              read.push(Buffer.from(each));
            }
            from += cut;
          }
          assert.deepEqual(
            read,
            bodies.map((each) => Buffer.from(each)),
          );
          assert.equal(reader.pendingBytes, 0);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('refuses a length that no TWS sends, as soon as it is there', () => {
    const hostile = fc.oneof(
      fc.constantFrom(0, 0xffff_ffff, 0xffff_fffc, 0x8000_0000, 0x7fff_ffff, maxFrameBytes + 1),
      fc.integer({ min: maxFrameBytes + 1, max: 0xffff_ffff }),
    );
    fc.assert(
      fc.property(fc.array(body, { maxLength: 3 }), hostile, (before, length) => {
        const reader = new FrameReader();
        const read: Buffer[] = [];
        const good = before.flatMap((each) => [lengthPrefix(each.length), Buffer.from(each)]);
        assert.throws(() => {
          for (const each of reader.push(Buffer.concat([...good, lengthPrefix(length)]))) {
            read.push(each);
          }
        }, MalformedFrameError);
        assert.equal(read.length, before.length);
      }),
    );
  });

  it('refuses the beginning of such a length, which may never be finished', () => {
    for (const text of ['O', 'OK\n', '\0\u0001', '\0\0\u0005']) {
      assert.throws(
        () => [...new FrameReader().push(Buffer.from(text))],
        MalformedFrameError,
        text,
      );
    }
    for (const text of ['\0', '\0\0', '\0\0\u0004']) {
      assert.deepEqual([...new FrameReader().push(Buffer.from(text))], []);
    }
  });

  it('takes only a short first frame, and long ones after it', () => {
    const first = new FrameReader();
    assert.throws(() => [...first.push(lengthPrefix(maxHelloBytes + 1))], MalformedFrameError);
    const later = new FrameReader();
    assert.equal([...later.push(encodeFrame([178, 'now']))].length, 1);
    assert.deepEqual([...later.push(lengthPrefix(maxFrameBytes))], []);
    assert.equal(later.pendingBytes, 4);
  });

  it('shows what waits, for a look at the peer', () => {
    const reader = new FrameReader();
    assert.deepEqual([...reader.push(Buffer.from('\0\0'))], []);
    assert.equal(reader.peek(64).toString(), '\0\0');
    assert.throws(() => [...reader.push(Buffer.from('SSH'))], MalformedFrameError);
    assert.equal(reader.peek(4).toString(), '\0\0SS');
  });

  it('keeps neither an object nor a copy a byte when a long frame drips in', () => {
    const bytes = 1_000_000;
    const reader = new FrameReader();
    assert.equal([...reader.push(encodeFrame([178, 'now']))].length, 1);
    assert.deepEqual([...reader.push(lengthPrefix(bytes))], []);
    const one = Buffer.from('x');
    const from = performance.now();
    for (let sent = 1; sent < bytes; sent += 1) {
      for (const early of reader.push(one)) {
        assert.fail(`${early.length} bytes came early`);
      }
    }
    const kept = (reader as unknown as { readonly chunks: readonly Buffer[] }).chunks;
    assert.ok(kept.length < 100, `${kept.length} chunks`);
    assert.equal([...reader.push(one)][0]?.length, bytes);
    assert.ok(performance.now() - from < 5000);
  });
});
