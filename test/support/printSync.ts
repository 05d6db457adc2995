import { writeSync } from 'node:fs';
import { errorCode } from '../../src/core/errors';

const nothing = new Int32Array(new SharedArrayBuffer(4));

/**
 * Prints before it returns, however slowly the other side reads: what Node.js gives a child as its
 * output refuses (EAGAIN) while it is full.
 */
export function printSync(text: string): void {
  let rest = Buffer.from(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(1, rest));
    } catch (error) {
      if (errorCode(error) !== 'EAGAIN') {
        throw error;
      }
      Atomics.wait(nothing, 0, 0, 1);
    }
  }
}
