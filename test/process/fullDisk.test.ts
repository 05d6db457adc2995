import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { known } from '../../src/core/observed';
import type { EndpointPaths } from '../../src/core/paths';
import { Daemon } from '../../src/daemon/daemon';
import { daemonPaths } from '../../src/daemon/launcher';
import type { StatusRecord } from '../../src/diagnostics/status';
import type { Machine } from '../../src/host/machine';
import { type DrillReport, readLastDrill, writeLastDrill } from '../../src/monitor/drillRecord';
import { Records } from '../../src/monitor/records';
import { DaemonRig, isAlive, tickingRunner } from '../support/daemonRig';
import { eventually } from '../support/eventually';
import { FakeClock } from '../support/fakeClock';
import { SmallDisk } from '../support/smallDisk';

/** A machine on which nobody listens, and whose port can be had. */
const emptyMachine: Machine = {
  platform: 'linux',
  processes: () => Promise.resolve(known([])),
  process: () => Promise.resolve(known(undefined)),
  sockets: () => Promise.resolve(known([])),
  listeners: () => Promise.resolve(known([])),
  twsFiles: () => Promise.resolve(known({ settings: [], logs: [] })),
};

const endpoint = { host: '127.0.0.1', port: 7497 };

function drillAt(startedAt: string): DrillReport {
  const timings = { livenessIntervalMs: 1000, refuseAfterMs: 5000 };
  const counts = { held: 1, total: 1, known: 1 };
  return { schema: 1, ok: true, startedAt, durationMs: 1, ...counts, timings, faults: [] };
}

/** What stops every write, and what the system calls it. */
const troubles = [
  {
    name: 'full',
    code: /ENOSPC|disk is full/,
    cause: 'disk_full',
    begin: (disk: SmallDisk) => {
      disk.fill();
    },
    end: (disk: SmallDisk) => {
      disk.free();
    },
  },
  {
    name: 'read-only',
    code: /EROFS/,
    cause: 'records_unwritable',
    begin: (disk: SmallDisk) => {
      disk.setReadOnly(true);
    },
    end: (disk: SmallDisk) => {
      disk.setReadOnly(false);
    },
  },
] as const;

describe('the log on a disk that fills up', () => {
  it('has whole lines only, before and after', function () {
    const disk = SmallDisk.mount(1);
    if (typeof disk === 'string') {
      console.log(`      skipped: ${disk}`);
      this.skip();
    }
    try {
      const paths = daemonPaths({ stateDirectory: disk.folder, endpoint });
      const records = new Records(paths);
      records.log(0, 'INFO', 'test.first', 'x');
      disk.fill();
      for (let count = 0; records.problem === null; count += 1) {
        records.log(0, 'INFO', 'test.line', `${count} ${'x'.repeat(700)}`);
      }
      assert.match(records.problem, /ENOSPC/);
      disk.free();
      records.log(0, 'INFO', 'test.last', 'x');
      const lines = readFileSync(paths.monitorLog, 'utf8').split('\n');
      assert.equal(lines.pop(), '');
      assert.ok(lines.length > 2);
      for (const line of lines) {
        assert.match(line, /^1970-01-01T\S+ INFO test\.(?:first|last|line) (?:\d+ x{700}|x)$/);
      }
    } finally {
      disk.unmount();
    }
  });
});

for (const trouble of troubles) {
  describe(`on a disk that is ${trouble.name}`, function () {
    this.timeout(40_000);
    let disk: SmallDisk;

    beforeEach(function () {
      const mounted = SmallDisk.mount(4);
      if (typeof mounted === 'string') {
        console.log(`      skipped: ${mounted}`);
        this.skip();
      } else {
        disk = mounted;
      }
    });

    afterEach(() => {
      (disk as SmallDisk | undefined)?.unmount();
    });

    describe('the daemon of an endpoint', () => {
      let clock: FakeClock;
      let daemon: Daemon;
      let elsewhere: string;

      const open = async (stateDirectory: string): Promise<EndpointPaths> => {
        clock = new FakeClock();
        const paths = daemonPaths({ stateDirectory, endpoint });
        const base = { endpoint, clientId: 9000, stateDirectory, runnerScript: '/r' };
        daemon = new Daemon({ ...base, isService: true }, paths, {
          clock,
          machine: emptyMachine,
          random: () => 0,
        });
        daemon.configureWatch('window', { intervalSeconds: 10 });
        daemon.watch();
        await clock.advance(20_000);
        return paths;
      };

      beforeEach(() => {
        elsewhere = mkdtempSync(join(tmpdir(), 'robo-full-'));
      });

      afterEach(() => {
        daemon.dispose();
        rmSync(elsewhere, { recursive: true, force: true });
      });

      const record = (paths: EndpointPaths): StatusRecord =>
        JSON.parse(readFileSync(paths.status, 'utf8')) as StatusRecord;
      const ours = (): readonly string[] =>
        daemon
          .status()
          .findings.filter(({ subject }) => subject.name === 'robo')
          .map(({ guide }) => guide);

      it('says so, keeps every record whole, goes on, and catches up', async () => {
        const paths = await open(disk.folder);
        assert.equal(record(paths).health, 'down');
        assert.ok(existsSync(paths.alert));
        const files = ['status', 'alert'] as const;
        const before = files.map((name) => readFileSync(paths[name], 'utf8'));

        trouble.begin(disk);
        await clock.advance(61_000);
        assert.match(daemon.status().monitor.recordsProblem ?? '', trouble.code);
        assert.deepEqual(ours(), [trouble.cause]);
        assert.deepEqual(
          files.map((name) => readFileSync(paths[name], 'utf8')),
          before,
        );
        assert.deepEqual(
          readdirSync(paths.directory).filter((name) => name.endsWith('.new')),
          [],
        );
        // What the trader says now counts, although it cannot be kept yet.
        const until = new Date(clock.now() + 3_600_000).toISOString();
        assert.equal(daemon.quiet(until).alerts?.quietUntil, until);
        daemon.configureWatch('window', { intervalSeconds: 11 });
        assert.equal(daemon.configureWatch('cli', null).window.intervalSeconds, 11);
        assert.match(daemon.status().alerts?.problem ?? '', /alerts\.json/);

        trouble.end(disk);
        await clock.advance(61_000);
        assert.equal(daemon.status().monitor.recordsProblem, null);
        assert.deepEqual(ours(), []);
        assert.equal(record(paths).monitor.recordsProblem, null);
        assert.equal(record(paths).alerts?.problem, null);
        const kept = (name: string): string => readFileSync(join(paths.directory, name), 'utf8');
        assert.match(kept('alerts.json'), new RegExp(until));
        assert.match(kept('watch.json'), /"intervalSeconds": 11/);
        // The line itself could not be written; what came after is there.
        daemon.log('INFO', 'test.mark', 'after');
        assert.match(readFileSync(paths.monitorLog, 'utf8'), /test\.mark after\n$/);
        const database = new DatabaseSync(paths.database, { readOnly: true });
        try {
          const { count } = database.prepare('SELECT count(*) AS count FROM incidents').get() as {
            count: number;
          };
          assert.equal(count, 1, 'the incident is in the database');
          const watch = database.prepare('SELECT last_seen_at FROM watches').get();
          const seenMs = Date.parse(String(watch?.['last_seen_at']));
          assert.ok(clock.now() - seenMs <= 61_000, 'the database has caught up');
        } finally {
          database.close();
        }
      });

      it('begins there too, and is complete once it can write', async () => {
        mkdirSync(daemonPaths({ stateDirectory: disk.folder, endpoint }).directory, {
          mode: 0o700,
        });
        trouble.begin(disk);
        const paths = await open(disk.folder);
        assert.equal(daemon.status().health, 'down');
        assert.match(daemon.status().monitor.recordsProblem ?? '', trouble.code);
        assert.deepEqual(ours(), [trouble.cause]);
        trouble.end(disk);
        await clock.advance(61_000);
        assert.equal(daemon.status().monitor.recordsProblem, null);
        assert.equal(record(paths).health, 'down');
        assert.ok(existsSync(paths.alert) && existsSync(paths.database));
        assert.match(readFileSync(join(paths.directory, 'watch.json'), 'utf8'), /intervalSeconds/);
      });

      it('says that its copies cannot be written, while the records themselves are', async () => {
        const paths = await open(elsewhere);
        daemon.configureWatch('window', { alsoAt: disk.folder });
        const copy = join(disk.folder, basename(paths.status));
        assert.equal(readFileSync(copy, 'utf8'), readFileSync(paths.status, 'utf8'));
        const before = readFileSync(copy, 'utf8');
        trouble.begin(disk);
        await clock.advance(31_000);
        assert.equal(readFileSync(copy, 'utf8'), before);
        assert.match(record(paths).monitor.recordsProblem ?? '', /copies of the records/);
        assert.match(record(paths).monitor.recordsProblem ?? '', trouble.code);
        assert.deepEqual(ours(), [trouble.cause]);
        trouble.end(disk);
        await clock.advance(61_000);
        assert.equal(record(paths).monitor.recordsProblem, null);
        assert.equal(readFileSync(copy, 'utf8'), readFileSync(paths.status, 'utf8'));
      });
    });

    it('the date of a rehearsal stays the old one, with a word to who rehearsed', () => {
      const paths = daemonPaths({ stateDirectory: disk.folder, endpoint });
      writeLastDrill(paths, drillAt('2026-11-20T15:00:00.000Z'));
      trouble.begin(disk);
      assert.throws(() => {
        writeLastDrill(paths, drillAt('2026-11-21T15:00:00.000Z'));
      }, trouble.code);
      assert.equal(readLastDrill(paths)?.at, '2026-11-20T15:00:00.000Z');
      trouble.end(disk);
      writeLastDrill(paths, drillAt('2026-11-21T15:00:00.000Z'));
      assert.equal(readLastDrill(paths)?.at, '2026-11-21T15:00:00.000Z');
      assert.deepEqual(readdirSync(paths.directory), ['drill.json']);
    });

    describe('a runner', () => {
      let rig: DaemonRig;

      beforeEach(async () => {
        rig = await DaemonRig.start();
      });

      afterEach(async () => {
        await rig.end();
      });

      it('that works is left in peace, and is adopted after a crash', async () => {
        const options = { stateDirectory: disk.folder };
        const client = await rig.connect(options);
        const pid = await rig.startRunner(client, tickingRunner);
        const { logFile } = (await client.status()).runner[0] ?? { logFile: '' };
        const lease = join(dirname(logFile), 'lease.json');
        assert.ok(existsSync(lease));
        trouble.begin(disk);
        await rig.kill(client.daemon.pid);
        assert.ok(await isAlive(pid));
        JSON.parse(readFileSync(lease, 'utf8'));
        // No daemon can take its lock or bind its socket where nothing can be written.
        trouble.end(disk);
        const next = await rig.connect(options);
        assert.equal((await next.status()).runner[0]?.pid, pid);
        await rig.kill(next.daemon.pid);
      });

      it('is started or refused with a finding that names the disk', async () => {
        const client = await rig.connect({ stateDirectory: disk.folder });
        await eventually(async () => (await client.status()).health === 'healthy', 'it watches');
        trouble.begin(disk);
        const outcome = await rig.startRunner(client, tickingRunner).then(
          () => 'started',
          (error: unknown) => String(error),
        );
        const [runner] = (await client.status()).runner;
        const told = `${outcome} ${JSON.stringify(runner?.findings ?? [])}`;
        assert.match(told, new RegExp(`"id":"${trouble.cause}"`), told);
        assert.match(told, /runner\.log|lease|start could not be noted/, told);
        trouble.end(disk);
        await rig.kill(client.daemon.pid);
      });
    });
  });
}
