import { systemClock } from '../core/clock';
import { regional, translationsOf, translator } from './l10n';
import { type EditorApi, panelMemory, tabMemory } from './memory';
import { Page } from './page';
import { listenToFeed, listenToWindow, takeToken } from './transport';
import { wordsOf } from './words';

declare const acquireVsCodeApi: (() => EditorApi) | undefined;

const root = document.querySelector<HTMLElement>('#app');
if (root !== null) {
  const editor = typeof acquireVsCodeApi === 'undefined' ? undefined : acquireVsCodeApi();
  // A browser gets the page as it was written, in English; a panel that of its editor.
  const block = document.querySelector('#translations')?.textContent ?? '{}';
  const l10n = translator(translationsOf(block));
  const page = new Page(root, {
    clock: systemClock,
    memory: editor === undefined ? tabMemory() : panelMemory(editor),
    words: wordsOf({
      l10n,
      locale: regional(document.documentElement.lang, navigator.languages),
    }),
  });
  if (editor === undefined) {
    void takeToken().then((token) => {
      listenToFeed(token, { clock: systemClock, l10n }, page);
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
