import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import { guideCommand } from '../../src/cli/guide';
import type { CommandContext } from '../../src/cli/command';
import { catalogue, isCauseId } from '../../src/diagnostics/catalogue';
import { causeIds } from '../../src/diagnostics/causeIds';
import { layers } from '../../src/diagnostics/finding';
import { causeSections, causesHeading } from '../support/guideSections';

const guideFile = join(__dirname, '..', '..', 'media', 'guide', 'setup.md');

async function run(...args: string[]): Promise<string> {
  const written: string[] = [];
  const context: CommandContext = {
    args,
    environment: {},
    workingDirectory: '/',
    stdout: (text) => written.push(text),
    stderr: () => undefined,
    isTerminal: false,
    signal: new AbortController().signal,
  };
  assert.equal(await guideCommand(context), 0);
  return written.join('');
}

describe('the catalogue', () => {
  it('has a full entry for every id, and no id twice', () => {
    assert.equal(new Set(causeIds).size, causeIds.length);
    for (const id of causeIds) {
      const cause = catalogue[id];
      assert.equal(cause.id, id);
      assert.ok(isCauseId(id));
      assert.ok(cause.layer === null || layers.includes(cause.layer), id);
      for (const text of [cause.title, cause.looksLike, cause.tellsApart, ...cause.remedy]) {
        assert.ok(text.length > 5, `${id} has an empty text`);
      }
      assert.ok(cause.remedy.length > 0, `${id} has no remedy`);
      assert.doesNotMatch(cause.title, /\.$/, `${id}: a title is no sentence`);
    }
  });

  it('knows nothing that only objects know', () => {
    assert.equal(isCauseId('constructor'), false);
    assert.equal(isCauseId(''), false);
  });
});

describe('the setup guide', () => {
  it('carries the section of every cause, word for word', () => {
    const text = readFileSync(guideFile, 'utf8');
    const start = text.indexOf(causesHeading);
    const head = start === -1 ? text : text.slice(0, start);
    if (process.env['ROBO_UPDATE_GUIDE'] === '1') {
      writeFileSync(guideFile, head + causeSections());
      return;
    }
    assert.equal(
      text.slice(start),
      causeSections(),
      'media/guide/setup.md is behind the catalogue: run this test once with ROBO_UPDATE_GUIDE=1',
    );
  });

  it('names both menus and the checklist', async () => {
    const whole = await run();
    assert.match(whole, /Configure > Settings > API > Settings/);
    assert.match(whole, /Global Configuration/);
    assert.match(await run('daily'), /Daily start-up checklist/);
    assert.match(await run('emergency'), /Emergency recovery/);
  });

  it('prints one cause alone', async () => {
    const text = await run('wedged_close_wait');
    assert.match(text, /CLOSE_WAIT/);
    assert.doesNotMatch(text, /<a id/);
    assert.ok(text.split('\n## ').length === 1, 'only one section');
  });

  it('refuses an unknown cause and names near ones', () => {
    assert.throws(() => guideCommand({ ...({} as CommandContext), args: ['silent_hand'] }), {
      name: 'UsageError',
      message: /silent_handshake/,
    });
  });
});
