import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import type { LogFinding } from '../../src/diagnostics/logIncidents';
import { LogReader } from '../../src/diagnostics/logReader';
import { backtraderLines } from '../../src/diagnostics/readers/backtrader';
import { clientSigns } from '../../src/diagnostics/readers/clientSigns';
import { frameLines } from '../../src/diagnostics/readers/frames';
import { ibAsyncLines } from '../../src/diagnostics/readers/ibAsync';
import { leanLines } from '../../src/diagnostics/readers/lean';
import { nautilusLines } from '../../src/diagnostics/readers/nautilus';
import { officialApiLines } from '../../src/diagnostics/readers/officialApi';
import { rustErrors, rustIbapiLines } from '../../src/diagnostics/readers/rustIbapi';
import { stoqeyLines } from '../../src/diagnostics/readers/stoqey';
import { vnpyLines } from '../../src/diagnostics/readers/vnpy';

const root = join(import.meta.dirname, '..', 'fixtures', 'logs');

/** Other readers keep their fixtures in the same folder. */
const clients = [
  'backtrader',
  'ibAsync',
  'lean',
  'nautilus',
  'officialCSharp',
  'officialCpp',
  'officialJava',
  'officialPython',
  'openAlice',
  'rustIbapi',
  'stoqey',
  'vnpy',
] as const;

function findings(text: string): readonly LogFinding[] {
  const reader = new LogReader();
  for (const line of text.replace(/\n$/, '').split('\n')) {
    reader.push(line);
  }
  return reader.end();
}

/** `subject: cause severity xcount` */
function summary(text: string): readonly string[] {
  return findings(text).map(
    ({ subject, causes, severity, count }) =>
      `${subject.kind}${subject.name === undefined ? '' : ` ${subject.name}`}: ${causes[0]?.id ?? ''} ${severity} x${count}`,
  );
}

function expectedOf(client: string): Readonly<Record<string, readonly string[]>> {
  const value: unknown = JSON.parse(readFileSync(join(root, client, 'expected.json'), 'utf8'));
  assert.ok(typeof value === 'object' && value !== null);
  return Object.fromEntries(
    Object.entries(value).map(([name, list]) => [
      name,
      Array.isArray(list) ? list.map(String) : [],
    ]),
  );
}

describe('logs of clients', () => {
  for (const client of clients) {
    describe(client, () => {
      const expected = expectedOf(client);
      for (const [name, list] of Object.entries(expected)) {
        it(name, () => {
          const text = readFileSync(join(root, client, `${name}.log`), 'utf8');
          assert.deepEqual(summary(text), list);
        });
      }

      it('has a healthy session and three faults or more, each with its expectation', () => {
        const logs = readdirSync(join(root, client)).filter((file) => file.endsWith('.log'));
        assert.deepEqual(
          logs.map((file) => file.slice(0, -4)).toSorted(),
          Object.keys(expected).toSorted(),
        );
        assert.ok(Object.values(expected).filter((list) => list.length > 0).length >= 3);
        assert.deepEqual(expected['healthy'], []);
      });
    });
  }
});

describe('the tables of clients', () => {
  const tables = {
    backtraderLines,
    clientSigns,
    frameLines,
    ibAsyncLines,
    leanLines,
    nautilusLines,
    officialApiLines,
    rustErrors,
    rustIbapiLines,
    stoqeyLines,
    vnpyLines,
  };
  for (const [name, table] of Object.entries(tables)) {
    it(`${name} have triggers that a fast scan can use`, () => {
      for (const { has } of table) {
        assert.equal(has, has.toLowerCase());
        assert.ok(has.length >= 4, `«${has}» is too short`);
      }
    });

    it(`${name} stay fast on lines made to be slow`, () => {
      for (const { has, pattern } of table) {
        const hostile = [
          `${has} `.repeat(8192 / (has.length + 1)),
          `${has}${'1'.repeat(8000)}`,
          `${has}${' '.repeat(8000)}`,
          `${has}${"'a', ".repeat(1600)}`,
          `${'A.'.repeat(4000)}${has}`,
        ];
        const start = process.cpuUsage();
        for (const text of hostile) {
          pattern.exec(text);
        }
        const { user } = process.cpuUsage(start);
        assert.ok(user < 250_000, `${String(pattern)} took ${Math.round(user / 1000)} ms`);
      }
    });
  }
});
