import type { Product } from '../ibkr/endpoint';
import type { Layer, Severity } from './finding';

/** The systems whose commands and menus the remedies know. */
export type System = 'macOS' | 'Windows' | 'Linux';

/** What is known of the machine and the program that a remedy is for. */
export interface Setup {
  readonly platform?: NodeJS.Platform | undefined;
  readonly product?: Product | undefined;
  /** The API port; commands say PORT where it is unknown. */
  readonly port?: number | undefined;
}

/** A step that differs by program or by system. `{port}` in any text is the API port. */
export interface VariedStep {
  /** What holds everywhere. `{}` is where `byProduct` goes; a text that is only `{}` is replaced. */
  readonly text: string;
  readonly byProduct?: Readonly<Record<Product, string>>;
  /** Ends the step, after a colon: a command or a menu path. */
  readonly bySystem?: Readonly<Record<System, string>>;
}

export type Step = string | VariedStep;

/** What the catalogue says about a cause, but for its title (causeTitles). */
export interface CauseText {
  /** The layer that it stops; null for causes in the runner or in Robo itself. */
  readonly layer: Layer | null;
  readonly severity: Severity;
  /** What the trader or the log shows. */
  readonly looksLike: string;
  /** What separates it from the causes that look the same. */
  readonly tellsApart: string;
  /** Steps for the person, first one first. */
  readonly remedy: readonly Step[];
  /** How it does not come again, where something can be done about that. */
  readonly prevent?: string;
}
