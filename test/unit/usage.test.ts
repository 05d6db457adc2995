import assert from 'node:assert/strict';
import { commandNames } from '../../src/cli/commandNames';
import { asksForHelp, usageText } from '../../src/cli/usage';

describe('the usage', () => {
  for (const name of commandNames) {
    it(`tells of "robo ${name}" alone how it is called`, () => {
      const lines = usageText(name).split('\n');
      const called = lines.flatMap((line) => /^ {2}robo (\S+)/.exec(line)?.[1] ?? []);
      assert.ok(called.length > 0);
      assert.deepEqual(new Set(called), new Set([name]));
      assert.match(lines.at(-2) ?? '', /^About which endpoint: /);
    });
  }

  it('has every line of it in the whole, once', () => {
    const whole = usageText().split('\n').filter(Boolean);
    const parts = commandNames.flatMap((name) => usageText(name).split('\n')).filter(Boolean);
    assert.deepEqual(new Set(parts), new Set(whole));
  });

  it('is asked for before the command line of another program, not in it', () => {
    assert.equal(asksForHelp(['--help']), true);
    assert.equal(asksForHelp(['--json', '-h']), true);
    assert.equal(asksForHelp(['--', 'bot.py', '--help']), false);
    assert.equal(asksForHelp([]), false);
  });
});
