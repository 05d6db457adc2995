import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const root = path.resolve(__dirname, '../..');

/** A file, what it imports, and the rule that must forbid it; no rule where it is allowed. */
interface Planted {
  readonly file: string;
  readonly imports: string;
  readonly rule?: string;
}

const planted: readonly Planted[] = [
  { file: 'src/core/upward.ts', imports: '../host/target', rule: 'core-arrow' },
  { file: 'src/host/sideways.ts', imports: '../ibkr/target', rule: 'host-arrow' },
  { file: 'src/ibkr/sideways.ts', imports: '../host/target', rule: 'ibkr-arrow' },
  { file: 'src/diagnostics/upward.ts', imports: '../preflight/target', rule: 'diagnostics-arrow' },
  { file: 'src/preflight/upward.ts', imports: '../monitor/target', rule: 'preflight-arrow' },
  { file: 'src/monitor/sideways.ts', imports: '../runner/target', rule: 'monitor-arrow' },
  { file: 'src/runner/sideways.ts', imports: '../trading/target', rule: 'runner-arrow' },
  { file: 'src/trading/upward.ts', imports: '../daemon/target', rule: 'trading-arrow' },
  { file: 'src/daemon/upward.ts', imports: '../ui/target', rule: 'daemon-arrow' },
  { file: 'src/ui/sideways.ts', imports: '../cli/target', rule: 'ui-arrow' },
  { file: 'src/cli/sideways.ts', imports: '../ui/target', rule: 'cli-arrow' },
  { file: 'src/ui/pretends.ts', imports: '../simulator/target', rule: 'ui-arrow' },
  { file: 'src/simulator/peeks.ts', imports: '../ibkr/target', rule: 'simulator-arrow' },
  { file: 'src/daemon/rehearses.ts', imports: '../rehearsal/target', rule: 'daemon-arrow' },
  { file: 'src/ui/rehearses.ts', imports: '../rehearsal/target', rule: 'ui-arrow' },
  { file: 'src/rehearsal/upward.ts', imports: '../cli/target', rule: 'rehearsal-arrow' },
  { file: 'src/stray/target.ts', imports: '../core/target' },
  { file: 'src/cli/strays.ts', imports: '../stray/target', rule: 'unknown-room' },
  { file: 'src/cli/composes.ts', imports: '../entry', rule: 'nothing-imports-an-entry' },
  { file: 'src/monitor/editor.ts', imports: 'vscode', rule: 'vscode-only-in-ui' },
  { file: 'src/trading/library.ts', imports: '@stoqey/ib', rule: 'stoqey-only-in-session' },
  { file: 'src/diagnostics/reads.ts', imports: 'node:fs', rule: 'pure-rooms-do-no-io' },
  { file: 'src/core/dials.ts', imports: 'net', rule: 'pure-rooms-do-no-io' },
  { file: 'src/host/endProcess.ts', imports: 'node:child_process' },
  { file: 'src/monitor/heals.ts', imports: '../host/endProcess', rule: 'recovery-ends-nothing' },
  { file: 'src/ibkr/restarts.ts', imports: 'node:child_process', rule: 'recovery-ends-nothing' },
  { file: 'src/monitor/detours.ts', imports: './heals', rule: 'recovery-ends-nothing' },
  { file: 'src/host/one.ts', imports: './two', rule: 'no-cycles' },
  { file: 'src/ui/early.ts', imports: './onDemand', rule: 'on-demand-comes-late' },
  { file: 'src/ui/loadOnDemand.ts', imports: './onDemand' },
  { file: 'src/cli/tested.ts', imports: '../../test/target', rule: 'src-stands-alone' },
  { file: 'src/cli/develops.ts', imports: 'fast-check', rule: 'no-development-packages' },
  { file: 'src/cli/dangles.ts', imports: './nowhere', rule: 'everything-resolves' },
  { file: 'src/ui/editor.ts', imports: 'vscode' },
  { file: 'src/extension.ts', imports: 'vscode' },
  { file: 'src/ibkr/session.ts', imports: '@stoqey/ib' },
  { file: 'src/cli/simulates.ts', imports: '../simulator/target' },
  { file: 'src/cli/rehearses.ts', imports: '../rehearsal/target' },
  { file: 'src/rehearsal/plays.ts', imports: '../simulator/target' },
  { file: 'src/rehearsal/composes.ts', imports: '../daemon/target' },
  { file: 'src/simulator/knows.ts', imports: '../ibkr/messageCodes' },
  { file: 'src/dashboard/reaches.ts', imports: '../daemon/target', rule: 'dashboard-arrow' },
  {
    file: 'src/dashboard/thinks.ts',
    imports: '../diagnostics/target',
    rule: 'dashboard-takes-shapes-only',
  },
  { file: 'src/dashboard/reads.ts', imports: 'node:fs', rule: 'dashboard-is-a-page' },
  { file: 'src/dashboard/counts.ts', imports: '../core/target' },
  { file: 'src/ui/draws.ts', imports: '../dashboard/target', rule: 'ui-arrow' },
  {
    file: 'src/daemon/draws.ts',
    imports: 'lightweight-charts',
    rule: 'chart-library-only-in-the-page',
  },
  { file: 'src/dashboard/draws.ts', imports: 'lightweight-charts' },
  { file: 'src/daemon/composes.ts', imports: '../monitor/target' },
];

const targets = [
  ...['core', 'host', 'ibkr', 'diagnostics', 'preflight', 'monitor', 'runner', 'trading'],
  ...['daemon', 'ui', 'cli', 'simulator', 'rehearsal', 'dashboard'],
].map((room) => `src/${room}/target.ts`);

interface CruiseResult {
  readonly summary: {
    readonly violations: readonly { readonly from: string; readonly rule: { name: string } }[];
  };
}

function write(folder: string, file: string, text: string): void {
  mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
  writeFileSync(path.join(folder, file), text);
}

/** Cruises a planted tree with the project's own rules; `file: rule` per violation. */
function cruise(folder: string): ReadonlySet<string> {
  symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'), 'junction');
  write(folder, 'tsconfig.json', '{ "compilerOptions": { "module": "preserve" } }');
  write(
    folder,
    'package.json',
    '{ "devDependencies": { "fast-check": "*" }, "dependencies": { "@stoqey/ib": "*", "lightweight-charts": "*" } }',
  );
  for (const file of [
    ...targets,
    'src/ibkr/messageCodes.ts',
    'src/ui/onDemand.ts',
    'src/entry.ts',
    'test/target.ts',
  ]) {
    write(folder, file, 'export const value = 1;\n');
  }
  write(folder, 'src/host/two.ts', `export * as it from './one';\n`);
  for (const { file, imports } of planted) {
    write(folder, file, `import * as it from '${imports}';\nexport const value = it;\n`);
  }
  const script = path.join(root, 'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs');
  const config = path.join(root, '.dependency-cruiser.cjs');
  const output = execFileSync(
    process.execPath,
    [script, '--config', config, '--output-type', 'json', 'src'],
    { cwd: folder, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
  );
  const { summary } = JSON.parse(output) as CruiseResult;
  return new Set(summary.violations.map(({ from, rule }) => `${from}: ${rule.name}`));
}

describe('The arrows between the rooms', () => {
  let folder: string;
  let violations: ReadonlySet<string>;

  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'robo-arrows-'));
    violations = cruise(folder);
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  for (const { file, imports, rule } of planted) {
    if (rule === undefined) {
      it(`${file} may import ${imports}`, () => {
        assert.deepEqual(
          [...violations].filter((violation) => violation.startsWith(`${file}:`)),
          [],
        );
      });
    } else {
      it(`${file} may not import ${imports}`, () => {
        assert.ok(violations.has(`${file}: ${rule}`), [...violations].join('\n'));
      });
    }
  }
});
