/** Texts that somebody else may put where Robo reads: each tries to be more than text. */
export const hostileStrings: Readonly<Record<string, string>> = {
  'escape sequences': '\u001b[2J\u001b[31mgone\u001b[0m',
  'a title for the terminal': '\u001b]0;healthy\u0007\u009b31mred',
  'a hyperlink for the terminal': '\u001b]8;;https://evil.example\u001b\\click\u001b]8;;\u001b\\',
  'an open hyperlink': '\u001b]8;;https://evil.example',
  'a carriage return': 'error\rall is well   ',
  'new lines': 'x\n# heading\n- item\n/etc/passwd:1:1: error runner_error: forged',
  'paragraphs of others': 'x\u2028y\u2029z\u0085w\vq\fp',
  'reversed text': '\u202egnp.exe\u2066abc\u2069 \u061c\u200fd',
  'hidden characters': 'a\u200b\u00ad\u2060b\ufeff\u{e0041}c',
  'a command link': '[all is well](command:workbench.action.quit)',
  'a command link in disguise': ']\u200b(command:workbench.action.quit) [x]\n(command:x)',
  'a picture': '![x](https://evil.example/?who)',
  addresses: '<https://evil.example> https://evil.example www.evil.example a@evil.example',
  icons: '$(flame) $(sync~spin) $\u200b(flame) $$((flame))',
  HTML: '</td><script>alert(1)</script><img src=x onerror=alert(1)> &lt;b&gt;',
  Markdown: '**bold** `code` ~~~ ```js | a | b | --- \\ [^1] ==',
  placeholders: '${env:HOME} ${workspaceFolder} ${symbols} {0} {1} %PATH% %s',
  shell: '"; rm -rf ~ #\' $(touch /tmp/x) `id` && | > /tmp/x',
  options: '--allow=RESTART_LIVE',
  'a path upwards': '../../../../etc/passwd',
  'a path of Windows': '..\\..\\C:\\Windows\\con:ads',
  'an absolute path': '/etc/passwd',
  'a NUL': 'AAPL\0.exe',
  'torn surrogates': '\ud83d x \udca9 \ud800',
  'a very long text': `${'A'.repeat(100_000)}\u001b[31m$(flame)`,
  nothing: '',
};

/** Control characters and those that reorder or hide text; a tab and a line feed are none here. */
export const unprintableCharacters =
  // eslint-disable-next-line no-control-regex -- what must not get through
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/u;

/** The same for one line. */
export const unprintableInLine =
  // eslint-disable-next-line no-control-regex -- what must not get through
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/u;
