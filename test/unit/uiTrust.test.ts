import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import fs from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { commandIds } from '../../src/ui/ids';
import type { openRobo as OpenRobo, RoboApi } from '../../src/ui/robo';
import { eventually } from '../support/eventually';
import { FakeClock, settle } from '../support/fakeClock';
import { type FakeEditor, installFakeVscode } from '../support/fakeVscode';

/** Those whose refusal says why; the others have nothing to do with the folder. */
const needTrust = new Set<string>([
  commandIds.test,
  commandIds.reconnect,
  commandIds.startRunner,
  commandIds.stopRunner,
  commandIds.restartRunner,
  commandIds.watchRunner,
  commandIds.unwatchRunner,
  commandIds.bypassGate,
  commandIds.chooseRunner,
  commandIds.killDuplicates,
  commandIds.openMonitorLog,
  commandIds.openRunnerLog,
  commandIds.rehearse,
  commandIds.acknowledge,
  commandIds.doNotDisturb,
  commandIds.startWatching,
  commandIds.stopWatching,
]);

/** Everything that a process can be caught at: children, sockets, files of one folder. */
class Deeds {
  readonly processes: unknown[] = [];
  readonly sockets: unknown[] = [];
  readonly files: string[] = [];
  private readonly undo: (() => void)[] = [];

  constructor(private readonly folder: string) {
    this.listen('child_process', this.processes);
    this.listen('net.client.socket', this.sockets);
    this.spyOn(fs, ['readFileSync', 'openSync', 'readdirSync', 'createReadStream', 'readFile']);
    this.spyOn(fs.promises, ['readFile', 'open', 'readdir']);
  }

  get all(): readonly unknown[] {
    return [...this.processes, ...this.sockets, ...this.files];
  }

  dispose(): void {
    this.undo.forEach((each) => {
      each();
    });
  }

  private listen(channel: string, deeds: unknown[]): void {
    const note = (message: unknown): void => {
      deeds.push(message);
    };
    subscribe(channel, note);
    this.undo.push(() => unsubscribe(channel, note));
  }

  /** Compiled for the tests, our code looks its functions up in these objects at each call. */
  private spyOn(library: object, names: readonly string[]): void {
    for (const name of names) {
      const original = Reflect.get(library, name) as (...args: unknown[]) => unknown;
      const spy = (...args: unknown[]): unknown => {
        if (String(args[0]).startsWith(this.folder)) {
          this.files.push(String(args[0]));
        }
        return original.apply(library, args);
      };
      Reflect.set(library, name, spy);
      this.undo.push(() => Reflect.set(library, name, original));
    }
  }
}

/** What the editor gives to an extension, as far as a window uses it before it is trusted. */
/** The editor's own type, reached without importing it: only the window's room may. */
type ExtensionContext = Parameters<typeof OpenRobo>[0];

function contextFor(folder: string): ExtensionContext {
  const memory = new Map<string, unknown>();
  const memento = {
    get: (key: string, otherwise?: unknown) => memory.get(key) ?? otherwise,
    update: (key: string, value: unknown) => {
      memory.set(key, value);
      return Promise.resolve();
    },
    keys: () => [...memory.keys()],
  };
  const uri = (place: string) => ({ scheme: 'file', path: place, fsPath: place });
  return {
    subscriptions: [],
    workspaceState: memento,
    globalState: memento,
    extensionUri: uri(path.join(__dirname, '..', '..')),
    globalStorageUri: uri(path.join(folder, '..', 'storage')),
    storageUri: uri(path.join(folder, '..', 'storage')),
    environmentVariableCollection: {
      append: () => undefined,
      prepend: () => undefined,
      clear: () => undefined,
    },
    extension: { packageJSON: {} },
  } as unknown as ExtensionContext;
}

describe("A stranger's workspace", () => {
  let directory: string;
  let folder: string;
  let editor: FakeEditor;
  let removeFake: () => void;
  let deeds: Deeds;
  let context: ExtensionContext;
  let api: RoboApi;

  before(() => {
    const fake = installFakeVscode();
    editor = fake.editor;
    removeFake = fake.remove;
  });

  after(() => {
    removeFake();
  });

  beforeEach(() => {
    directory = fs.mkdtempSync(path.join(tmpdir(), 'robo-trust-'));
    folder = path.join(directory, 'strange');
    fs.mkdirSync(path.join(folder, '.vscode'), { recursive: true });
    fs.mkdirSync(path.join(folder, 'data'));
    fs.writeFileSync(path.join(folder, '.env'), 'IBKR_PORT=7497\nAPI_SECRET=canary\n');
    fs.writeFileSync(path.join(folder, '.vscode', 'settings.json'), '{"robo.port": 7497}');
    fs.writeFileSync(path.join(folder, 'data', 'kill_switch.lock'), '');
    fs.writeFileSync(path.join(folder, 'run.py'), "if __name__ == '__main__': pass");
    editor.folders = [folder];
    editor.settings = {
      'runner.command': [process.execPath, '-e', '1'],
      nodePath: '/strange/node',
    };
    editor.executed.length = 0;
    editor.messages.length = 0;
    editor.looks = 0;
    deeds = new Deeds(folder);
    context = contextFor(folder);
  });

  afterEach(() => {
    deeds.dispose();
    for (const each of [...context.subscriptions].reverse()) {
      each.dispose();
    }
    fs.rmSync(directory, { recursive: true, force: true });
  });

  async function openWindow(isTrusted: boolean): Promise<FakeClock> {
    editor.isTrusted = isTrusted;
    const clock = new FakeClock();
    const { openRobo } = await import('../../src/ui/robo');
    const { onDemand } = await import('../../src/ui/onDemand');
    api = openRobo(context, { clock, onDemand: () => Promise.resolve(onDemand) });
    await clock.advance(20_000);
    return clock;
  }

  it('is neither read nor dialled by its window, however long it is open', async () => {
    const clock = await openWindow(false);
    await clock.advance(600_000);
    assert.equal(api.state.kind, 'restricted');
    assert.deepEqual(deeds.all, []);
    assert.equal(editor.looks, 0);
    assert.deepEqual(editor.messages, []);
  });

  for (const id of Object.values(commandIds)) {
    it(`starts, reads and opens nothing by ${id}`, async () => {
      const clock = await openWindow(false);
      const command = editor.commands.get(id);
      assert.ok(command);
      for (const argument of [undefined, 'silent_handshake', '../../etc/passwd', { a: 1 }]) {
        await command(argument);
        await clock.advance(1_000);
      }
      assert.deepEqual(deeds.all, []);
      assert.equal(api.state.kind, 'restricted');
      if (needTrust.has(id)) {
        assert.match(editor.messages[0] ?? '', /^This workspace is not trusted/);
      }
      const terminals = editor.executed.filter((each) => /terminal|tasks|debug/.test(each));
      assert.deepEqual(terminals, []);
    });
  }

  for (const id of [
    commandIds.followLog,
    commandIds.pauseLog,
    commandIds.filterLog,
    commandIds.openLogFile,
  ]) {
    it(`says by ${id} that no log is in front, trusted or not`, async () => {
      for (const isTrusted of [false, true]) {
        editor.messages.length = 0;
        const clock = await openWindow(isTrusted);
        for (const argument of [undefined, '../../etc/passwd', { scheme: 'file' }]) {
          await editor.commands.get(id)?.(argument);
          await clock.advance(1_000);
        }
        const said = editor.messages.filter((each) => !each.startsWith('Watch '));
        assert.notDeepEqual(said, []);
        for (const each of said) {
          assert.equal(each, 'No log is in front: open one first.');
        }
      }
    });
  }

  it('is read as soon as it is trusted, and still dialled by nobody: the spies do see', async () => {
    await openWindow(true);
    await eventually(() => api.state.kind !== 'reading', 'the folder is read');
    assert.equal(api.state.kind, 'notWatched');
    assert.ok(deeds.files.some((file) => file.endsWith('.env')));
    assert.deepEqual(deeds.sockets, []);
    const before = deeds.processes.length;
    const child = spawn(process.execPath, ['--version'], { stdio: 'ignore' });
    const socket = connect({ host: '127.0.0.1', port: 1 });
    await Promise.all([once(child, 'exit'), once(socket, 'error')]);
    await settle();
    assert.deepEqual([deeds.processes.length - before, deeds.sockets.length], [1, 1]);
  });
});
