import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launchFailure } from '../../src/runner/launchFailure';

describe('why a command could not be started', () => {
  let folder: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'robo-launch-'));
    mkdirSync(join(folder, 'bin'));
    writeFileSync(join(folder, 'bin', 'python3'), '');
    mkdirSync(join(folder, 'folder'));
    writeFileSync(join(folder, 'bot.py'), '#!/nonexistent/python\nprint(1)\n');
    writeFileSync(join(folder, 'windows.sh'), '#!/bin/sh\r\necho\r\n');
    writeFileSync(join(folder, 'bot'), '\x7fELF');
  });

  after(() => {
    rmSync(folder, { recursive: true });
  });

  const cases: readonly (readonly [
    command: string,
    code: string,
    says: RegExp,
    never?: RegExp | undefined,
  ])[] = [
    ['./folder', 'EACCES', /is a folder, not a program/, /chmod/],
    ['./bot.py', 'EACCES', /chmod \+x\), or .*\["python3", "\.\/bot\.py"\]/],
    ['./windows.sh', 'EACCES', /\["sh", "\.\/windows\.sh"\]/],
    ['./bot', 'EACCES', /chmod \+x\)\.$/, /python/],
    ['./bot.py', 'ENOENT', /first line names \(#!\/nonexistent\/python\) is not/],
    ['./windows.sh', 'ENOENT', /lines end as on Windows.*\/bin\/sh.*LF/, /install/],
    ['./bot', 'ENOENT', /built for another system/, /#!/],
    ['./nothing', 'ENOENT', /there is no .*nothing/],
    ['python3 bot.py', 'ENOENT', /each word by itself: \["python3","bot\.py"\]/, /install/],
    ['bot.py', 'ENOENT', /lies in .*write \["python3","bot\.py"\]/],
    ['bot', 'ENOENT', /write "\.\/bot"/],
    ['python', 'ENOENT', /this machine has python3/],
    ['nothing', 'ENOENT', /install it, or write its full path/],
    ['', 'ERR_INVALID_ARG_VALUE', /begins with an empty word/, /ERR_/],
  ];
  for (const [command, code, says, never] of cases) {
    it(`is told of "${command}" (${code})`, async () => {
      const { message } = await launchFailure(
        Object.assign(new Error(code), { code }),
        {
          workspace: folder,
          argv: [command],
          workingDirectory: folder,
          path: join(folder, 'bin'),
          platform: 'linux',
        },
        '2026-11-23T15:00:00.000Z',
      );
      assert.match(message, says);
      assert.ok(!never?.test(message), message);
    });
  }
});
