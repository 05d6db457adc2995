import assert from 'node:assert/strict';
import { build, type BuildOptions, type Metafile } from 'esbuild';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

interface BuildScript {
  readonly optionsOf: (name: string) => BuildOptions;
  readonly refuseTooLarge: (name: string, bytes: number, maxBytes: number) => void;
  readonly maxExtensionBytes: number;
}

/** Only a window that watches something needs these. */
const notInEveryWindow = [
  'node_modules/@stoqey/ib',
  'node_modules/rxjs',
  'node_modules/vscode-jsonrpc',
  'node_modules/valibot',
  'src/diagnostics/catalogue.ts',
  'src/ibkr/messageTable.ts',
  'src/daemon/launcher.ts',
];

describe('The bundle that every window loads', () => {
  let script: BuildScript;
  let metafile: Metafile;
  let bytes: number;

  before(async function () {
    this.timeout(20_000);
    const file = path.resolve(__dirname, '../../scripts/build.mjs');
    script = (await import(pathToFileURL(file).href)) as BuildScript;
    const built = await build({
      ...script.optionsOf('extension'),
      metafile: true,
      write: false,
    });
    metafile = built.metafile;
    bytes = Object.values(metafile.outputs)[0]?.bytes ?? Number.POSITIVE_INFINITY;
  });

  it('has at most 120 KB', () => {
    assert.ok(bytes <= 122_880, `${bytes} bytes; see "npm run bench -- sizes"`);
    assert.equal(script.maxExtensionBytes, 122_880);
  });

  it('contains nothing that only a watching window needs, and loads it from beside itself', () => {
    const inputs = Object.keys(metafile.inputs);
    for (const part of notInEveryWindow) {
      assert.deepEqual(
        inputs.filter((input) => input.startsWith(part)),
        [],
      );
    }
    const [output] = Object.values(metafile.outputs);
    const beside = output?.imports.filter(({ path: file }) => file.startsWith('.')) ?? [];
    assert.deepEqual(beside, [{ path: './onDemand.cjs', kind: 'require-call', external: true }]);
  });

  it('is refused by every build that makes it larger', () => {
    const { refuseTooLarge, maxExtensionBytes } = script;
    assert.throws(
      () => refuseTooLarge('extension', maxExtensionBytes + 1, maxExtensionBytes),
      /122881 bytes/,
    );
    refuseTooLarge('extension', maxExtensionBytes, maxExtensionBytes);
  });
});
