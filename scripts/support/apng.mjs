// Animated PNG (https://www.w3.org/TR/png-3/, section 11.3.4) out of still ones.
import { Buffer } from 'node:buffer';
import { crc32 } from 'node:zlib';
import { HumanError } from './project.mjs';

const signature = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);

/** @returns {{type: string, data: Buffer}[]} */
function chunksOf(png) {
  if (!png.subarray(0, 8).equals(signature)) throw new HumanError('A frame is no PNG.');
  const chunks = [];
  for (let at = 8; at < png.length;) {
    const length = png.readUInt32BE(at);
    const type = png.toString('latin1', at + 4, at + 8);
    chunks.push({ type, data: png.subarray(at + 8, at + 8 + length) });
    at += length + 12;
  }
  return chunks;
}

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const frame = Buffer.alloc(body.length + 8);
  frame.writeUInt32BE(data.length, 0);
  body.copy(frame, 4);
  frame.writeUInt32BE(crc32(body), body.length + 4);
  return frame;
}

const headerOf = (chunks) => chunks.find(({ type }) => type === 'IHDR').data;

function animationControl(frameCount) {
  const data = Buffer.alloc(8);
  data.writeUInt32BE(frameCount, 0);
  data.writeUInt32BE(0, 4); // plays for ever
  return chunk('acTL', data);
}

function frameControl(sequence, header, { x, y, delayMs }) {
  const data = Buffer.alloc(26);
  data.writeUInt32BE(sequence, 0);
  header.copy(data, 4, 0, 8); // width and height
  data.writeUInt32BE(x, 12);
  data.writeUInt32BE(y, 16);
  data.writeUInt16BE(delayMs, 20);
  data.writeUInt16BE(1000, 22);
  return chunk('fcTL', data); // leaves the frame standing, and paints over it
}

function frameData(sequence, data) {
  const numbered = Buffer.alloc(data.length + 4);
  numbered.writeUInt32BE(sequence, 0);
  data.copy(numbered, 4);
  return chunk('fdAT', numbered);
}

/**
 * One animated PNG that plays for ever; where animation is unknown, the first frame shows.
 * @param frames {{png: Buffer, x: number, y: number, delayMs: number}[]} the first one has the
 *   whole size and stands at 0, 0; each later one is painted over what stands, at its place; shown
 *   for `delayMs`, 65,535 at most
 * @returns {Buffer}
 * @throws HumanError where a frame is no PNG or has another kind of pixels than the first
 */
export function animatedPng(frames) {
  let sequence = 0;
  const all = frames.map((frame) => ({ ...frame, chunks: chunksOf(frame.png) }));
  const first = headerOf(all[0].chunks);
  const out = [signature, chunk('IHDR', first), animationControl(frames.length)];
  for (const [index, frame] of all.entries()) {
    const header = headerOf(frame.chunks);
    if (!header.subarray(8).equals(first.subarray(8))) {
      throw new HumanError(`Frame ${index} has another kind of pixels than the first.`);
    }
    out.push(frameControl(sequence++, header, frame));
    for (const { type, data } of frame.chunks) {
      if (type !== 'IDAT') continue;
      out.push(index === 0 ? chunk('IDAT', data) : frameData(sequence++, data));
    }
  }
  return Buffer.concat([...out, chunk('IEND', Buffer.alloc(0))]);
}
