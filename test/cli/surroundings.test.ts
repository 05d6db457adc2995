import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { machineFor } from '../../src/host/thisMachine';
import { Sandbox } from '../support/sandbox';

describe('the robo command line, where its surroundings fail', function () {
  this.timeout(30_000);
  let box: Sandbox;

  beforeEach(async () => {
    box = await Sandbox.start();
  });

  afterEach(async () => {
    await box.end();
  });

  it('does not say passed to a reader that has left before the end', async () => {
    await box.simulator.setFault('no_data');
    const running = box.spawnRobo(['test', '--timeout', '1']);
    running.child.stdout?.once('data', () => running.child.stdout?.destroy());
    assert.equal((await running.done).code, 141);
  });

  it('leaves no socket to a TWS that no longer notices its clients', async () => {
    await box.robo(['test']);
    await box.simulator.setFault('wedged_close_wait');
    await box.robo(['shutdown']);
    const seen = await machineFor(process.platform).sockets([box.port]);
    assert.ok(seen.known);
    const left = seen.value.map(({ state }) => state).filter((state) => state !== 'TIME_WAIT');
    assert.deepEqual(left, ['LISTEN']);
  });

  it('ends on Ctrl-C while the log that it is to read stays silent', async () => {
    const script = join(__dirname, '..', '..', 'dist', 'cli.cjs');
    const child = spawn(process.execPath, [script, 'diagnose', '-', '--json'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    // More than a pipe holds: when it has left, the command runs and reads.
    await new Promise<void>((resolve) => {
      child.stdin.write('nothing of interest\n'.repeat(50_000), () => {
        resolve();
      });
    });
    const closed = once(child, 'close');
    child.kill('SIGINT');
    const [code] = (await closed) as [number | null];
    assert.equal(code, 0);
  });

  it('says so when its folder has been removed', async function () {
    if (process.platform === 'win32') {
      this.skip();
    }
    const folder = join(box.endpointDirectory, 'gone');
    mkdirSync(folder, { recursive: true });
    const script = join(__dirname, '..', '..', 'dist', 'cli.cjs');
    const words = [
      'cd "$0" && rmdir "$0" && exec "$@"',
      folder,
      process.execPath,
      script,
      'status',
    ];
    const child = spawn('sh', ['-c', ...words], { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    const [code] = (await once(child, 'close')) as [number | null];
    assert.equal(code, 3);
    assert.match(said, /^robo: The folder in which robo was called is gone; .+\.\n$/);
  });

  it('tells machines whether somebody watches or the record is old', async () => {
    await box.robo(['test']);
    const parse = (text: string) => JSON.parse(text) as { live: boolean; ageSeconds: number };
    assert.equal(parse((await box.robo(['status', '--json'])).stdout).live, true);
    await box.robo(['shutdown']);
    const { code, stdout } = await box.robo(['status', '--json']);
    assert.equal(code, 3);
    assert.equal(parse(stdout).live, false);
    assert.ok(parse(stdout).ageSeconds >= 0);
  });

  it('leaves TWS alone when the monitor cannot be reached by anybody', async () => {
    mkdirSync(join(box.endpointDirectory, 'daemon.sock'), { recursive: true });
    const { code, stderr } = await box.robo(['test']);
    assert.equal(code, 3);
    assert.match(stderr, /^robo: .+/);
    assert.equal(box.simulator.statistics.connectionsAccepted, 0);
  });
});
