import * as vscode from 'vscode';
import { describeEndpoint, type Endpoint, formatEndpoint } from '../ibkr/endpoint';
import type { Consents } from './consent';
import { showMessage } from './messages';
import type { Services } from './services';
import { plain } from './words';

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
  vscode.window.setStatusBarMessage(vscode.l10n.t('Reconnect: {0}', plain(message)), shownMs);
}

/** Asks once per workspace and endpoint whether to watch, where the folder looks like trading. */
export async function offerToWatch(
  { watch, toasts }: Pick<Services, 'watch' | 'toasts'>,
  consents: Consents,
): Promise<void> {
  const { state, currentSetup } = watch;
  if (state.kind !== 'notWatched' || currentSetup?.isTradingFolder !== true) {
    return;
  }
  const { endpoint } = state;
  if (consents.wasAsked(endpoint)) {
    return;
  }
  const yes = vscode.l10n.t('Watch');
  const text = vscode.l10n.t(
    'Watch {0}? Robo then keeps one API connection to it and shows its health; TWS may ask once to accept it. This is asked once.',
    describeEndpoint(endpoint),
  );
  let isShown = false;
  const chosen = await toasts.ask({
    importance: 'offer',
    // A test or a start may have answered it meanwhile, or the folder names another endpoint now.
    isDue: () => isUnwatched(watch, endpoint) && (isShown || !consents.wasAsked(endpoint)),
    show: async () => {
      isShown = true;
      await consents.rememberAsked(endpoint);
      return showMessage('info', text, [yes, vscode.l10n.t('Not Now')]);
    },
  });
  if (chosen === yes && isUnwatched(watch, endpoint)) {
    await watch.consent(endpoint);
  }
}

function isUnwatched({ state }: Services['watch'], endpoint: Endpoint): boolean {
  return state.kind === 'notWatched' && formatEndpoint(state.endpoint) === formatEndpoint(endpoint);
}
