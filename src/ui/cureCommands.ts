import * as vscode from 'vscode';
import { parseEnvFile } from '../core/envFile';
import { causeTitles, isCauseId } from '../diagnostics/causeTitles';
import type { CauseId } from '../diagnostics/causeIds';
import type { Finding } from '../diagnostics/finding';
import { type Cure, curesFor, type FileEdit } from './cures';
import { explanation } from './explanation';
import { settingKeys, settingsSection } from './ids';
import { showMessage } from './messages';
import type { PlacementFiles } from './placeFinding';
import { Cancelled, Refusal } from './refusal';
import type { Services } from './services';
import { plain } from './words';
import { placementUri, requireFolder, type WorkspaceSetup } from './workspaceSetup';

/** Everything that can be done about a finding, with the files as they stand in the editor. */
export function curesOf(services: Services, finding: Finding): readonly Cure[] {
  const setup = services.watch.currentSetup;
  if (setup === undefined) {
    return [];
  }
  const { configuration, recovery } = setup;
  const canEnableApi = recovery.ibcCommandPort !== undefined && recovery.allow.has('ENABLEAPI');
  return curesFor(finding, { files: filesNow(setup), configuration, canEnableApi }, vscode.l10n);
}

/** Offers every cure of a present finding, also where no file is open; `argument` may name its cause. */
export async function cureFinding(services: Services, argument: unknown): Promise<void> {
  const finding = await chooseFinding(services, argument);
  const cures = curesOf(services, finding);
  const items = cures.map((cure) => ({
    label: cure.title,
    ...(cure.edit === undefined
      ? {}
      : { description: vscode.l10n.t('an edit, shown before it is saved') }),
    cure,
  }));
  const picked = await vscode.window.showQuickPick(items, {
    title: plain(finding.message, 120),
    placeHolder: vscode.l10n.t('Choose what to do'),
  });
  if (picked === undefined) {
    throw new Cancelled();
  }
  const { edit, action } = picked.cure;
  if (edit !== undefined) {
    await applyEdit(services, edit);
  } else {
    await vscode.commands.executeCommand(action.command, ...action.arguments);
  }
}

/** Opens everything that is known of a finding beside the editor. */
export async function explainFinding(services: Services, argument: unknown): Promise<void> {
  const finding = await chooseFinding(services, argument);
  await services.explanations.show(finding.guide, explanation(finding, vscode.l10n));
}

/** Keeps a cause out of the Problems of this folder, or asks which ones; status and tree tell it all the same. */
export async function silenceCause(services: Services, argument: unknown): Promise<void> {
  const setup = await services.watch.requireSetup();
  const cause = typeof argument === 'string' && isCauseId(argument) ? argument : undefined;
  if (cause === undefined) {
    await writeSilenced(setup, await chooseSilenced(services, setup));
    return;
  }
  const before = setup.silenced;
  await writeSilenced(setup, [...new Set([...before, cause])]);
  const undo = vscode.l10n.t('Undo');
  const text = vscode.l10n.t(
    'In this folder "{0}" is no longer shown as a Problem. The status and the services tree go on telling it.',
    causeTitles[cause],
  );
  services.toasts
    .ask({ importance: 'answer', show: () => showMessage('info', text, [undo]) })
    .then(async (chosen) => {
      if (chosen === undo) {
        await writeSilenced(setup, before);
      }
    })
    .catch(services.onError);
}

/** The range of an edit in its document. */
function rangeOf({ from, to }: FileEdit): vscode.Range {
  return new vscode.Range(...from, ...to);
}

async function applyEdit(services: Services, { file, text, ...place }: FileEdit): Promise<void> {
  const folder = requireFolder(await services.watch.requireSetup());
  const uri = placementUri(folder, file);
  const document = await vscode.workspace.openTextDocument(uri);
  const range = rangeOf({ file, text, ...place });
  const edit = new vscode.WorkspaceEdit();
  edit.replace(uri, range, text);
  await vscode.workspace.applyEdit(edit);
  const end = range.start.translate(0, text.length);
  // Left unsaved: the trader looks at it first.
  await vscode.window.showTextDocument(document, { selection: new vscode.Range(range.start, end) });
}

/** What is typed and not saved yet counts: an edit must fit the text that it changes. */
function filesNow({ folder, files }: WorkspaceSetup): PlacementFiles {
  const textOf = (file: 'env' | 'settings'): string | undefined => {
    const wanted = folder === undefined ? undefined : placementUri(folder, file).toString();
    return vscode.workspace.textDocuments.find(({ uri }) => uri.toString() === wanted)?.getText();
  };
  const env = textOf('env');
  return {
    ...files,
    env: env === undefined ? files.env : parseEnvFile(env),
    settings: textOf('settings') ?? files.settings,
  };
}

async function chooseFinding({ problems }: Services, argument: unknown): Promise<Finding> {
  const { findings } = problems;
  const named = findings.filter(({ guide }) => guide === argument);
  const among = named.length > 0 ? named : findings;
  const [first, ...others] = among;
  if (first === undefined) {
    throw new Refusal(vscode.l10n.t('Robo knows of nothing that is wrong now.'));
  }
  if (others.length === 0) {
    return first;
  }
  const picked = await vscode.window.showQuickPick(
    among.map((finding) => ({
      label: causeTitles[finding.guide],
      detail: plain(finding.message, 200),
      finding,
    })),
    { title: vscode.l10n.t('Which of them?'), matchOnDetail: true },
  );
  if (picked === undefined) {
    throw new Cancelled();
  }
  return picked.finding;
}

async function chooseSilenced(
  { problems }: Services,
  { silenced }: WorkspaceSetup,
): Promise<readonly string[]> {
  const causes = new Set<CauseId>([
    ...silenced.filter(isCauseId),
    ...problems.findings.map(({ guide }) => guide),
  ]);
  if (causes.size === 0) {
    throw new Refusal(vscode.l10n.t('Robo knows of nothing that is wrong now.'));
  }
  const items = [...causes].map((id) => ({
    label: causeTitles[id],
    description: id,
    picked: silenced.includes(id),
  }));
  const picked = await vscode.window.showQuickPick(items, {
    canPickMany: true,
    title: vscode.l10n.t('Which causes are not shown as Problems in this folder?'),
    placeHolder: vscode.l10n.t(
      'The ticked ones are silent; status and tree tell them all the same',
    ),
  });
  if (picked === undefined) {
    throw new Cancelled();
  }
  return picked.map(({ description }) => description);
}

async function writeSilenced(setup: WorkspaceSetup, causes: readonly string[]): Promise<void> {
  const folder = requireFolder(setup);
  await vscode.workspace
    .getConfiguration(settingsSection, folder.uri)
    .update(
      settingKeys.problemsSilenced,
      causes.length === 0 ? undefined : causes,
      vscode.ConfigurationTarget.WorkspaceFolder,
    );
}
