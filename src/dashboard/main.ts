import { systemClock } from '../core/clock';
import { type EditorApi, panelMemory, tabMemory } from './memory';
import { Page } from './page';
import { listenToFeed, listenToWindow, takeToken } from './transport';
import { timeWords } from './words';

declare const acquireVsCodeApi: (() => EditorApi) | undefined;

const root = document.querySelector<HTMLElement>('#app');
if (root !== null) {
  const editor = typeof acquireVsCodeApi === 'undefined' ? undefined : acquireVsCodeApi();
  const page = new Page(root, {
    clock: systemClock,
    memory: editor === undefined ? tabMemory() : panelMemory(editor),
    times: timeWords(undefined, undefined),
  });
  if (editor === undefined) {
    void takeToken().then((token) => {
      listenToFeed(token, systemClock, page);
    });
  } else {
    listenToWindow(
      systemClock,
      (message) => {
        editor.postMessage(message);
      },
      page,
    );
  }
}
