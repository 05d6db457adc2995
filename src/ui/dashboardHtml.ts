export interface DashboardParts {
  /** Addresses of the page's two files in the panel. */
  readonly script: string;
  readonly style: string;
  /** What the panel's own files come from, as its policy names it. */
  readonly source: string;
  /** Letters, digits, `-` and `_`. */
  readonly nonce: string;
  /** What the panel is called. */
  readonly title: string;
  /** The language of the translations, BCP 47; `en` where there are none. */
  readonly language: string;
  /** The strings of that language by their English ones. */
  readonly translations: Readonly<Record<string, string>>;
}

/** The frame of the page; all that is shown is drawn by its script. */
export function dashboardHtml(parts: DashboardParts): string {
  const { script, style, source, nonce, title, language, translations } = parts;
  // Nothing in it is HTML: a `<` that could end the block stands as its number.
  const block = JSON.stringify(translations).replaceAll('<', '\\u003c');
  const policy = `default-src 'none'; script-src 'nonce-${nonce}'; style-src ${source}; img-src data:; base-uri 'none'; form-action 'none'`;
  return `<!doctype html>
<html lang="${attribute(language)}">
  <head>
    <meta charset="utf-8" />
    <meta http-equiv="Content-Security-Policy" content="${attribute(policy)}" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>${attribute(title)}</title>
    <script type="application/json" id="translations">${block}</script>
    <link rel="stylesheet" href="${attribute(style)}" />
    <script nonce="${attribute(nonce)}" src="${attribute(script)}" defer></script>
  </head>
  <body>
    <div id="app"></div>
  </body>
</html>
`;
}

function attribute(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('"', '&quot;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');
}
