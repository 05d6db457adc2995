import { appendFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import type { Runnable } from 'mocha';

/** One line of the result file: the launchers count these, and see how far a lost run came. */
type ResultLine =
  | { readonly event: 'passed' | 'skipped'; readonly title: string }
  | { readonly event: 'failed'; readonly title: string; readonly error: string }
  | { readonly event: 'done' };

function report(line: ResultLine): void {
  const file = process.env['ROBO_HOST_RESULT'];
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(line)}\n`);
}

function titleOf(test: Runnable): string {
  return test.titlePath().join(' › ');
}

/** Entry of the suite inside the extension host; VS Code waits for the promise. */
export async function run(): Promise<void> {
  const { default: Mocha } = await import('mocha');
  const mocha = new Mocha({ ui: 'bdd', timeout: 60_000, forbidOnly: true });
  for (const name of readdirSync(__dirname).sort()) {
    if (name.endsWith('.test.cjs')) mocha.addFile(path.join(__dirname, name));
  }
  await mocha.loadFilesAsync();
  const failures = await new Promise<number>((resolve) => {
    mocha
      .run(resolve)
      .on('pass', (test) => {
        report({ event: 'passed', title: titleOf(test) });
      })
      .on('pending', (test) => {
        report({ event: 'skipped', title: titleOf(test) });
      })
      .on('fail', (test, error: unknown) => {
        const words = error instanceof Error ? (error.stack ?? error.message) : String(error);
        report({ event: 'failed', title: titleOf(test), error: words });
      });
  });
  report({ event: 'done' });
  if (failures > 0) throw new Error(`${failures} tests failed`);
}
