import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Observed } from '../../src/core/observed';
import type { TwsFiles } from '../../src/host/twsFiles';
import { type Disk, systemDisk } from '../../src/host/twsFilesDisk';
import { readTwsFiles, TwsFilesMemory, type TwsSurroundings } from '../../src/host/twsFilesReader';
import { decodeEnd, lastLines, parseJtsIni } from '../../src/host/twsFilesText';
import { LinuxMachine } from '../../src/host/linux';
import { FakeClock } from '../support/fakeClock';
import { fakeProcess } from '../support/hostFakes';

const nowMs = Date.parse('2026-11-20T15:00:00Z');
const ini = '[IBGateway]\r\nTrustedIPs=127.0.0.1\r\nLocalServerPort=4002\r\nApiOnly=true\r\n';
const launcherLine = '2026-11-20 14:59:00.100 INFO  [JTS-Main] - Started';

function value(files: Observed<TwsFiles>): TwsFiles {
  assert.ok(files.known, files.known ? '' : files.why);
  return files.value;
}

/** A disk that counts what is asked of it and can be told to fail. */
class WatchedDisk implements Disk {
  opened = 0;
  fail: ((path: string) => Error | undefined) | undefined;

  list(folder: string): ReturnType<Disk['list']> {
    return this.unless(folder, () => systemDisk.list(folder));
  }

  look(file: string): ReturnType<Disk['look']> {
    return systemDisk.look(file);
  }

  readEnd(file: string, maxBytes: number): ReturnType<Disk['readEnd']> {
    this.opened += 1;
    return this.unless(file, () => systemDisk.readEnd(file, maxBytes));
  }

  private unless<T>(path: string, act: () => Promise<T>): Promise<T> {
    const error = this.fail?.(path);
    return error === undefined ? act() : Promise.reject(error);
  }
}

function refusal(): Error {
  return Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' });
}

describe('the files of TWS on this machine', () => {
  let root: string;
  let disk: WatchedDisk;
  let memory: TwsFilesMemory;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'robo-tws-'));
    disk = new WatchedDisk();
    memory = new TwsFilesMemory();
  });
  afterEach(() => {
    rmSync(root, { recursive: true });
  });

  function write(path: string, text: string | Uint8Array, ageMs = 1000): string {
    const file = join(root, path);
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, text);
    setAge(file, ageMs);
    return file;
  }

  function setAge(file: string, ageMs: number): void {
    const seconds = (nowMs - ageMs) / 1000;
    utimesSync(file, seconds, seconds);
  }

  function read(
    running: Parameters<typeof readTwsFiles>[0] = [],
    change: Partial<TwsSurroundings> = {},
  ): Promise<Observed<TwsFiles>> {
    const clock = new FakeClock(nowMs);
    const home = join(root, 'home', 'me');
    return readTwsFiles(running, { platform: 'linux', home, root, clock, disk, ...change }, memory);
  }

  it('says that nothing is there where nothing is', async () => {
    assert.deepEqual(await read(), { known: true, value: { settings: [], logs: [] } });
  });

  it('finds settings and logs below the home, with the logs of each user and of IBC', async () => {
    const settings = write('home/me/Jts/jts.ini', ini, 5000);
    const launcher = write('home/me/Jts/launcher.log', `${launcherLine}\n`, 4000);
    const api = write('home/me/Jts/abcdefghij/api.7.Fri.log', '14:59:00:001 -> 8-1-\n', 3000);
    const ibc = write('home/me/ibc/logs/ibc-3.23.0_GATEWAY-10.37_Friday.txt', 'x\n', 2000);
    write('home/me/ibc/config.ini', 'IbPassword=secret\n');
    write('home/me/Jts/ibgateway/1037/.install4j/files.log', `${launcherLine}\n`);
    const files = value(await read());
    assert.deepEqual(files.settings, [
      {
        file: settings,
        modifiedAtMs: nowMs - 5000,
        port: 4002,
        trustedIps: ['127.0.0.1'],
        timeZone: undefined,
      },
    ]);
    assert.deepEqual(
      files.logs.map(({ file, kind }) => [file, kind]),
      [
        [ibc, 'ibc'],
        [api, 'api'],
        [launcher, 'launcher'],
      ],
    );
    assert.deepEqual(files.logs[2]?.lines, [launcherLine]);
    assert.equal(files.unreadable, undefined);
  });

  for (const [platform, folder] of [
    ['linux', 'root/Jts'],
    ['linux', 'opt/tws-live'],
    ['linux', 'home/ibgateway/Jts_paper'],
    ['darwin', 'home/me/Jts'],
    ['win32', 'Jts'],
    ['win32', 'home/me/Jts'],
  ] as const) {
    it(`looks into ${folder} on ${platform}`, async () => {
      const file = write(`${folder}/jts.ini`, ini);
      const files = value(await read([], { platform }));
      assert.deepEqual(
        files.settings.map((settings) => settings.file),
        [file],
      );
    });
  }

  it('knows where IBC writes on Windows, and not that place on Linux', async () => {
    const file = write('IBC/Logs/IBC-3.24.2_GATEWAY-1050_FRIDAY.txt', 'IBC: x\n');
    const other = write('home/me/Documents/IBC/Logs/IBC-3.24.2_TWS-1050_FRIDAY.txt', 'IBC: x\n');
    const windows = value(await read([], { platform: 'win32' }));
    assert.deepEqual(windows.logs.map((log) => log.file).sort(), [file, other].sort());
    const mac = value(await read([], { platform: 'darwin' }));
    assert.deepEqual(mac.logs, []);
  });

  const named: readonly (readonly [string, (folder: string) => string])[] = [
    ['a property', (folder) => `java -DjtsConfigDir=${folder} install4j.ibgateway.GWClient`],
    [
      'the argument behind the main class',
      (folder) => `java -cp a.jar jclient.LoginFrame ${folder}`,
    ],
    [
      'an option of IBC',
      (folder) => `bash /opt/ibc/scripts/ibcstart.sh 1037 -g --tws-settings-path=${folder}`,
    ],
    ['a relative property', () => 'java -DjtsConfigDir=settings ibgateway.GWClient'],
  ];
  for (const [how, commandLine] of named) {
    it(`looks where a running TWS keeps its settings: ${how}`, async () => {
      const file = write('far/away/settings/jts.ini', ini);
      write('home/me/Jts/jts.ini', ini);
      const argv = commandLine(join(root, 'far/away/settings'));
      const tws = fakeProcess(1, argv, { workingDirectory: join(root, 'far/away') });
      const { settings } = value(await read([tws]));
      assert.equal(settings.length, 2);
      assert.deepEqual(
        settings.filter(({ isOfRunning }) => isOfRunning === true).map((entry) => entry.file),
        [file],
      );
    });
  }

  it('finds the folder in a class path and in the environment', async () => {
    const first = write('srv/Jts/jts.ini', ini);
    const second = write('srv/settings/jts.ini', ini);
    const jar = join(root, 'srv/Jts/ibgateway/1030/jars/jts4launch-1030.jar');
    const tws = fakeProcess(1, `java -cp /x/a.jar:${jar} ibcalpha.ibc.IbcGateway`);
    const environment = { TWS_SETTINGS_PATH: join(root, 'srv/settings') };
    const { settings } = value(await read([tws], { environment }));
    assert.deepEqual(settings.map(({ file }) => file).sort(), [first, second].sort());
  });

  it('leaves template words, other programs’ logs and old logs alone', async () => {
    write('home/me/Jts/notes.txt', 'buy milk\n');
    write('home/me/Jts/log.txt', 'a program of somebody\n');
    write('home/me/Jts/launcher.log', `${launcherLine}\n`, 40 * 3_600_000);
    const tws = fakeProcess(1, 'java -DjtsConfigDir=${installer:jtsConfigDir} ibgateway.GWClient');
    assert.deepEqual(value(await read([tws])).logs, []);
  });

  it('knows a log with an unusual name by what stands in it', async () => {
    write('home/me/Jts/gateway-out.log', `${launcherLine}\n`);
    write('home/me/ibc/logs/session.txt', '2026-11-20 14:59:00:571 IBC: Login has completed\n');
    const { logs } = value(await read());
    assert.deepEqual(logs.map(({ kind }) => kind).sort(), ['ibc', 'launcher']);
  });

  it('reads only the end of a huge file', async () => {
    const file = write('home/me/Jts/launcher.log', '');
    truncateSync(file, 3_000_000_000);
    const lines = Array.from({ length: 2000 }, (_, index) => `${launcherLine} ${index} é`);
    const text = Buffer.from(`\n${lines.join('\n')}\n`);
    const handle = openSync(file, 'r+');
    writeSync(handle, text, 0, text.length, 3_000_000_000);
    closeSync(handle);
    setAge(file, 1000);
    const [log] = value(await read()).logs;
    assert.equal(log?.lines.length, 400);
    assert.equal(log.lines.at(-1), lines.at(-1));
  });

  it('says of a binary file, a link and a pipe that it did not read them', async function () {
    if (process.platform === 'win32') {
      this.skip();
    }
    const secret = write('secret/passwd', 'root\n');
    write('home/me/Jts/jts.ini', ini);
    const binary = write(
      'home/me/Jts/tws.Fri.log',
      Uint8Array.from({ length: 999 }, (_, n) => n % 7),
    );
    const link = join(root, 'home/me/Jts/launcher.log');
    symlinkSync(secret, link);
    const pipe = join(root, 'home/me/Jts/ibgateway.Fri.log');
    execFileSync('mkfifo', [pipe]);
    const files = value(await read());
    assert.deepEqual(files.logs, []);
    assert.deepEqual(files.unreadable?.map(({ file }) => file).sort(), [binary, link, pipe].sort());
  });

  it('follows a link to the folder itself, once, and gives up on a loop', async () => {
    const file = write('data/tws/jts.ini', ini);
    mkdirSync(join(root, 'home/me'), { recursive: true });
    symlinkSync(join(root, 'data/tws'), join(root, 'home/me/Jts'));
    symlinkSync(join(root, 'data/tws'), join(root, 'home/me/Jts2'));
    symlinkSync('Jts-loop', join(root, 'home/me/Jts-loop'));
    symlinkSync(join(root, 'home'), join(root, 'data/tws/back'));
    const files = value(await read());
    assert.equal(files.settings.length, 1);
    assert.match(file, /data/);
    assert.match(files.unreadable?.[0]?.why ?? '', /ELOOP/);
  });

  it('is unknown where all that was found is closed to us, and known where one part is open', async () => {
    write('home/me/Jts/jts.ini', ini);
    write('home/me/Jts/launcher.log', `${launcherLine}\n`);
    disk.fail = (path) => (path.startsWith(join(root, 'home/me/Jts/')) ? refusal() : undefined);
    const closed = await read();
    assert.ok(!closed.known);
    assert.match(closed.why, /permission denied/);
    disk.fail = (path) => (path.endsWith('.log') ? refusal() : undefined);
    const half = value(await read());
    assert.equal(half.settings.length, 1);
    assert.match(half.unreadable?.[0]?.file ?? '', /launcher\.log$/);
    disk.fail = undefined;
    const open = value(await read());
    assert.equal(open.logs.length, 1, 'a refusal is not remembered');
    assert.equal(open.unreadable, undefined);
  });

  it('says that encrypted logs are there', async () => {
    write('home/me/Jts/jts.ini', ini);
    write('home/me/Jts/abc/ibgateway.20261120.ibgzenc', 'x');
    assert.match(value(await read()).unreadable?.[0]?.why ?? '', /encrypts/);
  });

  it('opens a file again only when it has changed', async () => {
    write('home/me/Jts/jts.ini', ini);
    const log = write('home/me/Jts/launcher.log', `${launcherLine}\n`);
    const first = await read();
    assert.equal(disk.opened, 2);
    assert.deepEqual(await read(), first);
    assert.equal(disk.opened, 2);
    writeFileSync(log, `${launcherLine}\n${launcherLine}\n`);
    setAge(log, 500);
    assert.equal(value(await read()).logs[0]?.lines.length, 2);
    assert.equal(disk.opened, 3);
  });

  it('waits half a second for a slow disk, and asks it nothing twice', async () => {
    const clock = new FakeClock(nowMs);
    let lists = 0;
    const stuck: Disk = {
      list: () => {
        lists += 1;
        return new Promise(() => undefined);
      },
      look: (file) => systemDisk.look(file),
      readEnd: (file, maxBytes) => systemDisk.readEnd(file, maxBytes),
    };
    const look = read([], { clock, disk: stuck });
    await clock.advance(499);
    assert.equal(clock.pending, 1);
    await clock.advance(1);
    const slow = await look;
    assert.ok(!slow.known);
    assert.match(slow.why, /500 ms/);
    const before = lists;
    const again = read([], { clock, disk: stuck });
    await clock.advance(0);
    assert.ok(!(await again).known);
    assert.equal(lists, before);
  });

  it('is what the Linux machine answers with', async () => {
    write('home/me/Jts/jts.ini', ini);
    const clock = new FakeClock(nowMs);
    const home = join(root, 'home/me');
    const machine = new LinuxMachine(root, { platform: 'linux', home, root, clock });
    assert.equal(value(await machine.twsFiles([])).settings[0]?.port, 4002);
  });
});

describe('the text of a jts.ini', () => {
  it('takes keys in any case from the right sections', () => {
    const text =
      '[u:abc]\nLocalServerPort=1\n[IBGATEWAY]\nlocalserverport = 7497 \ntrustedips=127.0.0.1, 10.0.0.5;::1\n[Logon]\nTimeZone=America/New_York\ntradingMode=p\n[Communication]\nLocalServerPort=9\n';
    assert.deepEqual(parseJtsIni(text), {
      port: 7497,
      trustedIps: ['127.0.0.1', '10.0.0.5', '::1'],
      timeZone: 'America/New_York',
      mode: 'paper',
    });
  });

  it('leaves undefined what is absent, and tells it from an empty list', () => {
    assert.deepEqual(parseJtsIni('[Logon]\nTimeZone=\n'), {
      port: undefined,
      trustedIps: undefined,
      timeZone: undefined,
    });
    assert.deepEqual(parseJtsIni('[IBGateway]\nTrustedIPs=\n').trustedIps, []);
  });

  it('does not take the tunnel to IBKR, or nonsense, for the API port', () => {
    for (const port of ['4000', '0', '70000', 'x', '']) {
      assert.equal(parseJtsIni(`[IBGateway]\nLocalServerPort=${port}\n`).port, undefined);
    }
  });
});

describe('the end of a file as text', () => {
  it('is UTF-8, else Latin-1, else UTF-16 of Windows', () => {
    assert.equal(decodeEnd(Buffer.from('größe'), false), 'größe');
    assert.equal(decodeEnd(Buffer.from('größe', 'latin1'), false), 'größe');
    assert.equal(decodeEnd(Buffer.from('\uFEFFIBC: größe', 'utf16le'), false), 'IBC: größe');
    assert.equal(decodeEnd(Buffer.from([0, 1, 0, 0, 5, 0]), false), undefined);
    assert.equal(decodeEnd(Buffer.alloc(0), false), '');
    assert.equal(decodeEnd(Buffer.from(`${'\0'.repeat(5001)}line\n`), true), 'line\n');
  });

  it('drops the first line where it is cut, even inside a character', () => {
    assert.equal(decodeEnd(Buffer.from('ößx\nwhole é\n').subarray(1), true), 'whole é\n');
    assert.equal(decodeEnd(Buffer.from('cut\nwhole\n', 'utf16le'), true), 'whole\n');
  });

  it('bounds number and length of the lines', () => {
    const lines = lastLines(`${'y\n'.repeat(1000)}\r\n${'x'.repeat(5000)}`);
    assert.equal(lines.length, 400);
    assert.equal(lines.at(-1)?.length, 2000);
  });
});
