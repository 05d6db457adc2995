import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { ServiceStatus } from '../../src/daemon/service/service';
import { Sandbox } from '../support/sandbox';

/** Nothing here may install anything: where the tests run, a real service manager may run too. */
describe('robo service', function () {
  this.timeout(60_000);
  let box: Sandbox;

  beforeEach(async () => {
    box = await Sandbox.start();
  });

  afterEach(async () => {
    await box.end();
  });

  it('shows the definition and the commands with --dry-run and writes nothing', async () => {
    const before = readdirSync(dirname(box.workspace));
    const { code, stdout, stderr } = await box.robo([
      ...['service', 'install', '--dry-run', '--client-id', '9012'],
      ...['--node', process.execPath, '--interval', '7'],
    ]);
    assert.equal(code, 0, stderr);
    for (const part of [
      `--port=${box.port}`,
      '--client-id=9012',
      '--interval-ms=7000',
      `--state-dir=${box.stateDirectory}`,
      '--service',
      'Would run:',
    ]) {
      assert.ok(stdout.includes(part), part);
    }
    assert.deepEqual(readdirSync(dirname(box.workspace)), before);
  });

  it('says that nothing is installed, with exit 1', async () => {
    const { code, stdout } = await box.robo(['service', 'status', '--json']);
    assert.equal(code, 1);
    const status = JSON.parse(stdout) as ServiceStatus;
    assert.equal(status.schema, 1);
    assert.equal(status.name, `robo-monitor-127.0.0.1_${box.port}`);
    assert.deepEqual(
      [status.installed, status.enabled, status.running, status.pid],
      [false, false, false, null],
    );
    const text = await box.robo(['service', 'status']);
    assert.equal(text.code, 1);
    assert.match(text.stdout, /not installed/);
  });

  it('has nothing to remove where nothing is installed', async () => {
    const { code, stdout } = await box.robo(['service', 'uninstall']);
    assert.equal(code, 0);
    assert.match(stdout, /nothing was removed/);
  });

  it('takes no host of another machine from .env', async () => {
    box.write('.env', 'IBKR_HOST=192.0.2.7\n');
    const refused = await box.robo(['service', 'install', '--dry-run']);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /192\.0\.2\.7.*--host/);
    const meant = await box.robo([
      ...['service', 'install', '--dry-run', '--host', '192.0.2.7'],
      ...['--node', process.execPath],
    ]);
    assert.equal(meant.code, 0, meant.stderr);
    assert.match(meant.stdout, /--host=192\.0\.2\.7/);
  });

  for (const [what, args, says] of [
    ['no verb', [], /install, uninstall or status/],
    ['an unknown verb', ['enable'], /no "robo service enable"/],
    ['a flag of another verb', ['status', '--dry-run'], /--dry-run/],
    ['an interval of nothing', ['install', '--interval', '0'], /--interval is "0"/],
  ] as const) {
    it(`answers ${what} with one sentence and exit 64`, async () => {
      const { code, stdout, stderr } = await box.robo(['service', ...args]);
      assert.equal(code, 64);
      assert.equal(stdout, '');
      assert.match(stderr, says);
      assert.equal(stderr.trim().split('\n').length, 1);
    });
  }

  it('names the programs that will not do when there is no Node', async () => {
    const { code, stderr } = await box.robo([
      ...['service', 'install', '--dry-run', '--node', '/nowhere/node'],
    ]);
    assert.equal(code, 1);
    assert.match(stderr, /Node\.js of its own.*\/nowhere\/node.*22\.13.*--node/);
  });
});
