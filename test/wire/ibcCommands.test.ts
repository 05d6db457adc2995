import assert from 'node:assert/strict';
import { systemClock } from '../../src/core/clock';
import {
  describeIbcReply,
  ForbiddenIbcCommandError,
  type IbcCommand,
  ibcCommandLine,
  ibcCommands,
  type IbcReply,
  sendIbcCommand,
} from '../../src/ibkr/ibcCommands';
import { eventually } from '../support/eventually';
import { FakeIbc, type IbcManners } from '../support/fakeIbc';

describe("IBC's command server", () => {
  const started: FakeIbc[] = [];

  async function ibc(manners: IbcManners): Promise<FakeIbc> {
    const server = await FakeIbc.start(manners);
    started.push(server);
    return server;
  }

  async function reply(
    server: FakeIbc,
    command: IbcCommand = 'RECONNECTDATA',
    deadlineMs = 2000,
  ): Promise<IbcReply> {
    return sendIbcCommand(server.port, command, { clock: systemClock, deadlineMs });
  }

  afterEach(async () => {
    await Promise.all(started.splice(0).map(async (server) => server.stop()));
  });

  for (const command of ibcCommands) {
    it(`gets ${command} as one line, and its OK is understood`, async () => {
      const server = await ibc({ onLine: (_, socket) => socket.write('OK configured\r\n') });
      assert.deepEqual(await reply(server, command), { kind: 'done', text: 'configured' });
      assert.deepEqual(server.lines, [command]);
      await eventually(() => server.endings.length === 1, 'the connection ends');
      assert.deepEqual(server.endings, ['fin']);
    });
  }

  const answers: readonly (readonly [string, IbcManners, IbcReply])[] = [
    [
      'an empty OK, as after a key press',
      { onLine: (_, socket) => socket.write('OK \n') },
      { kind: 'done', text: '' },
    ],
    [
      'a greeting, information and prompts around the reply',
      {
        greeting: 'INFO IBC Command Server\r\nIBC>',
        onLine: (_, socket) =>
          socket.write('INFO Restarting TWS\r\nIBC>OK RESTART in progress\r\n'),
      },
      { kind: 'done', text: 'RESTART in progress' },
    ],
    [
      'a reply in single bytes',
      {
        onLine: (_, socket) => {
          for (const byte of 'OK already configured\r\n') {
            socket.write(byte);
          }
        },
      },
      { kind: 'done', text: 'already configured' },
    ],
    [
      'a reply without an end of line, and the end',
      { onLine: (_, socket) => socket.end('OK Goodbye') },
      { kind: 'done', text: 'Goodbye' },
    ],
    [
      'a refusal',
      { onLine: (_, socket) => socket.write('ERROR ENABLEAPI is not valid for the IB Gateway\n') },
      { kind: 'refused', text: 'ENABLEAPI is not valid for the IB Gateway' },
    ],
    [
      'a server that is busy',
      { onLine: (_, socket) => socket.end('IBC>ERROR RESTART already in progress\n') },
      { kind: 'refused', text: 'RESTART already in progress' },
    ],
    ['an end without a word', { onLine: (_, socket) => socket.end() }, { kind: 'closed' }],
    [
      'a web server, whose OK is none',
      { onLine: (_, socket) => socket.end('HTTP/1.0 200 OK\r\nServer: x\r\n\r\nOKAY\n') },
      { kind: 'not understood', text: 'HTTP/1.0 200 OK Server: x OKAY' },
    ],
    [
      'control characters in the reply, and more of them than anybody reads',
      { onLine: (_, socket) => socket.write(`OK a\x1b[31m\x07b${'x'.repeat(500)}\n`) },
      { kind: 'done', text: `a [31m b${'x'.repeat(500)}`.slice(0, 200) },
    ],
  ];
  for (const [what, manners, expected] of answers) {
    it(`may answer with ${what}`, async () => {
      const server = await ibc(manners);
      assert.deepEqual(await reply(server), expected);
      assert.equal(server.connections, 1);
      assert.deepEqual(server.lines, ['RECONNECTDATA']);
    });
  }

  it('may say nothing: the wait ends, and the socket is reset', async () => {
    const server = await ibc({});
    assert.deepEqual(await reply(server, 'RESTART', 150), { kind: 'no answer', afterMs: 150 });
    await eventually(() => server.endings.length === 1, 'the connection ends');
    assert.deepEqual(server.endings, ['rst']);
  });

  it('may never stop talking: the reading ends', async () => {
    const server = await ibc({ onLine: (_, socket) => socket.write('#'.repeat(100_000)) });
    assert.equal((await reply(server)).kind, 'not understood');
  });

  it('may reset the connection', async () => {
    const server = await ibc({ onLine: (_, socket) => socket.resetAndDestroy() });
    assert.deepEqual(await reply(server), { kind: 'closed' });
  });

  it('may not be there', async () => {
    const server = await FakeIbc.start({});
    const { port } = server;
    await server.stop();
    const answer = await sendIbcCommand(port, 'RESTART', { clock: systemClock });
    assert.deepEqual(answer, { kind: 'not connected', code: 'ECONNREFUSED' });
  });

  it('hears no word that is not on the list', async () => {
    const server = await ibc({});
    for (const word of ['STOP', 'EXIT', 'PAUSE', 'restart', 'RESTART\nSTOP', ' RESTART', '']) {
      assert.throws(() => ibcCommandLine(word), ForbiddenIbcCommandError, word);
      await assert.rejects(
        sendIbcCommand(server.port, word as IbcCommand, { clock: systemClock }),
        ForbiddenIbcCommandError,
      );
    }
    assert.equal(server.connections, 0);
    assert.deepEqual([...ibcCommands].sort(), [
      'ENABLEAPI',
      'RECONNECTACCOUNT',
      'RECONNECTDATA',
      'RESTART',
    ]);
  });

  it('is described in words that tell what was sent from what was not', () => {
    const of = (value: IbcReply): string => describeIbcReply(value);
    assert.match(of({ kind: 'not connected', code: 'ECONNREFUSED' }), /^not sent: .*ECONNREFUSED/);
    assert.match(
      of({ kind: 'no answer', afterMs: 20_000 }),
      /20 s; whether it was taken is unknown/,
    );
    assert.match(of({ kind: 'refused', text: 'Command invalid' }), /refused it: Command invalid/);
    assert.equal(of({ kind: 'done', text: '' }), 'IBC has taken it');
    assert.match(of({ kind: 'closed' }), /ControlFrom/);
    assert.match(of({ kind: 'not understood', text: 'SSH-2.0' }), /not IBC: "SSH-2.0"/);
  });
});
