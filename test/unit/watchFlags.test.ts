import assert from 'node:assert/strict';
import { UsageError } from '../../src/cli/command';
import { parseFlags } from '../../src/cli/flags';
import { watchFlags, watchOptions } from '../../src/cli/watchFlags';

function read(...args: readonly string[]): ReturnType<typeof watchFlags> {
  const context = {
    args,
    environment: {},
    workingDirectory: '/somewhere',
    stdout: () => undefined,
    stderr: () => undefined,
    isTerminal: false,
    signal: new AbortController().signal,
  };
  return watchFlags(parseFlags(context, watchOptions), context);
}

describe('the flags of a watch', () => {
  it('say nothing where they are not given, so that settings count', () => {
    assert.deepEqual(read(), {});
  });

  it('say what they name, and an empty one that nothing is set', () => {
    assert.deepEqual(
      read('--interval=7', '--tws-zone', 'Central European Standard Time', '--tws-restart=23:45'),
      {
        livenessIntervalMs: 7000,
        twsZone: 'Central European Standard Time',
        twsRestart: '23:45',
      },
    );
    assert.deepEqual(read('--records-also-at=copies'), { alsoAt: '/somewhere/copies' });
    assert.deepEqual(read('--records-also-at=', '--tws-zone=', '--tws-restart='), {
      alsoAt: '',
      twsZone: '',
      twsRestart: '',
    });
  });

  for (const [args, sentence] of [
    [['--interval=0'], /--interval is "0"/],
    [['--interval='], /--interval is ""/],
    [['--interval=x'], /--interval is "x"/],
    [['--tws-zone=Mars'], /--tws-zone is "Mars"/],
    [['--tws-restart=25:00'], /--tws-restart is "25:00"/],
  ] as const) {
    it(`are wrong usage where they are ${args[0]}`, () => {
      assert.throws(
        () => read(...args),
        (error) => error instanceof UsageError && sentence.test(error.message),
      );
    });
  }
});
