import type { DashboardSnapshot } from '../diagnostics/dashboard';

/** What a page keeps while it is hidden or loaded anew. */
export interface Kept {
  readonly symbol?: string;
  readonly workspace?: string;
  /** Ids of the tables that are open. */
  readonly open?: readonly string[];
  readonly scroll?: number;
  readonly snapshot?: DashboardSnapshot;
}

export interface Memory {
  readonly read: () => Kept;
  readonly write: (kept: Kept) => void;
}

/** The part of VS Code that a page in a panel gets. */
export interface EditorApi {
  readonly postMessage: (message: unknown) => void;
  readonly getState: () => unknown;
  readonly setState: (state: unknown) => void;
}

/** The editor keeps it with the panel, also over a restart. */
export function panelMemory(editor: EditorApi): Memory {
  return {
    read: () => {
      const state = editor.getState();
      return typeof state === 'object' && state !== null ? state : {};
    },
    write: (kept) => {
      editor.setState(kept);
    },
  };
}

const key = 'robo.view';

/** In a browser only how it looks is kept, for this tab: the data comes anew with the page. */
export function tabMemory(): Memory {
  return {
    read: () => {
      try {
        return JSON.parse(sessionStorage.getItem(key) ?? '{}') as Kept;
      } catch {
        return {};
      }
    },
    write: ({ symbol, workspace, open, scroll }) => {
      sessionStorage.setItem(key, JSON.stringify({ symbol, workspace, open, scroll }));
    },
  };
}
