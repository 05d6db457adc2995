import assert from 'node:assert/strict';
import type { DrillReport } from '../../src/monitor/drillRecord';
import {
  drillLines,
  drillVerdict,
  lastDrillWords,
  parseDrillReport,
} from '../../src/ui/drillReport';
import { english } from '../support/uiFixtures';

const report: DrillReport = {
  schema: 1,
  ok: false,
  startedAt: '2026-11-22T12:00:00.000Z',
  durationMs: 51_000,
  held: 1,
  total: 2,
  known: 48,
  timings: { livenessIntervalMs: 1000, refuseAfterMs: 5000 },
  faults: [
    {
      fault: 'drop',
      held: true,
      durationMs: 1500,
      why: 'It passes.',
      checks: [{ check: 'gate', held: true, expected: 'open', seen: 'open' }],
    },
    {
      fault: 'refused',
      held: false,
      durationMs: 3000,
      why: 'Nobody listens.',
      checks: [{ check: 'gate', held: false, expected: 'shut', seen: 'open' }],
    },
  ],
};

describe('The report of a rehearsal', () => {
  it('shows each fault, and of what did not hold both sides', () => {
    const lines = drillLines(report).join('\n');
    assert.match(lines, /1 of 2 held in 51 s/);
    assert.match(lines, /held +drop: It passes\.\n +gate +open\n/);
    assert.match(lines, /NOT HELD refused: Nobody listens\.\n +gate +expected shut; seen open/);
  });

  it('is summed up in one sentence that names what did not hold', () => {
    assert.match(drillVerdict(report, english), /1 of 2 held.*refused/);
    const [held] = report.faults;
    assert.ok(held);
    const all = { ...report, ok: true, held: 1, total: 1, faults: [held] };
    assert.equal(drillVerdict(all, english), 'Rehearsal: 1 of 1 held.');
  });

  it('is read back from JSON and from nothing else', () => {
    assert.deepEqual(parseDrillReport(`${JSON.stringify(report)}\n`), report);
    for (const text of ['', 'null', '{}', '[]', '{"schema":2,"faults":[]}', 'robo: no']) {
      assert.equal(parseDrillReport(text), undefined, text);
    }
  });

  it('leaves its date for the status', () => {
    assert.equal(lastDrillWords(undefined, english), 'never');
    const last = {
      schema: 1,
      at: report.startedAt,
      durationMs: 1,
      held: 40,
      total: 40,
      known: 40,
      notHeld: [],
    } as const;
    assert.equal(lastDrillWords({ ...last, notHeld: [] }, english), '2026-11-22, 40 of 40 held');
  });
});
