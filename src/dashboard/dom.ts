/** What an element may have besides its children. Nothing here is ever parsed as HTML. */
export type Attributes = Readonly<Record<string, string | number | undefined>>;

type Child = Node | string;

const svgNamespace = 'http://www.w3.org/2000/svg';

/** Characters that are not seen, or turn those around them; line breaks and tabs stay. */
const unseen = /(?![\n\t])[\p{Cc}\p{Bidi_Control}]/gu;

function plain(child: Child): Child {
  return typeof child === 'string' ? child.replace(unseen, '') : child;
}

/** An element of the page; strings become text, whatever stands in them. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  setAttributes(element, attributes);
  element.append(...children.map(plain));
  return element;
}

/** The same within a drawing. */
export function s(
  tag: string,
  attributes: Attributes = {},
  ...children: readonly Child[]
): SVGElement {
  const element = document.createElementNS(svgNamespace, tag);
  setAttributes(element, attributes);
  element.append(...children.map(plain));
  return element;
}

function setAttributes(element: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) {
      element.setAttribute(name, String(value));
    }
  }
}

/** Writes a text where it is another one: nothing is drawn, or read out, without a change. */
export function setText(element: Element, text: string): void {
  const shown = text.replace(unseen, '');
  if (element.textContent !== shown) {
    element.textContent = shown;
  }
}

/** An element that remembers what its children were made of. */
type Filled = Element & { roboKey?: string };

/** Replaces what an element holds where `key` is another one than before. */
export function fill(element: Filled, key: unknown, make: () => readonly Child[]): void {
  const signature = JSON.stringify(key);
  if (element.roboKey !== signature) {
    element.roboKey = signature;
    element.replaceChildren(...make());
  }
}

/** A time whose age is kept true by the page; where there is none, `never`. */
export function age(at: string | null, never: string): HTMLElement {
  return at === null ? h('span', {}, never) : h('time', { datetime: at, 'data-age': '' }, '…');
}

/** A sentence whose one place that is still to be filled takes an element. */
export function around(sentence: string, element: Node): readonly Child[] {
  const [before = '', after = ''] = sentence.split(/\{\d+\}/, 2);
  return [before, element, after];
}
