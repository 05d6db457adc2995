import assert from 'node:assert/strict';
import type { ProcessInfo } from '../../src/host/machine';
import type { ProcessBackground } from '../../src/host/processBackground';
import { listRunners } from '../../src/runner/duplicates';
import { duplicateFinding } from '../../src/runner/duplicateFinding';
import { startsInLoop } from '../../src/runner/respawnSource';
import { respawnSources } from '../../src/runner/respawnSources';
import type { ListedProcess } from '../../src/runner/listedProcess';
import { fakeProcess } from '../support/hostFakes';

const runner = 'python3 -m robo_trader.runner_async';

function list(
  processes: readonly ProcessInfo[],
  background: Readonly<Record<number, Partial<ProcessBackground>>> = {},
): readonly ListedProcess[] {
  return listRunners({
    processes,
    sockets: [],
    workspace: '/ws',
    endpoint: { host: '127.0.0.1', port: 7497 },
    runnerCommand: [],
    supervised: undefined,
    ownPid: 9,
    background: new Map(
      Object.entries(background).map(([pid, known]) => [
        Number(pid),
        { environment: undefined, controlGroup: undefined, launchdLabel: undefined, ...known },
      ]),
    ),
  });
}

/** The duplicate of a pair, whose parent is `parent`. */
function below(
  parent: ProcessInfo | undefined,
  background: Readonly<Record<number, Partial<ProcessBackground>>> = {},
): ListedProcess {
  const listed = list(
    [
      fakeProcess(20, runner),
      ...(parent === undefined ? [] : [parent]),
      fakeProcess(60, runner, { parentPid: parent?.pid ?? 1 }),
    ],
    background,
  );
  const duplicate = listed.find(({ pid }) => pid === 60);
  assert.ok(duplicate?.role === 'duplicate');
  return duplicate;
}

describe('what would start a runner again', () => {
  for (const [what, text, is] of [
    [
      'a loop',
      '#!/bin/sh\nwhile :; do\n  python3 -m robo_trader.runner_async\n  sleep 2\ndone\n',
      true,
    ],
    ['a loop on one line', 'until python3 robo_trader/runner_async.py; do sleep 1; done', true],
    ['a loop around what it is given', 'while true; do "$@"; done', true],
    [
      'a wait before the start',
      'while ! nc -z localhost 4002; do sleep 1; done\npython3 -m robo_trader.runner_async',
      false,
    ],
    ['a wait for its end', 'while pgrep -f runner_async; do sleep 1; done', false],
    ['a comment', '# while true do runner_async\nexec python3 -m robo_trader.runner_async', false],
  ] as const) {
    it(`is ${is ? '' : 'not '}a script with ${what}`, () => {
      assert.equal(startsInLoop(text, ['runner_async']), is);
    });
  }

  const parents: readonly (readonly [string, ProcessInfo, RegExp, RegExp])[] = [
    [
      'the old monitor',
      fakeProcess(50, 'python3 ibkr_connection_monitor.py --daemon'),
      /ibkr_connection_monitor\.py \(pid 50\)/,
      /End the old monitor/,
    ],
    [
      'a watchdog script',
      fakeProcess(50, 'bash scripts/watchdog.sh'),
      /watchdog\.sh/,
      /End .*first/,
    ],
    [
      'a watchdog in Python',
      fakeProcess(50, 'python3 ops/bot_watchdog.py'),
      /bot_watchdog/,
      /first/,
    ],
    [
      'a script that restarts',
      fakeProcess(50, 'bash ./run_forever.sh'),
      /run_forever\.sh/,
      /pid 50/,
    ],
    [
      'a shell loop',
      fakeProcess(50, 'x', { argv: ['bash', '-c', `while true; do ${runner}; sleep 5; done`] }),
      /a shell loop \(pid 50\)/,
      /pid 50/,
    ],
    [
      'supervisord',
      fakeProcess(50, '/usr/bin/python3 /usr/bin/supervisord -n'),
      /supervisord \(pid 50\)/,
      /supervisorctl stop/,
    ],
    [
      'pm2',
      fakeProcess(50, 'x', { argv: ['PM2 v5.3.0: God Daemon (/home/u/.pm2)'] }),
      /pm2 \(pid 50\)/,
      /pm2 stop/,
    ],
    ['runit', fakeProcess(50, 'runsv trader'), /runit/, /sv down/],
    [
      'nodemon',
      fakeProcess(50, 'node /x/node_modules/.bin/nodemon bot.js'),
      /file watcher/,
      /pid 50/,
    ],
    ['cron', fakeProcess(50, '/usr/sbin/cron -f'), /cron \(pid 50\)/, /crontab -e/],
    ['a Windows service', fakeProcess(50, 'C:\\nssm\\nssm.exe'), /Windows service/, /sc stop/],
  ];
  for (const [name, parent, source, remedy] of parents) {
    it(`is ${name} above it, named first`, () => {
      const { respawnedBy, why } = below(parent);
      assert.match(respawnedBy?.name ?? '', source);
      assert.equal(respawnedBy?.pid, 50);
      assert.match(respawnedBy.remedy, remedy);
      assert.match(why, /started it and will start another$/);
    });
  }

  const innocent: readonly (readonly [string, ProcessInfo])[] = [
    ['a shell of a person', fakeProcess(50, 'bash')],
    [
      'a shell with one command',
      fakeProcess(50, 'x', { argv: ['bash', '-c', `${runner} --once`] }),
    ],
    ['tmux', fakeProcess(50, 'tmux new -d')],
    ['a test of a watchdog', fakeProcess(50, 'python3 tests/test_watchdog.py')],
    ['an editor with a watchdog in it', fakeProcess(50, 'vim watchdog.sh')],
  ];
  for (const [name, parent] of innocent) {
    it(`is not ${name}`, () => {
      assert.equal(below(parent).respawnedBy, null);
    });
  }

  const groups: readonly (readonly [string, string, string, RegExp])[] = [
    [
      'a unit of the system',
      '/system.slice/trader.service',
      'the systemd unit trader.service',
      /systemctl stop trader\.service/,
    ],
    [
      'a unit of the user',
      '/user.slice/user-1000.slice/user@1000.service/app.slice/trader.service',
      'the systemd unit trader.service',
      /systemctl --user stop trader\.service/,
    ],
    [
      'a container of Docker',
      `/system.slice/docker-${'0123456789ab'.repeat(5)}0123.scope`,
      'the container 0123456789ab',
      /docker stop 0123456789ab/,
    ],
    [
      'a container of an older Docker',
      `/docker/${'0123456789ab'.repeat(5)}0123`,
      'the container 0123456789ab',
      /restart policy/,
    ],
  ];
  for (const [name, controlGroup, source, remedy] of groups) {
    it(`is ${name}, by the control group`, () => {
      const { respawnedBy, why } = below(undefined, { 60: { controlGroup } });
      assert.deepEqual([respawnedBy?.name, respawnedBy?.pid], [source, null]);
      assert.match(respawnedBy?.remedy ?? '', remedy);
      assert.match(why, /may start another$/);
    });

    it(`is not ${name} in which Robo itself runs`, () => {
      const seen = below(undefined, { 9: { controlGroup }, 60: { controlGroup } });
      assert.equal(seen.respawnedBy, null);
    });
  }

  it('is no session, and no unit in which a person works', () => {
    const sessions = [
      '/user.slice/user-1000.slice/session-3.scope',
      '/user.slice/user-1000.slice/user@1000.service',
      '/',
    ];
    for (const controlGroup of sessions) {
      assert.equal(below(undefined, { 60: { controlGroup } }).respawnedBy, null, controlGroup);
    }
    const shell = fakeProcess(50, 'sshd: u [priv]', { name: 'sshd' });
    const ssh = { controlGroup: '/system.slice/ssh.service' };
    assert.equal(below(shell, { 60: ssh }).respawnedBy, null);
  });

  it('is a job of launchd, and no application', () => {
    const job = below(undefined, { 60: { launchdLabel: 'com.robotrader.runner' } });
    assert.match(job.respawnedBy?.remedy ?? '', /launchctl bootout gui\/.*com\.robotrader\.runner/);
    const parent = fakeProcess(50, 'bash start.sh');
    const above = below(parent, { 50: { launchdLabel: 'com.robotrader.runner' } });
    assert.equal(above.respawnedBy?.name, 'the launchd job com.robotrader.runner');
    const editor = below(undefined, { 60: { launchdLabel: 'application.com.microsoft.VSCode.1' } });
    assert.equal(editor.respawnedBy, null);
  });

  it('is a watchdog beside it in the workspace, and none in another one', () => {
    const pair = [fakeProcess(20, runner), fakeProcess(60, runner)];
    const near = list([...pair, fakeProcess(70, 'bash scripts/watchdog.sh')]);
    assert.deepEqual(
      near.map(({ pid, role }) => [pid, role]),
      [
        [70, 'helper'],
        [20, 'runner'],
        [60, 'duplicate'],
      ],
    );
    assert.equal(near[2]?.respawnedBy?.pid, 70);
    const far = fakeProcess(70, 'bash scripts/watchdog.sh', { workingDirectory: '/other' });
    assert.ok(list([...pair, far]).every(({ respawnedBy }) => respawnedBy === null));
  });

  it('stands first in the finding, once', () => {
    const listed = list([
      fakeProcess(20, runner),
      fakeProcess(50, 'python3 ibkr_connection_monitor.py'),
      fakeProcess(60, runner, { parentPid: 50 }),
      fakeProcess(61, runner, { parentPid: 50 }),
    ]);
    assert.equal(respawnSources(listed).length, 1);
    const finding = duplicateFinding(listed, {
      workspace: '/ws',
      sinceMs: Date.parse('2026-11-20T15:00:00Z'),
      nowMs: Date.parse('2026-11-20T15:01:00Z'),
      platform: 'linux',
    });
    assert.match(finding?.message ?? '', /^3 runners .*pid 20, 60, 61/);
    assert.match(finding?.remedy[0] ?? '', /End the old monitor/);
    assert.deepEqual(
      [finding?.guide, finding?.severity, finding?.firstAt],
      ['duplicate_runner', 'error', '2026-11-20T15:00:00.000Z'],
    );
  });

  it('is a warning where only a helper runs twice', () => {
    const listed = list([fakeProcess(20, 'python3 app.py'), fakeProcess(30, 'python3 app.py')]);
    const about = { workspace: '/ws', sinceMs: 0, nowMs: 0, platform: 'linux' } as const;
    const finding = duplicateFinding(listed, about);
    assert.deepEqual([finding?.severity, finding?.guide], ['warning', 'duplicate_runner']);
    assert.match(finding?.message ?? '', /helper .*pid 30 too many/);
    assert.equal(duplicateFinding(list([fakeProcess(20, runner)]), about), undefined);
  });
});
