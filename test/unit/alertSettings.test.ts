import assert from 'node:assert/strict';
import { alertJson, alertWords } from '../../src/daemon/alertWords';
import { desktopCalls, showOnDesktop } from '../../src/daemon/alertDesktop';
import type { AlertIncident, Telling } from '../../src/daemon/alertPolicy';
import { parseQuiet } from '../../src/daemon/alertQuiet';
import { effectiveSettings, parseAlertSettings } from '../../src/daemon/alertSettings';
import { known, unknown } from '../../src/core/observed';
import type { ToolCall } from '../../src/host/tool';

const nowMs = new Date(2026, 10, 20, 15, 0).getTime();
const hourMs = 3_600_000;

describe('how long to be quiet', () => {
  for (const [text, untilMs] of [
    ['2h', nowMs + 2 * hourMs],
    ['1.5 hours', nowMs + 1.5 * hourMs],
    ['for 30 min', nowMs + hourMs / 2],
    ['90m', nowMs + 1.5 * hourMs],
    ['7d', nowMs + 7 * 24 * hourMs],
    ['until 17:00', nowMs + 2 * hourMs],
    ['17:00', nowMs + 2 * hourMs],
    ['until 9:30', new Date(2026, 10, 21, 9, 30).getTime()],
    ['UNTIL  15:00', new Date(2026, 10, 21, 15, 0).getTime()],
    ['off', null],
  ] as const) {
    it(`is read from "${text}"`, () => {
      assert.equal(parseQuiet(text, nowMs), untilMs);
    });
  }

  for (const text of [
    '',
    '0m',
    '8d',
    'until 25:00',
    'until 17',
    '-2h',
    '2 parsecs',
    'offf',
    '1e9d',
  ]) {
    it(`is not read from "${text}"`, () => {
      assert.throws(() => parseQuiet(text, nowMs), { name: 'HumanError' });
    });
  }
});

describe('the settings of alerts', () => {
  it('count from the command line over the editor over the defaults', () => {
    assert.deepEqual(
      effectiveSettings({
        cli: { desktop: false },
        window: { desktop: true, heartbeatUrl: 'https://example.com/' },
      }),
      { desktop: false, command: [], heartbeatUrl: 'https://example.com/' },
    );
  });

  it('take programs by absolute path only, as arguments', () => {
    const command = [process.execPath, '$(id)', ''];
    assert.deepEqual(parseAlertSettings({ command }), { command });
    assert.deepEqual(parseAlertSettings({ command: [] }), { command: [] });
    for (const wrong of ['page-me', ['page-me'], ['./page-me'], [process.execPath, 3], ['/a\0b']]) {
      assert.throws(() => parseAlertSettings({ command: wrong }), /array of arguments/);
    }
  });

  it('send a heartbeat only over TLS, or within this machine', () => {
    for (const url of [
      'https://hc-ping.com/abc',
      'http://127.0.0.1:8080/x',
      'http://localhost/',
      'http://[::1]:1/',
    ]) {
      assert.deepEqual(parseAlertSettings({ heartbeatUrl: url }), { heartbeatUrl: url });
    }
    assert.deepEqual(parseAlertSettings({ heartbeatUrl: '' }), { heartbeatUrl: '' });
    for (const wrong of [
      'http://example.com/',
      'http://127.0.0.1.example.com/',
      'https://me:secret@example.com/',
      'file:///etc/passwd',
      'example.com',
      7,
    ]) {
      assert.throws(() => parseAlertSettings({ heartbeatUrl: wrong }), /https:\/\//);
    }
  });

  it('are refused where they are none', () => {
    for (const wrong of [null, [], 'x', { desktop: 'yes' }]) {
      assert.throws(() => parseAlertSettings(wrong), { name: 'HumanError' });
    }
  });
});

function telling(what: Telling['what'], changes: Partial<AlertIncident> = {}): Telling {
  const incident: AlertIncident = {
    key: 'connection/@2026-11-20T15:00:00.000Z',
    subject: { kind: 'connection' },
    severity: 'error',
    cause: 'port_refused',
    layer: 'tcp',
    message: 'Nobody listens on the port of U1234567\nand more.',
    since: '2026-11-20T15:00:00.000Z',
    gravity: 2,
    toldAt: null,
    toldGravity: 0,
    acknowledgedAt: null,
    acknowledgedGravity: 0,
    seenAtMs: 0,
    isConfirmed: true,
    end:
      what === 'end' ? { key: 'x', until: '2026-11-20T15:12:00.000Z', durationMs: 720_000 } : null,
    ...changes,
  };
  return { what, incident };
}

const endpoint = { host: '127.0.0.1', port: 7497 };
const redact = (text: string): string => text.replaceAll('U1234567', '<account>');

describe('the words of an alert', () => {
  it('say what, why and what to do; at the end how long and why', () => {
    const begin = alertWords(telling('begin'), endpoint, redact);
    assert.equal(begin.title, 'Robo: TWS paper at 127.0.0.1:7497 down');
    assert.match(begin.body, /^Nobody listens on the port of <account> and more\. Likely: .+\. .+/);
    const end = alertWords(telling('end'), endpoint, redact);
    assert.equal(end.title, 'Over: TWS paper at 127.0.0.1:7497');
    assert.match(end.body, /^It lasted 12 min\. Cause: .+\.$/);
  });

  it('are bounded, and one line each', () => {
    const subject = { kind: 'runner', name: `/home/me/${'a\u202e'.repeat(500)}` } as const;
    const words = alertWords(
      telling('begin', { subject, message: 'x\u0007\u2028'.repeat(900), cause: null }),
      endpoint,
      redact,
    );
    assert.ok(words.title.length <= 100 && words.body.length <= 400);
    // eslint-disable-next-line no-control-regex -- what must not be there
    assert.doesNotMatch(words.title + words.body, /[\u0000-\u001f\u2028\u202e]/);
  });

  it('go to a program as one JSON document', () => {
    const begin = telling('begin');
    const json = alertJson(begin, endpoint, alertWords(begin, endpoint, redact), redact);
    assert.equal(json.indexOf('\n'), json.length - 1);
    const { body, title, ...rest } = JSON.parse(json) as Record<string, unknown>;
    assert.ok(typeof body === 'string' && typeof title === 'string');
    assert.deepEqual(rest, {
      schema: 1,
      event: 'begin',
      endpoint: { host: '127.0.0.1', port: 7497 },
      incident: {
        key: 'connection/@2026-11-20T15:00:00.000Z',
        subject: { kind: 'connection' },
        severity: 'error',
        cause: 'port_refused',
        layer: 'tcp',
        message: 'Nobody listens on the port of <account>\nand more.',
        since: '2026-11-20T15:00:00.000Z',
        until: null,
        durationMs: null,
      },
    });
  });
});

describe('a desktop notification', () => {
  const words = { title: 'Robo: "down" $(id)', body: "it's <b>down</b> & `out` %PATH%" };
  const session = {
    DBUS_SESSION_BUS_ADDRESS: 'unix:path=/run/user/1/bus',
    HOME: '/h',
    SECRET: 's',
  };
  const run = (): never => {
    throw new Error('nothing runs here');
  };

  it('is asked of notify-send by absolute path, its body without markup', () => {
    const calls = desktopCalls(words, { platform: 'linux', environment: session, run });
    assert.ok(calls.length > 0);
    for (const { file, args, environment } of calls) {
      assert.match(file, /^\/.*\/notify-send$/);
      assert.deepEqual(args.slice(-3), [
        '--',
        words.title,
        "it's &lt;b&gt;down&lt;/b&gt; &amp; `out` %PATH%",
      ]);
      assert.equal(environment?.['SECRET'], undefined);
      assert.equal(environment?.['DBUS_SESSION_BUS_ADDRESS'], session.DBUS_SESSION_BUS_ADDRESS);
    }
  });

  it('is not tried where there is no session, and on no other system', () => {
    for (const environment of [{}, { DBUS_SESSION_BUS_ADDRESS: '', HOME: '/h' }]) {
      assert.deepEqual(desktopCalls(words, { platform: 'linux', environment, run }), []);
    }
    assert.deepEqual(desktopCalls(words, { platform: 'aix', environment: session, run }), []);
  });

  it('keeps the words out of every script', () => {
    for (const platform of ['darwin', 'win32'] as const) {
      const [call] = desktopCalls(words, { platform, environment: {}, run });
      assert.ok(call !== undefined);
      const scripts = platform === 'darwin' ? call.args.slice(0, -2) : call.args;
      assert.doesNotMatch(scripts.join('\n'), /down|\$\(id\)/);
      const carried =
        platform === 'darwin'
          ? call.args.slice(-2)
          : [call.environment?.['ROBO_TITLE'], call.environment?.['ROBO_BODY']];
      assert.deepEqual(carried, [words.title, words.body]);
    }
  });

  it('takes the first notify-send that is there, and says why none worked', async () => {
    const asked: string[] = [];
    const notifySend = ['/none/notify-send', '/some/notify-send', '/other/notify-send'];
    const answer = (exitCode: number) => async (call: ToolCall) => {
      asked.push(call.file);
      await Promise.resolve();
      return call.file.startsWith('/none')
        ? unknown(`${call.file} is not on this machine`)
        : known({ exitCode, stdout: '', stderr: 'no service\nmore' });
    };
    const deps = { platform: 'linux', environment: session, notifySend } as const;
    assert.equal(await showOnDesktop(words, { ...deps, run: answer(0) }), undefined);
    assert.deepEqual(asked, ['/none/notify-send', '/some/notify-send']);
    assert.match((await showOnDesktop(words, { ...deps, run: answer(1) })) ?? '', /1 no service$/);
    assert.match(
      (await showOnDesktop(words, { ...deps, notifySend: ['/none/x'], run: answer(0) })) ?? '',
      /not on this machine/,
    );
  });
});
