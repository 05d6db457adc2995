import * as vscode from 'vscode';
import { describeEndpoint, formatEndpoint } from '../ibkr/endpoint';
import type { Consents } from './consent';
import type { Services } from './services';

const shownMs = 5_000;

/** Consents to the present endpoint and begins to watch it. */
export async function startWatching({ watch }: Services): Promise<void> {
  await watch.requireConnection();
  const { configuration } = await watch.requireSetup();
  vscode.window.setStatusBarMessage(
    vscode.l10n.t('Watching {0}', formatEndpoint(configuration.endpoint)),
    shownMs,
  );
}

/** Lets the daemon go and does not come back by itself. */
export async function stopWatching({ watch }: Services): Promise<void> {
  const { configuration } = await watch.requireSetup();
  await watch.withdraw(configuration.endpoint);
  vscode.window.setStatusBarMessage(
    vscode.l10n.t('No longer watching {0}', formatEndpoint(configuration.endpoint)),
    shownMs,
  );
}

/** Dials now, within the laws, and says how it stands. */
export async function reconnect({ watch }: Services): Promise<void> {
  const connection = await watch.requireConnection();
  const { message } = await connection.reconnect();
  vscode.window.setStatusBarMessage(
    vscode.l10n.t('Reconnect: {0}', message.replace(/\$\(/g, '(')),
    shownMs,
  );
}

/** Asks once per workspace and endpoint whether to watch, where the folder looks like trading. */
export async function offerToWatch({ watch }: Services, consents: Consents): Promise<void> {
  const { state, currentSetup } = watch;
  if (state.kind !== 'notWatched' || currentSetup?.isTradingFolder !== true) {
    return;
  }
  const { endpoint } = state;
  if (consents.wasAsked(endpoint)) {
    return;
  }
  await consents.rememberAsked(endpoint);
  const yes = vscode.l10n.t('Watch');
  const chosen = await vscode.window.showInformationMessage(
    vscode.l10n.t(
      'Watch {0}? Robo then keeps one API connection to it and shows its health; TWS may ask once to accept it. This is asked once.',
      describeEndpoint(endpoint),
    ),
    yes,
    vscode.l10n.t('Not Now'),
  );
  if (chosen === yes) {
    await watch.consent(endpoint);
  }
}
