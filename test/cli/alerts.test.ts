import assert from 'node:assert/strict';
import { Sandbox } from '../support/sandbox';

describe('the command line about alerts', function () {
  this.timeout(60_000);
  let box: Sandbox;

  beforeEach(async () => {
    box = await Sandbox.start();
  });

  afterEach(async () => {
    await box.end();
  });

  it('asks for quiet, shows it in the status, and takes it back', async () => {
    assert.equal((await box.robo(['test', '--no-data'])).code, 0);
    assert.equal((await box.robo(['quiet'])).stdout, 'Alerts are raised as they come.\n');
    const { stdout } = await box.robo(['quiet', '2h', '--json']);
    const { quietUntil } = JSON.parse(stdout) as { quietUntil: string };
    const status = JSON.parse((await box.robo(['status', '--json'])).stdout) as {
      alerts: { quietUntil: string };
    };
    assert.equal(status.alerts.quietUntil, quietUntil);
    assert.equal(box.status?.alerts?.quietUntil, quietUntil);
    assert.match((await box.robo(['status'])).stdout, /do not disturb until /);
    assert.match(
      (await box.robo(['quiet', 'until', '17:00'])).stdout,
      /^Nobody is disturbed until/,
    );
    assert.equal((await box.robo(['quiet', 'off'])).stdout, 'Alerts are raised as they come.\n');
    assert.equal(
      (await box.robo(['acknowledge'])).stdout,
      'No incident is open that is not acknowledged already.\n',
    );
  });

  it('keeps how alerts are raised, and what is said later counts', async () => {
    const set = ['alerts', '--desktop', 'off', '--heartbeat', 'http://127.0.0.1:9/', '--json'];
    const program = [process.execPath, '-e', '0', '--json'];
    const first = JSON.parse((await box.robo([...set, '--', ...program])).stdout) as object;
    const said = { schema: 1, desktop: false, command: program };
    assert.deepEqual(first, { ...said, heartbeatUrl: 'http://127.0.0.1:9/' });
    await box.robo(['shutdown']);
    const later = await box.robo(['alerts', '--heartbeat', 'off', '--json']);
    assert.deepEqual(JSON.parse(later.stdout), { ...said, heartbeatUrl: '' });
    const { stdout } = await box.robo(['alerts', '--default']);
    assert.match(stdout, /: on\n.*: none\n.*: none\n$/);
  });

  it('says where nobody watches that there is nothing to be quiet about', async () => {
    for (const command of ['quiet', 'acknowledge']) {
      const { code, stdout, stderr } = await box.robo([command]);
      assert.equal(code, 1);
      assert.equal(stdout, '');
      assert.match(stderr, /^robo: no monitor runs for .*; "robo test" starts one\.\n$/);
    }
  });

  for (const [args, says] of [
    [['quiet', 'tomorrow'], /"tomorrow" says no time/],
    [['quiet', '30d'], /seven days/],
    [['alerts', '--desktop', 'maybe'], /--desktop is "maybe"/],
    [['alerts', '--heartbeat', 'http://example.com/'], /https:\/\//],
    [['alerts', '--', 'page-me'], /absolute path/],
    [['alerts', '--'], /After --/],
  ] as const) {
    it(`answers "${args.join(' ')}" with one sentence and exit 64`, async () => {
      const { code, stdout, stderr } = await box.robo(args);
      assert.equal(code, 64);
      assert.equal(stdout, '');
      assert.match(stderr, says);
      assert.equal(stderr.trim().split('\n').length, 1);
    });
  }
});
