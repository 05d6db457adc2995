import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import ts from 'typescript';
import { StepCounter } from '../support/regexSteps';

const projectRoot = join(__dirname, '..', '..');
const files = globSync('src/diagnostics/**/*.ts', { cwd: projectRoot }).map((file) =>
  join(projectRoot, file),
);

/** So many steps a character at most, on a text made to hurt. */
const stepsPerCharacter = 300;
/** Below this a pattern may grow as it likes: it is cheap on the longest line. */
const ordinaryStepsPerCharacter = 40;
/** A text four times as long may cost six times as much; quadratic growth would be sixteen. */
const growth = 6;
const short = 500;
const long = 4 * short;
/** So few on the short text cannot, growing with its square, become more than ordinary ones. */
const fewStepsPerCharacter = ordinaryStepsPerCharacter / 4;

/** Why a pattern is not linear; undefined where it is. */
function complaint(pattern: RegExp): string | undefined {
  const counter = new StepCounter(pattern);

  const limit = 2 * stepsPerCharacter * long;
  const [shorter, longer] = [counter.attacks(short), counter.attacks(long)];
  for (const [index, text] of longer.entries()) {
    const before = counter.search(shorter[index] ?? '', limit);
    if (before <= fewStepsPerCharacter * short) {
      continue;
    }
    const steps = counter.search(text, limit);
    if (steps <= ordinaryStepsPerCharacter * text.length) {
      continue;
    }
    const isMany = steps > stepsPerCharacter * text.length;
    const isSteep = steps > growth * before;
    if (isMany || isSteep) {
      return `/${pattern.source}/${pattern.flags} takes ${before} steps for ${short} characters and ${steps} for ${long}, of ${JSON.stringify(text.slice(0, 40))}…`;
    }
  }
  return undefined;
}

/** The patterns that are written as such in the sources of the readers. */
function literals(): readonly RegExp[] {
  const found: RegExp[] = [];
  for (const file of files) {
    const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest);
    const visit = (node: ts.Node): void => {
      if (ts.isRegularExpressionLiteral(node)) {
        const end = node.text.lastIndexOf('/');
        found.push(new RegExp(node.text.slice(1, end), node.text.slice(end + 1)));
      }
      ts.forEachChild(node, visit);
    };
    visit(source);
  }
  return found;
}

/** The patterns that the sources put together when they are loaded. */
function assembled(): readonly RegExp[] {
  const code = `
    const seen = [];
    globalThis.RegExp = new Proxy(RegExp, {
      construct(target, args) {
        const made = new target(...args);
        seen.push([made.source, made.flags]);
        return made;
      },
    });
    for (const file of ${JSON.stringify(files)}) await import(file);
    process.stdout.write(JSON.stringify(seen));`;
  const args = ['--import', 'tsx', '--input-type=module', '-e', code];
  const output = execFileSync(process.execPath, args, { cwd: projectRoot, maxBuffer: 1 << 26 });
  return (JSON.parse(output.toString()) as [string, string][]).map(
    ([source, flags]) => new RegExp(source, flags),
  );
}

/**
 * Of a family of patterns that is put together with one word each, the states of a socket
 * (`SYN_SENT`, `Established`, `ESTABELECIDA`), one is enough: they take as many steps.
 */
function kindOf(pattern: RegExp): string {
  return String(pattern).replace(/(?<![\\\p{L}])\p{Lu}[\p{L}_\d]{3,}/gu, 'STATE');
}

describe('the patterns of the log readers', () => {
  const catastrophic: readonly RegExp[] = [
    /^(?:a+)+$/,
    /^(?:\w|\d)*x/,
    /(?:\s|\s)*end/,
    /\bname=(?:\w+\s?)*;/,
    /^.*.*=.*$/,
    /\s+$/,
    /error.*code.*reason.*end/,
    /^\d+[\d.]+,/,
  ];
  for (const pattern of catastrophic) {
    it(`a planted /${pattern.source}/ is caught`, () => {
      assert.ok(complaint(pattern) !== undefined);
    });
  }

  it('innocent ones are not', () => {
    const innocent = [
      /^a+$/,
      /^\w{1,20}: .*$/,
      /\berror (\d{1,5}): (.*)/i,
      /^(?:x\d{1,3}-){1,4}end/,
    ];
    for (const pattern of innocent) {
      assert.equal(complaint(pattern), undefined);
    }
  });

  it('take a number of steps that grows with the line and no faster', () => {
    const patterns = new Map([
      ...assembled().map((pattern) => [kindOf(pattern), pattern] as const),
      ...literals().map((pattern) => [String(pattern), pattern] as const),
    ]);
    assert.ok(patterns.size > 200, `${patterns.size} patterns`);
    const complaints = [...patterns.values()].flatMap((pattern) => complaint(pattern) ?? []);
    assert.deepEqual(complaints, []);
  }).timeout(300_000);
});
