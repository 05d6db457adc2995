import assert from 'node:assert/strict';
import { type CommandContext, UsageError } from '../../src/cli/command';
import { parseEndpointCommand } from '../../src/cli/options';
import { recoveryFlags, recoveryOptions } from '../../src/cli/recoveryFlags';

function read(...args: readonly string[]): ReturnType<typeof recoveryFlags> {
  const context: CommandContext = {
    args,
    environment: {},
    workingDirectory: '/',
    stdout: () => undefined,
    stderr: () => undefined,
    isTerminal: false,
    signal: new AbortController().signal,
  };
  return recoveryFlags(parseEndpointCommand(context, recoveryOptions));
}

describe('the flags of recovery', () => {
  it('are off without a word', () => {
    assert.deepEqual(read(), {});
    assert.deepEqual(read('--ibc-command-port=0'), {});
  });

  it('name port and steps', () => {
    assert.deepEqual(read('--ibc-command-port', '7462', '--recovery-allow', 'RECONNECTDATA'), {
      recovery: { ibcCommandPort: 7462, allow: new Set(['RECONNECTDATA']) },
    });
  });

  for (const [what, args, sentence] of [
    ['a command that ends TWS', ['--ibc-command-port=7462', '--recovery-allow=STOP'], /"STOP"/],
    ['an API port', ['--ibc-command-port=4002'], /is an API port/],
    ['the port of the endpoint', ['--port=5000', '--ibc-command-port=5000'], /is an API port/],
    ['steps without a port', ['--recovery-allow=RESTART'], /--ibc-command-port/],
    ['another machine', ['--host=10.0.0.5', '--ibc-command-port=7462'], /another machine/],
  ] as const) {
    it(`are wrong usage where they name ${what}`, () => {
      assert.throws(
        () => read(...args),
        (error) => error instanceof UsageError && sentence.test(error.message),
      );
    });
  }
});
