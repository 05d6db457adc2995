import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Sandbox } from '../support/sandbox';

/** Stands in for the Python of the workspace: says how it was called. */
const fakePython = '#!/bin/sh\necho "called with $*, LOG_CONSOLE=$LOG_CONSOLE"\n';
const killSwitch = JSON.stringify({
  triggered: true,
  trigger_time: '2026-11-20T10:31:02',
  trigger_reason: 'Position loss limit exceeded for NVDA: 2.93% loss',
  consecutive_losses: 0,
});

describe('presets on the command line', function () {
  this.timeout(60_000);
  let box: Sandbox;

  beforeEach(async () => {
    box = await Sandbox.start();
  });

  afterEach(async () => {
    await box.end();
  });

  function write(name: string, text: string): string {
    mkdirSync(dirname(join(box.workspace, name)), { recursive: true });
    return box.write(name, text);
  }

  function writeSystem(): void {
    write('robo_trader/runner_async.py', '');
    chmodSync(write('.venv/bin/python', fakePython), 0o755);
    write('.env', 'SYMBOLS=AAPL, NVDA # mine\nLOG_FILE=bot.log\n');
  }

  it('lists what a folder has, best first, as text and as JSON, and starts nothing', async () => {
    writeSystem();
    const text = await box.robo(['run', '--presets']);
    assert.equal(text.code, 0);
    assert.match(text.stdout, /^robo_trader .*\n[^]*runner_async\.py[^]*\nbuilt-in /);
    assert.match(text.stdout, /LOG_CONSOLE=1 .*python -m robo_trader\.runner_async/);
    const json = await box.robo(['run', '--presets', '--json']);
    const listed = JSON.parse(json.stdout) as {
      schema: number;
      presets: readonly { id: string; command: readonly string[]; environment: unknown }[];
    };
    assert.equal(listed.schema, 1);
    assert.deepEqual(
      listed.presets.map(({ id }) => id),
      ['robo_trader', 'built-in'],
    );
    assert.deepEqual(listed.presets[0]?.command, [
      join(box.workspace, '.venv/bin/python'),
      '-m',
      'robo_trader.runner_async',
      '--symbols',
      'AAPL,NVDA',
    ]);
    assert.deepEqual(listed.presets[0].environment, { LOG_CONSOLE: '1' });
    assert.equal(box.status, undefined);
    assert.equal(box.simulator.statistics.connectionsAccepted, 0);
  });

  for (const [what, args, says] of [
    [
      'a preset that the folder lacks',
      ['--preset', 'robo_trader'],
      /no preset "robo_trader".*built-in/,
    ],
    ['a preset beside a command', ['--preset', 'auto', '--', 'x'], /not both/],
    ['a restart that is no word', ['--restart', 'maybe'], /--restart is "maybe"/],
    ['--once beside a command', ['--once', '--', 'x'], /for the built-in runner/],
    ['JSON of a run', ['--json'], /--json belongs to --presets/],
  ] as const) {
    it(`answers ${what} with one sentence and exit 64`, async () => {
      const { code, stdout, stderr } = await box.robo(['run', ...args]);
      assert.equal(code, 64);
      assert.equal(stdout, '');
      assert.match(stderr, says);
      assert.equal(stderr.trim().split('\n').length, 1);
      assert.equal(box.status, undefined);
    });
  }

  it('runs the best preset with what it needs, and shows the kill switch without touching it', async function () {
    if (process.platform === 'win32') {
      this.skip();
    }
    writeSystem();
    const file = write('data/kill_switch_state.json', killSwitch);
    const { code, stdout, stderr } = await box.robo(['run', '--preset', 'auto']);
    assert.equal(code, 0);
    assert.match(
      stdout,
      /called with -m robo_trader\.runner_async --symbols AAPL,NVDA, LOG_CONSOLE=1/,
    );
    assert.match(stderr, /kill switch of this workspace is set since .*NVDA: 2\.93% loss/);
    assert.match(stderr, /kill_switch_triggered/);
    assert.equal(readFileSync(file, 'utf8'), killSwitch);
  });

  it('runs the built-in runner for one cycle, with a strategy of the folder', async () => {
    write('mine.ts', 'export const strategy = () => ({ signal: 0 as number, reason: "mine" });\n');
    const once = ['run', '--once', '--strategy', 'mine.ts', '--symbols', 'NVDA'];
    const { code, stdout } = await box.robo(once);
    assert.equal(code, 0, stdout);
    assert.match(stdout, /"event":"signal".*"symbol":"NVDA".*"reason":"mine"/);
    assert.equal(stdout.match(/"event":"cycle"/g)?.length, 1);
    write('mine.ts', 'export const strategy = (): number => {\n  const = 1;\n};\n');
    const broken = await box.robo(once);
    assert.equal(broken.code, 2, broken.stdout);
    assert.match(broken.stdout, /"source":\{"file":".*mine\.ts","line":2\}/);
  });

  it('shows the kill switch before the gate, also where that stays shut', async () => {
    writeSystem();
    write('data/kill_switch.lock', '');
    await box.simulator.setFault('refused');
    const { code, stderr } = await box.robo(['run', '--preset', 'robo_trader']);
    assert.equal(code, 1);
    const shown = stderr.indexOf('kill_switch.lock is there');
    assert.ok(shown >= 0 && shown < stderr.indexOf('gate is shut'), stderr);
  });
});
