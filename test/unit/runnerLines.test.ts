import assert from 'node:assert/strict';
import fc from 'fast-check';
import { LineSplitter, maxLineBytes } from '../../src/runner/lines';

function feed(chunks: readonly Buffer[]): { lines: string[]; rest: string[] } {
  const splitter = new LineSplitter();
  const lines = chunks.flatMap((chunk) => splitter.push(chunk));
  return { lines, rest: splitter.flush() };
}

describe('line splitter', () => {
  it('gives the same lines however the bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'grapheme' }).map((text) => text.replace(/[\r\n]/g, ''))),
        fc.array(fc.nat(200)),
        (lines, cuts) => {
          const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
          const edges = [0, ...cuts.filter((cut) => cut < bytes.length), bytes.length];
          edges.sort((a, b) => a - b);
          const chunks = edges.slice(1).map((end, index) => bytes.subarray(edges[index], end));
          assert.deepEqual(feed(chunks), { lines, rest: [] });
        },
      ),
    );
  });

  it('takes CRLF and an unfinished last line', () => {
    assert.deepEqual(feed([Buffer.from('a\r\nb\r'), Buffer.from('\nc')]), {
      lines: ['a', 'b'],
      rest: ['c'],
    });
  });

  it('cuts a line without end once, with a mark, at a whole character, and keeps no more', () => {
    const splitter = new LineSplitter();
    const piece = Buffer.from('€'.repeat(2000));
    const lines: string[] = [];
    for (let round = 0; round < 200; round += 1) {
      lines.push(...splitter.push(piece));
      assert.ok(splitter.pendingBytes <= maxLineBytes + 2);
    }
    lines.push(...splitter.push(Buffer.from('\nnext\n')));
    assert.equal(lines.length, 2);
    assert.match(lines[0] ?? '', /^€+ … \[robo: rest of the line left out\]$/);
    assert.ok(Buffer.byteLength(lines[0] ?? '') < maxLineBytes + 60);
    assert.equal(lines[1], 'next');
  });

  it('leaves a line alone that fits exactly', () => {
    const exact = 'x'.repeat(maxLineBytes);
    assert.deepEqual(feed([Buffer.from(`${exact}\r\n${exact}y\n`)]).lines, [
      exact,
      `${exact} … [robo: rest of the line left out]`,
    ]);
  });

  it('starts at a line again after bytes were lost', () => {
    const splitter = new LineSplitter();
    splitter.push(Buffer.from('half'));
    splitter.skipToNextLine();
    assert.deepEqual(splitter.push(Buffer.from('of another\nwhole\n')), ['whole']);
  });
});
