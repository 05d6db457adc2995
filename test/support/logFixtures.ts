import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import type { LogFinding } from '../../src/diagnostics/logIncidents';
import { LogReader } from '../../src/diagnostics/logReader';
import type { LinePattern } from '../../src/diagnostics/readers/reader';

const root = join(import.meta.dirname, '..', 'fixtures', 'logs');

/** What a log says is wrong. */
export function findingsIn(text: string): readonly LogFinding[] {
  const reader = new LogReader();
  for (const line of text.replace(/\n$/, '').split('\n')) {
    reader.push(line);
  }
  return reader.end();
}

/** `subject: cause severity xcount` */
export function summaryOf(text: string): readonly string[] {
  return findingsIn(text).map(
    ({ subject, causes, severity, count }) =>
      `${subject.kind}${subject.name === undefined ? '' : ` ${subject.name}`}: ${causes[0]?.id ?? ''} ${severity} x${count}`,
  );
}

function expectedIn(source: string): Readonly<Record<string, unknown>> {
  const value: unknown = JSON.parse(readFileSync(join(root, source, 'expected.json'), 'utf8'));
  assert.ok(typeof value === 'object' && value !== null);
  return { ...value };
}

/** One test for each log of a source: healthy ones say nothing, the others what is expected. */
export function describeLogs(source: string): void {
  describe(source, () => {
    const expected = expectedIn(source);
    for (const [name, list] of Object.entries(expected)) {
      it(name, () => {
        assert.deepEqual(summaryOf(readFileSync(join(root, source, `${name}.log`), 'utf8')), list);
      });
    }

    it('has healthy logs and three faults or more, each with its expectation', () => {
      const names = readdirSync(join(root, source))
        .filter((file) => file.endsWith('.log'))
        .map((file) => file.slice(0, -4));
      assert.deepEqual(names.toSorted(), Object.keys(expected).toSorted());
      const healthy = names.filter((name) => name.startsWith('healthy'));
      assert.ok(healthy.length > 0 && names.length - healthy.length >= 3);
      for (const name of healthy) {
        assert.deepEqual(expected[name], [], name);
      }
    });
  });
}

/** Texts that make careless patterns slow. */
const longTexts: readonly string[] = [
  'a ',
  '1 ',
  'a:',
  '1.',
  '(',
  '/',
  '-',
  '[',
  'a1_',
  '"',
  ' ',
].map((unit) => unit.repeat(8192 / unit.length));

/** What every table keeps: a distinctive word for each row, and patterns that stay quick. */
export function checkTable(patterns: readonly LinePattern[]): void {
  for (const { has, pattern } of patterns) {
    assert.equal(has, has.toLowerCase());
    assert.ok(has.length >= 4, `${has} is too short to tell lines apart`);
    assert.ok(!pattern.global && !pattern.sticky, String(pattern));
    const startedAt = performance.now();
    for (const text of longTexts) {
      pattern.exec(has + text);
      pattern.exec(text + has);
    }
    const perText = (performance.now() - startedAt) / (2 * longTexts.length);
    assert.ok(perText < 50, `${String(pattern)} takes ${perText.toFixed(1)} ms`);
  }
}
