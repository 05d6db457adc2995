import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { findRuntime } from '../../src/ui/runtime';

describe('The Node that runs the monitor', () => {
  it('is the one of the setting, without the switch for editors', async () => {
    assert.deepEqual(await findRuntime(process.execPath), {
      execPath: process.execPath,
      environment: {},
    });
  });

  it("is the editor's own where nothing is set", async function () {
    if (process.platform === 'win32') {
      this.skip();
    }
    assert.deepEqual(await findRuntime(''), {
      execPath: process.execPath,
      environment: { ELECTRON_RUN_AS_NODE: '1' },
    });
  });

  it('is refused in one sentence when it does not exist', async () => {
    await assert.rejects(findRuntime('/nowhere/node'), /\/nowhere\/node: .*ENOENT.*robo\.nodePath/);
  });

  it('is refused when the program is no Node', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'robo-runtime-'));
    try {
      const program = path.join(folder, 'node');
      await writeFile(program, '#!/bin/sh\necho hello\n');
      await chmod(program, 0o755);
      await assert.rejects(findRuntime(program), /it does not run scripts/);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
