import type { Severity } from '../diagnostics/finding';
import type { FarmStatus, Health } from '../diagnostics/status';
import { s } from './dom';

export type Shape = 'check' | 'warning' | 'cross' | 'clock' | 'question' | 'info' | 'spinner';

/** Drawn in the colour of the text, on 16 by 16. Each shape is another one: none is told by colour. */
const paths: Readonly<Record<Shape, string>> = {
  check: 'M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1Zm-1.2 10L3.9 8.1l1.1-1 1.8 1.8 4.2-4.3 1.1 1.1Z',
  warning: 'M8 1.2 15.4 14.5H.6ZM7.2 6v4.2h1.6V6Zm0 5.3v1.6h1.6v-1.6Z',
  cross:
    'M5 1h6l4 4v6l-4 4H5l-4-4V5Zm.3 3.2L4.2 5.3 6.9 8l-2.7 2.7 1.1 1.1L8 9.1l2.7 2.7 1.1-1.1L9.1 8l2.7-2.7-1.1-1.1L8 6.9Z',
  clock:
    'M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1Zm0 1.6a5.4 5.4 0 1 1 0 10.8A5.4 5.4 0 0 1 8 2.6ZM7.2 4.5v4l3 1.8.8-1.3-2.2-1.3V4.5Z',
  question:
    'M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1Zm0 1.6a5.4 5.4 0 1 1 0 10.8A5.4 5.4 0 0 1 8 2.6ZM5.6 6.3h1.5c0-.6.4-1 .9-1s.9.3.9.9c0 1-1.6 1.1-1.6 2.8h1.4c0-1 1.7-1.3 1.7-2.9C10.4 4.7 9.4 3.9 8 3.9S5.6 4.9 5.6 6.3Zm1.7 3.9v1.5h1.5v-1.5Z',
  info: 'M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1Zm-.8 3h1.6v1.7H7.2Zm0 2.8h1.6V12H7.2Z',
  spinner:
    'M8 1a7 7 0 0 1 7 7h-1.8A5.2 5.2 0 0 0 8 2.8ZM8 15a7 7 0 0 1-7-7h1.8A5.2 5.2 0 0 0 8 13.2Z',
};

export function icon(shape: Shape): SVGElement {
  return s(
    'svg',
    { class: `icon icon-${shape}`, viewBox: '0 0 16 16', 'aria-hidden': 'true' },
    s('path', { d: paths[shape], 'fill-rule': 'evenodd' }),
  );
}

export const healthShapes: Readonly<Record<Health, Shape>> = {
  healthy: 'check',
  degraded: 'warning',
  down: 'cross',
  expected: 'clock',
  connecting: 'spinner',
  unknown: 'question',
};

export const severityShapes: Readonly<Record<Severity, Shape>> = {
  error: 'cross',
  warning: 'warning',
  info: 'info',
};

export const farmShapes: Readonly<Record<FarmStatus['state'], Shape>> = {
  ok: 'check',
  inactive: 'clock',
  broken: 'cross',
  connecting: 'spinner',
};
