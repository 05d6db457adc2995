import type * as vscode from 'vscode';
import { systemClock } from './core/clock';
import { loadOnDemand } from './ui/loadOnDemand';
import { openRobo, type RoboApi } from './ui/robo';

/** Called by VS Code once per window, after the window has started. */
export function activate(context: vscode.ExtensionContext): RoboApi {
  return openRobo(context, { clock: systemClock, onDemand: loadOnDemand });
}
