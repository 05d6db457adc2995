import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  defaultStateDirectory,
  endpointFolder,
  endpointPaths,
  type PathContext,
  workspaceFolderName,
} from '../../src/core/paths';

const linux: PathContext = {
  platform: 'linux',
  environment: {},
  homeDirectory: '/home/joe',
  userId: 1000,
};
const endpoint = { host: '127.0.0.1', port: 7497 };

describe('the places of the records', () => {
  for (const [what, context, expected] of [
    ['Linux', {}, '/home/joe/.local/state/robo'],
    ['Linux with XDG', { environment: { XDG_STATE_HOME: '/s' } }, '/s/robo'],
    ['an empty XDG', { environment: { XDG_STATE_HOME: '' } }, '/home/joe/.local/state/robo'],
    ['a relative XDG', { environment: { XDG_STATE_HOME: 's' } }, '/home/joe/.local/state/robo'],
    [
      'macOS',
      { platform: 'darwin', homeDirectory: '/Users/joe' },
      '/Users/joe/Library/Application Support/robo',
    ],
    [
      'Windows',
      { platform: 'win32', environment: { LOCALAPPDATA: 'C:\\Users\\joe\\AppData\\Local' } },
      'C:\\Users\\joe\\AppData\\Local\\robo',
    ],
    [
      'Windows without LOCALAPPDATA',
      { platform: 'win32', homeDirectory: 'C:\\Users\\joe', environment: { LOCALAPPDATA: '' } },
      'C:\\Users\\joe\\AppData\\Local\\robo',
    ],
    ['ROBO_STATE_DIR', { environment: { ROBO_STATE_DIR: '/r', XDG_STATE_HOME: '/s' } }, '/r'],
    [
      'an empty ROBO_STATE_DIR',
      { environment: { ROBO_STATE_DIR: '' } },
      '/home/joe/.local/state/robo',
    ],
  ] as const) {
    it(`follows ${what}`, () => {
      assert.equal(defaultStateDirectory({ ...linux, ...context }), expected);
    });
  }

  it('has one folder per endpoint, under a name that every file system takes', () => {
    assert.equal(endpointFolder(endpoint), '127.0.0.1_7497');
    assert.equal(endpointFolder({ host: 'fe80::1', port: 1 }), 'fe80--1_1');
    assert.doesNotMatch(endpointFolder({ host: '../../etc', port: 1 }), /\//);
  });

  it('keeps every file inside the endpoint folder', () => {
    const paths = endpointPaths('/s', endpoint, linux);
    assert.equal(paths.directory, '/s/127.0.0.1_7497');
    assert.equal(paths.status, '/s/127.0.0.1_7497/ibkr_monitor_status.json');
    assert.equal(paths.alert, '/s/127.0.0.1_7497/IBKR_CONNECTION_CRITICAL.txt');
    assert.equal(paths.monitorLog, '/s/127.0.0.1_7497/ibkr_monitor.log');
    for (const file of [paths.lock, paths.runners, paths.socket]) {
      assert.ok(file.startsWith('/s/127.0.0.1_7497/'), file);
    }
    assert.equal(paths.socketDirectory, paths.directory);
  });

  it('never makes a socket path that is too long for a system, in any directory', () => {
    fc.assert(
      fc.property(
        fc.array(fc.stringMatching(/^[a-zé]{1,40}$/), { maxLength: 10 }),
        fc.constantFrom<NodeJS.Platform>('linux', 'darwin'),
        (parts, platform) => {
          const { socket, socketDirectory } = endpointPaths(`/${parts.join('/')}`, endpoint, {
            platform,
            userId: 4_294_967_294,
          });
          assert.ok(Buffer.byteLength(socket) <= 103, socket);
          assert.ok(socketDirectory !== null && socket.startsWith(`${socketDirectory}/`));
        },
      ),
    );
  });

  it('moves a socket only when its path is one byte too long', () => {
    const room = 103 - '/127.0.0.1_7497/daemon.sock'.length;
    const fits = `/${'a'.repeat(room - 1)}`;
    assert.equal(endpointPaths(fits, endpoint, linux).socket.length, 103);
    assert.match(endpointPaths(`${fits}a`, endpoint, linux).socket, /^\/tmp\/robo-1000\//);
    assert.match(endpointPaths(`${fits.slice(0, -1)}é`, endpoint, linux).socket, /^\/tmp\//);
  });

  it('finds the same socket from every environment', () => {
    const before = { ...process.env };
    const long = `/${'deep/'.repeat(30)}state`;
    const first = endpointPaths(long, endpoint, linux);
    try {
      Object.assign(process.env, {
        TMPDIR: '/elsewhere',
        XDG_RUNTIME_DIR: '/run/user/1',
        HOME: '/',
      });
      assert.deepEqual(endpointPaths(long, endpoint, linux), first);
    } finally {
      for (const name of ['TMPDIR', 'XDG_RUNTIME_DIR', 'HOME']) {
        if (before[name] === undefined) {
          Reflect.deleteProperty(process.env, name);
        } else {
          process.env[name] = before[name];
        }
      }
    }
  });

  it('tells endpoints, directories and users apart', () => {
    const long = `/${'deep/'.repeat(30)}`;
    const sockets = [
      endpointPaths(`${long}a`, endpoint, linux),
      endpointPaths(`${long}b`, endpoint, linux),
      endpointPaths(`${long}a`, { ...endpoint, port: 7496 }, linux),
      endpointPaths(`${long}a`, endpoint, { ...linux, userId: 1001 }),
    ].map(({ socket }) => socket);
    assert.equal(new Set(sockets).size, 4);
  });

  it('uses a named pipe on Windows, which needs no directory', () => {
    const context = { platform: 'win32', userId: undefined } as const;
    const { socket, socketDirectory, status } = endpointPaths('C:\\state', endpoint, context);
    assert.match(socket, /^\\\\\.\\pipe\\robo-[0-9a-f]{24}$/);
    assert.equal(socketDirectory, null);
    assert.equal(status, 'C:\\state\\127.0.0.1_7497\\ibkr_monitor_status.json');
  });

  it('names a workspace folder stably, and different ones differently', () => {
    assert.equal(workspaceFolderName('/home/joe/my bot'), workspaceFolderName('/home/joe/my bot'));
    assert.match(workspaceFolderName('/home/joe/my bot'), /^my-bot-[0-9a-f]{8}$/);
    assert.notEqual(workspaceFolderName('/a/bot'), workspaceFolderName('/b/bot'));
    assert.match(workspaceFolderName('C:\\bots\\one'), /^one-/);
    assert.match(workspaceFolderName('/'), /^root-/);
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (path) => {
        assert.match(workspaceFolderName(path), /^[A-Za-z0-9._-]{1,40}-[0-9a-f]{8}$/);
      }),
    );
  });
});
