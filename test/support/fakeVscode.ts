import Module from 'node:module';

/** What the tests of a window see of what it did to the editor. */
export interface FakeEditor {
  isTrusted: boolean;
  /** Absolute paths. */
  folders: readonly string[];
  /** Values of settings below `robo.`, as a workspace's file would set them. */
  settings: Record<string, unknown>;
  readonly commands: Map<string, (argument?: unknown) => Promise<unknown>>;
  /** Commands of the editor that were run. */
  readonly executed: string[];
  /** Texts of toasts and modal questions. */
  readonly messages: string[];
  /** How often folders or settings were asked for. */
  looks: number;
  /** What was set in a status bar item, one after another. */
  readonly statusItem: [name: string, value: unknown][];
}

interface Loader {
  _load: (this: unknown, request: string, ...rest: unknown[]) => unknown;
}

/**
 * Answers `require('vscode')` with an editor that knows nothing but what this module fakes. It is
 * the same one each time, put back as it was: whatever has loaded `vscode` keeps what it has got.
 */
export function installFakeVscode(): { readonly editor: FakeEditor; readonly remove: () => void } {
  const { editor, fake } = theOne;
  Object.assign(editor, { isTrusted: false, folders: [], settings: {}, looks: 0 });
  editor.commands.clear();
  editor.executed.length = 0;
  editor.messages.length = 0;
  editor.statusItem.length = 0;
  const loader = Module as unknown as Loader;
  const load = loader._load;
  loader._load = function (request, ...rest) {
    return request === 'vscode' ? fake : load.call(this, request, ...rest);
  };
  return {
    editor,
    remove: () => {
      loader._load = load;
    },
  };
}

function fakeEditor(): { readonly editor: FakeEditor; readonly fake: unknown } {
  const editor: FakeEditor = {
    isTrusted: false,
    folders: [],
    settings: {},
    commands: new Map(),
    executed: [],
    messages: [],
    looks: 0,
    statusItem: [],
  };
  // What is compiled from `import *` is made of the module's prototype and its own properties.
  const fake: unknown = Object.create(
    anything({
      ...values,
      commands: anything({
        registerCommand: (id: string, run: (argument?: unknown) => Promise<unknown>) => {
          editor.commands.set(id, run);
          return disposable;
        },
        executeCommand: (id: string) => {
          editor.executed.push(id);
          return Promise.resolve(undefined);
        },
      }),
      window: windowOf(editor),
      workspace: workspaceOf(editor),
    }) as object,
  );
  return { editor, fake };
}

const disposable = { dispose: () => undefined };

class EventEmitter {
  readonly event = (): typeof disposable => disposable;
  fire(): void {
    // Nobody listens.
  }
  dispose(): void {
    // Nothing is held.
  }
}

interface FakeUri {
  readonly scheme: string;
  readonly path: string;
  readonly fsPath: string;
  toString(): string;
}

function uri(path: string, scheme = 'file'): FakeUri {
  return { scheme, path, fsPath: path, toString: () => `${scheme}://${path}` };
}

const values = {
  EventEmitter,
  // A class, as the editor's own: what is handed over may be asked whether it is one.
  Uri: Object.assign(
    function Uri() {
      return undefined;
    },
    {
      file: uri,
      parse: (text: string) => uri(text),
      from: ({ scheme, path }: { scheme: string; path: string }) => uri(path, scheme),
      joinPath: (base: FakeUri, ...parts: string[]) => uri([base.path, ...parts].join('/')),
    },
  ),
  Disposable: { from: () => disposable },
  l10n: {
    t: (message: string, ...args: unknown[]) =>
      message.replace(/\{(\d+)\}/g, (_whole, index: string) => String(args[Number(index)])),
  },
};

function windowOf({ messages, statusItem }: FakeEditor): unknown {
  const show = (text: string): Promise<undefined> => {
    messages.push(text);
    return Promise.resolve(undefined);
  };
  const nothing = (): Promise<undefined> => Promise.resolve(undefined);
  return anything({
    state: { focused: true },
    showInformationMessage: show,
    showWarningMessage: show,
    showErrorMessage: show,
    showQuickPick: nothing,
    showInputBox: nothing,
    showOpenDialog: nothing,
    setStatusBarMessage: () => disposable,
    createStatusBarItem: () =>
      new Proxy(
        { show: () => undefined, dispose: () => undefined },
        {
          set: (_target, name, value) => {
            statusItem.push([String(name), value]);
            return true;
          },
        },
      ),
    visibleTextEditors: [],
    activeTextEditor: undefined,
    withProgress: (_options: unknown, task: (progress: unknown, token: unknown) => unknown) =>
      task({ report: () => undefined }, { onCancellationRequested: () => disposable }),
  });
}

function workspaceOf(editor: FakeEditor): unknown {
  const read = (key: string): unknown => editor.settings[key];
  return anything({
    get isTrusted() {
      return editor.isTrusted;
    },
    get workspaceFolders() {
      editor.looks += 1;
      return editor.folders.map((folder, index) => ({ uri: uri(folder), name: folder, index }));
    },
    textDocuments: [],
    getConfiguration: () => {
      editor.looks += 1;
      return {
        get: (key: string, otherwise?: unknown) => read(key) ?? otherwise,
        inspect: (key: string) => ({ workspaceFolderValue: read(key) }),
        update: () => Promise.resolve(),
      };
    },
  });
}

/** Whatever is asked of it: a function, a class, an object or a disposable that does nothing. */
function anything(known: object = {}): unknown {
  const handler: ProxyHandler<() => unknown> = {
    get: (_target, name) => {
      if (Reflect.has(known, name)) {
        return Reflect.get(known, name) as unknown;
      }
      return typeof name === 'symbol' || name === 'then' ? undefined : anything();
    },
    set: () => true,
    apply: () => anything(),
    construct: () => anything() as object,
  };
  // An arrow function could not stand for a class.
  return new Proxy(function nothing() {
    return undefined;
  }, handler);
}

const theOne = fakeEditor();
