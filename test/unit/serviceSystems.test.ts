import assert from 'node:assert/strict';
import { parsePrint } from '../../src/daemon/service/launchd';
import type { ServiceSurroundings, ServiceSystem } from '../../src/daemon/service/serviceSystem';
import { serviceSystemFor } from '../../src/daemon/service/serviceSystemFor';
import { parseShow } from '../../src/daemon/service/systemd';
import { parseTask } from '../../src/daemon/service/taskScheduler';
import { FakeTools } from '../support/toolFakes';

function system(tools: FakeTools, more: Partial<ServiceSurroundings>): ServiceSystem {
  return serviceSystemFor('robo-x', {
    platform: 'linux',
    environment: {},
    homeDirectory: '/home/anna',
    userId: 501,
    userName: 'anna',
    run: tools.run,
    ...more,
  });
}

/** The command lines of an installation and a removal. */
function commands(of: ServiceSystem): readonly string[] {
  return [...of.register, ...of.start, ...of.unregister, ...of.forget].map(({ call }) =>
    [call.file, ...call.args].join(' '),
  );
}

describe('A service of systemd', () => {
  const tool = '/bin/systemctl';

  it("lies where the user's manager looks, and is spoken to over the user's bus", () => {
    const plain = system(new FakeTools(), { tool });
    assert.equal(plain.file, '/home/anna/.config/systemd/user/robo-x.service');
    assert.deepEqual(plain.check.call.environment, {
      HOME: '/home/anna',
      XDG_RUNTIME_DIR: '/run/user/501',
    });
    const moved = system(new FakeTools(), {
      tool,
      environment: { XDG_CONFIG_HOME: '/cfg', XDG_RUNTIME_DIR: '/r', SECRET: 'x' },
    });
    assert.equal(moved.file, '/cfg/systemd/user/robo-x.service');
    assert.deepEqual(moved.check.call.environment, { HOME: '/home/anna', XDG_RUNTIME_DIR: '/r' });
  });

  it('is registered before it is started, and forgotten after it was removed', () => {
    assert.deepEqual(commands(system(new FakeTools(), { tool })), [
      '/bin/systemctl --user daemon-reload',
      '/bin/systemctl --user reset-failed robo-x.service',
      '/bin/systemctl --user enable robo-x.service',
      '/bin/systemctl --user restart robo-x.service',
      '/bin/systemctl --user disable --now robo-x.service',
      '/bin/systemctl --user daemon-reload',
      '/bin/systemctl --user reset-failed robo-x.service',
    ]);
  });

  it('is looked at, and unknown where systemctl fails', async () => {
    const tools = new FakeTools().prints('show', '', 1, 'Failed to connect to bus');
    const look = await system(tools, { tool }).look();
    assert.ok(!look.known && look.why.includes('Failed to connect to bus'));
  });

  const loaded = 'LoadState=loaded\nUnitFileState=enabled\n';
  for (const [text, isEnabled, isActive, pid, state] of [
    [
      `${loaded}ActiveState=active\nSubState=running\nResult=success\nMainPID=42\nExecMainStatus=0\n`,
      true,
      true,
      42,
      'active (running)',
    ],
    [
      `${loaded}ActiveState=failed\nSubState=failed\nResult=exit-code\nMainPID=0\nExecMainStatus=75\n`,
      true,
      false,
      undefined,
      'failed (exit-code 75)',
    ],
    [
      `${loaded}ActiveState=activating\nSubState=auto-restart\nResult=signal\nMainPID=0\nExecMainStatus=9\n`,
      true,
      false,
      undefined,
      'activating (auto-restart, signal 9)',
    ],
    [
      'LoadState=not-found\nUnitFileState=\nActiveState=inactive\nSubState=dead\nMainPID=0\n',
      false,
      false,
      undefined,
      'the unit is not-found',
    ],
  ] as const) {
    it(`is read as ${state}`, () => {
      assert.deepEqual(parseShow(text), { isEnabled, isActive, pid, state });
    });
  }
});

describe('A launchd agent', () => {
  const platform = 'darwin';
  const running = `gui/501/robo-x = {
	active count = 1
	path = /Users/anna/Library/LaunchAgents/robo-x.plist
	type = LaunchAgent
	state = running

	program = /usr/local/bin/node
	runs = 1
	pid = 4242
	last exit code = (never exited)
}
`;

  it('is put into the session of the user by name and file', () => {
    const agent = system(new FakeTools(), { platform, homeDirectory: '/Users/anna' });
    const file = '/Users/anna/Library/LaunchAgents/robo-x.plist';
    assert.equal(agent.file, file);
    assert.deepEqual(commands(agent), [
      '/bin/launchctl bootout gui/501/robo-x',
      '/bin/launchctl enable gui/501/robo-x',
      `/bin/launchctl bootstrap gui/501 ${file}`,
      '/bin/launchctl bootout gui/501/robo-x',
    ]);
    assert.ok((agent.start[0]?.attempts ?? 0) > 1, 'bootout answers before the job has ended');
  });

  it('is running, ended or not loaded', () => {
    assert.deepEqual(parsePrint('robo-x', running, ''), {
      isEnabled: true,
      isActive: true,
      pid: 4242,
      state: 'running',
    });
    const ended = running
      .replace('state = running', 'state = not running')
      .replace('\tpid = 4242\n', '')
      .replace('(never exited)', '75: EX_TEMPFAIL');
    assert.deepEqual(parsePrint('robo-x', ended, ''), {
      isEnabled: true,
      isActive: false,
      pid: undefined,
      state: 'not running, last exit code 75: EX_TEMPFAIL',
    });
    assert.equal(parsePrint('robo-x', '', '').state, 'not loaded');
  });

  for (const word of ['true', 'disabled']) {
    it(`is not enabled where launchd says "${word}"`, () => {
      const text = `disabled services = {\n\t\t"robo-x" => ${word}\n\t\t"robo" => false\n\t}\n`;
      assert.equal(parsePrint('robo-x', '', text).isEnabled, false);
      assert.equal(parsePrint('robo', '', text).isEnabled, true);
    });
  }

  it('is looked at with both questions, and unknown where launchctl is missing', async () => {
    const tools = new FakeTools()
      .prints('print gui/501/robo-x', running)
      .prints('print-disabled', 'disabled services = {\n}\n');
    const look = await system(tools, { platform }).look();
    assert.ok(look.known && look.value.pid === 4242);
    assert.equal((await system(new FakeTools(), { platform }).look()).known, false);
  });
});

describe('A scheduled task', () => {
  const environment = {
    SystemRoot: 'C:\\Windows',
    LOCALAPPDATA: 'C:\\Users\\anna\\AppData\\Local',
    USERDOMAIN: 'HOME',
  };
  const platform = 'win32';

  it('is created from its file, run, and deleted, and never ended by force', () => {
    const task = system(new FakeTools(), { platform, environment });
    const file = 'C:\\Users\\anna\\AppData\\Local\\robo\\services\\robo-x\\task.xml';
    assert.equal(task.file, file);
    assert.deepEqual(commands(task), [
      `C:\\Windows\\System32\\schtasks.exe /Create /TN robo-x /XML ${file} /F`,
      'C:\\Windows\\System32\\schtasks.exe /Run /TN robo-x',
      'C:\\Windows\\System32\\schtasks.exe /Delete /TN robo-x /F',
    ]);
  });

  it('is registered, disabled or not there', async () => {
    const xml =
      '<Task><Triggers><LogonTrigger><Enabled>false</Enabled></LogonTrigger></Triggers>' +
      '<Settings><Enabled>true</Enabled></Settings></Task>';
    assert.equal(parseTask(xml).isEnabled, true);
    assert.equal(parseTask(Buffer.from(xml, 'utf16le').toString('latin1')).isEnabled, true);
    assert.equal(parseTask(xml.replace('>true<', '>false<')).state, 'disabled');
    const tools = new FakeTools().prints('/Query', '', 1, 'ERROR');
    const look = await system(tools, { platform, environment }).look();
    assert.ok(look.known);
    assert.deepEqual(look.value, {
      isEnabled: false,
      isActive: false,
      pid: undefined,
      state: 'not registered',
    });
  });
});

describe('A service on any other system', () => {
  it('is refused in one sentence', () => {
    assert.throws(
      () => system(new FakeTools(), { platform: 'freebsd' }),
      /Linux \(systemd\), macOS and Windows, not on freebsd.*robo monitor/,
    );
  });
});
