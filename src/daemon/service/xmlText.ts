import { cannotHold } from './serviceSpec';

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
  // A reader of XML makes line feeds of carriage returns that are not written in this way.
  '\r': '&#13;',
  '\n': '&#10;',
  '\t': '&#9;',
};

/**
 * Text as the content of an XML element.
 * @throws HumanError for characters that XML 1.0 has no way to write
 */
export function xmlText(text: string): string {
  // eslint-disable-next-line no-control-regex -- exactly these are forbidden in XML
  const forbidden = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/u;
  if (forbidden.test(text)) {
    throw cannotHold('An XML file', text, 'it contains a control character');
  }
  return text.replace(/[&<>"'\r\n\t]/g, (character) => entities[character] ?? character);
}
