import * as vscode from 'vscode';
import { isoTime } from '../core/clock';
import { errorText } from '../core/errors';
import { parseQuiet } from '../daemon/alertQuiet';
import { Cancelled } from './refusal';
import type { Services } from './services';
import { timeOfDay } from './words';

const shownMs = 5_000;

/** Marks the open incidents as known, or the one that `key` names. */
export async function acknowledge({ watch }: Services, key: unknown): Promise<void> {
  const connection = await watch.requireConnection();
  const acknowledged = await connection.acknowledge(typeof key === 'string' ? [key] : undefined);
  vscode.window.setStatusBarMessage(
    acknowledged.length === 0
      ? vscode.l10n.t('No incident is open that is not acknowledged already.')
      : vscode.l10n.t('Acknowledged. Nothing more is raised until it ends or grows worse.'),
    shownMs,
  );
}

/** Asks until when nobody is to be disturbed. */
export async function doNotDisturb(services: Services): Promise<void> {
  const connection = await services.watch.requireConnection();
  const present = (await connection.status()).alerts?.quietUntil ?? null;
  const untilMs = await askQuiet(present, services.clock.now());
  await connection.quiet(untilMs === null ? null : isoTime(untilMs));
  vscode.window.setStatusBarMessage(
    untilMs === null
      ? vscode.l10n.t('Alerts are raised as they come.')
      : vscode.l10n.t(
          'Nobody is disturbed until {0}. What is still open then is told then.',
          timeOfDay(untilMs, vscode.env.language),
        ),
    shownMs,
  );
}

type Choice = vscode.QuickPickItem & { readonly quiet: string | undefined };

async function askQuiet(present: string | null, nowMs: number): Promise<number | null> {
  const choices: Choice[] = [
    ...(present === null
      ? []
      : [
          {
            label: vscode.l10n.t('Off'),
            description: vscode.l10n.t(
              'now on until {0}',
              timeOfDay(Date.parse(present), vscode.env.language),
            ),
            quiet: 'off',
          },
        ]),
    { label: vscode.l10n.t('For 30 Minutes'), quiet: '30m' },
    { label: vscode.l10n.t('For 1 Hour'), quiet: '1h' },
    { label: vscode.l10n.t('For 2 Hours'), quiet: '2h' },
    { label: vscode.l10n.t('Until 08:00'), quiet: 'until 08:00' },
    { label: vscode.l10n.t('Other…'), quiet: undefined },
  ];
  const picked = await vscode.window.showQuickPick(choices, {
    title: vscode.l10n.t('Do Not Disturb'),
    placeHolder: vscode.l10n.t('Until then no alert is raised. The status goes on telling.'),
  });
  if (picked === undefined) {
    throw new Cancelled();
  }
  return parseQuiet(picked.quiet ?? (await askWords(nowMs)), nowMs);
}

async function askWords(nowMs: number): Promise<string> {
  const words = await vscode.window.showInputBox({
    title: vscode.l10n.t('Do Not Disturb'),
    prompt: vscode.l10n.t('How long, or until when: 45m, 3h, 1d, until 17:00'),
    validateInput: (text) => {
      try {
        parseQuiet(text, nowMs);
        return undefined;
      } catch (error) {
        return errorText(error);
      }
    },
  });
  if (words === undefined) {
    throw new Cancelled();
  }
  return words;
}
