import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { systemClock } from '../../src/core/clock';
import type { DaemonClient } from '../../src/daemon/client';
import { connectToDaemon } from '../../src/daemon/launcher';
import { Service, type ServiceRequest } from '../../src/daemon/service/service';
import { serviceName } from '../../src/daemon/service/serviceSpec';
import { systemdServices } from '../../src/daemon/service/systemd';
import { machineFor } from '../../src/host/thisMachine';
import { toolRunner } from '../../src/host/tool';
import { Simulator } from '../../src/simulator/simulator';
import { eventually, isThere } from '../support/eventually';
import { FakeSystemctl } from '../support/fakeSystemctl';

const distDirectory = join(__dirname, '..', '..', 'dist');

describe('the monitor as a systemd user service', function () {
  this.timeout(60_000);
  let root: string;
  let home: string;
  let simulator: Simulator;
  let systemctl: FakeSystemctl;
  let request: ServiceRequest;
  let pids: Set<number>;

  before(function () {
    if (process.platform !== 'linux') {
      this.skip();
    }
  });

  beforeEach(async () => {
    root = realpathSync(mkdtempSync(join(tmpdir(), 'robo-service-')));
    home = join(root, 'ho me %h $HOME & "q"');
    mkdirSync(home);
    systemctl = new FakeSystemctl(join(root, 'bin'));
    simulator = new Simulator();
    const { port } = await simulator.start();
    pids = new Set();
    request = {
      endpoint: { host: '127.0.0.1', port },
      clientId: 9000,
      stateDirectory: join(home, 'state'),
      livenessIntervalMs: 30_000,
      node: process.execPath,
    };
  });

  afterEach(async () => {
    for (const pid of [...pids, ...Object.values(systemctl.memory.pids)]) {
      if (isThere(pid)) {
        process.kill(pid, 'SIGKILL');
      }
      await eventually(() => !isAlive(pid), `pid ${pid} is gone`);
    }
    await simulator.stop();
    rmSync(root, { recursive: true, force: true });
  });

  function serviceWith(tool: string = systemctl.file): Service {
    const run = toolRunner(systemClock);
    const { endpoint } = request;
    const name = serviceName(endpoint);
    const system = systemdServices(name, {
      platform: 'linux',
      environment: {},
      homeDirectory: home,
      userId: process.getuid?.(),
      userName: 'nobody-of-this-name',
      run,
      tool,
    });
    return new Service(system, endpoint, {
      run,
      clock: systemClock,
      machine: machineFor(process.platform),
      distDirectory,
      programDirectory: join(home, 'data', 'services', name),
      version: '1.2.3',
    });
  }

  const definition = (): string =>
    join(home, '.config/systemd/user', `${serviceName(request.endpoint)}.service`);

  /** A monitor that a window or a command has started. */
  async function otherMonitor(): Promise<DaemonClient> {
    const client = await connectToDaemon({
      stateDirectory: request.stateDirectory,
      endpoint: request.endpoint,
      clientId: 9000,
      kind: 'cli',
      runtime: { execPath: process.execPath, environment: {} },
      daemonScript: join(distDirectory, 'daemon.cjs'),
      runnerScript: join(distDirectory, 'runner.cjs'),
    });
    pids.add(client.daemon.pid);
    return client;
  }

  it('is installed, runs from its own copy, and is removed without a trace', async () => {
    const service = serviceWith();
    const { outcome, status } = await service.install(request);
    assert.equal(outcome, 'installed');
    const pid = status.pid ?? 0;
    assert.deepEqual(
      [status.installed, status.enabled, status.running, status.problem],
      [true, true, true, null],
    );
    assert.equal(pid, Object.values(systemctl.memory.pids)[0]);
    assert.equal(statSync(definition()).mode & 0o133, 0, 'nobody else writes it, nobody runs it');
    const found = await machineFor(process.platform).process(pid);
    assert.ok(found.known);
    assert.ok(found.value?.argv[1]?.startsWith(join(home, 'data', 'services')));
    assert.equal(simulator.statistics.connectionsAccepted, 1);
    assert.equal(await service.uninstall(), true);
    await eventually(() => !isAlive(pid), 'the monitor has ended');
    assert.deepEqual(readdirSync(dirname(definition())), []);
    assert.equal(existsSync(join(home, 'data')), false);
    assert.deepEqual(systemctl.memory.enabled, []);
    assert.equal((await service.status()).installed, false);
    assert.equal(await service.uninstall(), false);
  });

  it('is left alone when nothing has changed, and brought up to date when something has', async () => {
    const service = serviceWith();
    const first = await service.install(request);
    const again = await service.install(request);
    assert.equal(again.outcome, 'unchanged');
    assert.equal(again.status.pid, first.status.pid);
    assert.equal(systemctl.count('restart'), 1);
    const changed = await service.install({ ...request, clientId: 9001 });
    assert.equal(changed.outcome, 'updated');
    assert.equal(changed.status.running, true);
    assert.notEqual(changed.status.pid, first.status.pid);
    assert.match(readFileSync(definition(), 'utf8'), /"--client-id=9001"/);
  });

  it('takes the endpoint over from a monitor that a window has started', async () => {
    const other = await otherMonitor();
    const { status } = await serviceWith().install(request);
    assert.equal(status.running, true);
    assert.notEqual(status.pid, other.daemon.pid);
    await eventually(() => !isAlive(other.daemon.pid), 'the other one has ended');
  });

  it('is not running when it was killed, and says how it ended', async () => {
    const service = serviceWith();
    const { status } = await service.install(request);
    process.kill(status.pid ?? 0, 'SIGKILL');
    await eventually(async () => (await service.status()).running === false, 'it is seen');
    const seen = await service.status();
    assert.deepEqual([seen.installed, seen.enabled, seen.pid], [true, true, null]);
    assert.equal(seen.state, 'failed (signal 9)');
    assert.match(seen.problem ?? '', /does not run.*robo service install/);
    const other = await otherMonitor();
    const held = await service.status();
    assert.equal(held.running, false);
    assert.match(held.problem ?? '', new RegExp(`Another monitor, pid ${other.daemon.pid},`));
    other.dispose();
  });

  it('says when its Node has gone', async () => {
    const service = serviceWith();
    await service.install(request);
    const text = readFileSync(definition(), 'utf8');
    writeFileSync(
      definition(),
      text.replace(/"node":"[^"]*"/, `"node":"${join(root, 'gone').replaceAll('-', '\\u002d')}"`),
    );
    assert.match((await service.status()).problem ?? '', /gone is no longer there/);
  });

  for (const [what, tool, says] of [
    ['systemd does not run', undefined, /cannot be reached: .*No medium found.*robo monitor/],
    ['there is no systemd', '/nowhere/systemctl', /\/nowhere\/systemctl is not on this machine/],
  ] as const) {
    it(`writes nothing where ${what}, and says what to do`, async () => {
      systemctl.refuse('show', 99);
      await assert.rejects(serviceWith(tool).install(request), says);
      assert.deepEqual(readdirSync(home), []);
    });
  }

  for (const verb of ['daemon-reload', 'enable', 'restart']) {
    it(`leaves nothing behind when ${verb} is refused`, async () => {
      systemctl.refuse(verb);
      await assert.rejects(
        serviceWith().install(request),
        /could not be installed: .*No medium found.*Nothing is installed/,
      );
      assert.equal(existsSync(definition()), false);
      assert.equal(existsSync(join(home, 'data')), false);
      assert.deepEqual(systemctl.memory.enabled, []);
      assert.deepEqual(systemctl.memory.pids, {});
    });
  }

  it('keeps the old service when a change is refused', async () => {
    const service = serviceWith();
    await service.install(request);
    const before = readFileSync(definition(), 'utf8');
    systemctl.refuse('restart');
    await assert.rejects(
      service.install({ ...request, clientId: 9001 }),
      /The service is as it was before/,
    );
    assert.equal(readFileSync(definition(), 'utf8'), before);
    await eventually(async () => (await service.status()).running === true, 'it runs again');
  });

  it('removes nothing when the system cannot be asked', async () => {
    const service = serviceWith();
    const { status } = await service.install(request);
    systemctl.refuse('show', 99);
    await assert.rejects(service.uninstall(), /cannot be reached.*Nothing was removed/);
    assert.ok(existsSync(definition()));
    assert.ok(isAlive(status.pid ?? 0));
    const seen = await service.status();
    assert.deepEqual([seen.running, seen.enabled], [true, null]);
  });

  it('neither replaces nor removes a unit of somebody else', async () => {
    mkdirSync(dirname(definition()), { recursive: true });
    writeFileSync(definition(), '[Service]\nExecStart=/bin/true\n');
    const service = serviceWith();
    await assert.rejects(service.install(request), /was not written by Robo/);
    await assert.rejects(service.uninstall(), /was not written by Robo/);
    assert.match((await service.status()).problem ?? '', /was not written by Robo/);
    assert.match(readFileSync(definition(), 'utf8'), /bin\/true/);
  });

  it('writes through no link', async () => {
    const target = join(root, 'target');
    writeFileSync(target, 'precious');
    mkdirSync(dirname(definition()), { recursive: true });
    symlinkSync(target, definition());
    await assert.rejects(serviceWith().install(request), /is a link/);
    assert.equal(readFileSync(target, 'utf8'), 'precious');
  });
});

/** False for a zombie too, which waits for whoever adopted it. */
function isAlive(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}
