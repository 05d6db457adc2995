import assert from 'node:assert/strict';
import { parseEnv } from 'node:util';
import fc from 'fast-check';
import { listItems, parseEnvFile } from '../../src/core/envFile';

const valuesOf = (text: string): Record<string, string> =>
  Object.fromEntries([...parseEnvFile(text)].map(([key, { value }]) => [key, value]));

/** What a program gets that reads UTF-16 as UTF-8. */
const utf16 = (text: string): string => Buffer.from(text, 'utf16le').toString('utf8');

describe('reading a .env file', () => {
  for (const [what, text, expected] of [
    ['a plain value', 'IBKR_PORT=7497', { IBKR_PORT: '7497' }],
    ['a trailing comment', 'IBKR_PORT=7497 # paper', { IBKR_PORT: '7497' }],
    ['a comment behind a tab', 'IBKR_PORT=7497\t# paper', { IBKR_PORT: '7497' }],
    ['a mark inside a value', 'TOKEN=a#b', { TOKEN: 'a#b' }],
    ['nothing but a comment', 'IBKR_PORT= # later', { IBKR_PORT: '' }],
    ['a comment right behind the sign', 'IBKR_PORT=#7497', { IBKR_PORT: '' }],
    ['double quotes', 'A="x y" # z', { A: 'x y' }],
    ['single quotes with a mark', "A='x # y'", { A: 'x # y' }],
    ['backticks', 'A=`it\'s "so"`', { A: 'it\'s "so"' }],
    ['empty quotes', 'A=""', { A: '' }],
    ['a quote that is never closed', 'A="x y', { A: '"x y' }],
    ['an equals sign in the value', 'URL=http://h?a=b', { URL: 'http://h?a=b' }],
    ['export', 'export A=1', { A: '1' }],
    ['blanks around', '  A  =  1  ', { A: '1' }],
    ['a comment line', '#A=1\n  # B=2\nC=3', { C: '3' }],
    ['a line that is no assignment', 'hello\n=1\n1A=2\nB=3', { B: '3' }],
    ['the later of two', 'A=1\nA=2', { A: '2' }],
    ['Windows line ends', 'A=1\r\nB="2"\r\n', { A: '1', B: '2' }],
    ['a byte order mark', '\uFEFFA=1', { A: '1' }],
    ['UTF-16 of Windows PowerShell', utf16('\uFEFFA=1\r\nB="x"\r\n'), { A: '1', B: 'x' }],
    ['UTF-16 without a mark', utf16('A=1\nB=2'), { A: '1', B: '2' }],
    ['nothing', '', {}],
    [
      'no assignment inside a value over several lines',
      'KEY="-----BEGIN\nIBKR_HOST=192.0.2.7\n-----END"\nIBKR_PORT=4002',
      { IBKR_PORT: '4002' },
    ],
    ['the lines behind a stray quote', "A='x\nIBKR_PORT=4002", { A: "'x", IBKR_PORT: '4002' }],
  ] as const) {
    it(`reads ${what}`, () => {
      assert.deepEqual(valuesOf(text), expected);
    });
  }

  it('leaves the environment alone', () => {
    const before = { ...process.env };
    parseEnvFile('ROBO_CANARY=1\nexport PATH=/nowhere');
    assert.deepEqual({ ...process.env }, before);
  });

  it('says where key and value stand', () => {
    const text = '# top\n  export IBKR_PORT = "7497" # paper\nSYMBOLS=AAPL, NVDA ,,TSLA # three';
    const lines = text.split('\n');
    for (const entry of parseEnvFile(text).values()) {
      const line = lines[entry.line] ?? '';
      assert.equal(line.slice(entry.valueStart, entry.valueEnd), entry.value);
      assert.ok(line.startsWith(entry.key, entry.keyStart));
    }
    const symbols = parseEnvFile(text).get('SYMBOLS');
    assert.ok(symbols);
    assert.deepEqual(
      listItems(symbols).map(({ text: item, line, start, end }) => [
        item,
        (lines[line] ?? '').slice(start, end),
      ]),
      [
        ['AAPL', 'AAPL'],
        ['NVDA', 'NVDA'],
        ['TSLA', 'TSLA'],
      ],
    );
  });

  it('places an empty value where it would be written', () => {
    const entry = parseEnvFile('SYMBOLS=').get('SYMBOLS');
    assert.deepEqual([entry?.valueStart, entry?.valueEnd], [8, 8]);
    assert.ok(entry);
    assert.deepEqual(listItems(entry), []);
  });

  it('reads any ordinary file as node:util does', () => {
    const word = fc.stringMatching(/^[A-Za-z0-9:/.,_-]{1,8}$/);
    const words = fc.array(word, { minLength: 1, maxLength: 3 }).map((all) => all.join(' '));
    const value = fc.oneof(
      words,
      fc.constant(''),
      words.map((text) => `"${text} # in"`),
      words.map((text) => `'${text}'`),
      words.map((text) => `\`${text}\``),
    );
    const blank = fc.constantFrom('', ' ', '  ');
    const line = fc.oneof(
      fc
        .tuple(
          fc.constantFrom('', 'export '),
          fc.stringMatching(/^[A-Z_][A-Z0-9_]{0,5}$/),
          blank,
          value,
          fc.constantFrom('', ' # a comment', '   '),
        )
        .map(([prefix, key, gap, text, tail]) => `${prefix}${key}=${gap}${text}${tail}`)
        // Of an empty value node:util 24.21 makes the next line's, or a key "export A".
        .filter((text) => !/=\s*(#.*)?$/.test(text)),
      fc.constantFrom('', '# A=1', '   '),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 8 }), fc.constantFrom('\n', '\r\n'), (lines, end) => {
        const text = lines.join(end);
        assert.deepEqual(valuesOf(text), { ...parseEnv(text) }, JSON.stringify(text));
      }),
      { numRuns: 500 },
    );
  });

  it('places every value inside its line, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (noise) => {
        const text = `A=${noise}`;
        const lines = text.split(/\r\n|\n|\r/);
        for (const { line, valueStart, valueEnd, value } of parseEnvFile(text).values()) {
          assert.equal((lines[line] ?? '').slice(valueStart, valueEnd), value);
        }
      }),
    );
  });
});
