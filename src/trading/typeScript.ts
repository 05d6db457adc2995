import { readFileSync } from 'node:fs';
import module from 'node:module';
import { fileURLToPath } from 'node:url';
import { errorText } from '../core/errors';

/**
 * Lets `require` and `import` read TypeScript. Node.js does so by itself from 22.18 on; from 22.15
 * on it has the means (VS Code 1.101 brings 22.15.1, 1.103 brings 22.17.0). Types are blanked out,
 * so that lines stay where they are.
 * @returns false where this runtime has neither
 */
export function readTypeScript(): boolean {
  if (process.features.typescript !== false) {
    return true;
  }
  const { registerHooks, stripTypeScriptTypes } = module as Partial<typeof module>;
  if (registerHooks === undefined || stripTypeScriptTypes === undefined) {
    return false;
  }
  registerHooks({
    load: (url, context, next) => {
      if (!/^file:.*\.[cm]?ts$/.test(url)) {
        return next(url, context);
      }
      const file = fileURLToPath(url);
      const source = stripped(readFileSync(file, 'utf8'), file, stripTypeScriptTypes);
      return { format: formatOf(file, source), source, shortCircuit: true };
    },
  });
  return true;
}

/** @throws SyntaxError whose stack names the file and the line, as that of JavaScript does */
function stripped(text: string, file: string, strip: (code: string) => string): string {
  try {
    return strip(text);
  } catch (error) {
    const words = errorText(error);
    const stack = error instanceof Error ? (error.stack ?? '') : '';
    // Node.js 22.15 draws the place into its message, later ones begin the stack with it.
    const [, line] = /\[(\d+):\d+\]/.exec(words) ?? /^:(\d+)\n/.exec(stack) ?? [];
    if (line === undefined) {
      throw error;
    }
    const [first = ''] = words.split('\n');
    const fault = new SyntaxError(first.replace(/^\W*x /, ''));
    fault.stack = `${file}:${line}\n${String(fault)}`;
    throw fault;
  }
}

function formatOf(file: string, source: string): 'commonjs' | 'module' {
  if (/\.[cm]ts$/.test(file)) {
    return file.endsWith('.cts') ? 'commonjs' : 'module';
  }
  return /^\s*(?:import|export)\b/m.test(source) ? 'module' : 'commonjs';
}
