/**
 * The preview's fragment for a cause: the slug of the heading that follows its anchor, because the
 * preview scrolls to headings only, not to `<a id>`. Undefined where the guide has no such place.
 */
export function guideFragment(markdown: string, cause: string): string | undefined {
  const at = markdown.indexOf(`<a id="${cause}"></a>`);
  const heading = at < 0 ? undefined : /^#{1,6}\s+(.+)$/m.exec(markdown.slice(at))?.[1];
  return heading === undefined ? undefined : slug(heading);
}

/** As VS Code's Markdown preview makes heading ids: lower case, blanks to hyphens, no punctuation. */
function slug(heading: string): string {
  return heading
    .trim()
    .toLowerCase()
    .replace(/\s+/g, '-')
    .replace(/[^\p{L}\p{N}\p{M}_-]/gu, '')
    .replace(/^-+|-+$/g, '');
}
