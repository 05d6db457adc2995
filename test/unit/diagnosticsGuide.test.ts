import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import { guideCommand } from '../../src/cli/guide';
import type { CommandContext } from '../../src/cli/command';
import { known } from '../../src/core/observed';
import { catalogue } from '../../src/diagnostics/catalogue';
import { isCauseId } from '../../src/diagnostics/causeTitles';
import { causeIds } from '../../src/diagnostics/causeIds';
import type { Setup } from '../../src/diagnostics/cause';
import { layers } from '../../src/diagnostics/finding';
import { remedyFor, stepText } from '../../src/diagnostics/remedy';
import { setupOf } from '../../src/diagnostics/setup';
import { causeSections, causesHeading } from '../support/guideSections';
import { calm, empty, oldTws, twsProcess } from '../support/situations';

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
      const texts = [cause.title, cause.looksLike, cause.tellsApart, cause.prevent ?? 'nothing'];
      for (const text of [...texts, ...remedyFor(id)]) {
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

const platforms = ['darwin', 'win32', 'linux', undefined] as const;
const products = ['TWS', 'IB Gateway', undefined] as const;

function everySetup(): readonly Setup[] {
  return platforms.flatMap((platform) =>
    products.flatMap((product) => [7497, undefined].map((port) => ({ platform, product, port }))),
  );
}

describe('a remedy', () => {
  it('is whole sentences for every system and program, with nothing left to fill in', () => {
    for (const setup of everySetup()) {
      for (const id of causeIds) {
        for (const step of remedyFor(id, setup)) {
          assert.match(step, /^[A-Z0-9`"].*[.)?!]$/, `${id}: ${step}`);
          assert.doesNotMatch(step, /\{\w*\}|undefined|\.\.|: \.|\[object/, `${id}: ${step}`);
          assert.equal(setup.port !== undefined && /\bPORT\b/.test(step), false, `${id}: ${step}`);
        }
      }
    }
  });

  it('names the menus and commands of the one that runs, and of all where that is unknown', () => {
    const steps = (setup: Setup): string => remedyFor('silent_handshake', setup).join('\n');
    assert.match(steps({ product: 'TWS' }), /Global Configuration > API/);
    assert.doesNotMatch(steps({ product: 'TWS' }), /Configure > Settings/);
    assert.match(steps({ product: 'IB Gateway' }), /Configure > Settings > API/);
    assert.doesNotMatch(steps({ product: 'IB Gateway' }), /Global Configuration|ActiveX/);
    assert.match(steps({}), /Global Configuration.*\(TWS\) or Configure.*\(IB Gateway\)/);
    const owner = (setup: Setup): string => remedyFor('wrong_service', setup).join('\n');
    assert.match(owner({ platform: 'darwin', port: 4002 }), /lsof -nP -iTCP:4002 -sTCP:LISTEN/);
    assert.match(owner({ platform: 'win32', port: 4002 }), /Get-NetTCPConnection -LocalPort 4002/);
    assert.match(owner({ platform: 'linux', port: 4002 }), /ss -ltnp 'sport = :4002'/);
    assert.doesNotMatch(owner({ platform: 'linux' }), /lsof|Get-Net/);
    assert.match(owner({}), /\(macOS\); .*\(Windows\); .*\(Linux\)/);
    assert.match(owner({ platform: 'freebsd' }), /\(macOS\); .*\(Windows\); .*\(Linux\)/);
  });

  it('says variants that read the same once', () => {
    const bySystem = { macOS: 'A', Windows: 'B', Linux: 'A' };
    assert.equal(stepText({ text: 'Do:', bySystem }, {}), 'Do: A (macOS, Linux); B (Windows).');
  });

  it('never ends TWS, never connects to look, never goes from paper to live', () => {
    for (const setup of everySetup()) {
      for (const step of causeIds.flatMap((id) => remedyFor(id, setup))) {
        assert.doesNotMatch(step, /\bkill(?:all)?\s+-|\bp?kill\s+\S*(?:tws|java|gateway)/i, step);
        assert.doesNotMatch(step, /taskkill|Stop-Process|xargs/i, step);
        assert.doesNotMatch(step, /\b(?:nc|ncat|telnet|nmap)\b|Test-NetConnection|\bcurl\b/i, step);
        assert.doesNotMatch(
          step,
          /\b(?:use|try|switch to|go to|set)\b[^.;]{0,30}\blive (?:port|account)/i,
        );
      }
    }
  });

  it('knows program and system from what listens, then from what runs, then from the port', () => {
    const endpoint = { host: '127.0.0.1', port: 7497 };
    const gateway = { ...oldTws, product: 'IB Gateway' } as const;
    const listening = { ...calm, listeners: known([gateway]), platform: 'darwin' } as const;
    assert.deepEqual(setupOf({ endpoint, os: listening }), {
      platform: 'darwin',
      product: 'IB Gateway',
      port: 7497,
    });
    const running = {
      ...empty,
      twsProcesses: known([{ ...twsProcess, product: 'IB Gateway' } as const]),
    };
    assert.equal(setupOf({ endpoint, os: running }).product, 'IB Gateway');
    const both = {
      ...empty,
      twsProcesses: known([twsProcess, { ...twsProcess, product: 'IB Gateway' } as const]),
    };
    assert.equal(setupOf({ endpoint, os: both }).product, 'TWS', 'the port decides');
    assert.equal(setupOf({ endpoint: { ...endpoint, port: 5555 }, os: empty }).product, undefined);
    const remote = setupOf({ endpoint: { host: '192.0.2.7', port: 4001 }, os: listening });
    assert.deepEqual(remote, { product: 'IB Gateway', port: 4001 });
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

  it('shows every drawing that lies beside it, and no other picture', () => {
    const guide = readFileSync(guideFile, 'utf8');
    const shown = [...guide.matchAll(/!\[[^\]]+\]\(([^)]+)\)/g)].map(([, file]) => file ?? '');
    const drawings = readdirSync(join(guideFile, '..', 'pictures')).map(
      (name) => `pictures/${name}`,
    );
    assert.deepEqual([...new Set(shown)].sort(), drawings.sort());
  });

  it('shows the commands of all systems', async () => {
    const text = await run('wrong_service');
    assert.match(text, /- macOS: `sudo lsof/);
    assert.match(text, /- Windows: `Get-Process/);
    assert.match(text, /- Linux: `sudo ss/);
    assert.match(text, /To prevent it/);
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
