import assert from 'node:assert/strict';
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { UsageError } from '../../src/cli/command';
import { createSimulateCommand } from '../../src/cli/simulate';
import { systemClock } from '../../src/core/clock';
import { Emitter } from '../../src/core/emitter';
import { faults } from '../../src/simulator/faults';
import { FakeClock } from '../support/fakeClock';
import { RawClient } from '../support/rawClient';
import { until } from '../support/until';

/** The command with streams of its own, as a terminal would run it. */
function run(...args: readonly string[]) {
  const input = new PassThrough();
  const abort = new AbortController();
  const output = new Emitter<string>();
  const all = { stdout: '', stderr: '' };
  const clock = new FakeClock(systemClock.now());
  const write = (stream: 'stdout' | 'stderr') => (text: string) => {
    all[stream] += text;
    output.fire(text);
  };
  const exit = createSimulateCommand({ input, clock })({
    ...{ args, environment: {}, workingDirectory: '/', isTerminal: false, signal: abort.signal },
    stdout: write('stdout'),
    stderr: write('stderr'),
  });
  /** Types a line and waits for the reply that matches. */
  const type = async (line: string, reply: RegExp): Promise<void> => {
    const replied = until(output.event, (text) => reply.test(text));
    input.write(`${line}\n`);
    await replied;
  };
  const port = async (): Promise<number> => {
    const address = /127\.0\.0\.1:(\d+)/;
    if (!address.test(all.stdout)) {
      await until(output.event, (text) => address.test(text));
    }
    return Number(address.exec(all.stdout)?.[1]);
  };
  return { all, clock, exit, input, port, type, abort };
}

describe('robo simulate', () => {
  it('prints its address, obeys control lines and ends when asked to', async () => {
    const command = run('--fault', 'silent_handshake', '--server-version', '176');
    const client = await RawClient.connect(await command.port());
    client.sendHello();
    client.send(71, 2, 1, '');
    assert.equal(command.all.stdout.split('\n').length, 2);
    await command.type('fault none', /^Fault none: /);
    await client.error(2158);
    assert.equal(client.frames[0]?.[0], '176');
    await command.type(
      'status',
      /^Fault none; connections 1 accepted, 1 open; sessions ready 1; .*71:1/,
    );
    await command.type('fault gremlins', /"gremlins" is no fault/);
    await command.type('dance', /no control line/);
    await command.type('list', /^none /);
    command.abort.abort();
    assert.equal(await command.exit, 0);
    assert.equal(await client.ended(), 'rst');
    assert.equal(command.clock.pending, 0);
  });

  it('goes on when its input ends', async () => {
    const command = run();
    const port = await command.port();
    const ended = once(command.input, 'end');
    command.input.end();
    await ended;
    const client = await RawClient.connect(port);
    await client.ready();
    client.close();
    command.abort.abort();
    assert.equal(await command.exit, 0);
  });

  it('lists every fault with what it looks like', async () => {
    const command = run('--list');
    assert.equal(await command.exit, 0);
    for (const fault of faults) {
      assert.ok(command.all.stdout.includes(`\n${fault.name} `) || fault.name === 'none');
    }
    assert.match(command.all.stdout, /close_on_accept .*\n +Looks like: closed_at_once_untrusted/);
  });

  it('takes wrong usage as such', async () => {
    for (const [args, words] of [
      [['--fault', 'silent_handshak'], /nearest are silent_handshake/],
      [['--port', '70000'], /no port/],
      [['--port', 'x'], /no port/],
      [['--server-version', '201'], /100 to 193/],
      [['--gremlins'], /gremlins/],
      [['extra'], /extra/],
    ] as const) {
      await assert.rejects(run(...args).exit, (error) => {
        assert.ok(error instanceof UsageError);
        assert.match(error.message, words);
        assert.ok(!error.message.includes('\n'));
        return true;
      });
    }
  });

  it('says in one sentence that the port is taken, exit 1', async () => {
    const first = run();
    const port = await first.port();
    const second = run('--port', String(port));
    assert.equal(await second.exit, 1);
    assert.match(second.all.stderr, /^The simulator cannot listen on 127.*already.*\n$/);
    assert.equal(second.all.stdout, '');
    first.abort.abort();
    assert.equal(await first.exit, 0);
  });
});
