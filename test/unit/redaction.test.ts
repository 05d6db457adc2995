import assert from 'node:assert/strict';
import fc from 'fast-check';
import { redact } from '../../src/core/redaction';

const context = { homeDirectory: '/home/joe', userName: 'joe', hostName: 'Box-7' };

describe('redaction', () => {
  for (const [text, expected] of [
    ['account DU1234567 at 7497', 'account <account> at 7497'],
    ['accounts: U7654321,DF123456,F1234567A', 'accounts: <account>,<account>,<account>'],
    ['acct_DU1234567_x', 'acct_<account>_x'],
    ['accountU1234567', 'account<account>'],
    ['{"line":"a\\nDU1234567"}', '{"line":"a\\n<account>"}'],
    ['du1234567', '<account>'],
    ['DUH1234 U123 UP1234567', 'DUH1234 U123 UP1234567'],
    ['password=hunter2;next', 'password=<secret>;next'],
    ['"password": "my long one", "a": 1', '"password": <secret>, "a": 1'],
    ['"token":"a\\"b"}', '"token":<secret>}'],
    ["API_KEY: 'x y'", 'API_KEY: <secret>'],
    ['MY_SECRET_2 = abc def', 'MY_SECRET_2 = <secret> def'],
    ['Authorization: Bearer abc.def', 'Authorization: <secret>'],
    ['IbLoginId=edemo IbPassword=demo', 'IbLoginId=<secret> IbPassword=<secret>'],
    ['https://me:pw@broker.example/x', 'https://<secret>@broker.example/x'],
    ['at 192.168.1.7:7497 and 127.0.0.1:7497', 'at <address>:7497 and 127.0.0.1:7497'],
    ['fe80::1, 2001:db8:0:0:0:0:0:1 and ::1', '<address>, <address> and ::1'],
    ['2026-11-22T06:15:11.123Z 06:15:11', '2026-11-22T06:15:11.123Z 06:15:11'],
    ['/home/joe/bot -I/home/joe/x /home/joey', '~/bot -I~/x /home/joey'],
    ['on BOX-7 as Joe', 'on <host> as <user>'],
    ['a token is missing', 'a token is missing'],
    ['', ''],
  ] as const) {
    it(`makes ${JSON.stringify(text)} presentable`, () => {
      assert.equal(redact(text, context), expected);
    });
  }

  it('hides a secret of any length, whole', () => {
    for (const value of ['x'.repeat(5000), `"${'y z'.repeat(3000)}"`]) {
      assert.equal(redact(`token=${value}`, context), 'token=<secret>');
    }
  });

  it('does not tear words apart for a short or an empty name', () => {
    const short = { homeDirectory: '/', userName: 'a', hostName: '' };
    assert.equal(redact('a bar at /opt', short), 'a bar at /opt');
  });

  it('reads names of the system as text, not as patterns', () => {
    const odd = { homeDirectory: '/home/j(o+e', userName: 'j.o[e', hostName: '*?*' };
    assert.equal(redact('/home/j(o+e/x j.o[e jxo[e *?*', odd), '~/x <user> jxo[e <host>');
  });

  it('lets no account id through, wherever it stands', () => {
    const id = fc
      .tuple(
        fc.constantFrom('DU', 'DF', 'DI', 'D', 'DUH', 'U', 'F', 'I'),
        fc.stringMatching(/^[0-9]{5,9}$/),
        fc.constantFrom('', 'A'),
      )
      .map((parts) => parts.join(''));
    const before = fc.constantFrom(
      '',
      ' ',
      '_',
      '-',
      '"',
      '\\n',
      'account',
      '=',
      '\u0000',
      'é',
      '/',
    );
    const after = fc.constantFrom('', ' ', '_', '-', '"', '\\', ',', '.', '\u2028', ':7497');
    fc.assert(
      fc.property(
        fc.array(fc.tuple(before, id, after, fc.constantFrom('; ', '\n', ' | ')), { maxLength: 6 }),
        (parts) => {
          const shown = redact(parts.map((each) => each.join('')).join(''), context);
          for (const [, account] of parts) {
            assert.ok(!shown.includes(account), `${account} in ${shown}`);
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it('changes nothing when it is asked again', () => {
    const text = fc.array(
      fc.oneof(
        fc.string({ maxLength: 12 }),
        fc.constantFrom('DU1234567', 'password=', '"', '10.1.2.3', '/home/joe', 'Box-7', 'fe80::1'),
      ),
    );
    fc.assert(
      fc.property(text, (parts) => {
        const once = redact(parts.join(' '), context);
        assert.equal(
          redact(once, context).replaceAll('<secret>', ''),
          once.replaceAll('<secret>', ''),
        );
      }),
    );
  });

  it('takes its time in proportion, whatever it is given', () => {
    const from = performance.now();
    for (const part of ['a-', 'password', ':', '1:', '://a', 'token="', 'DU1', '1.', '\\"']) {
      redact(part.repeat(100_000 / part.length), context);
    }
    assert.ok(performance.now() - from < 3000);
  });
});
