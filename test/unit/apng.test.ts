import { deepEqual, equal, throws } from 'node:assert/strict';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { crc32, deflateSync } from 'node:zlib';

interface Frame {
  readonly png: Buffer;
  readonly x: number;
  readonly y: number;
  readonly delayMs: number;
}

interface Chunk {
  readonly type: string;
  readonly data: Buffer;
}

const signatureBytes = 8;

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length);
  body.copy(framed, 4);
  framed.writeUInt32BE(crc32(body), body.length + 4);
  return framed;
}

/** A black picture; its pixels come in two chunks, as encoders like to write them. */
function png(width: number, height: number, colorType = 2): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width);
  header.writeUInt32BE(height, 4);
  header.set([8, colorType], 8);
  const pixels = deflateSync(Buffer.alloc((1 + width * 3) * height));
  return Buffer.concat([
    Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]),
    chunk('IHDR', header),
    chunk('IDAT', pixels.subarray(0, 5)),
    chunk('IDAT', pixels.subarray(5)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** Reads as a viewer would, and holds each chunk against its checksum. */
function read(file: Buffer): readonly Chunk[] {
  const chunks: Chunk[] = [];
  for (let at = signatureBytes; at < file.length;) {
    const end = at + 8 + file.readUInt32BE(at);
    equal(crc32(file.subarray(at + 4, end)), file.readUInt32BE(end));
    chunks.push({
      type: file.toString('latin1', at + 4, at + 8),
      data: file.subarray(at + 8, end),
    });
    at = end + 4;
  }
  return chunks;
}

describe('An animated PNG', () => {
  let animatedPng: (frames: readonly Frame[]) => Buffer;

  before(async () => {
    const file = path.resolve(__dirname, '../../scripts/support/apng.mjs');
    const module = (await import(pathToFileURL(file).href)) as { animatedPng: typeof animatedPng };
    ({ animatedPng } = module);
  });

  it('holds the first frame for every viewer, the others for those that know more', () => {
    const first = png(8, 6);
    const second = png(3, 2);
    const chunks = read(
      animatedPng([
        { png: first, x: 0, y: 0, delayMs: 3500 },
        { png: second, x: 4, y: 1, delayMs: 500 },
      ]),
    );
    deepEqual(
      chunks.map(({ type }) => type),
      ['IHDR', 'acTL', 'fcTL', 'IDAT', 'IDAT', 'fcTL', 'fdAT', 'fdAT', 'IEND'],
    );
    const dataOf = (type: string): readonly Buffer[] =>
      chunks.filter((each) => each.type === type).map(({ data }) => data);
    const still = read(second).filter(({ type }) => type === 'IDAT');
    deepEqual(
      dataOf('fdAT').map((data) => data.subarray(4)),
      still.map(({ data }) => data),
    );
    equal(dataOf('acTL')[0]?.readUInt32BE(), 2);
    const [, control = Buffer.alloc(26)] = dataOf('fcTL');
    const [width, height, x, y] = [4, 8, 12, 16].map((at) => control.readUInt32BE(at));
    deepEqual({ width, height, x, y }, { width: 3, height: 2, x: 4, y: 1 });
    equal(control.readUInt16BE(20) / control.readUInt16BE(22), 0.5);
    const numbered = chunks.filter(({ type }) => type === 'fcTL' || type === 'fdAT');
    deepEqual(
      numbered.map(({ data }) => data.readUInt32BE()),
      [0, 1, 2, 3],
    );
  });

  it('refuses frames that no viewer could show as one', () => {
    const frame = { x: 0, y: 0, delayMs: 1 };
    throws(
      () =>
        animatedPng([
          { ...frame, png: png(2, 2) },
          { ...frame, png: png(2, 2, 0) },
        ]),
      /Frame 1 has another kind of pixels/,
    );
    throws(() => animatedPng([{ ...frame, png: Buffer.from('GIF89a..') }]), /no PNG/);
  });
});
