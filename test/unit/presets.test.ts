import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseEnvFile } from '../../src/core/envFile';
import { planPreset } from '../../src/runner/launchPlan';
import type { Preset } from '../../src/runner/preset';
import { extrasOf } from '../../src/runner/presetRoboTrader';
import { recognisePresets } from '../../src/runner/presets';
import { lookAt } from '../../src/runner/workspaceLook';

const asyncRunner = { 'robo_trader/__init__.py': '', 'robo_trader/runner_async.py': 'main()' };
const venv = { '.venv/pyvenv.cfg': 'home = /usr/bin', '.venv/bin/python': '' };
const client = 'from ib_async import IB\n';
const main = "\nif __name__ == '__main__':\n    main()\n";

describe('presets', () => {
  let box: string;
  let folder: string;
  let home: string;

  beforeEach(() => {
    box = realpathSync(mkdtempSync(path.join(tmpdir(), 'robo-presets-')));
    folder = path.join(box, 'work');
    home = path.join(box, 'home');
    mkdirSync(folder);
    mkdirSync(home);
    write({ 'bin/python3': '', 'bin/make': '' }, box);
  });

  afterEach(() => {
    rmSync(box, { recursive: true, force: true });
  });

  function write(files: Readonly<Record<string, string>>, root = folder): void {
    for (const [name, text] of Object.entries(files)) {
      const file = path.join(root, name);
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
  }

  interface Asker {
    readonly symbols?: readonly string[];
    readonly environment?: Readonly<Record<string, string>>;
    readonly platform?: NodeJS.Platform;
    readonly env?: string;
    readonly chosenPython?: string;
  }

  function contextOf(asker: Asker = {}): Parameters<typeof recognisePresets>[0] {
    return {
      look: lookAt(folder),
      platform: asker.platform ?? 'linux',
      environment: { PATH: path.join(box, 'bin'), ...asker.environment },
      homeDirectory: home,
      envFile: parseEnvFile(asker.env ?? ''),
      symbols: asker.symbols ?? ['AAPL', 'BRK.B'],
      chosenPython: asker.chosenPython,
    };
  }

  async function presets(
    files: Readonly<Record<string, string>>,
    asker: Asker = {},
  ): Promise<readonly Preset[]> {
    write(files);
    return await recognisePresets(contextOf(asker));
  }

  async function best(files: Readonly<Record<string, string>>, asker: Asker = {}): Promise<Preset> {
    const [first] = await presets(files, asker);
    assert.ok(first);
    return first;
  }

  const launched = (preset: Preset, symbols = ['AAPL', 'BRK.B']): readonly string[] =>
    planPreset(preset, { workspaceFolder: folder, symbols }).command;

  it('offers the built-in runner alone in a folder without a program', async () => {
    const found = await presets({ 'notes.py': 'print(1)', '.env': 'SYMBOLS=A' });
    assert.deepEqual(
      found.map(({ id, command, helpers }) => ({ id, command, helpers })),
      [{ id: 'built-in', command: [], helpers: [] }],
    );
  });

  it('runs the system by the interpreter of its folder, with symbols joined by commas', async () => {
    const preset = await best({ ...asyncRunner, ...venv });
    assert.equal(preset.id, 'robo_trader');
    assert.deepEqual(launched(preset), [
      `${folder}/.venv/bin/python`,
      '-m',
      'robo_trader.runner_async',
      '--symbols',
      'AAPL,BRK.B',
    ]);
    assert.deepEqual(preset.warnings, []);
    assert.deepEqual(preset.environment, {});
    assert.deepEqual(preset.helpers, []);
  });

  it('leaves the choice of symbols to the program where none are set', async () => {
    const preset = await best({ ...asyncRunner, ...venv }, { symbols: [] });
    assert.deepEqual(launched(preset, []).slice(1), ['-m', 'robo_trader.runner_async']);
  });

  it('prefers runner_async to older forms, and these to nothing', async () => {
    const older = await best({ 'robo_trader/runner.py': '' });
    assert.deepEqual(launched(older).slice(1, 3), ['-m', 'robo_trader.runner']);
    const newer = await best({ ...asyncRunner, 'start_ai_trading.py': '' });
    assert.deepEqual(launched(newer).slice(1, 3), ['-m', 'robo_trader.runner_async']);
  });

  describe('the interpreter', () => {
    const python = async (
      files: Readonly<Record<string, string>>,
      asker: Asker = {},
    ): Promise<{ readonly argv: readonly string[]; readonly warnings: string }> => {
      const preset = await best({ ...asyncRunner, ...files }, asker);
      const command = launched(preset);
      return {
        argv: command.slice(0, command.indexOf('-m')),
        warnings: preset.warnings.join('\n'),
      };
    };

    for (const [name, files, wanted] of [
      ['venv', { 'venv/bin/python': '' }, 'venv/bin/python'],
      ['env', { 'env/bin/python3': '' }, 'env/bin/python3'],
      ['.venv before venv', { 'venv/bin/python': '', ...venv }, '.venv/bin/python'],
      ['uv by its .venv', { ...venv, 'uv.lock': '' }, '.venv/bin/python'],
      ['pixi', { '.pixi/envs/default/bin/python': '' }, '.pixi/envs/default/bin/python'],
    ] as const) {
      it(`is found in ${name}`, async () => {
        assert.deepEqual((await python(files)).argv, [`${folder}/${wanted}`]);
      });
    }

    it('has its Windows form on Windows', async () => {
      const found = await python({ '.venv/Scripts/python.exe': '' }, { platform: 'win32' });
      assert.deepEqual(found.argv, [`${folder}/.venv/Scripts/python.exe`]);
    });

    it('is the one that the editor uses, if that is an environment', async () => {
      write({ 'other/pyvenv.cfg': '', 'other/bin/python': '' }, box);
      write({ 'plain/bin/python': '' }, box);
      const other = path.join(box, 'other/bin/python');
      assert.deepEqual((await python(venv, { chosenPython: other })).argv, [other]);
      const asFolder = await python(venv, { chosenPython: path.join(box, 'other') });
      assert.deepEqual(asFolder.argv, [other]);
      const plain = await python(venv, { chosenPython: path.join(box, 'plain/bin/python') });
      assert.deepEqual(plain.argv, [`${folder}/.venv/bin/python`]);
    });

    it('is passed over where its environment is broken, and that is said', async () => {
      write({ '.venv/pyvenv.cfg': '', 'venv/bin/python': '' });
      mkdirSync(path.join(folder, '.venv/bin'));
      symlinkSync('/nowhere/python3.11', path.join(folder, '.venv/bin/python'));
      const { argv, warnings } = await python({});
      assert.deepEqual(argv, [`${folder}/venv/bin/python`]);
      assert.match(warnings, /\.venv has no Python that this system can start/);
    });

    it('is found in the cache of poetry, at the version that was activated', async () => {
      const hash = createHash('sha256').update(folder).digest('base64url').slice(0, 8);
      const name = `my_bot-${hash}`;
      const cache = path.join(home, '.cache/pypoetry/virtualenvs');
      write(
        {
          [`${name}-py3.9/bin/python`]: '',
          [`${name}-py3.11/bin/python`]: '',
          'my_bot-AAAAAAAA-py3.12/bin/python': '',
        },
        cache,
      );
      const project = { 'pyproject.toml': '[tool.poetry]\nname = "My Bot"\n' };
      const newest = await python(project);
      assert.deepEqual(newest.argv, [path.join(cache, `${name}-py3.11/bin/python`)]);
      write({ 'envs.toml': `[${name}]\nminor = "3.9"\npatch = "3.9.1"\n` }, cache);
      const active = await python(project);
      assert.deepEqual(active.argv, [path.join(cache, `${name}-py3.9/bin/python`)]);
    });

    for (const [tool, file] of [
      ['uv', 'uv.lock'],
      ['poetry', 'poetry.lock'],
      ['pdm', 'pdm.lock'],
      ['pipenv', 'Pipfile'],
    ] as const) {
      it(`is left to ${tool} where only ${tool} can find it`, async () => {
        write({ [tool]: '' }, path.join(box, 'bin'));
        assert.deepEqual((await python({ [file]: '' })).argv, [tool, 'run', 'python']);
      });
    }

    it('is the one that pdm, pipenv, conda and pyenv note for this folder', async () => {
      const at = (name: string): string => path.join(home, name);
      write({ 'p/python': '', 'c/envs/bot/bin/python': '' }, home);
      write({ '.pyenv/versions/bot-env/bin/python': '' }, home);
      write({ '.conda/environments.txt': `/x\n${at('c/envs/bot')}\n` }, home);
      write({ '.local/share/virtualenvs/w-1/.project': `${folder}\n` }, home);
      write({ '.local/share/virtualenvs/w-1/bin/python': '' }, home);
      const pyenv = await python({ '.python-version': 'bot-env\n' });
      assert.deepEqual(pyenv.argv, [at('.local/share/virtualenvs/w-1/bin/python')]);
      rmSync(at('.local'), { recursive: true });
      assert.deepEqual((await python({})).argv, [at('.pyenv/versions/bot-env/bin/python')]);
      const conda = await python({ 'environment.yml': 'name: bot\n' });
      assert.deepEqual(conda.argv, [at('c/envs/bot/bin/python')]);
      const pdm = await python({ '.pdm-python': at('p/python') });
      assert.deepEqual(pdm.argv, [at('p/python')]);
    });

    it('is the activated one, else the python3 of the machine, and that is said', async () => {
      write({ 'active/bin/python': '' }, box);
      const environment = { VIRTUAL_ENV: path.join(box, 'active') };
      assert.deepEqual((await python({}, { environment })).argv, [
        path.join(box, 'active/bin/python'),
      ]);
      const machine = await python({});
      assert.deepEqual(machine.argv, ['python3']);
      assert.match(machine.warnings, /No environment of this folder was found/);
    });

    it('is named although no Python was found, and that is said', async () => {
      const { argv, warnings } = await python({}, { environment: { PATH: '/nowhere' } });
      assert.deepEqual(argv, ['python3']);
      assert.match(warnings, /No Python was found/);
    });
  });

  describe('its console', () => {
    for (const [what, env, environment, wanted, warning] of [
      ['LOG_FILE in .env', 'LOG_FILE=bot.log # x', {}, { LOG_CONSOLE: '1' }, null],
      ['LOG_FILE in the environment', '', { LOG_FILE: 'b' }, { LOG_CONSOLE: '1' }, null],
      ['an empty LOG_FILE', 'LOG_FILE=   # optional', {}, {}, null],
      ['LOG_CONSOLE said already', 'LOG_FILE=b\nLOG_CONSOLE=true', {}, {}, null],
      ['LOG_CONSOLE switched off', 'LOG_FILE=b\nLOG_CONSOLE=0', {}, {}, /prints nothing/],
    ] as const) {
      it(`is switched on as needed: ${what}`, async () => {
        const preset = await best({ ...asyncRunner, ...venv }, { env, environment });
        assert.deepEqual(preset.environment, wanted);
        assert.equal(preset.warnings.length, warning === null ? 0 : 1);
        assert.match(preset.warnings.join(), warning ?? /^$/);
      });
    }
  });

  describe('its helpers', () => {
    const app = '# from robo_trader.websocket_server import ws_manager\nport = DASH_PORT\n';
    const server = { 'robo_trader/websocket_server.py': '' };
    const shape = (preset: Preset): readonly unknown[] =>
      preset.helpers.map(({ name, order, port, command }) => [name, order, port, command.at(-1)]);

    it('are the feed before and the dashboard after', async () => {
      const preset = await best({ ...asyncRunner, ...venv, ...server, 'app.py': app });
      assert.deepEqual(shape(preset), [
        ['websocket_server', 'before', 8765, 'robo_trader.websocket_server'],
        ['app.py', 'after', 5555, 'app.py'],
      ]);
      const { helpers } = planPreset(preset, { workspaceFolder: folder, symbols: ['A'] });
      assert.equal(helpers[1]?.command[0], `${folder}/.venv/bin/python`);
      assert.deepEqual(helpers[1].environment, { DASH_PORT: '5555' });
    });

    it('are one, before, where the dashboard serves the feed', async () => {
      const text = `${app}    ws_manager.start()\n`;
      const preset = await best({ ...asyncRunner, ...venv, ...server, 'app.py': text });
      assert.deepEqual(shape(preset), [['app.py', 'before', 5555, 'app.py']]);
      const commented = `${app}    # ws_manager.start()\n`;
      const seed = await best({ 'app.py': commented });
      assert.equal(seed.helpers.length, 2);
    });

    it('take their ports from .env and the environment, and doubt what is no port', async () => {
      const files = { ...asyncRunner, ...venv, ...server, 'app.py': app };
      const env = 'DASH_PORT=5600\nWEBSOCKET_PORT="8770" # mine';
      assert.deepEqual(
        (await best(files, { env })).helpers.map(({ port }) => port),
        [8770, 5600],
      );
      const wrong = await best(files, { env: 'DASH_PORT=55555555' });
      assert.deepEqual(
        wrong.helpers.map(({ port }) => port),
        [8765, 5555],
      );
      assert.match(wrong.warnings.join(), /DASH_PORT is "55555555"/);
    });

    it('leave out an app.py of something else, and warn of one that probes TWS', async () => {
      const other = await best({ ...asyncRunner, ...venv, 'app.py': 'import flask\n' });
      assert.deepEqual(other.helpers, []);
      const text = `${app}                ib.connect("127.0.0.1", port, clientId=999)\n`;
      const probing = await best({ 'app.py': text });
      assert.match(probing.warnings.join(), /probes can block TWS/);
      const port = `${app}        result = sock.connect_ex((host, port))\n`;
      assert.match((await best({ 'app.py': port })).warnings.join(), /probes can block TWS/);
      const advice = `${app}    IMPORTANT: Do NOT use socket.connect_ex() here\n    # ib.connect(host)\n`;
      assert.deepEqual((await best({ 'app.py': advice })).warnings, []);
    });
  });

  it('knows the same extras for a command that the trader wrote, and none for others', async () => {
    write({ ...asyncRunner, 'robo_trader/websocket_server.py': '' });
    const context = contextOf({ env: 'LOG_FILE=x' });
    const own = ['uv', 'run', 'python', '-m', 'robo_trader.runner_async'];
    const extras = await extrasOf(own, context);
    assert.deepEqual(extras.environment, { LOG_CONSOLE: '1' });
    assert.deepEqual(
      extras.helpers.map(({ command }) => command),
      [['uv', 'run', 'python', '-m', 'robo_trader.websocket_server']],
    );
    for (const other of [['./START_TRADER.sh'], ['node', 'bot.js'], []]) {
      const { environment, helpers } = await extrasOf(other, context);
      assert.deepEqual([environment, helpers], [{}, []], other.join(' '));
    }
  });

  describe('the script START_TRADER.sh', () => {
    const script = [
      '#!/bin/bash',
      '# pkill everything with nohup and a watchdog &',
      'echo "  pkill -f runner"',
      '',
    ].join('\n');

    it('comes after the runner itself, with what its text does and not what it says', async () => {
      const plain = await presets({ ...asyncRunner, ...venv, 'START_TRADER.sh': script });
      assert.deepEqual(
        plain.map(({ id }) => id),
        ['robo_trader', 'start_trader', 'built-in'],
      );
      assert.deepEqual(plain[1]?.command, ['bash', './START_TRADER.sh', '${symbols}']);
      assert.deepEqual(plain[1].warnings, []);
      const doing =
        'pkill -f "IB Gateway" 2>/dev/null || true\nif ! launchctl list; then x; fi\n$PYTHON -m robo_trader.runner_async > out.log 2>&1 &\n';
      const [, second] = await presets({ 'START_TRADER.sh': `${script}${doing}` });
      const warnings = second?.warnings.join('\n') ?? '';
      assert.match(warnings, /in the background/);
      assert.match(warnings, /supervisor of its own/);
      assert.match(warnings, /by their names/);
      assert.match(warnings, /second factor/);
    });

    it('is started by itself where it may be executed, and not on Windows', async () => {
      write({ 'START_TRADER.sh': script });
      chmodSync(path.join(folder, 'START_TRADER.sh'), 0o755);
      const preset = await best({});
      assert.deepEqual(preset.command, ['./START_TRADER.sh', '${symbols}']);
      const windows = await presets({}, { platform: 'win32' });
      assert.deepEqual(
        windows.map(({ id }) => id),
        ['built-in'],
      );
    });
  });

  it('warns of a runner that wants its own pre-flight, unless that is switched off', async () => {
    const files = {
      ...venv,
      'robo_trader/runner_async.py': 'flag = root / "data" / ".preflight_last_ok"',
    };
    assert.match((await best(files)).warnings.join(), /code 4 or 5/);
    const off = await best({}, { env: 'PREFLIGHT_ENFORCEMENT=off' });
    assert.deepEqual(off.warnings, []);
  });

  describe('other programs', () => {
    const ids = async (files: Readonly<Record<string, string>>): Promise<readonly string[]> =>
      (await presets({ ...venv, ...files })).map(({ id }) => id);

    it('are Python files that use a client of TWS and run by themselves', async () => {
      assert.deepEqual(
        await ids({
          'helpers.py': client,
          'zebra.py': `import asyncio, ib_insync\n${main}`,
          'bots/trend_bot.py': `from ibapi.client import EClient\n${main}`,
          'prints.py': main,
          'test_connection.py': client + main,
          'backtest_sma.py': client + main,
          'tests/main.py': client + main,
          'node_modules/x/main.py': client + main,
          'commented.py': `# ${client}${main}`,
        }),
        ['python:bots/trend_bot.py', 'python:zebra.py', 'built-in'],
      );
    });

    it('may use it through a module of their own', async () => {
      const [preset] = await presets({
        ...venv,
        'main.py': `from bot.broker import Broker\n${main}`,
        'bot/__init__.py': '',
        'bot/broker.py': `from . import link\n`,
        'bot/link.py': client,
      });
      assert.equal(preset?.id, 'python:main.py');
      assert.match(preset.why, /uses ib_async through bot\/link\.py/);
    });

    it('are started as modules inside a package', async () => {
      const [first, second] = await presets({
        ...venv,
        'bot/__init__.py': '',
        'bot/__main__.py': 'from . import run\n',
        'bot/run.py': client + main,
      });
      assert.deepEqual(first?.command.slice(1), ['-m', 'bot']);
      assert.deepEqual(second?.command.slice(1), ['-m', 'bot.run']);
    });

    it('are no more than five, and none beside the known system', async () => {
      const many = Object.fromEntries(
        Array.from({ length: 9 }, (_, index) => [`bot${index}.py`, client + main]),
      );
      assert.equal((await ids(many)).length, 6);
      assert.deepEqual(await ids(asyncRunner), ['robo_trader', 'built-in']);
    });

    it('are scripts of package.json with a client, started without npm where that is plain', async () => {
      const manifest = {
        scripts: { start: 'node dist/bot.js --once', trade: 'tsc && node x', test: 'mocha' },
        dependencies: { '@stoqey/ib': '1' },
      };
      const files = { 'package.json': JSON.stringify(manifest) };
      const [trade, start] = await presets(files);
      assert.deepEqual(trade?.command, ['npm', 'run', 'trade']);
      assert.deepEqual(start?.command, ['node', 'dist/bot.js', '--once']);
      assert.deepEqual(
        (await presets({}, { platform: 'win32' })).map(({ id }) => id),
        ['npm:start', 'built-in'],
      );
      for (const text of ['{"scripts":{"start":"node x"}}', '[]', 'null', '{', '']) {
        assert.deepEqual(await ids({ 'package.json': text }), ['built-in'], text);
      }
    });

    it('are targets of a Makefile that start what was recognised', async () => {
      const makefile = 'run: venv\n\tpython bot.py\n\nstart:\n\techo hi\n\ntrade := 1\n';
      assert.deepEqual(await ids({ 'bot.py': client + main, Makefile: makefile }), [
        'python:bot.py',
        'make:run',
        'built-in',
      ]);
    });
  });

  it('is not hurt by what lies in the place of a file', async () => {
    for (const name of ['app.py', 'package.json', 'pyproject.toml', 'START_TRADER.sh', 'main.py']) {
      mkdirSync(path.join(folder, name));
    }
    symlinkSync('/dev/zero', path.join(folder, 'bot.py'));
    symlinkSync(folder, path.join(folder, 'loop'));
    write({ 'huge.py': client + main + '#'.repeat(2_000_000), 'binary.py': '\0\x01\xff' });
    assert.deepEqual(
      (await presets({})).map(({ id }) => id),
      ['built-in'],
    );
  });
});
