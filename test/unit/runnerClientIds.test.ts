import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RunnerClientIds } from '../../src/daemon/runnerClientIds';

describe("the runners' client ids", () => {
  let workspace: string;

  beforeEach(() => {
    workspace = mkdtempSync(join(tmpdir(), 'robo-ids-'));
  });

  afterEach(() => {
    rmSync(workspace, { recursive: true, force: true });
  });

  it('come from the .env of the workspace, which enters no process', () => {
    const before = process.env['IBKR_CLIENT_ID'];
    writeFileSync(join(workspace, '.env'), 'IBKR_CLIENT_ID=9001 # the runner\n');
    assert.equal(new RunnerClientIds().of(workspace), 9001);
    assert.equal(process.env['IBKR_CLIENT_ID'], before);
  });

  it('come first from the environment that the runner was started with', () => {
    writeFileSync(join(workspace, '.env'), 'IBKR_CLIENT_ID=9001\n');
    const ids = new RunnerClientIds();
    ids.note(workspace, { IBKR_CLIENT_ID: '7', OTHER: 'x' });
    assert.equal(ids.of(workspace), 7);
    ids.note(workspace, { OTHER: 'x' });
    assert.equal(ids.of(workspace), 9001);
  });

  it('are unknown where nothing says one', () => {
    const ids = new RunnerClientIds();
    assert.equal(ids.of(workspace), undefined);
    assert.equal(ids.of(join(workspace, 'none')), undefined);
    writeFileSync(join(workspace, '.env'), 'IBKR_CLIENT_ID=many\n');
    assert.equal(ids.of(workspace), undefined);
  });
});
