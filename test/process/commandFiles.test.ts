import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  cmdLauncher,
  commandFolders,
  commandList,
  type CommandProgram,
  installCommand,
  installedCommands,
  rememberCommands,
  removeCommand,
  shellLauncher,
  writeLaunchers,
} from '../../src/daemon/commandFiles';
import { isLauncherOf, launcherKey } from '../../src/daemon/launcherKey';

/** Tells what it was called with, as `robo` would be. */
const echo = `
process.stdout.write(JSON.stringify({
  args: process.argv.slice(2),
  storage: process.env.ROBO_PROGRAM_STORAGE,
  electron: process.env.ELECTRON_RUN_AS_NODE,
}));
process.exitCode = 7;
`;

describe('the command robo', () => {
  let root: string;
  let program: CommandProgram;
  let launchers: string;

  beforeEach(() => {
    root = mkdtempSync(path.join(tmpdir(), 'robo-command-'));
    // A folder whose name would do harm to anything that quotes badly.
    const odd = path.join(root, `it's $HOME "$(touch hurt)" \`touch hurt\` %PATH%`);
    launchers = path.join(odd, 'bin');
    mkdirSync(odd);
    const script = path.join(odd, 'cli.cjs');
    writeFileSync(script, echo);
    program = {
      runtime: { execPath: process.execPath, environment: { ELECTRON_RUN_AS_NODE: '1' } },
      script,
      storageDirectory: odd,
      key: launcherKey(['1.2.3', process.execPath]),
    };
  });

  afterEach(() => {
    rmSync(root, { recursive: true, force: true });
  });

  const call = (
    file: string,
    args: readonly string[],
  ): { readonly status: number | null; readonly stdout: string; readonly stderr: string } =>
    spawnSync(file, args, {
      cwd: root,
      encoding: 'utf8',
      env: { PATH: process.env['PATH'] },
      timeout: 10_000,
    });

  describe('on Linux and macOS', function () {
    before(function () {
      if (process.platform === 'win32') {
        this.skip();
      }
    });

    it('hands arguments, exit code and surroundings on, whatever its folders are called', async () => {
      await writeLaunchers(launchers, program, '/home/me');
      const folder = path.join(root, 'own bin');
      const file = await installCommand(folder, launchers, process.platform);
      assert.equal(file, path.join(folder, 'robo'));
      const args = ['test', '--symbol', "A'B", '$HOME', '', 'a b', '`id`', '%PATH%'];
      for (const command of [path.join(launchers, 'robo'), file]) {
        const { status, stdout, stderr } = call(command, args);
        assert.equal(status, 7, stderr);
        assert.deepEqual(JSON.parse(stdout), {
          args,
          storage: program.storageDirectory,
          electron: '1',
        });
      }
      assert.equal(existsSync(path.join(root, 'hurt')), false);
    });

    it('says so when the extension is gone', async () => {
      await writeLaunchers(launchers, program, '/home/me');
      const file = await installCommand(root, launchers, process.platform);
      rmSync(launchers, { recursive: true });
      const { status, stderr } = call(file, ['status']);
      assert.equal(status, 127);
      assert.match(stderr, /extension that installed this command is gone/);
      assert.equal(existsSync(path.join(root, 'hurt')), false);
    });

    it('is installed over its own older one, and over nothing else', async () => {
      const foreign = path.join(root, 'foreign');
      const linked = path.join(root, 'linked');
      mkdirSync(foreign);
      mkdirSync(linked);
      writeFileSync(path.join(foreign, 'robo'), '#!/bin/sh\necho mine\n');
      writeFileSync(path.join(root, 'target'), '# robo-command\n');
      symlinkSync(path.join(root, 'target'), path.join(linked, 'robo'));
      for (const folder of [foreign, linked]) {
        await assert.rejects(installCommand(folder, launchers, 'linux'), /was left alone/);
        assert.equal(await removeCommand(path.join(folder, 'robo')), 'foreign');
      }
      assert.equal(readFileSync(path.join(foreign, 'robo'), 'utf8'), '#!/bin/sh\necho mine\n');
      const own = path.join(root, 'own');
      await installCommand(own, '/old/place', 'linux');
      const file = await installCommand(own, launchers, 'linux');
      assert.doesNotMatch(readFileSync(file, 'utf8'), /old.place/);
      assert.equal(statSync(file).mode & 0o777, 0o755);
      assert.deepEqual(readdirSync(own), ['robo']);
      assert.equal(await removeCommand(file), 'removed');
      assert.equal(await removeCommand(file), 'absent');
    });
  });

  it('is known as up to date by everything that it depends on', async () => {
    assert.equal(await isLauncherOf(launchers, program.key), false);
    await writeLaunchers(launchers, program, '');
    assert.equal(await isLauncherOf(launchers, program.key), true);
    assert.equal(await isLauncherOf(launchers, launcherKey(['1.2.4', process.execPath])), false);
    rmSync(path.join(launchers, 'robo.cmd'));
    assert.equal(await isLauncherOf(launchers, program.key), false);
    assert.notEqual(launcherKey(['a', 'bc']), launcherKey(['ab', 'c']));
  });

  it('keeps the home folder out of a batch file, and its special characters tame', () => {
    const text = cmdLauncher(
      {
        runtime: { execPath: 'C:\\Apps\\100% Code\\Code.exe', environment: { A: 'x"&calc\r\ny' } },
        script: 'C:\\Users\\Jürgen\\.vscode\\dist\\cli.cjs',
        storageDirectory: 'c:\\users\\jürgen\\AppData\\robo',
        key: 'k',
      },
      'C:\\Users\\Jürgen',
    );
    assert.doesNotMatch(text, /rgen/);
    assert.match(
      text,
      /"C:\\Apps\\100%% Code\\Code\.exe" "%USERPROFILE%\\\.vscode\\dist\\cli\.cjs" %\*/,
    );
    assert.match(text, /set "ROBO_PROGRAM_STORAGE=%USERPROFILE%\\AppData\\robo"/);
    assert.match(text, /set "A=x&calcy"/);
    assert.ok(text.split('\r\n').every((line) => !line.includes('\n')));
  });

  it('quotes for sh whatever a path contains', () => {
    assert.match(shellLauncher({ ...program, script: "/a'b" }), /'\/a'\\''b' "\$@"\n$/);
  });

  it('remembers what was installed, and takes nothing else for that', async () => {
    const list = commandList(path.join(root, 'data'));
    assert.deepEqual(await installedCommands(list), []);
    const file = path.join(root, 'bin', 'robo');
    await rememberCommands(list, [file, file]);
    assert.deepEqual(await installedCommands(list), [file]);
    writeFileSync(list, JSON.stringify([file, 'relative', 7, null]));
    assert.deepEqual(await installedCommands(list), [file]);
    writeFileSync(list, '{"cut');
    assert.deepEqual(await installedCommands(list), []);
    await rememberCommands(list, []);
    assert.equal(existsSync(list), false);
  });
});

describe('the folders for the command robo', () => {
  it('are those on the PATH first, and say which are', () => {
    const linux = commandFolders({
      platform: 'linux',
      home: '/home/me',
      path: '/usr/bin:/usr/local/bin/:/home/me/bin',
    });
    assert.deepEqual(
      linux.map(({ folder, isOnPath }) => `${folder} ${String(isOnPath)}`),
      [
        '/home/me/bin true',
        '/usr/local/bin true',
        '/home/me/.local/bin false',
        '/opt/homebrew/bin false',
      ],
    );
  });

  it('are on Windows those of the PATH that are the user’s own', () => {
    const windows = commandFolders({
      platform: 'win32',
      home: 'C:\\Users\\me',
      path: 'C:\\Windows;c:\\users\\ME\\tools\\;C:\\Users\\me\\tools;C:\\Users\\meagre\\bin',
    });
    assert.equal(windows.length, 1);
    assert.equal(windows[0]?.isOnPath, true);
  });
});
