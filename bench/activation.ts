/**
 * Figure: how long the extension takes to load and to activate, beside the built-in git, emmet
 * and TypeScript extensions in the same window of the real workbench.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Bench, loadScript, runBench } from './support/bench';
import { median, percentile, printTable } from './support/figures';

const extensions = {
  robo: 'robo.robo',
  git: 'vscode.git',
  emmet: 'vscode.emmet',
  typescript: 'vscode.typescript-language-features',
} as const;

type Name = keyof typeof extensions;
const names = Object.keys(extensions) as Name[];

/** Milliseconds, as precise as the workbench's own marks: 1 ms. */
interface Activation {
  /** Reading and running the bundle's top level. */
  readonly loadMs: number;
  /** From the call of `activate` until its promise is settled. */
  readonly activateMs: number;
}

type Window = Readonly<Record<Name, Activation>>;

const deadlineMs = 120_000;

/** Runs inside the extension host: opens a file, waits for all four, and writes the marks down. */
const probe = `
const vscode = require('vscode');
const { writeFileSync } = require('node:fs');
exports.run = async () => {
  const [folder] = vscode.workspace.workspaceFolders;
  await vscode.window.showTextDocument(vscode.Uri.joinPath(folder.uri, 'sample.ts'));
  const ids = ${JSON.stringify(Object.values(extensions))};
  while (!ids.every((id) => vscode.extensions.getExtension(id)?.isActive)) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  writeFileSync(process.env.ROBO_BENCH_MARKS, JSON.stringify(MonacoPerformanceMarks.getMarks()));
};
`;

interface Workbench {
  readonly close: () => Promise<void>;
}

interface WorkbenchScript {
  readonly openWorkbench: (options: {
    readonly host: object;
    readonly folder: string;
    readonly home: string;
    readonly extensions: readonly string[];
    readonly testDriver: boolean;
    readonly env: Readonly<Record<string, string>>;
    readonly payload: (server: { readonly authority: string }) => Readonly<Record<string, string>>;
    readonly expose: Readonly<Record<string, (...args: readonly unknown[]) => void>>;
  }) => Promise<Workbench>;
}

interface Places {
  readonly host: object;
  readonly vsix: string;
  /** The opened folder. */
  readonly workspace: string;
  /** The extension that holds the probe. */
  readonly probe: string;
  readonly home: string;
  readonly marks: string;
}

runBench(async (bench) => {
  const count = bench.isShort ? 1 : 15;
  const places = await prepare(bench);
  const windows: Window[] = [];
  // The first one installs and fills caches.
  for (let index = 0; index <= count; index += 1) {
    const window = await openWindow(bench, places, index === 0);
    if (index > 0) {
      windows.push(window);
    }
  }
  show(windows);
});

async function prepare(bench: Bench): Promise<Places> {
  const { ensureHost } = await loadScript<{ ensureHost: () => Promise<object> }>(
    'scripts/host.mjs',
  );
  const { packageExtension } = await loadScript<{
    packageExtension: (file: string) => Promise<void>;
  }>('scripts/package.mjs');
  const root = mkdtempSync(join(tmpdir(), 'robo-bench-'));
  bench.defer(() => {
    rmSync(root, { recursive: true, force: true, maxRetries: 5 });
  });
  const places: Places = {
    host: await ensureHost(),
    vsix: join(root, 'robo.vsix'),
    workspace: join(root, 'workspace'),
    probe: join(root, 'probe'),
    home: join(root, 'home'),
    marks: join(root, 'marks.json'),
  };
  await packageExtension(places.vsix);
  for (const folder of [places.workspace, places.probe]) {
    mkdirSync(folder);
  }
  writeFileSync(join(places.workspace, 'sample.ts'), 'export const answer = 42;\n');
  writeFileSync(join(places.workspace, '.env'), 'IBKR_PORT=7497\nSYMBOLS=AAPL,NVDA\n');
  // A repository, so that git has what it is there for.
  execFileSync('git', ['init', '--quiet', places.workspace]);
  const manifest = { name: 'probe', publisher: 'bench', version: '1.0.0' };
  writeFileSync(
    join(places.probe, 'package.json'),
    JSON.stringify({ ...manifest, engines: { vscode: '*' } }),
  );
  writeFileSync(join(places.probe, 'run.cjs'), probe);
  return places;
}

async function openWindow(bench: Bench, places: Places, isFirst: boolean): Promise<Window> {
  const { openWorkbench } = await loadScript<WorkbenchScript>('test/host/workbench.mjs');
  let exited: (code: unknown) => void = () => undefined;
  const exit = new Promise((resolve) => (exited = resolve));
  const { host, home, vsix, workspace, marks } = places;
  const remote = (server: { readonly authority: string }, file: string): string =>
    `vscode-remote://${server.authority}${file}`;
  const workbench = await openWorkbench({
    host,
    home,
    folder: workspace,
    extensions: isFirst ? [vsix] : [],
    testDriver: true,
    env: { ROBO_BENCH_MARKS: marks },
    payload: (server) => ({
      extensionDevelopmentPath: remote(server, places.probe),
      extensionTestsPath: remote(server, join(places.probe, 'run.cjs')),
    }),
    expose: { codeAutomationLog: () => undefined, codeAutomationExit: (code) => exited(code) },
  });
  bench.defer(() => workbench.close());
  const timer = setTimeout(() => exited('no answer from the probe'), deadlineMs);
  const code = await exit;
  clearTimeout(timer);
  await workbench.close();
  if (code !== 0) {
    throw new Error(`the probe ended with ${String(code)}`);
  }
  return readMarks(marks);
}

function readMarks(file: string): Window {
  const marks = JSON.parse(readFileSync(file, 'utf8')) as readonly {
    readonly name: string;
    readonly startTime: number;
  }[];
  rmSync(file);
  const at = (what: string, id: string): number =>
    marks.find(({ name }) => name === `code/extHost/${what}/${id}`)?.startTime ?? Number.NaN;
  const entries = names.map((name) => {
    const id = extensions[name];
    const loadMs = at('didLoadExtensionCode', id) - at('willLoadExtensionCode', id);
    const activateMs = at('didActivateExtension', id) - at('willActivateExtension', id);
    return [name, { loadMs, activateMs }] as const;
  });
  return Object.fromEntries(entries) as unknown as Window;
}

function show(windows: readonly Window[]): void {
  console.log(`${windows.length} windows; milliseconds; robo installed from the .vsix`);
  const of = (name: Name, pick: (activation: Activation) => number): readonly number[] =>
    windows.map((window) => pick(window[name]));
  const total = ({ loadMs, activateMs }: Activation): number => loadMs + activateMs;
  printTable(
    ['', 'load', 'activate', 'both p50', 'both p95', 'robo / it'],
    names.map((name) => [
      name,
      median(of(name, ({ loadMs }) => loadMs)).toFixed(0),
      median(of(name, ({ activateMs }) => activateMs)).toFixed(0),
      median(of(name, total)).toFixed(0),
      percentile(of(name, total), 0.95).toFixed(0),
      // Of each window on its own: what slows one down slows the other down.
      median(windows.map((window) => total(window.robo) / total(window[name]))).toFixed(2),
    ]),
  );
}
