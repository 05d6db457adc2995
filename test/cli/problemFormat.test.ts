import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Sandbox } from '../support/sandbox';

const { contributes } = JSON.parse(
  readFileSync(path.join(__dirname, '..', '..', 'package.json'), 'utf8'),
) as { contributes: { problemMatchers: readonly [{ pattern: { regexp: string } }] } };
const matcher = new RegExp(contributes.problemMatchers[0].pattern.regexp);

describe('robo --format problem', function () {
  this.timeout(60_000);
  let box: Sandbox;

  beforeEach(async () => {
    box = await Sandbox.start();
    box.write('.env', 'SYMBOLS=AAPL\n');
  });

  afterEach(async () => {
    await box.end();
  });

  it('prints the findings of a test for the matcher, and the layers beside them', async () => {
    await box.simulator.setFault('silent_handshake');
    const { code, stdout, stderr } = await box.robo([
      ...['test', '--timeout', '0.5', '--format', 'problem'],
    ]);
    assert.equal(code, 1);
    const [line = '', ...rest] = stdout.trimEnd().split('\n');
    assert.deepEqual(rest, []);
    const [, file, row, column, severity, cause] = matcher.exec(line) ?? [];
    // IBKR_PORT comes from the environment here: no line of .env decides.
    assert.deepEqual([row, column, severity], ['1', '1', 'error']);
    assert.equal(file, path.join(box.workspace, '.env'));
    assert.match(cause ?? '', /^silent_/);
    assert.match(stderr, /FAIL +hello/);
    assert.ok(
      stderr.split('\n').every((each) => !matcher.test(each)),
      stderr,
    );
  });

  it('prints nothing for the matcher when all is well', async () => {
    const { code, stdout, stderr } = await box.robo(['test', '--format=problem']);
    assert.equal(code, 0, stderr);
    assert.ok(
      stdout.split('\n').every((each) => each === '' || !each.includes(': error ')),
      stdout,
    );
    assert.match(stderr, /Passed/);
  });

  it('prints why the gate is shut', async () => {
    await box.simulator.setFault('close_on_accept');
    const { code, stdout, stderr } = await box.robo([
      ...['run', '--format', 'problem', '--', process.execPath, '-e', '0'],
    ]);
    assert.equal(code, 1, stderr);
    assert.match(stdout.trimEnd(), matcher);
    assert.match(stderr, /The gate is shut/);
  });

  for (const [args, says] of [
    [['test', '--format', 'xml'], /--format is "xml"/],
    [['test', '--json', '--format', 'problem'], /either --json or --format/],
    [['run', '--format', 'json'], /--format is "json"; use problem or text/],
  ] as const) {
    it(`answers ${args.join(' ')} with exit 64`, async () => {
      const { code, stderr } = await box.robo(args);
      assert.equal(code, 64);
      assert.match(stderr, says);
    });
  }
});
