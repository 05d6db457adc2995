import assert from 'node:assert/strict';
import fc from 'fast-check';
import { redactReport } from '../../src/daemon/reportRedaction';

const secrets = {
  homeDirectory: '/home/joe',
  userName: 'joe',
  hostName: 'Box-7',
  others: ['joseph', 'tws.example.com'],
};

describe('the redaction of a report', () => {
  for (const [text, expected] of [
    ['/home/joe/bot and /home/bob/bot', '~/bot and ~/bot'],
    ['file "/Users/Jane Doe/bot.py", line 3', 'file "~/bot.py", line 3'],
    ['C:\\Users\\Jane Doe\\bot.py', '~\\bot.py'],
    ['"C:\\\\Users\\\\jane\\\\bot.py"', '"~\\\\bot.py"'],
    ['/mnt/c/Users/jane/bot', '/mnt/c~/bot'],
    ['--token abc --user x', '--token <secret> --user x'],
    ['["bot.py","--api-key","abc"]', '["bot.py","--api-key","<secret>"]'],
    ['sent Bearer abcdef123456', 'sent Bearer <secret>'],
    ['ghp_abcdefghijklmnop1234 and sk-abcdefgh12345678', '<secret> and <secret>'],
    ['https://hc-ping.com/b7e3c1b2-0000-4000-8000-123456789abc', '<url>'],
    ['http://127.0.0.1:7700/live?token=abc', 'http://127.0.0.1:7700'],
    ['mail to jane.doe@example.com', 'mail to <email>'],
    ['accounts DU12***67', 'accounts <account>'],
    ['at tws.example.com:7497 on box-7 by Joseph', 'at <host>:7497 on <host> by <host>'],
    ['DU12\u200b34567 and D\u001b[0mU1234567', '<account> and <account>'],
    [
      'at 2026-11-22T06:15:11.123Z 55 % silent_handshake',
      'at 2026-11-22T06:15:11.123Z 55 % silent_handshake',
    ],
  ] as const) {
    it(`makes ${JSON.stringify(text)} presentable`, () => {
      assert.equal(redactReport(text, secrets), expected);
    });
  }

  it('lets no account, home, token, address or name through, wherever it stands', () => {
    const hex = (length: number) =>
      fc.stringMatching(new RegExp(`^[0-9a-f]{${length}}$`)).map((text) => text);
    const name = fc.stringMatching(/^[a-z]{4,9}$/).map((text) => `q${text}q`);
    const secret = fc.oneof(
      fc.stringMatching(/^(?:DU|U|DF|F)[0-9]{7}$/).map((id) => [id, id] as const),
      fc
        .tuple(fc.constantFrom('/home/', '/Users/', 'C:\\Users\\'), name)
        .map(
          ([root, who]) => [`${root}${who}${root.endsWith('\\') ? '\\' : '/'}bot`, who] as const,
        ),
      hex(40).map((key) => [key, key] as const),
      hex(20).map((key) => [`ghp_${key}`, key] as const),
      hex(12).map((key) => [`token=${key}`, key] as const),
      hex(12).map((key) => [`"password": "${key}"`, key] as const),
      hex(12).map((key) => [`--api-token ${key}`, key] as const),
      hex(12).map((key) => [`https://hooks.example.com/${key}`, key] as const),
      hex(12).map((key) => [`eyJhbGciOiJI.${key}.abcdef`, key] as const),
      name.map((who) => [`${who}@example.com`, who] as const),
      fc.constant(['Box-7', 'Box-7'] as const),
      fc.constant(['joe', 'joe'] as const),
    );
    const around = fc.constantFrom(
      ' ',
      '; ',
      '\n',
      ' | ',
      '\t',
      ', ',
      ' "',
      '\u001b[0m ',
      '`',
      ' (',
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(around, secret), { maxLength: 8 }), (parts) => {
        const text = parts.map(([before, [whole]]) => `${before}${whole} `).join('');
        const shown = redactReport(text, secrets).toLowerCase();
        for (const [, [, hidden]] of parts) {
          assert.ok(!shown.includes(hidden.toLowerCase()), `${hidden} in ${shown} of ${text}`);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('takes its time in proportion, and cuts what is long', () => {
    const from = performance.now();
    for (const part of [
      '/home/a ',
      'C:\\Users\\a ',
      'a@',
      'a://',
      '-token',
      'eyJ',
      'Aa1',
      '1:',
      '/Users/',
    ]) {
      assert.ok(redactReport(part.repeat(20_000), secrets).length < 1100);
    }
    assert.ok(performance.now() - from < 3000, `${performance.now() - from} ms`);
  });
});
