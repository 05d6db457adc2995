// Frames of an animated picture, drawn by a browser: what a canvas can do needs no image library.
import { Buffer } from 'node:buffer';

/** The strip above the window that holds the caption, in pixels. */
const stripHeight = 44;

/**
 * Runs in the page: draws each shot below its caption, and cuts out what differs from the frame
 * before.
 */
/* global document, createImageBitmap */
async function draw({ shots, strip }) {
  const load = async (png) =>
    createImageBitmap(await (await fetch(`data:image/png;base64,${png}`)).blob());
  const canvasOf = (width, height) => {
    const canvas = Object.assign(document.createElement('canvas'), { width, height });
    return { canvas, pen: canvas.getContext('2d', { alpha: false, willReadFrequently: true }) };
  };
  const changed = (before, now, width, height) => {
    let [left, top, right, bottom] = [width, height, 0, 0];
    for (let index = 0; index < now.length; index += 1) {
      if (before[index] === now[index]) continue;
      const [x, y] = [index % width, Math.floor(index / width)];
      left = Math.min(left, x);
      right = Math.max(right, x + 1);
      top = Math.min(top, y);
      bottom = Math.max(bottom, y + 1);
    }
    return { x: left, y: top, width: Math.max(1, right - left), height: Math.max(1, bottom - top) };
  };
  const frames = [];
  let before;
  for (const { png, caption } of shots) {
    const image = await load(png);
    const [width, height] = [image.width, image.height + strip];
    const { canvas, pen } = canvasOf(width, height);
    pen.fillStyle = '#1f2937';
    pen.fillRect(0, 0, width, strip);
    pen.fillStyle = '#ffffff';
    pen.font = '600 19px system-ui, sans-serif';
    pen.textBaseline = 'middle';
    pen.fillText(caption, 16, strip / 2);
    pen.drawImage(image, 0, strip);
    const pixels = new Uint32Array(pen.getImageData(0, 0, width, height).data.buffer);
    const whole = { x: 0, y: 0, width, height };
    const part = before === undefined ? whole : changed(before, pixels, width, height);
    before = pixels;
    const cut = canvasOf(part.width, part.height);
    cut.pen.drawImage(canvas, -part.x, -part.y);
    frames.push({ x: part.x, y: part.y, url: cut.canvas.toDataURL('image/png') });
  }
  return frames;
}

/**
 * @param browser a running one
 * @param shots {{caption: string, png: Buffer}[]} of one size
 * @returns {Promise<{png: Buffer, x: number, y: number}[]>} for animatedPng: the first frame whole,
 *   of the others the part that changes
 */
export async function composeFrames(browser, shots) {
  const page = await browser.newPage();
  try {
    const frames = await page.evaluate(draw, {
      shots: shots.map(({ caption, png }) => ({ caption, png: png.toString('base64') })),
      strip: stripHeight,
    });
    return frames.map(({ url, x, y }) => ({
      x,
      y,
      png: Buffer.from(url.slice(url.indexOf(',') + 1), 'base64'),
    }));
  } finally {
    await page.close();
  }
}
