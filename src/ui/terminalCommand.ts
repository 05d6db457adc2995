import { access, constants } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import * as vscode from 'vscode';
import { defaultDataDirectory } from '../core/paths';
import {
  commandFolders,
  commandList,
  installCommand,
  installedCommands,
  rememberCommands,
  removeCommand,
  writeLaunchers,
} from '../daemon/commandFiles';
import { isLauncherOf } from '../daemon/launcherKey';
import { say } from './messages';
import { Cancelled, Refusal } from './refusal';
import { findRuntime } from './runtime';
import type { Services } from './services';
import { type LauncherPlan, launcherPlan } from './terminalPath';
import { requireTrust } from './watch';
import { plain } from './words';

/** Writes the editor's own launchers anew where they are of another version or none are there. */
export async function ensureLaunchers(plan: LauncherPlan): Promise<void> {
  const { folder, nodePath, key } = plan;
  if (!(await isLauncherOf(folder, key))) {
    const runtime = await findRuntime(nodePath);
    await writeLaunchers(folder, { ...plan, runtime }, homedir());
  }
}

/** *Robo: Install robo Command*: for terminals outside the editor. */
export async function installRoboCommand(services: Services): Promise<string> {
  requireTrust();
  const plan = launcherPlan(services.extensionUri, services.storageUri);
  await ensureLaunchers(plan);
  const { folder, isOnPath } = await askFolder();
  const file = await installCommand(folder, plan.folder, process.platform);
  const list = listFile();
  await rememberCommands(list, [...(await installedCommands(list)), file]);
  const installed = vscode.l10n.t('The command robo is installed: {0}.', plain(file));
  const hint = isOnPath
    ? vscode.l10n.t('New terminals find it.')
    : vscode.l10n.t(
        'Its folder is not on the PATH yet: add {0} there, then open a new terminal.',
        plain(folder),
      );
  say(isOnPath ? 'info' : 'warning', `${installed} ${hint}`, [], services);
  return file;
}

/** *Robo: Remove robo Command*: what was installed so, and nothing else. */
export async function removeRoboCommand(services: Services): Promise<readonly string[]> {
  const list = listFile();
  const files = await installedCommands(list);
  const outcomes = await Promise.all(
    files.map(async (file) => ({ file, outcome: await removeCommand(file) })),
  );
  await rememberCommands(list, []);
  const removed = outcomes.filter(({ outcome }) => outcome === 'removed').map(({ file }) => file);
  if (removed.length === 0) {
    throw new Refusal(
      vscode.l10n.t(
        'No command robo was installed from here. Terminals of the editor have theirs.',
      ),
    );
  }
  const text = vscode.l10n.t('Removed: {0}.', plain(removed.join(', ')));
  say('info', text, [], services);
  return removed;
}

function listFile(): string {
  return commandList(
    defaultDataDirectory({
      platform: process.platform,
      environment: process.env,
      homeDirectory: homedir(),
      userId: process.getuid?.(),
    }),
  );
}

interface Chosen {
  readonly folder: string;
  readonly isOnPath: boolean;
}

type Item = vscode.QuickPickItem & { readonly choice: Chosen | undefined };

async function askFolder(): Promise<Chosen> {
  const known = commandFolders({
    platform: process.platform,
    home: homedir(),
    path: process.env['PATH'] ?? '',
  });
  const usable: Item[] = [];
  for (const choice of known) {
    if (await isUsable(choice.folder)) {
      const description = choice.isOnPath
        ? vscode.l10n.t('on the PATH')
        : vscode.l10n.t('not on the PATH');
      usable.push({ label: choice.folder, description, choice });
    }
  }
  const other: Item = { label: vscode.l10n.t('Another Folder…'), choice: undefined };
  const picked = await vscode.window.showQuickPick([...usable, other], {
    title: vscode.l10n.t('Install the Command robo'),
    placeHolder: vscode.l10n.t('In which folder? No file of anybody else is replaced'),
    ignoreFocusOut: true,
  });
  if (picked === undefined) {
    throw new Cancelled();
  }
  return picked.choice ?? askAnyFolder(known);
}

async function askAnyFolder(known: readonly Chosen[]): Promise<Chosen> {
  const [uri] =
    (await vscode.window.showOpenDialog({
      canSelectFiles: false,
      canSelectFolders: true,
      openLabel: vscode.l10n.t('Install Here'),
    })) ?? [];
  if (uri?.scheme !== 'file') {
    throw new Cancelled();
  }
  const entries = (process.env['PATH'] ?? '').split(path.delimiter);
  const isOnPath =
    entries.includes(uri.fsPath) ||
    known.some((each) => each.folder === uri.fsPath && each.isOnPath);
  return { folder: uri.fsPath, isOnPath };
}

/** A folder of one's own may still have to be made; others must be there and writable. */
async function isUsable(folder: string): Promise<boolean> {
  try {
    await access(folder, constants.W_OK);
    return true;
  } catch {
    return folder === path.join(homedir(), '.local', 'bin') && process.platform !== 'win32';
  }
}
