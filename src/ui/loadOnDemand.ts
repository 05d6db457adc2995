import * as vscode from 'vscode';
import { errorText, HumanError } from '../core/errors';
import type { OnDemand } from './onDemand';

/**
 * Loads the second bundle of the window; the module system keeps it.
 * @throws HumanError where its file has gone, as after an update under an open window
 */
export async function loadOnDemand(): Promise<OnDemand> {
  try {
    const { onDemand } = await import('./onDemand');
    return onDemand;
  } catch (error) {
    throw new HumanError(
      vscode.l10n.t(
        'A part of Robo could not be loaded ({0}). Reload the window; if that does not help, install Robo again.',
        errorText(error).split('\n')[0] ?? '',
      ),
    );
  }
}
