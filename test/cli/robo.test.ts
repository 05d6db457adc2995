import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { layers } from '../../src/diagnostics/finding';
import type { KillOutcome, ProcessListing } from '../../src/daemon/protocol';
import type { PreflightReport } from '../../src/preflight/report';
import { eventually, isThere } from '../support/eventually';
import { Sandbox } from '../support/sandbox';

/** What the runner of the outage printed, symbol by symbol, with its process staying alive. */
const outageRunner = `
for (const symbol of ['AAPL', 'NVDA', 'TSLA']) {
  console.log('Failed to fetch data for ' + symbol + ': RetryError[<Future at 0x7f3a8c state=finished raised TimeoutError>]');
}
setInterval(() => undefined, 1000);
`;

describe('the robo command line', function () {
  this.timeout(60_000);
  let box: Sandbox;

  beforeEach(async () => {
    box = await Sandbox.start();
  });

  afterEach(async () => {
    await box.end();
  });

  it('tests a healthy TWS, keeps the one session, and says so as JSON', async () => {
    const { code, stdout } = await box.robo(['test', '--json']);
    assert.equal(code, 0);
    const report = JSON.parse(stdout) as PreflightReport;
    assert.equal(report.schema, 1);
    assert.deepEqual(
      report.layers.map(({ layer }) => layer),
      layers,
    );
    assert.deepEqual(report.endpoint, { host: '127.0.0.1', port: box.port, clientId: 9000 });
    assert.equal((await box.robo(['test'])).code, 0);
    assert.equal((await box.robo(['status'])).code, 0);
    assert.equal(box.simulator.statistics.connectionsAccepted, 1);
  });

  it('says not passed under silence, keeps the socket, and exits 1', async () => {
    await box.simulator.setFault('silent_handshake');
    const { code, stdout } = await box.robo(['test', '--timeout', '0.5']);
    assert.equal(code, 1);
    assert.match(stdout, /stopped at hello/);
    assert.equal(box.simulator.statistics.connectionsOpen, 1);
    await box.simulator.setFault('none');
    await eventually(() => box.status?.health === 'healthy', 'the held socket heals');
    assert.equal(box.simulator.statistics.connectionsAccepted, 1);
  });

  for (const [what, args, says] of [
    ['a port that is no port', ['test', '--port', '99999'], /99999.*no port/],
    ['a client id out of range', ['test', '--client-id', '-1'], /client-id/],
    ['a symbol that is none', ['test', '--symbol', 'A;B'], /A;B.*no stock symbol/],
    ['an unknown flag', ['test', '--frobnicate'], /--frobnicate/],
    ['an unknown command', ['frobnicate'], /no command "frobnicate"/],
    ['a command that is only a property of objects', ['toString'], /no command "toString"/],
    ['a bypass without a reason', ['run', '--bypass', 'short'], /ten characters/],
    ['an interval of nothing', ['monitor', '--interval', '0'], /--interval is "0"/],
    ['a run without a command after --', ['run', '--'], /After --/],
  ] as const) {
    it(`answers ${what} with one sentence and exit 64`, async () => {
      const { code, stdout, stderr } = await box.robo(args);
      assert.equal(code, 64);
      assert.equal(stdout, '');
      assert.match(stderr, says);
      assert.equal(stderr.trim().split('\n').length, 1);
      assert.equal(existsSync(box.stateDirectory), false);
    });
  }

  it('does not dial another machine because .env says so', async () => {
    box.write('.env', 'IBKR_HOST=192.0.2.7 # the office\n');
    const { code, stderr } = await box.robo(['test']);
    assert.equal(code, 3);
    assert.match(stderr, /192\.0\.2\.7.*--host/);
  });

  it('names the page of a configuration that cannot be used', async () => {
    box.write('.env', 'TRADING_MODE=demo\n');
    const { code, stdout, stderr } = await box.robo(['test', '--json']);
    assert.equal(code, 3);
    assert.equal(stdout, '');
    assert.match(stderr, /TRADING_MODE.*demo.*"robo guide bad_configuration"/);
    assert.equal(stderr.trim().split('\n').length, 1);
  });

  it('says what is wrong with a state directory that cannot be used', async () => {
    const { code, stderr } = await box.robo(['test', '--state-dir', '/dev/null/robo']);
    assert.equal(code, 3);
    assert.match(stderr, /cannot be used.*--state-dir/);
  });

  it('names a host that does not resolve', async () => {
    const { code, stdout } = await box.robo(['test', '--host', 'no-such-host.invalid']);
    assert.equal(code, 1);
    assert.match(stdout, /bad_host/);
    await box.robo(['shutdown', '--host', 'no-such-host.invalid']);
  });

  it('starts no process behind a shut gate', async () => {
    await box.simulator.setFault('refused');
    const mark = join(box.workspace, 'started');
    const script = box.write('mark.js', `require('fs').writeFileSync(${JSON.stringify(mark)}, '')`);
    const { code, stderr } = await box.robo(['run', '--', process.execPath, script]);
    assert.equal(code, 1);
    assert.match(stderr, /gate is shut/);
    assert.equal(existsSync(mark), false);
  });

  it('passes the gate over with a reason, once, and logs it', async () => {
    await box.simulator.setFault('refused');
    const script = box.write('exit7.js', 'process.exit(7)');
    const reason = 'it manages open positions';
    const { code } = await box.robo(['run', '--bypass', reason, '--', process.execPath, script]);
    assert.equal(code, 7);
    const log = readFileSync(join(box.endpointDirectory, 'ibkr_monitor.log'), 'utf8');
    assert.match(log, new RegExp(`gate\\.bypassed .*${reason}`));
    const again = await box.robo(['run', '--', process.execPath, script]);
    assert.equal(again.code, 1);
  });

  it('reports a command that does not exist and leaves nothing running', async () => {
    const { code, stderr } = await box.robo(['run', '--', 'no-such-program-of-ours']);
    assert.equal(code, 1);
    assert.match(stderr, /no-such-program-of-ours/);
    assert.deepEqual(
      box.status?.runner.filter(({ state }) => state !== 'exited'),
      [],
    );
  });

  it('turns the lines of the outage into one connection finding', async () => {
    const script = box.write('outage.js', outageRunner);
    const running = box.spawnRobo([
      'run',
      '--symbols',
      'AAPL,NVDA,TSLA',
      '--',
      process.execPath,
      script,
    ]);
    await eventually(
      () => box.status?.runner[0]?.findings[0]?.subject.kind === 'connection',
      'one finding about the connection',
    );
    const runner = box.status?.runner[0];
    assert.equal(runner?.findings.length, 1);
    const pid = runner.pid ?? 0;
    running.child.kill('SIGINT');
    const { stderr } = await running.done;
    assert.match(stderr, /Runner stopped/);
    await eventually(() => !isThere(pid), 'the runner is gone');
  });

  it('refuses a second runner of the workspace and names the first', async () => {
    const script = box.write('idle.js', 'setInterval(() => undefined, 1000);');
    const first = box.spawnRobo(['run', '--', process.execPath, script]);
    await eventually(() => first.stderr().includes('Runner started'), 'the first runner');
    const second = await box.robo(['run', '--', process.execPath, script]);
    assert.equal(second.code, 75);
    assert.match(second.stderr, /runs already, pid \d+/);
    first.child.kill('SIGTERM');
    await first.done;
  });

  it('starts none beside one that somebody else has started, but one for another portfolio', async () => {
    const script = box.write('idle.js', 'setInterval(() => undefined, 1000);');
    const stray = box.spawnStray(script);
    const refused = await box.robo(['run', '--', process.execPath, script]);
    assert.equal(refused.code, 75, refused.stderr);
    assert.match(refused.stderr, new RegExp(`runs already, pid ${stray}`));
    assert.deepEqual(box.status?.runner, []);
    const other = ['run', '--', process.execPath, script, '--portfolio', 'second'];
    const beside = box.spawnRobo(other);
    await eventually(() => beside.stderr().includes('Runner started'), 'the second portfolio');
    beside.child.kill('SIGTERM');
    await beside.done;
    assert.ok(isThere(stray));
  });

  it('stops its own runner with all others, which is no crash, whatever code it ends with', async () => {
    const up = 'process.on("SIGTERM", () => process.exit(3)); console.log("up");';
    const script = box.write('idle.js', `${up} setInterval(() => undefined, 1000);`);
    const own = box.spawnRobo(['run', '--restart', 'on', '--', process.execPath, script]);
    await eventually(() => own.stdout().includes('up'), 'the runner');
    const all = await box.robo(['kill-duplicates', '--all', '--yes']);
    assert.equal(all.code, 0, all.stderr);
    const { code, stderr } = await own.done;
    assert.equal(code, 3);
    assert.match(stderr, /Runner stopped\./);
    assert.doesNotMatch(stderr, /started again/);
  });

  it('ends the duplicates of the supervised runner and keeps it', async () => {
    const script = box.write('idle.js', 'setInterval(() => undefined, 1000);');
    const supervised = box.spawnRobo(['run', '--', process.execPath, script]);
    await eventually(() => supervised.stderr().includes('Runner started'), 'the runner');
    const kept = box.status?.runner[0]?.pid ?? 0;
    const stray = box.spawnStray(script);
    await eventually(async () => (await box.robo(['ps'])).code === 1, 'the duplicate is seen');
    const dry = await box.robo(['kill-duplicates', '--dry-run']);
    assert.equal(dry.code, 1);
    assert.ok(isThere(stray));
    const { code, stdout } = await box.robo(['kill-duplicates', '--yes', '--json']);
    assert.equal(code, 0, stdout);
    await eventually(() => !isThere(stray), 'the duplicate is gone');
    assert.ok(isThere(kept));
    supervised.child.kill('SIGTERM');
    await supervised.done;
  });

  it('says that a duplicate came back, and from what, and does not call that done', async () => {
    const script = box.write('idle.js', 'setInterval(() => undefined, 1000);');
    const loop = box.write(
      'nightly.js',
      `const begin = () => require('node:child_process').spawn(process.execPath, [${JSON.stringify(script)}], { stdio: 'ignore' }).on('exit', () => setTimeout(begin, 200));
       begin();
       process.on('SIGTERM', () => process.exit(0));`,
    );
    const supervised = box.spawnRobo(['run', '--', process.execPath, script]);
    await eventually(() => supervised.stderr().includes('Runner started'), 'the runner');
    const keeper = box.spawnStray(loop);
    await eventually(async () => (await box.robo(['ps'])).code === 1, 'the duplicate is seen');
    const { code, stdout } = await box.robo(['kill-duplicates', '--yes', '--json']);
    const { outcomes } = JSON.parse(stdout) as { outcomes: readonly KillOutcome[] };
    const [ended, back] = outcomes;
    box.watchPid(back?.pid ?? 0);
    assert.deepEqual([code, ended?.outcome, back?.outcome], [1, 'ended', 'came back']);
    assert.match(
      back?.why ?? '',
      new RegExp(`in place of ${ended?.pid ?? ''} by .*nightly\\.js \\(pid ${keeper}\\)`),
    );
    process.kill(keeper, 'SIGTERM');
    supervised.child.kill('SIGTERM');
    await supervised.done;
  });

  it('ends on a live account only what is named by its pid', async () => {
    const script = box.write('idle.js', 'setInterval(() => undefined, 1000);');
    const supervised = box.spawnRobo(['run', '--', process.execPath, script]);
    await eventually(() => supervised.stderr().includes('Runner started'), 'the runner');
    box.write('.env', 'TRADING_MODE=live\n');
    const strays = [box.spawnStray(script), box.spawnStray(script)] as const;
    await eventually(async () => {
      const { stdout } = await box.robo(['ps', '--json']);
      const { processes } = JSON.parse(stdout) as ProcessListing;
      return processes.filter(({ role, isLive }) => role === 'duplicate' && isLive).length === 2;
    }, 'two duplicates are seen, live');
    const all = await box.robo(['kill-duplicates', '--yes']);
    assert.equal(all.code, 1);
    assert.match(all.stderr, /live account; confirm each/);
    assert.ok(strays.every(isThere));
    const named = await box.robo(['kill-duplicates', '--pid', String(strays[0])]);
    assert.equal(named.code, 1);
    await eventually(() => !isThere(strays[0]), 'the named one is gone');
    assert.ok(isThere(strays[1]));
    assert.equal((await box.robo(['kill-duplicates', '--pid', 'all'])).code, 64);
    supervised.child.kill('SIGTERM');
    await supervised.done;
  });

  it('lets one monitor hold the endpoint, and ends it cleanly on TERM', async () => {
    const first = box.spawnRobo(['monitor']);
    await eventually(() => box.status?.health === 'healthy', 'the monitor watches');
    const second = await box.robo(['monitor']);
    assert.equal(second.code, 75);
    assert.match(second.stderr, /holds this endpoint/);
    first.child.kill('SIGTERM');
    assert.equal((await first.done).code, 0);
    assert.equal(box.status?.health, 'unknown');
    assert.equal((await box.robo(['status'])).code, 3);
  });

  it('writes a report without account, home and secrets', async () => {
    await box.robo(['test']);
    const { code, stdout } = await box.robo(['report']);
    assert.equal(code, 0);
    assert.match(stdout, /# Robo report/);
    assert.doesNotMatch(stdout, /DU1234567/);
  });

  it('shows the log of the monitor', async () => {
    await box.robo(['test']);
    const { code, stdout } = await box.robo(['log']);
    assert.equal(code, 0);
    assert.match(stdout, /INFO test\.passed/);
  });

  it('takes a relative state directory from where it is called', async () => {
    assert.equal((await box.robo(['test', '--state-dir', 'here'])).code, 0);
    assert.ok(existsSync(join(box.workspace, 'here', `127.0.0.1_${box.port}`)));
    assert.equal((await box.robo(['status', '--state-dir', './here'])).code, 0);
    await box.robo(['shutdown', '--state-dir', 'here']);
  });
});
