import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { systemClock } from '../../src/core/clock';
import { heartbeatIntervalMs } from '../../src/daemon/alertHeartbeat';
import { settleMs } from '../../src/daemon/alertPolicy';
import { Alerts, type AlertsDependencies } from '../../src/daemon/alerts';
import { removeUnfinished } from '../../src/daemon/alertStore';
import { IncidentLedger } from '../../src/daemon/incidentLedger';
import type { StatusRecord } from '../../src/diagnostics/status';
import { toolRunner } from '../../src/host/tool';
import { eventually, isThere } from '../support/eventually';
import { FakeClock } from '../support/fakeClock';
import { pathsBelow, recordAtMs, statusRecordOf } from '../support/statusRecords';
import { findingWith } from '../support/uiFixtures';

const endpoint = { host: '127.0.0.1', port: 7497 };
const down = statusRecordOf({ health: 'down', findings: [findingWith()] });
const healthy = statusRecordOf({ health: 'healthy' });

/** Appends to a file what it got: its arguments and its stdin, one JSON line a run. */
const recordingProgram = `#!${process.execPath}
const fs = require('node:fs');
const input = fs.readFileSync(0, 'utf8');
fs.appendFileSync(process.argv[1] + '.ran', JSON.stringify([process.argv.slice(2), input]) + '\\n');
`;

describe('alerts', function () {
  this.timeout(10_000);
  let root: string;
  let clock: FakeClock;
  let log: string[];
  let opened: Alerts[];
  let ledger: IncidentLedger;

  beforeEach(() => {
    root = realpathSync(mkdtempSync(join(tmpdir(), 'robo-a-')));
    clock = new FakeClock(recordAtMs);
    log = [];
    opened = [];
    ledger = new IncidentLedger();
  });

  afterEach(() => {
    opened.forEach((alerts) => {
      alerts.dispose();
    });
    rmSync(root, { recursive: true, force: true });
  });

  function open(changes: Partial<AlertsDependencies> = {}, directory = root): Alerts {
    const alerts = new Alerts(pathsBelow(directory), endpoint, {
      clock,
      platform: 'linux',
      environment: { DBUS_SESSION_BUS_ADDRESS: 'unix:path=/none', PATH: process.env['PATH'] },
      run: toolRunner(systemClock),
      redact: (text) => text,
      log: (level, token, words) => log.push(`${level} ${token} ${words}`),
      onChange: () => undefined,
      isRehearsal: false,
      notifySend: [],
      ...changes,
    });
    alerts.begin();
    opened.push(alerts);
    return alerts;
  }

  function program(name: string, text = recordingProgram): string {
    const file = join(root, name);
    writeFileSync(file, text);
    chmodSync(file, 0o755);
    return file;
  }

  /** What a recording program has got so far: arguments and stdin of each run. */
  function runsOf(file: string): readonly (readonly [readonly string[], string])[] {
    return existsSync(`${file}.ran`)
      ? readFileSync(`${file}.ran`, 'utf8')
          .split('\n')
          .slice(0, -1)
          .map((line) => JSON.parse(line) as [string[], string])
      : [];
  }

  function take(alerts: Alerts, record: StatusRecord): void {
    alerts.take(record, ledger.take(record, false));
  }

  it('give each begin and each end to the program, as JSON on its stdin, once', async () => {
    const file = program('page');
    const alerts = open();
    alerts.configure('cli', { command: [file, '$(id)', 'a b'] });
    take(alerts, down);
    await clock.advance(settleMs);
    take(alerts, down);
    await eventually(() => runsOf(file).length === 1, 'the begin');
    take(alerts, healthy);
    take(alerts, healthy);
    await eventually(() => runsOf(file).length === 2, 'the end');
    assert.deepEqual(
      runsOf(file).map(([args]) => args),
      [
        ['$(id)', 'a b'],
        ['$(id)', 'a b'],
      ],
    );
    const [begin, end] = runsOf(file).map(
      ([, input]) => JSON.parse(input) as { event: string; incident: Record<string, unknown> },
    );
    assert.deepEqual([begin?.event, end?.event], ['begin', 'end']);
    assert.equal(begin?.incident['key'], end?.incident['key']);
    assert.equal(begin?.incident['cause'], 'silent_accept_dialog');
    assert.equal(begin.incident['until'], null);
    assert.notEqual(end?.incident['until'], null);
  });

  it('say once that the program fails, go on, and say when it works again', async () => {
    const file = program(
      'page',
      `#!${process.execPath}\nconsole.error('no pager');process.exit(3);\n`,
    );
    const alerts = open();
    alerts.configure('cli', { command: [file] });
    const failures = (): number => log.filter((line) => line.includes('exit code 3')).length;
    take(alerts, down);
    await clock.advance(settleMs);
    await eventually(() => failures() === 1, 'the failure is said');
    assert.match(alerts.part.alerts.problem ?? '', /ended with exit code 3: no pager/);
    const marker = join(root, 'second');
    program(
      'page',
      `#!${process.execPath}\nrequire('fs').writeFileSync(${JSON.stringify(marker)},'');process.exit(3);`,
    );
    take(alerts, healthy);
    await eventually(() => existsSync(marker), 'the end is tried');
    program('page');
    alerts.configure('cli', { command: [file] });
    take(alerts, { ...down, since: '2026-11-20T16:00:00.000Z' });
    await clock.advance(settleMs);
    await eventually(() => alerts.part.alerts.problem === null, 'it works again');
    assert.ok(log.some((line) => line === 'INFO alert.command works again'));
  });

  it('kill a program that does not end, by its pid, and run the next one', async () => {
    const file = program(
      'hang',
      `#!${process.execPath}\nrequire('fs').appendFileSync(__filename + '.pids', process.pid + '\\n');setInterval(() => {}, 1000);\n`,
    );
    const pids = (): readonly number[] =>
      existsSync(`${file}.pids`)
        ? readFileSync(`${file}.pids`, 'utf8').split('\n').filter(Boolean).map(Number)
        : [];
    const alerts = open();
    alerts.configure('cli', { command: [file] });
    take(alerts, down);
    await clock.advance(settleMs);
    take(alerts, healthy);
    await eventually(() => pids().length === 1, 'the first one runs');
    await clock.advance(30_000);
    await eventually(() => pids().length === 2, 'the second one runs');
    const [first = 0, second = 0] = pids();
    assert.equal(isThere(first), false);
    assert.ok(log.some((line) => line.includes('was killed')));
    alerts.dispose();
    await eventually(() => !isThere(second), 'none outlives the watch');
  });

  it('read what a program says without end slowly, and let it come to its end', async () => {
    const file = program(
      'chatter',
      `#!${process.execPath}\nconst text = 'x'.repeat(65536);for (let i = 0; i < 64; i += 1) require('fs').writeSync(2, text);process.exit(3);\n`,
    );
    const alerts = open();
    alerts.configure('cli', { command: [file] });
    take(alerts, down);
    await clock.advance(settleMs);
    const before = clock.monotonicMs();
    await eventually(async () => {
      await clock.advance(50);
      return log.some((line) => line.includes('exit code 3'));
    }, 'its end');
    const ms = clock.monotonicMs() - before;
    assert.ok(ms >= 2000 && ms < 30_000, `4 MB in ${ms} ms`);
  });

  it('let the program end when the watch does, for a second', async () => {
    const file = program(
      'slow',
      `#!${process.execPath}\nrequire('fs').writeFileSync(__filename + '.began', '');setTimeout(() => require('fs').writeFileSync(__filename + '.ended', ''), 300);\n`,
    );
    const alerts = open();
    alerts.configure('cli', { command: [file] });
    take(alerts, down);
    await clock.advance(settleMs);
    await eventually(() => existsSync(`${file}.began`), 'it runs');
    await alerts.end();
    assert.ok(existsSync(`${file}.ended`));
  });

  it('say what a missing program is, and harm nothing', async () => {
    const alerts = open();
    alerts.configure('cli', { command: [join(root, 'none')] });
    take(alerts, down);
    await clock.advance(settleMs);
    await eventually(() => (alerts.part.alerts.problem ?? '').includes('ENOENT'), 'it is said');
    alerts.configure('cli', {});
    assert.equal(alerts.part.alerts.problem, null);
  });

  it('show on the desktop while no window is connected, and only where that is wanted', async () => {
    const file = program('notify-send');
    const alerts = open({ notifySend: [file] });
    alerts.setWindows(1);
    take(alerts, down);
    await clock.advance(settleMs);
    alerts.setWindows(0);
    take(alerts, healthy);
    await eventually(() => runsOf(file).length === 1, 'the end is shown');
    assert.match(runsOf(file)[0]?.[0].at(-2) ?? '', /^Over: TWS paper/);
    alerts.configure('window', { desktop: false });
    const page = program('page');
    alerts.configure('cli', { command: [page] });
    take(alerts, { ...down, since: '2026-11-20T16:00:00.000Z' });
    await clock.advance(settleMs);
    await eventually(() => runsOf(page).length === 1, 'the program ran');
    assert.equal(runsOf(file).length, 1);
  });

  it('tell nobody in a rehearsal', async () => {
    const file = program('notify-send');
    const alerts = open({ notifySend: [file], isRehearsal: true });
    alerts.configure('cli', { command: [file], heartbeatUrl: 'http://127.0.0.1:9/' });
    take(alerts, down);
    await clock.advance(settleMs);
    assert.ok(log.some((line) => line.startsWith('WARN alert.begin')));
    const bystander = program('bystander');
    const other = open({}, join(root, 'other'));
    other.configure('cli', { command: [bystander] });
    other.take(down, new IncidentLedger().take(down, false));
    await clock.advance(settleMs);
    await eventually(() => runsOf(bystander).length === 1, 'another watch tells');
    assert.deepEqual(runsOf(file), []);
  });

  it('keep what is acknowledged, told, quiet and set for the next daemon', async () => {
    const first = open();
    first.configure('cli', { desktop: false });
    take(first, down);
    await clock.advance(settleMs);
    const [acknowledged] = first.acknowledge(undefined);
    assert.deepEqual(first.acknowledge(undefined), [], 'it is acknowledged already');
    first.quiet(new Date(clock.now() + 3_600_000).toISOString());
    first.dispose();

    const rows = ledger.present;
    ledger = new IncidentLedger();
    ledger.adopt({ incidents: rows, lastSeenAt: down.timestamp });
    const second = open();
    assert.deepEqual(second.said.cli, { desktop: false });
    assert.notEqual(second.part.alerts.quietUntil, null);
    second.quiet(null);
    take(second, statusRecordOf({ health: 'connecting' }));
    take(second, down);
    await clock.advance(10 * settleMs);
    assert.equal(second.part.incidents[0]?.key, acknowledged?.key);
    assert.equal(second.part.incidents[0]?.acknowledgedAt, acknowledged?.acknowledgedAt);
    assert.equal(log.filter((line) => line.includes('alert.begin')).length, 1);
    take(second, healthy);
    assert.deepEqual(second.part.incidents, []);
    assert.equal(log.filter((line) => line.includes('alert.end')).length, 1);
  });

  it('go on without their file: broken, a link, or no room for it', () => {
    const paths = pathsBelow(root);
    const file = join(paths.directory, 'alerts.json');
    mkdirSync(paths.directory, { recursive: true });
    writeFileSync(file, '{"schema":1,"incidents":[{"key":');
    open();
    assert.match(log.at(-1) ?? '', /alerts\.json cannot be read/);
    const victim = join(root, 'victim');
    writeFileSync(victim, '{}');
    rmSync(file, { force: true });
    symlinkSync(victim, file);
    const alerts = open();
    assert.match(log.at(-1) ?? '', /cannot be read \(ELOOP\)/);
    alerts.configure('cli', { desktop: false });
    assert.equal(readFileSync(victim, 'utf8'), '{}', 'no link is followed');
    rmSync(file, { force: true });
    mkdirSync(join(file, 'in the way'), { recursive: true });
    alerts.configure('cli', { desktop: true });
    assert.match(alerts.part.alerts.problem ?? '', /cannot be written/);
    take(alerts, down);
    assert.equal(alerts.part.incidents.length, 1);
    rmSync(file, { recursive: true });
    take(alerts, down);
    assert.equal(alerts.part.alerts.problem, null);
  });

  it('refuse wrong settings and times, and change nothing then', () => {
    const alerts = open();
    alerts.configure('window', { desktop: false });
    assert.throws(() => alerts.configure('window', { command: ['relative'] }), /absolute path/);
    assert.deepEqual(alerts.said.window, { desktop: false });
    for (const until of ['nonsense', '2020-01-01T00:00:00Z', '2030-01-01T00:00:00Z']) {
      assert.throws(() => {
        alerts.quiet(until);
      }, /seven days/);
    }
    assert.equal(alerts.part.alerts.quietUntil, null);
  });

  describe('with a heartbeat', () => {
    let server: Server;
    let requests: { readonly line: string; readonly body: string }[];
    let status: number;
    let url: string;

    beforeEach(async () => {
      requests = [];
      status = 200;
      server = createServer((request, response) => {
        let body = '';
        request.on('data', (chunk: Buffer) => (body += chunk.toString()));
        request.on('end', () => {
          requests.push({ line: `${request.method ?? ''} ${request.url ?? ''}`, body });
          response.writeHead(status, { location: 'http://127.0.0.1:1/' }).end('ok');
        });
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/ping/secret-key`;
    });

    afterEach(() => {
      server.closeAllConnections();
      server.close();
    });

    it('call the address every minute, without data, until told otherwise', async () => {
      const alerts = open();
      alerts.configure('window', { heartbeatUrl: url });
      await eventually(() => requests.length === 1, 'the first call');
      await clock.advance(heartbeatIntervalMs);
      await eventually(() => requests.length === 2, 'the second call');
      assert.deepEqual(requests[0], { line: 'GET /ping/secret-key', body: '' });
      alerts.configure('cli', { heartbeatUrl: '' });
      const before = clock.pending;
      await clock.advance(3 * heartbeatIntervalMs);
      assert.equal(before, 0);
      assert.equal(requests.length, 2);
    });

    it('go on calling after a new start of the watch', async () => {
      open().configure('window', { heartbeatUrl: url });
      await eventually(() => requests.length === 1, 'the first call');
      opened.forEach((alerts) => {
        alerts.dispose();
      });
      open();
      await eventually(() => requests.length === 2, 'the call of the next one');
    });

    it('say once that it does not arrive, never where to, and when it does again', async () => {
      status = 302;
      const alerts = open();
      alerts.configure('window', { heartbeatUrl: url });
      await eventually(
        () => (alerts.part.alerts.problem ?? '').includes('HTTP status 302'),
        'said',
      );
      await clock.advance(heartbeatIntervalMs);
      await eventually(() => requests.length === 2, 'called again');
      status = 204;
      await clock.advance(heartbeatIntervalMs);
      await eventually(() => alerts.part.alerts.problem === null, 'well again');
      assert.equal(log.filter((line) => line.startsWith('WARN alert.heartbeat')).length, 1);
      assert.doesNotMatch(log.join('\n'), /secret-key/);
    });

    it('bear a server that never answers, and one that is gone', async () => {
      server.removeAllListeners('request');
      const held = new Promise<void>((resolve) => {
        server.once('request', () => {
          resolve();
        });
      });
      const alerts = open();
      alerts.configure('window', { heartbeatUrl: url });
      await held;
      await clock.advance(10_000);
      await eventually(() => (alerts.part.alerts.problem ?? '').includes('within 10 s'), 'late');
      server.closeAllConnections();
      server.close();
      await clock.advance(heartbeatIntervalMs);
      await eventually(() => (alerts.part.alerts.problem ?? '').includes('ECONNREFUSED'), 'gone');
    });
  });

  it('are whole in their files at every instant, whenever their writer is killed', async () => {
    const host = join(__dirname, '..', 'support', 'restlessRecordsHost.ts');
    for (let round = 0; round < 5; round += 1) {
      const child = spawn(
        process.execPath,
        ['--import', pathToFileURL(require.resolve('tsx')).href, host, root],
        { stdio: ['ignore', 'pipe', 'ignore'], env: { PATH: process.env['PATH'] } },
      );
      try {
        await once(child.stdout, 'data');
        const paths = pathsBelow(root);
        await eventually(() => existsSync(join(paths.directory, 'alerts.json')), 'it writes');
        // Not always the same moment of a write, which takes a millisecond or so.
        const until = performance.now() + 3 + round * 1.7;
        while (performance.now() < until) {
          assert.match(readFileSync(paths.alert, 'utf8'), /^(.)\1*\n$/);
        }
        const gone = once(child, 'exit');
        child.kill('SIGKILL');
        await gone;
        const text = readFileSync(paths.alert, 'utf8');
        assert.equal(text.length, 300_001);
        assert.match(text, /^(.)\1*\n$/);
        assert.equal(open().said.cli.command?.[1]?.length, 2000);
        removeUnfinished(paths);
        assert.deepEqual(readdirSync(paths.directory).sort(), [
          'IBKR_CONNECTION_CRITICAL.txt',
          'alerts.json',
        ]);
      } finally {
        child.kill('SIGKILL');
      }
    }
    assert.deepEqual(log, []);
  });

  it('leave no half-written record of a daemon that was killed', () => {
    const paths = pathsBelow(root);
    mkdirSync(paths.directory, { recursive: true });
    const kept = [`${paths.drill}.77.new`, `${paths.status}.new`, paths.status];
    const strays = [`${paths.status}.77.new`, `${paths.alert}.78.new`];
    for (const file of [...kept, ...strays]) {
      writeFileSync(file, '{');
    }
    removeUnfinished(paths);
    assert.deepEqual([...kept, ...strays].map(existsSync), [true, true, true, false, false]);
  });
});
