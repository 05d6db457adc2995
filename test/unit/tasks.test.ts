import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type ParseError, parse } from 'jsonc-parser';
import { parseEnvFile } from '../../src/core/envFile';
import { problemLine, problemLines } from '../../src/cli/problemText';
import { resolveConfiguration } from '../../src/ibkr/configuration';
import { readTask, type RoboTask, taskCall, taskNames, taskType } from '../../src/ui/taskArguments';
import type { WorkspaceSetup } from '../../src/ui/workspaceSetup';
import { findingWith } from '../support/uiFixtures';

const root = path.join(__dirname, '..', '..');

interface Manifest {
  readonly contributes: {
    readonly taskDefinitions: readonly {
      readonly type: string;
      readonly required: readonly string[];
      readonly properties: Readonly<Record<string, { readonly enum?: readonly string[] }>>;
    }[];
    readonly problemMatchers: readonly {
      readonly name: string;
      readonly pattern: {
        readonly regexp: string;
        readonly file: number;
        readonly line: number;
        readonly column: number;
        readonly severity: number;
        readonly code: number;
        readonly message: number;
      };
    }[];
  };
}

const { contributes } = JSON.parse(
  readFileSync(path.join(root, 'package.json'), 'utf8'),
) as Manifest;

/** As much of a setup as a task reads. */
function setupWith(
  said: {
    readonly settings?: Parameters<typeof resolveConfiguration>[0]['settings'];
    readonly env?: string;
    readonly remote?: string;
  } & Partial<Pick<WorkspaceSetup, 'runnerCommand' | 'restartsByItself' | 'withHelpers'>>,
): WorkspaceSetup {
  const { settings = {}, env = '', remote, ...over } = said;
  const configuration = resolveConfiguration({
    flags: remote === undefined ? {} : { host: remote },
    environment: {},
    settings,
    envFile: parseEnvFile(env),
  });
  return {
    folder: { uri: { fsPath: '/trading' } },
    configuration,
    runnerCommand: [],
    restartsByItself: undefined,
    withHelpers: true,
    stateDirectory: '/state',
    ...over,
  } as unknown as WorkspaceSetup;
}

const test: RoboTask = { task: 'test', args: [] };
const run: RoboTask = { task: 'run', args: [] };
const consented = { choice: undefined, isConsented: true };
const always = ['--state-dir=/state', '--format=problem'];

describe('A task of ours', () => {
  it('is read from tasks.json, and nothing else is', () => {
    const args = ['--timeout', '15'];
    assert.deepEqual(readTask({ type: taskType, task: 'test', args }), { task: 'test', args });
    assert.deepEqual(readTask({ type: taskType, task: 'run' }), { task: 'run', args: [] });
    for (const wrong of [
      { type: 'npm', task: 'test' },
      { type: taskType, task: 'kill-duplicates' },
      { type: taskType },
      { type: taskType, task: 'test', args: '--timeout 15' },
      { type: taskType, task: 'test', args: [15] },
    ]) {
      assert.equal(readTask(wrong), undefined, JSON.stringify(wrong));
    }
  });

  it('says what the settings say, and leaves .env to the command line', () => {
    const env = 'IBKR_PORT=4002\nSYMBOLS=TSLA\n';
    assert.deepEqual(taskCall(test, { ...consented, setup: setupWith({ env }) }), {
      args: ['test', ...always],
      environment: {},
    });
    const settings = { host: '127.0.0.1', port: '7496', clientId: '9001', symbols: 'AAPL,NVDA' };
    assert.deepEqual(taskCall(test, { ...consented, setup: setupWith({ env, settings }) }).args, [
      ...['test', '--host=127.0.0.1', '--port=7496', '--client-id=9001', '--symbol=AAPL,NVDA'],
      ...always,
    ]);
  });

  it('lets its own arguments come last, so that they count', () => {
    const setup = setupWith({ settings: { port: '7496' } });
    const { args } = taskCall({ task: 'test', args: ['--port', '4002'] }, { ...consented, setup });
    assert.ok(args.indexOf('--port=7496') < args.indexOf('--port'));
  });

  it('dials another machine only where this workspace agreed', () => {
    const setup = setupWith({ remote: '192.0.2.7' });
    const yes = taskCall(test, { ...consented, setup });
    assert.ok(yes.args.includes('--host=192.0.2.7'));
    const no = taskCall(test, { ...consented, isConsented: false, setup });
    assert.ok(!no.args.some((argument) => argument.startsWith('--host')));
    assert.deepEqual(no.environment, { IBKR_HOST: '192.0.2.7' });
  });

  it('runs what "Start Runner" would run, each argument for itself', () => {
    const about = (setup: WorkspaceSetup, choice?: string) => ({
      ...consented,
      setup,
      choice: choice === undefined ? undefined : { id: choice, command: [] },
    });
    const command = ['python3', '-c', 'print("$HOME; rm -rf /")', '${symbols}'];
    const setup = setupWith({ settings: { symbols: 'AAPL' }, runnerCommand: command });
    assert.deepEqual(taskCall(run, about(setup, 'python')).args, [
      ...['run', '--symbols=AAPL', ...always],
      ...['--', 'python3', '-c', 'print("$HOME; rm -rf /")', 'AAPL'],
    ]);
    assert.deepEqual(taskCall(run, about(setupWith({}), 'robo_trader')).args, [
      ...['run', ...always, '--preset=robo_trader'],
    ]);
    const wishes = setupWith({ restartsByItself: false, withHelpers: false });
    assert.deepEqual(taskCall(run, about(wishes)).args, [
      ...['run', ...always, '--restart=off', '--no-helpers'],
    ]);
    const own: RoboTask = { task: 'run', args: ['--', 'node', 'x.js', '--restart'] };
    assert.deepEqual(taskCall(own, about(wishes)).args.slice(-5), [
      '--format=problem',
      ...own.args,
    ]);
    const preset: RoboTask = { task: 'run', args: ['--preset=auto'] };
    assert.ok(!taskCall(preset, about(setup)).args.includes('--'));
  });
});

describe('The problem matcher', () => {
  const [matcher] = contributes.problemMatchers;
  assert.ok(matcher);
  const { pattern } = matcher;
  const read = (line: string): Record<string, string | undefined> | undefined => {
    const match = new RegExp(pattern.regexp).exec(line);
    return match === null
      ? undefined
      : Object.fromEntries(
          (['file', 'line', 'column', 'severity', 'code', 'message'] as const).map((key) => [
            key,
            match[pattern[key]],
          ]),
        );
  };

  for (const file of ['/home/me/my trading/.env', 'C:\\Users\\me\\trading\\.env', '/a:1:2/.env']) {
    it(`reads a line about ${file}`, () => {
      const problem = { severity: 'error', cause: 'port_refused', message: 'Nobody: at 7497.' };
      assert.deepEqual(read(problemLine({ file, line: 3, column: 11 }, problem)), {
        ...{ file, line: '3', column: '11', severity: 'error' },
        ...{ code: 'port_refused', message: 'Nobody: at 7497.' },
      });
    });
  }

  it('gets one line, whatever a message contains', () => {
    const message = 'first\n/etc/passwd:1:1: error x: second\u001b[31m\r\n third';
    const line = problemLine(
      { file: '/w/.env', line: 1, column: 1 },
      { severity: 'error', cause: 'unknown', message },
    );
    assert.equal(line.split(/[\r\n]/).length, 1);
    assert.equal(read(line)?.['file'], '/w/.env');
  });

  it('reads no line of the layers, of a runner or of a traceback', () => {
    for (const line of [
      '  FAIL     hello     3000 ms  TCP accepted, no answer',
      '2026-11-20 10:00:01,000 - robo_trader - ERROR - Failed to fetch data for NVDA: x',
      '  File "/w/app.py", line 12, in main',
      '/w/app.py:12: DeprecationWarning: error',
    ]) {
      assert.equal(read(line), undefined, line);
    }
  });
});

describe('A finding as a problem line', () => {
  const env = '# comment\nIBKR_PORT=7497\nSYMBOLS=AAPL,NVDA # both\nTRADING_MODE=paper\n';
  const lines = (
    finding: Parameters<typeof findingWith>[0],
    over: { readonly environment?: Record<string, string>; readonly env?: string } = {},
  ): string => {
    const envFile = parseEnvFile(over.env ?? env);
    const configuration = resolveConfiguration({
      flags: {},
      environment: over.environment ?? {},
      settings: {},
      envFile,
    });
    return problemLines(
      [findingWith(finding)],
      { configuration, envFile },
      {
        workingDirectory: path.join(root, 'test', 'fixtures'),
      },
    );
  };
  const place = (text: string): string => /\.env:(\d+:\d+): /.exec(text)?.[1] ?? text;

  it('stands at the value that decides', () => {
    assert.equal(place(lines({})), '2:11');
    assert.equal(place(lines({ subject: { kind: 'symbol', name: 'nvda' } })), '3:14');
    assert.equal(place(lines({ guide: 'account_mode_mismatch' })), '4:14');
    // No line of .env says the host: the port stands in.
    assert.equal(place(lines({ guide: 'bad_host' })), '2:11');
  });

  it('stands at the first line where .env decides nothing', () => {
    assert.equal(place(lines({}, { environment: { IBKR_PORT: '7497' } })), '1:1');
    assert.equal(place(lines({}, { env: '' })), '1:1');
  });

  it('stands at the line of a traceback inside the folder, never outside', () => {
    const inside = lines({ source: { file: 'logs/strategy.py', line: 7 } });
    assert.match(inside, /fixtures.logs.strategy\.py:7:1: error /);
    assert.equal(place(lines({ source: { file: '/usr/lib/python3/x.py', line: 7 } })), '2:11');
  });

  it('names the cause and the first thing to do', () => {
    assert.match(
      lines({}),
      /: error silent_accept_dialog: TCP accepted.* Click Yes in the dialog\./,
    );
  });
});

describe('docs/tasks.md', () => {
  const text = readFileSync(path.join(root, 'docs', 'tasks.md'), 'utf8');
  const blocks = [...text.matchAll(/```jsonc\n([\s\S]*?)```/g)].map(([, json = '']) => {
    const errors: ParseError[] = [];
    const value = parse(json, errors, { allowTrailingComma: true }) as unknown;
    assert.deepEqual(errors, []);
    return value;
  });
  const [launch, tasks] = blocks as unknown as readonly [
    { readonly configurations: readonly { readonly preLaunchTask: string }[] },
    {
      readonly tasks: readonly (Readonly<Record<string, unknown>> & { readonly label: string })[];
    },
  ];

  it('has tasks that the manifest defines and the provider reads', () => {
    const [definition] = contributes.taskDefinitions;
    assert.equal(definition?.type, taskType);
    assert.deepEqual(definition.properties['task']?.enum, taskNames);
    assert.ok(tasks.tasks.length > 1);
    for (const { label, problemMatcher, ...rest } of tasks.tasks) {
      const own = Object.fromEntries(
        Object.entries(rest).filter(([key]) => key !== 'presentation'),
      );
      assert.notEqual(readTask(own), undefined, label);
      assert.equal(problemMatcher, '$robo');
      const known: ReadonlySet<string> = new Set(['type', ...Object.keys(definition.properties)]);
      assert.deepEqual(
        Object.keys(own).filter((key) => !known.has(key)),
        [],
      );
    }
  });

  it('puts a task before F5 that exists', () => {
    const existing = [
      ...taskNames.map((name) => `${taskType}: ${name}`),
      ...tasks.tasks.map(({ label }) => label),
    ];
    const named = [...text.matchAll(/"preLaunchTask": "([^"]+)"/g)].map(([, name = '']) => name);
    assert.deepEqual(
      named.filter((name) => !existing.includes(name)),
      [],
    );
    assert.ok(named.length > 1);
    assert.equal(launch.configurations[0]?.preLaunchTask, 'robo: test');
  });

  it('shows a line as the matcher reads it', () => {
    const [, line = ''] = /```text\n(.*)\n```/.exec(text) ?? [];
    assert.match(line, new RegExp(contributes.problemMatchers[0]?.pattern.regexp ?? '$^'));
  });
});
