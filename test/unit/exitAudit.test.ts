import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ExitAudit, readExitAudit } from '../../src/runner/exitAudit';

const nowMs = Date.parse('2026-11-20T15:00:00Z');

describe('what the trader’s system notes of an end', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'robo-audit-'));
    mkdirSync(join(folder, 'data'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  async function read(files: Readonly<Record<string, unknown>>): Promise<ExitAudit> {
    for (const [name, value] of Object.entries(files)) {
      const text = typeof value === 'string' ? value : JSON.stringify(value);
      writeFileSync(join(folder, 'data', name), text);
    }
    return await readExitAudit(folder, 42, nowMs);
  }

  const note = { timestamp: nowMs / 1000 - 5, reason: 'sigterm', exit_code: 0, pid: 42 };

  it('reads a fresh note of this very run', async () => {
    const read1 = await read({ 'runner_exit.json': note });
    assert.deepEqual(read1, { note: { reason: 'sigterm', code: 0 }, killSwitch: null });
    const iso = { ...note, timestamp: undefined, iso_timestamp: '2026-11-20T14:59:00+00:00' };
    assert.deepEqual((await read({ 'runner_exit.json': iso })).note?.reason, 'sigterm');
  });

  for (const [what, value] of [
    ['of another run', { ...note, pid: 43 }],
    ['that is too old', { ...note, timestamp: nowMs / 1000 - 301 }],
    ['without a time', { ...note, timestamp: undefined }],
    ['that is half written', '{"reason": "sig'],
  ] as const) {
    it(`counts no note ${what}`, async () => {
      assert.equal((await read({ 'runner_exit.json': value })).note, null);
    });
  }

  for (const [what, files, words] of [
    [
      'is triggered',
      { 'kill_switch_state.json': { triggered: true, trigger_reason: 'loss' } },
      /loss/,
    ],
    ['cannot be read', { 'kill_switch_state.json': '{' }, /counts as set/],
    [
      'is locked',
      { 'kill_switch_state.json': { triggered: false }, 'kill_switch.lock': '' },
      /kill_switch\.lock is there/,
    ],
  ] as const) {
    it(`takes a kill switch that ${what} for set`, async () => {
      assert.match((await read(files)).killSwitch ?? '', words);
    });
  }

  it('finds nothing where nothing is', async () => {
    const state = { triggered: false, trigger_reason: null };
    assert.equal((await read({ 'kill_switch_state.json': state })).killSwitch, null);
    rmSync(join(folder, 'data'), { recursive: true });
    assert.deepEqual(await readExitAudit(folder, 42, nowMs), { note: null, killSwitch: null });
  });
});
