import type { Disposable } from '../core/disposables';
import { toDisposable } from '../core/disposables';

/** The colours of the charts, which are drawn on a canvas and know no style sheet. */
export interface ChartColours {
  readonly text: string;
  readonly grid: string;
  readonly border: string;
  readonly line: string;
  readonly fill: string;
  readonly buy: string;
  readonly sell: string;
  readonly font: string;
}

/** Reads the colours that the style sheet gives now. */
export function chartColours(root: HTMLElement): ChartColours {
  const style = getComputedStyle(root);
  // A system colour such as CanvasText is resolved by the browser, not by a canvas.
  const probe = document.createElement('span');
  probe.hidden = true;
  root.append(probe);
  const resolved = (name: string): string => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };
  const colours = {
    text: resolved('--chart-text'),
    grid: resolved('--chart-grid'),
    border: resolved('--chart-border'),
    line: resolved('--chart-line'),
    fill: resolved('--chart-fill'),
    buy: resolved('--good'),
    sell: resolved('--bad'),
    font: style.fontFamily,
  };
  probe.remove();
  return colours;
}

/** Calls when the theme may be another one: the system's, or the editor's. */
export function onThemeChange(changed: () => void): Disposable {
  const queries = [
    '(prefers-color-scheme: dark)',
    '(forced-colors: active)',
    '(prefers-contrast: more)',
  ].map((query) => matchMedia(query));
  queries.forEach((query) => {
    query.addEventListener('change', changed);
  });
  const observer = new MutationObserver(changed);
  observer.observe(document.documentElement, { attributeFilter: ['class', 'style'] });
  observer.observe(document.body, { attributeFilter: ['class', 'data-vscode-theme-id'] });
  return toDisposable(() => {
    observer.disconnect();
    queries.forEach((query) => {
      query.removeEventListener('change', changed);
    });
  });
}
