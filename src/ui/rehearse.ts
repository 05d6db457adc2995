import { spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import * as vscode from 'vscode';
import { HumanError } from '../core/errors';
import type { Runtime } from '../daemon/nodeProbe';
import type { DrillReport } from '../monitor/drillRecord';
import { withoutEditorVariables } from '../runner/environment';
import { drillLines, drillVerdict, parseDrillReport } from './drillReport';
import { commandIds } from './ids';
import { say } from './messages';
import { withCancellableProgress } from './progress';
import { findRuntime } from './runtime';
import type { Services } from './services';
import { plain } from './words';
import type { WorkspaceSetup } from './workspaceSetup';

/**
 * Runs `robo drill` as a child, with progress; the report goes to the log. Simulators stay out of
 * the editor's own process, and the trader's TWS, records and runner out of the rehearsal.
 * @param argument names of faults; anything else rehearses all of them
 */
export async function rehearse(services: Services, argument: unknown): Promise<DrillReport> {
  const setup = await services.watch.requireSetup();
  const runtime = await findRuntime(setup.nodePath);
  const title = vscode.l10n.t('Rehearsing outages with a simulated TWS');
  const report = await withCancellableProgress(services, title, async (progress, signal) =>
    runDrill(
      { runtime, script: path.join(services.extensionUri.fsPath, 'dist', 'cli.cjs') },
      drillArguments(setup, namesOf(argument)),
      { signal, onProgress: progress },
    ),
  );
  for (const line of drillLines(report)) {
    services.log.info(line);
  }
  const action = {
    title: vscode.l10n.t('Show Report'),
    command: commandIds.showReport,
    arguments: [],
  };
  const kind = report.ok ? 'info' : 'warning';
  say(kind, drillVerdict(report, vscode.l10n), [action], services);
  return report;
}

function namesOf(argument: unknown): readonly string[] {
  return Array.isArray(argument)
    ? argument.filter((name): name is string => typeof name === 'string' && /^\w+$/.test(name))
    : [];
}

/** Whose records keep the date of the rehearsal. */
function drillArguments(setup: WorkspaceSetup, faults: readonly string[]): readonly string[] {
  const { host, port } = setup.configuration.endpoint;
  return [
    'drill',
    '--json',
    `--host=${host}`,
    `--port=${port}`,
    `--state-dir=${setup.stateDirectory}`,
    ...faults,
  ];
}

async function runDrill(
  program: { readonly runtime: Runtime; readonly script: string },
  args: readonly string[],
  hooks: { readonly signal: AbortSignal; readonly onProgress: (message: string) => void },
): Promise<DrillReport> {
  const { runtime, script } = program;
  const child = spawn(runtime.execPath, [script, ...args], {
    // No folder of the trader's: its .env has nothing to do with a rehearsal.
    cwd: path.dirname(script),
    env: { ...withoutEditorVariables(process.env), ...runtime.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    windowsHide: true,
  });
  // TERM lets it end what it started; where that kills it, its daemons and runners end with it.
  hooks.signal.addEventListener('abort', () => child.kill('SIGTERM'), { once: true });
  let said = '';
  let lastLine = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  createInterface({ input: child.stderr }).on('line', (line) => {
    lastLine = line;
    hooks.onProgress(plain(line));
  });
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => {
      resolve();
    });
  });
  const report = parseDrillReport(said);
  if (report === undefined) {
    throw new HumanError(
      vscode.l10n.t('The rehearsal did not come to its end: {0}', plain(lastLine)),
    );
  }
  return report;
}
