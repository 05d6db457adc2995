import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { lifetimeWarnings, readLifetimeFacts } from '../../src/host/lifetime';

describe('what a system says about the life of its processes', () => {
  let root: string;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'robo-lifetime-'));
  });
  afterEach(() => {
    rmSync(root, { recursive: true });
  });

  async function warnings(
    files: Readonly<Record<string, string>>,
    environment: Readonly<Record<string, string>> = {},
    platform: NodeJS.Platform = 'linux',
  ): Promise<readonly string[]> {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
    const userName = 'ann';
    return lifetimeWarnings(await readLifetimeFacts({ platform, environment, userName, root }));
  }

  const systemd = { 'proc/1/comm': 'systemd\n' };
  const ownManager = {
    ...systemd,
    'proc/self/cgroup': '0::/user.slice/user-1000.slice/user@1000.service/app.slice/code.scope\n',
  };
  const session = {
    ...systemd,
    'proc/self/cgroup': '0::/user.slice/user-1000.slice/session-5.scope\n',
  };
  const service = { ...systemd, 'proc/self/cgroup': '0::/system.slice/robo.service\n' };
  const conf = 'etc/systemd/logind.conf';
  const dropIn = 'etc/systemd/logind.conf.d/10-kill.conf';

  const linux: readonly (readonly [
    string,
    Readonly<Record<string, string>>,
    Readonly<Record<string, string>>,
    RegExp | undefined,
  ])[] = [
    ['a plain machine', {}, {}, undefined],
    ['a service of the system', service, {}, undefined],
    ['a WSL distribution', {}, { WSL_DISTRO_NAME: 'Ubuntu' }, /WSL distribution Ubuntu:.*shutdown/],
    [
      'WSL by its kernel alone',
      { 'proc/sys/kernel/osrelease': '5.15.1-microsoft-standard-WSL2\n' },
      {},
      /^This is the WSL distribution:/,
    ],
    ['a Docker container', { '.dockerenv': '' }, {}, /container \(docker\)/],
    ['a Podman container', { 'run/.containerenv': '' }, {}, /container \(podman\)/],
    ['a pod', {}, { KUBERNETES_SERVICE_HOST: '10.0.0.1' }, /container \(kubernetes\)/],
    ['what calls itself a container', {}, { container: 'lxc' }, /container \(lxc\)/],
    ['a container in WSL', { '.dockerenv': '' }, { WSL_DISTRO_NAME: 'x' }, /container \(docker\)/],
    ['a codespace', { '.dockerenv': '' }, { CODESPACES: 'true' }, /Codespace/],
    ['the user’s own manager', ownManager, {}, /last logout.*enable-linger ann/],
    [
      'the user’s own manager with lingering',
      { ...ownManager, 'var/lib/systemd/linger/ann': '' },
      {},
      undefined,
    ],
    ['a login that nobody says is killed', session, {}, undefined],
    [
      'a login that is not killed by default',
      { ...session, [conf]: '[Login]\n#KillUserProcesses=no\n' },
      {},
      undefined,
    ],
    [
      'a login that is killed by default',
      { ...session, [conf]: '[Login]\n#KillUserProcesses=yes\n' },
      {},
      /when you log out \(KillUserProcesses=yes/,
    ],
    [
      'a login that a drop-in kills',
      { ...session, [conf]: 'KillUserProcesses=no\n', [dropIn]: 'KillUserProcesses=yes\n' },
      {},
      /when you log out/,
    ],
  ];
  for (const [what, files, environment, words] of linux) {
    it(`${words === undefined ? 'says nothing of' : 'warns of'} ${what}`, async () => {
      const said = await warnings(files, environment);
      assert.equal(said.length, words === undefined ? 0 : 1, said.join('\n'));
      assert.match(said[0] ?? '', words ?? /^$/);
    });
  }

  it('says unknown where the place of lingering cannot be looked at', async () => {
    mkdirSync(join(root, 'var/lib/systemd/linger'), { recursive: true });
    const facts = await readLifetimeFacts({
      platform: 'linux',
      environment: {},
      userName: 'x'.repeat(300),
      root,
    });
    assert.equal(facts.lingers.known, false);
    const [said] = lifetimeWarnings({
      ...facts,
      isSystemd: true,
      controlGroup: '/user.slice/user@1.service',
    });
    assert.match(said ?? '', /may end.*unknown \(ENAMETOOLONG\)/);
  });

  it('tells of the end of a session on Windows and macOS', async () => {
    assert.match((await warnings({}, {}, 'win32'))[0] ?? '', /when you sign out/);
    assert.match((await warnings({}, {}, 'darwin'))[0] ?? '', /log out/);
  });
});
