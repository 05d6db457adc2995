import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'mocha';
import type { Finding } from '../../src/diagnostics/finding';
import { faults } from '../../src/simulator/faults';
import { type SituationName, situationNames } from '../support/evidenceSituations';
import { type FaultRecording, recordFault } from '../support/faultRecordings';
import { type Truth, truths } from '../support/faultTruths';
import { verdictOf } from '../support/replay';
import { verdictsPage, type VerdictRow } from '../support/verdictsPage';

/** From here on an answer is confident: a wrong one must never be. */
const confident = 0.7;

const page = join(__dirname, '..', '..', 'docs', 'verdicts.md');

async function inAll(recording: FaultRecording): Promise<VerdictRow['cells']> {
  const cells: [SituationName, Finding | undefined][] = [];
  for (const name of situationNames) {
    cells.push([name, (await verdictOf(recording, name)).finding]);
  }
  return new Map(cells);
}

function check(truth: Truth, name: SituationName, finding: Finding | undefined): void {
  const right = truth.but?.[name] ?? truth.usual;
  if (right.length === 0) {
    assert.equal(finding, undefined, `${name}: nothing is wrong`);
    return;
  }
  const causes = finding?.causes ?? [];
  const ranked = `${name}: ${causes.map(({ id, confidence }) => `${id} ${confidence}`).join(', ')}`;
  const [best] = causes;
  assert.ok(best !== undefined && right.includes(best.id), ranked);
  assert.equal(finding?.layer, truth.layerBut?.[name] ?? truth.layer, ranked);
  if (right.length > 1) {
    assert.ok(best.confidence < confident, `${ranked}: sure, where the evidence does not decide`);
  }
}

describe('every fault in every situation of evidence', function () {
  this.timeout(60_000);
  const rows: VerdictRow[] = [];

  before(async () => {
    for (const { name: fault } of faults) {
      const truth = truths[fault];
      if (truth !== undefined) {
        const cells = await inAll(await recordFault(fault, truth.reach));
        rows.push({ fault, truth, cells });
      }
    }
  });

  it('has a truth written down for each fault of the simulator, and for no other', () => {
    assert.deepEqual(Object.keys(truths).toSorted(), faults.map(({ name }) => name).toSorted());
  });

  for (const { name: fault } of faults) {
    it(`${fault}: the right layer and cause or the umbrella, and never sure and wrong`, () => {
      const row = rows.find((each) => each.fault === fault);
      assert.ok(row !== undefined, 'it was not met');
      for (const [name, finding] of row.cells) {
        check(row.truth, name, finding);
      }
    });
  }

  it('is written down in docs/verdicts.md', () => {
    const text = verdictsPage(rows);
    if (process.env['ROBO_UPDATE_VERDICTS'] === '1') {
      writeFileSync(page, text);
      return;
    }
    assert.equal(
      readFileSync(page, 'utf8'),
      text,
      'docs/verdicts.md is behind the rules: run this test once with ROBO_UPDATE_VERDICTS=1',
    );
  });
});
