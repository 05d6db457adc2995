export interface DashboardFiles {
  /** Addresses of the page's two files in the panel. */
  readonly script: string;
  readonly style: string;
  /** What the panel's own files come from, as its policy names it. */
  readonly source: string;
  /** Letters, digits, `-` and `_`. */
  readonly nonce: string;
}

/** The frame of the page; all that is shown is drawn by its script. */
export function dashboardHtml({ script, style, source, nonce }: DashboardFiles): string {
  const policy = `default-src 'none'; script-src 'nonce-${nonce}'; style-src ${source}; img-src data:; base-uri 'none'; form-action 'none'`;
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta http-equiv="Content-Security-Policy" content="${attribute(policy)}" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>Robo: Dashboard</title>
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
