import assert from 'node:assert/strict';
import { splitCommandLine } from '../../src/host/commandLine';

const cases: readonly (readonly [string, readonly string[]])[] = [
  ['', []],
  ['   ', []],
  ['python.exe', ['python.exe']],
  ['python  -m   robo_trader.runner_async ', ['python', '-m', 'robo_trader.runner_async']],
  // The first argument: quotes group, backslashes are ordinary.
  [
    '"C:\\Program Files\\Java\\bin\\java.exe" -cp x',
    ['C:\\Program Files\\Java\\bin\\java.exe', '-cp', 'x'],
  ],
  ['"C:\\Jts\\" a', ['C:\\Jts\\', 'a']],
  ['C:\\"Program Files"\\tws.exe a', ['C:\\Program Files\\tws.exe', 'a']],
  ['"" a', ['', 'a']],
  [' a', ['', 'a']],
  ['"never closed a b', ['never closed a b']],
  // The examples of Microsoft's "Parsing C command-line arguments".
  ['x "abc" d e', ['x', 'abc', 'd', 'e']],
  ['x a\\\\b d"e f"g h', ['x', 'a\\\\b', 'de fg', 'h']],
  ['x a\\\\\\"b c d', ['x', 'a\\"b', 'c', 'd']],
  ['x a\\\\\\\\"b c" d e', ['x', 'a\\\\b c', 'd', 'e']],
  ['x a"b"" c d', ['x', 'ab" c d']],
  // Empty arguments, tabs, ends.
  ['x "" ""', ['x', '', '']],
  ['x\t"a\tb"\tc', ['x', 'a\tb', 'c']],
  ['x "a b', ['x', 'a b']],
  ['x a\\', ['x', 'a\\']],
  ['x "C:\\my folder\\\\" b', ['x', 'C:\\my folder\\', 'b']],
  ['x "C:\\my folder\\" b', ['x', 'C:\\my folder" b']],
  ['node C:\\übung\\日本.js --x="a b"', ['node', 'C:\\übung\\日本.js', '--x=a b']],
];

describe('splitting a Windows command line', () => {
  for (const [text, argv] of cases) {
    it(JSON.stringify(text), () => {
      assert.deepEqual(splitCommandLine(text), argv);
    });
  }

  it('takes the longest command line of Windows in its stride', () => {
    const argv = splitCommandLine(`x ${'\\'.repeat(16_000)} ${'"'.repeat(16_000)}`);
    assert.deepEqual([argv.length, argv[1]?.length], [3, 16_000]);
  });
});
