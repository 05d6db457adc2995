import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseEnvFile } from '../../src/core/envFile';
import { type Blocker, findBlockers } from '../../src/runner/blockers';

const nowMs = Date.parse('2026-11-23T15:00:00Z');
const runner = ['python3', '-m', 'robo_trader.runner_async', '--symbols', 'AAPL'];
const triggered = {
  triggered: true,
  trigger_time: '2026-11-20T10:31:02-05:00',
  trigger_reason: 'Position loss limit exceeded for NVDA: 2.93% loss',
  consecutive_losses: 3,
};

describe('blockers of a workspace', () => {
  let folder: string;
  const state = (): string => path.join(folder, 'data', 'kill_switch_state.json');
  const lock = (): string => path.join(folder, 'data', 'kill_switch.lock');
  const passed = (): string => path.join(folder, 'data', '.preflight_last_ok');

  beforeEach(() => {
    folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'robo-blockers-')));
    mkdirSync(path.join(folder, 'data'));
  });

  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  async function find(command = runner, env = ''): Promise<readonly Blocker[]> {
    return await findBlockers({
      workspace: folder,
      command,
      environment: {},
      envFile: parseEnvFile(env),
      nowMs,
    });
  }

  async function killSwitch(): Promise<Blocker['finding'] | undefined> {
    return (await find()).find(({ kind }) => kind === 'kill switch')?.finding;
  }

  it('are none without a data folder, and none in an empty one', async () => {
    assert.deepEqual(await find(), []);
    rmSync(path.join(folder, 'data'), { recursive: true });
    assert.deepEqual(await find(), []);
    writeFileSync(path.join(folder, 'data'), 'a file');
    assert.deepEqual(await find(), []);
  });

  it('shows a kill switch with time, reason, losses, what it means and its line', async () => {
    const text = JSON.stringify({ version: 1, ...triggered }, null, 2);
    writeFileSync(state(), text);
    const finding = await killSwitch();
    assert.ok(finding);
    assert.equal(finding.guide, 'kill_switch_triggered');
    assert.equal(finding.severity, 'error');
    assert.deepEqual(finding.subject, { kind: 'runner', name: folder });
    assert.match(
      finding.message,
      /is set since 2026-11-20T10:31:02-05:00: Position loss limit exceeded for NVDA: 2\.93% loss \(3 consecutive losses\)\. A program that reads it .* Robo never clears it\.$/,
    );
    assert.deepEqual(finding.source, { file: state(), line: 3 });
    assert.equal(readFileSync(state(), 'utf8'), text);
  });

  it('says that the built-in runner does not read it', async () => {
    writeFileSync(state(), JSON.stringify(triggered));
    const [blocker] = await find([]);
    assert.match(blocker?.finding.message ?? '', /built-in runner does not read it/);
  });

  it('tells a fault of the connection from a loss', async () => {
    const reason = { ...triggered, trigger_reason: 'IBKR connection lost', consecutive_losses: 0 };
    writeFileSync(state(), JSON.stringify(reason));
    assert.match((await killSwitch())?.causes[0]?.why ?? '', /names the connection/);
    writeFileSync(state(), JSON.stringify(triggered));
    assert.doesNotMatch((await killSwitch())?.causes[0]?.why ?? '', /names the connection/);
  });

  for (const [what, text, wanted] of [
    ['not triggered', '{"triggered":false,"trigger_reason":"old"}', null],
    ['no word of it', '{}', null],
    ['null', '{"triggered":null}', null],
    ['zero', '{"triggered":0}', null],
    ['an empty list', '{"triggered":[]}', null],
    ['not triggered beside NaN', '{"triggered": false, "loss": NaN, "x": -Infinity}', null],
    ['triggered beside NaN', '{"triggered": true, "loss": NaN}', /no reason is given/],
    ['a number', '{"triggered":1,"trigger_reason":"x"}', /is set: x\./],
    ['a text', '{"triggered":"false"}', /is set: no reason/],
    ['an empty file', '', /counts as set.*it is empty/],
    ['half a file', '{"triggered": fal', /counts as set.*no JSON object/],
    ['a list', '[]', /counts as set.*no JSON object/],
    ['binary', '\0\x01\xff', /counts as set.*no JSON object/],
    ['a huge file', `{"triggered":false,"x":"${'y'.repeat(70_000)}"}`, /counts as set.*bytes/],
    [
      'a reason with control characters',
      '{"triggered":true,"trigger_reason":"a\\u001b[2Jb\\nc"}',
      /: a \[2Jb c\./,
    ],
    ['a reason without end', `{"triggered":true,"trigger_reason":"${'z'.repeat(9000)}"}`, /z…\./],
  ] as const) {
    it(`reads a state with ${what}`, async () => {
      writeFileSync(state(), text);
      const finding = await killSwitch();
      if (wanted === null) {
        assert.equal(finding, undefined);
      } else {
        assert.match(finding?.message ?? 'none', wanted);
        assert.ok((finding?.message.length ?? 0) < 900);
      }
    });
  }

  it('is not held by a folder, a device, a pipe or a link to nothing', async function () {
    mkdirSync(state());
    assert.match((await killSwitch())?.message ?? '', /counts as set/);
    rmSync(state(), { recursive: true });
    symlinkSync('/nowhere/at/all', state());
    assert.equal(await killSwitch(), undefined);
    rmSync(state());
    if (process.platform === 'win32') {
      this.skip();
    }
    symlinkSync('/dev/zero', state());
    assert.match((await killSwitch())?.message ?? '', /counts as set.*no regular file/);
    rmSync(state());
    execFileSync('mkfifo', [state()]);
    assert.match((await killSwitch())?.message ?? '', /counts as set.*no regular file/);
  });

  it('takes any lock for set, a link to nothing too, and shows both files as one finding', async () => {
    symlinkSync('/nowhere/at/all', lock());
    const alone = await killSwitch();
    assert.match(alone?.message ?? '', /is set: data\/kill_switch\.lock is there/);
    assert.deepEqual(alone?.source, { file: lock(), line: 1 });
    writeFileSync(state(), JSON.stringify(triggered));
    const both = await find();
    assert.equal(both.length, 1);
    assert.equal(both[0]?.finding.evidence.length, 2);
    assert.match(both[0].finding.message, /Position loss limit/);
  });

  describe("the program's own pre-flight", () => {
    const passedAgo = (seconds: number): void => {
      writeFileSync(passed(), '2026');
      utimesSync(passed(), nowMs / 1000 - seconds, nowMs / 1000 - seconds);
    };
    const messages = async (command = runner, env = ''): Promise<readonly string[]> =>
      (await find(command, env)).map(({ finding }) => finding.message);

    it('is shown when it is older than 300 s, and not before', async () => {
      passedAgo(299);
      assert.deepEqual(await messages(), []);
      passedAgo(-30);
      assert.deepEqual(await messages(), []);
      passedAgo(1200);
      const [blocker] = await find();
      assert.equal(blocker?.kind, 'pre-flight');
      assert.equal(blocker.finding.severity, 'warning');
      assert.match(blocker.finding.message, /passed 20 min ago .* code 5/);
      assert.deepEqual(blocker.finding.source, { file: passed(), line: 1 });
    });

    it('is shown when it has never passed and the runner asks for it', async () => {
      assert.deepEqual(await messages(), []);
      mkdirSync(path.join(folder, 'robo_trader'));
      const source = path.join(folder, 'robo_trader', 'runner_async.py');
      writeFileSync(source, 'flag = root / "data" / ".preflight_last_ok"');
      assert.match((await messages())[0] ?? '', /has never passed .* code 4/);
      assert.deepEqual(await messages(['node', 'bot.js']), []);
    });

    it('is no matter of the built-in runner, of the script that runs it, and when switched off', async () => {
      passedAgo(1200);
      assert.deepEqual(await messages([]), []);
      assert.deepEqual(await messages(['./START_TRADER.sh', 'AAPL']), []);
      assert.deepEqual(await messages(runner, 'PREFLIGHT_ENFORCEMENT=OFF # dev'), []);
    });
  });
});
