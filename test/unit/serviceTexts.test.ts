import assert from 'node:assert/strict';
import { launchAgent } from '../../src/daemon/service/launchdText';
import {
  parseRecord,
  recordLine,
  serviceName,
  type ServiceSpec,
} from '../../src/daemon/service/serviceSpec';
import { systemdUnit } from '../../src/daemon/service/systemdText';
import { scheduledTask, windowsArgument } from '../../src/daemon/service/taskText';
import { splitCommandLine } from '../../src/host/commandLine';

/** A state directory with everything that some format gives a meaning to. */
const hostile = `/ho me/%h $HOME \${X} $(Arg) "q" 'a' \\n <b>&amp; é \u{1f600} ; --> x`;

const spec: ServiceSpec = {
  endpoint: { host: '127.0.0.1', port: 7497 },
  stateDirectory: hostile,
  node: '/opt/no de/%h $X <&> é',
  daemonScript: '/data/100%/daemon.cjs',
  args: ['--host=127.0.0.1', `--state-dir=${hostile}`, '--service'],
  version: '1.2.3',
};

const record = {
  schema: 1,
  version: '1.2.3',
  stateDirectory: hostile,
  node: spec.node,
  daemonScript: spec.daemonScript,
};

const task = { user: 'HOME\\An<na>', systemRoot: 'C:\\Windows' };
/** Without the two things that the Task Scheduler would replace. */
const ofWindows: ServiceSpec = {
  ...spec,
  node: 'C:\\Program Files\\nodejs\\node.exe',
  args: ['--state-dir=C:\\Us"er\\100% é & <b>\\', '--service'],
};

/** The content of every element of that name, as a reader of XML gives it. */
function elements(xml: string, name: string): readonly string[] {
  return [...xml.matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, 'g'))].map(([, text = '']) =>
    text
      .replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)))
      .replaceAll('&lt;', '<')
      .replaceAll('&gt;', '>')
      .replaceAll('&quot;', '"')
      .replaceAll('&apos;', "'")
      .replaceAll('&amp;', '&'),
  );
}

describe('What a service is called and says of itself', () => {
  it('has one name per endpoint', () => {
    assert.equal(serviceName(spec.endpoint), 'robo-monitor-127.0.0.1_7497');
    assert.equal(serviceName({ host: 'fe80::1', port: 4002 }), 'robo-monitor-fe80--1_4002');
  });

  it('is one line that no format can misread, and is read back as it was', () => {
    const line = recordLine(spec);
    assert.match(line, /^[ -~]+$/);
    assert.doesNotMatch(line, /--|[<>&]/);
    assert.deepEqual(parseRecord(line), record);
  });

  for (const [what, text] of [
    ['a systemd unit', systemdUnit(spec)],
    ['a launchd agent', launchAgent('robo', spec)],
    ['a scheduled task', scheduledTask({ ...ofWindows, node: spec.node.replace('%h', '') }, task)],
  ] as const) {
    it(`is found in ${what}`, () => {
      assert.equal(parseRecord(text)?.stateDirectory, hostile);
      assert.equal(parseRecord(text.replaceAll('\n', '\r\n'))?.version, '1.2.3');
    });
  }

  it('is not found in what others have written', () => {
    for (const text of ['', '[Service]', 'robo-service', 'robo-service {}', 'robo-service {"a":']) {
      assert.equal(parseRecord(text), undefined);
    }
  });
});

describe('The systemd unit', () => {
  const lines = systemdUnit(spec).split('\n');

  it('quotes what systemd would expand', () => {
    assert.equal(
      lines.find((line) => line.startsWith('ExecStart=')),
      `ExecStart="/opt/no de/%%h $X <&> é" "/data/100%%/daemon.cjs" "--host=127.0.0.1" ` +
        `"--state-dir=/ho me/%%h $$HOME $\${X} $$(Arg) \\"q\\" 'a' \\\\n <b>&amp; é \u{1f600} ; --> x" "--service"`,
    );
  });

  it('writes line breaks as escapes, so that no path can add a setting', () => {
    const text = systemdUnit({ ...spec, args: ['--state-dir=/a\nExecStop=/bin/evil\t\u007f'] });
    assert.match(text, /"--state-dir=\/a\\x0aExecStop=\/bin\/evil\\x09\\x7f"/);
    assert.doesNotMatch(text, /^ExecStop/m);
  });

  it('starts again after a delay, not for ever, and not where that mends nothing', () => {
    for (const line of [
      'Restart=on-failure',
      'RestartSec=10',
      'StartLimitIntervalSec=900',
      'StartLimitBurst=3',
      'RestartPreventExitStatus=64 75',
    ]) {
      assert.ok(lines.includes(line), line);
    }
  });

  it('spares the runner when the monitor ends', () => {
    assert.ok(lines.includes('KillMode=process'));
    assert.ok(lines.includes('OOMPolicy=continue'));
  });

  for (const node of ['/opt/"q"/node', "/opt/it's/node", '/opt/a\\b/node', '/opt/\n/node']) {
    it(`refuses the program ${JSON.stringify(node)}, as systemd would`, () => {
      assert.throws(() => systemdUnit({ ...spec, node }), /unit file cannot hold .*--node/);
    });
  }

  it('refuses what no file name can be', () => {
    for (const part of ['a\0b', 'a\ud800b']) {
      assert.throws(() => systemdUnit({ ...spec, args: [part] }), /cannot hold/);
    }
  });
});

describe('The launchd agent', () => {
  const text = launchAgent('robo-monitor-x', spec);

  it('holds the command as it is, one string an argument', () => {
    assert.deepEqual(elements(text, 'string'), [
      'robo-monitor-x',
      spec.node,
      spec.daemonScript,
      ...spec.args,
    ]);
  });

  it('starts again only after a crash, and rarely', () => {
    assert.match(
      text,
      /<key>KeepAlive<\/key>\s*<dict>\s*<key>Crashed<\/key>\s*<true\/>\s*<\/dict>/,
    );
    assert.match(text, /<key>ThrottleInterval<\/key>\s*<integer>300<\/integer>/);
    assert.match(text, /<key>AbandonProcessGroup<\/key>\s*<true\/>/);
  });

  it('keeps line breaks and refuses control characters', () => {
    const odd = 'a\r\n\tb';
    assert.equal(elements(launchAgent('x', { ...spec, args: [odd] }), 'string').at(-1), odd);
    for (const part of ['a\u0000', 'a\u0008', 'a\uffff', '\udc00']) {
      assert.throws(() => launchAgent('x', { ...spec, args: [part] }), /XML file cannot hold/);
    }
  });
});

describe('The scheduled task', () => {
  const text = scheduledTask(ofWindows, task);

  it('runs Node without a window, with arguments that come out as they went in', () => {
    assert.deepEqual(elements(text, 'Command'), ['C:\\Windows\\System32\\conhost.exe']);
    const [args = ''] = elements(text, 'Arguments');
    assert.deepEqual(splitCommandLine(`conhost.exe ${args}`).slice(1), [
      '--headless',
      ofWindows.node,
      ofWindows.daemonScript,
      ...ofWindows.args,
    ]);
  });

  it("is the user's own, without a time limit, and started again twice at most", () => {
    assert.deepEqual(elements(text, 'UserId'), [task.user, task.user]);
    assert.deepEqual(elements(text, 'RunLevel'), ['LeastPrivilege']);
    assert.deepEqual(elements(text, 'ExecutionTimeLimit'), ['PT0S']);
    assert.deepEqual(elements(text, 'Interval'), ['PT5M']);
    assert.deepEqual(elements(text, 'Count'), ['2']);
    assert.ok(text.startsWith('<?xml version="1.0" encoding="UTF-16"?>'));
  });

  for (const part of ['C:\\%TEMP%\\x', 'C:\\$(Arg0)']) {
    it(`refuses ${part}, which Windows would replace`, () => {
      assert.throws(() => scheduledTask({ ...ofWindows, args: [part] }, task), /variable/);
    });
  }

  it('quotes arguments as the C runtime reads them', () => {
    const words = ['', 'a', 'a b', 'a"b', 'a\\', 'a b\\', 'a\\"b', '\\\\server\\x y\\\\', '\t'];
    const line = `x ${words.map((word) => windowsArgument(word)).join(' ')}`;
    assert.deepEqual(splitCommandLine(line).slice(1), words);
  });
});
