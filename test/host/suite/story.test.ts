import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as vscode from 'vscode';
import type {
  KillOutcome,
  StartRunnerResult,
  StopRunnerResult,
} from '../../../src/daemon/protocol';
import type { DrillReport } from '../../../src/monitor/drillRecord';
import type { PreflightReport } from '../../../src/preflight/report';
import { Simulator } from '../../../src/simulator/simulator';
import { commandIds, healthToolName, logScheme } from '../../../src/ui/ids';
import type { RoboApi } from '../../../src/ui/robo';
import type { WindowState } from '../../../src/ui/statusBarView';
import { eventually } from '../../support/eventually';

/** A stand-in for the trader's Python runner: prints what it prints, and lives until it is asked to end. */
const runnerScript = `
console.log('2026-11-20 10:00:00,000 - robo_trader - INFO - started');
console.log('2026-11-20 10:00:01,000 - robo_trader - ERROR - Failed to fetch data for NVDA: ' +
  'RetryError[<Future at 0x7f10c8 state=finished raised TimeoutError>]');
console.log(JSON.stringify({ robo: 1, event: 'fetch', symbol: 'AAPL', ok: true }));
console.log(JSON.stringify({ robo: 1, event: 'fetch', symbol: 'TSLA', ok: true }));
process.on('SIGTERM', () => process.exit(0));
setInterval(() => {}, 1000);
`;

function workspaceFolder(): vscode.WorkspaceFolder {
  const [folder] = vscode.workspace.workspaceFolders ?? [];
  assert.ok(folder, 'the launcher opens a folder');
  return folder;
}

/** Waits on the window's own events until `read` gives a value; fails with what was seen last. */
async function until<T>(
  api: RoboApi,
  what: string,
  read: () => T | undefined,
  deadlineMs = 30_000,
): Promise<T> {
  const subscriptions: { dispose(): unknown }[] = [];
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<T>((resolve, reject) => {
      const look = (): void => {
        const value = read();
        if (value !== undefined) {
          resolve(value);
        }
      };
      timer = setTimeout(() => {
        reject(new Error(`not in ${deadlineMs} ms: ${what}; state ${JSON.stringify(api.state)}`));
      }, deadlineMs);
      subscriptions.push(api.onDidChangeState(look));
      subscriptions.push(vscode.languages.onDidChangeDiagnostics(look));
      subscriptions.push(vscode.window.tabGroups.onDidChangeTabs(look));
      look();
    });
  } finally {
    clearTimeout(timer);
    for (const subscription of subscriptions) {
      subscription.dispose();
    }
  }
}

/** The window's state when its health is the wanted one. */
function watchingWith(
  api: RoboApi,
  health: string,
): Extract<WindowState, { kind: 'watching' }> | undefined {
  const { state } = api;
  return state.kind === 'watching' && state.status.health === health ? state : undefined;
}

function roboProblems(uri: vscode.Uri): readonly vscode.Diagnostic[] {
  return vscode.languages.getDiagnostics(uri).filter((each) => each.source === 'robo');
}

function codeOf(diagnostic: vscode.Diagnostic): string {
  return typeof diagnostic.code === 'object' ? String(diagnostic.code.value) : '';
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('The first day', function () {
  this.timeout(120_000);

  const simulator = new Simulator();
  const duplicates: ChildProcess[] = [];
  // Electron's own binary is no plain Node: there the one on PATH runs the stand-in.
  const node = process.versions['electron'] === undefined ? process.execPath : 'node';
  let api: RoboApi;
  let env: vscode.Uri;
  let port: number;

  before(async () => {
    const folder = workspaceFolder().uri;
    env = vscode.Uri.joinPath(folder, '.env');
    ({ port } = await simulator.start());
    const text = readFileSync(env.fsPath, 'utf8').replace(/^IBKR_PORT=.*$/m, `IBKR_PORT=${port}`);
    writeFileSync(env.fsPath, text);
    writeFileSync(path.join(folder.fsPath, 'stand_in_runner.js'), runnerScript);
    await vscode.workspace
      .getConfiguration('robo')
      .update(
        'runner.command',
        [node, '${workspaceFolder}/stand_in_runner.js', '${symbols}'],
        vscode.ConfigurationTarget.Workspace,
      );
    const extension = vscode.extensions.getExtension<RoboApi>('robo.robo');
    assert.ok(extension);
    api = await extension.activate();
  });

  after(async () => {
    for (const child of duplicates) {
      child.kill('SIGKILL');
    }
    await vscode.commands.executeCommand(commandIds.stopRunner);
    await vscode.commands.executeCommand(commandIds.stopWatching);
    await simulator.stop();
  });

  it('registers every command', async () => {
    const known = new Set(await vscode.commands.getCommands(true));
    for (const id of Object.values(commandIds)) {
      assert.ok(known.has(id), id);
    }
  });

  it('reads the folder and connects to nothing before the trader agreed', async () => {
    await until(api, 'not watched', () =>
      api.state.kind === 'notWatched' && api.state.endpoint.port === port ? true : undefined,
    );
    assert.equal(simulator.statistics.connectionsAccepted, 0);
  });

  it('tests the connection and then watches it, with one connection', async () => {
    const report = await vscode.commands.executeCommand<PreflightReport>(commandIds.test);
    assert.equal(report.ok, true, JSON.stringify(report));
    await until(api, 'healthy', () => watchingWith(api, 'healthy'));
    assert.equal(simulator.statistics.connectionsAccepted, 1);
    assert.deepEqual(roboProblems(env), []);
  });

  it('runs the same test as a task, on the same connection', async () => {
    const tasks = await vscode.tasks.fetchTasks({ type: 'robo' });
    assert.deepEqual(tasks.map(({ name }) => name).sort(), ['run', 'test']);
    const task = tasks.find(({ name }) => name === 'test');
    assert.ok(task?.execution instanceof vscode.ProcessExecution);
    assert.equal(await exitCodeOf(task), 0);
    assert.equal(simulator.statistics.connectionsAccepted, 1);
  });

  it('puts robo on the PATH of terminals', async () => {
    const folder = workspaceFolder();
    const shell = new vscode.ShellExecution('robo --version && robo status');
    const task = new vscode.Task({ type: 'shell' }, folder, 'robo on the PATH', 'test', shell, []);
    assert.equal(await exitCodeOf(task), 0);
  });

  it('lets a language model read how it stands, and nothing else', async () => {
    const result = await vscode.lm.invokeTool(healthToolName, {
      input: {},
      toolInvocationToken: undefined,
    });
    const [part] = result.content;
    assert.ok(part instanceof vscode.LanguageModelTextPart);
    assert.match(part.value, /healthy/);
    assert.match(part.value, /Runner of this folder: not running/);
    assert.ok(!/DU\d{5}/.test(part.value));
    assert.equal(simulator.statistics.connectionsAccepted, 1);
  });

  it('starts the runner behind the gate, and shows its failing symbol in SYMBOLS=', async () => {
    const result = await vscode.commands.executeCommand<StartRunnerResult>(commandIds.startRunner);
    assert.equal(result.outcome, 'started', JSON.stringify(result));
    const problem = await until(api, 'a Problem at NVDA', () =>
      roboProblems(env).find((each) => each.message.includes('NVDA')),
    );
    const document = await vscode.workspace.openTextDocument(env);
    assert.equal(document.getText(problem.range), 'NVDA');
  });

  it('shows what the runner prints as JSON in words, and the line itself in a hover', async () => {
    await vscode.commands.executeCommand(commandIds.openRunnerLog);
    const document = vscode.window.activeTextEditor?.document;
    assert.equal(document?.uri.scheme, logScheme);
    const line = document.getText().split('\n').indexOf('INFO fetch TSLA');
    assert.ok(line >= 0, document.getText());
    const hovers = await vscode.commands.executeCommand<vscode.Hover[]>(
      'vscode.executeHoverProvider',
      document.uri,
      new vscode.Position(line, 0),
    );
    const texts = hovers.flatMap(({ contents }) =>
      contents.map((one) => (one instanceof vscode.MarkdownString ? one.value : '')),
    );
    assert.match(texts.join('\n'), /\{"robo":1,"event":"fetch","symbol":"TSLA","ok":true\}/);
  });

  it('does not start a second one', async () => {
    const result = await vscode.commands.executeCommand<StartRunnerResult>(commandIds.startRunner);
    assert.equal(result.outcome, 'already running');
  });

  it('ends the duplicates and keeps the rightful one', async () => {
    const before = await until(api, 'a runner', () =>
      api.state.kind === 'watching' ? (api.state.status.runner[0]?.pid ?? undefined) : undefined,
    );
    const folder = workspaceFolder().uri.fsPath;
    const script = path.join(folder, 'stand_in_runner.js');
    const gone: Promise<unknown>[] = [];
    for (let count = 0; count < 2; count += 1) {
      const child = spawn(node, [script, 'AAPL,NVDA,TSLA'], { cwd: folder, stdio: 'pipe' });
      duplicates.push(child);
      gone.push(once(child, 'exit'));
      await once(child.stdout, 'data');
    }
    const outcomes = await acceptingQuickPick<readonly KillOutcome[]>(commandIds.killDuplicates);
    const pids = duplicates.map((child) => child.pid).sort();
    assert.deepEqual(outcomes.map((outcome) => outcome.pid).sort(), pids, JSON.stringify(outcomes));
    await Promise.all(gone);
    assert.ok(isAlive(before), 'the rightful runner was ended');
  });

  it('stops the runner', async () => {
    const result = await vscode.commands.executeCommand<StopRunnerResult>(commandIds.stopRunner);
    assert.equal(result.outcome, 'stopped', JSON.stringify(result));
    assert.ok(result.pid !== null && !isAlive(result.pid));
  });

  it('sees TWS fall silent: a Problem at IBKR_PORT= that blames nothing in the file', async () => {
    await simulator.setFault('drop');
    await simulator.setFault('silent_handshake');
    await until(api, 'down', () => watchingWith(api, 'down'));
    const problem = await until(api, 'a Problem at the port', () =>
      roboProblems(env).find((each) => codeOf(each).startsWith('silent_')),
    );
    const document = await vscode.workspace.openTextDocument(env);
    assert.equal(document.getText(problem.range), String(port));
    assert.match(problem.message, /nothing in this file is wrong/i);
    assert.equal(problem.severity, vscode.DiagnosticSeverity.Error);
    assert.ok((problem.relatedInformation ?? []).length > 0, 'no evidence');
  });

  it('starts no runner while the gate is shut', async () => {
    const result = await vscode.commands.executeCommand<StartRunnerResult>(commandIds.startRunner);
    assert.equal(result.outcome, 'refused', JSON.stringify(result));
    const runner = api.state.kind === 'watching' ? api.state.status.runner[0] : undefined;
    assert.ok(runner === undefined || runner.state === 'exited', JSON.stringify(runner));
  });

  it('offers the guide at the cause as quick fix, and opens it', async () => {
    const [problem] = roboProblems(env);
    assert.ok(problem);
    await vscode.window.showTextDocument(env);
    const actions = await vscode.commands.executeCommand<vscode.CodeAction[]>(
      'vscode.executeCodeActionProvider',
      env,
      problem.range,
    );
    const guide = actions.find((action) => action.command?.command === commandIds.openGuide);
    assert.ok(guide?.command, JSON.stringify(actions));
    assert.deepEqual(guide.command.arguments, [codeOf(problem)]);
    assert.equal(guide.isPreferred, true);
    await vscode.commands.executeCommand(guide.command.command, ...(guide.command.arguments ?? []));
    await until(api, 'the preview of the guide', () =>
      vscode.window.tabGroups.all
        .flatMap((group) => group.tabs)
        .find((tab) => /preview.*setup\.md/i.test(tab.label)),
    );
  });

  it('leads from the Problem to its lines in the log, and from the lines to the cause', async () => {
    const [problem] = roboProblems(env);
    assert.ok(problem);
    const actions = await vscode.commands.executeCommand<vscode.CodeAction[]>(
      'vscode.executeCodeActionProvider',
      env,
      problem.range,
    );
    const show = actions.find((action) => action.command?.command === commandIds.showInLog);
    assert.ok(show?.command, JSON.stringify(actions));
    const { command, arguments: of = [] } = show.command;
    await vscode.commands.executeCommand(command, ...(of as unknown[]));
    const editor = vscode.window.activeTextEditor;
    assert.equal(editor?.document.uri.scheme, logScheme);
    const { line } = editor.selection.active;
    const text = editor.document.lineAt(line).text;
    assert.match(text, / (?:ERROR|WARN) /, editor.document.getText());
    let cause: unknown;
    await eventually(async () => {
      const lenses = await vscode.commands.executeCommand<vscode.CodeLens[]>(
        'vscode.executeCodeLensProvider',
        editor.document.uri,
      );
      const above = lenses.find(
        (lens) => lens.range.start.line === line && lens.command?.command === commandIds.explain,
      );
      [cause] = (above?.command?.arguments ?? []) as unknown[];
      return above !== undefined;
    }, 'the finding above its first line');
    assert.equal(cause, codeOf(problem));
  });

  it('heals by itself: healthy, and the Problem is gone', async () => {
    await simulator.setFault('none');
    await until(api, 'healthy again', () => watchingWith(api, 'healthy'));
    await until(api, 'no Problem', () => (roboProblems(env).length === 0 ? true : undefined));
  });

  it('rehearses an outage beside all that, and touches nothing of it', async () => {
    const { connectionsAccepted } = simulator.statistics;
    const report = await vscode.commands.executeCommand<DrillReport>(commandIds.rehearse, ['drop']);
    assert.equal(report.ok, true, JSON.stringify(report));
    assert.equal(report.total, 1);
    assert.ok(watchingWith(api, 'healthy'));
    assert.equal(simulator.statistics.connectionsAccepted, connectionsAccepted);
  });
});

/** Runs a command and accepts its quick pick as it stands, as a person who presses Enter. */
async function acceptingQuickPick<T>(command: string): Promise<T> {
  const running = { isDone: false };
  const result = Promise.resolve(vscode.commands.executeCommand<T>(command)).finally(() => {
    running.isDone = true;
  });
  const press = async (): Promise<void> => {
    while (!running.isDone) {
      await vscode.commands.executeCommand('workbench.action.acceptSelectedQuickOpenItem');
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  };
  const [value] = await Promise.all([result, press()]);
  return value;
}

/** Runs a task to its end. */
async function exitCodeOf(task: vscode.Task): Promise<number | undefined> {
  let subscription: vscode.Disposable | undefined;
  try {
    const ended = new Promise<number | undefined>((resolve) => {
      subscription = vscode.tasks.onDidEndTaskProcess(({ execution, exitCode }) => {
        if (execution.task.name === task.name) {
          resolve(exitCode);
        }
      });
    });
    await vscode.tasks.executeTask(task);
    return await ended;
  } finally {
    subscription?.dispose();
  }
}
