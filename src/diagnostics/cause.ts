import type { Layer, Severity } from './finding';

/** What the catalogue says about a cause. */
export interface CauseText {
  /** The layer that it stops; null for causes in the runner or in Robo itself. */
  readonly layer: Layer | null;
  readonly title: string;
  readonly severity: Severity;
  /** What the trader or the log shows. */
  readonly looksLike: string;
  /** What separates it from the causes that look the same. */
  readonly tellsApart: string;
  /** Steps for the person, first one first. */
  readonly remedy: readonly string[];
}

/** The settings page of the API, as the menus of both programs name it. */
export const apiSettings =
  'TWS: File (or Edit) > Global Configuration > API > Settings; IB Gateway: Configure > Settings > API > Settings';

/** Restarting costs a login, so the step says so. */
export const restartTws =
  'Restart TWS or IB Gateway by hand (expect a login, with the second factor); nothing else clears this state.';
