import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { isCommandName } from './cli/commandNames';
import { runCompiled } from './cli/compiledCode';

/**
 * So often a function must have been called before V8 makes its quickest code of it, instead of
 * 3000 times. The lines of a log that are looked at one by one are too few to earn back the time
 * that costs: a quarter of all for 200 MB. A number for which V8 has a name in these versions.
 */
const callsToOptimise = 50_000;
const [oldestV8, newestV8] = [12, 14];

function optimiseLess(): void {
  const v8 = Number.parseInt(process.versions.v8, 10);
  // Of a flag that it does not know V8 complains on the standard error.
  if (v8 >= oldestV8 && v8 <= newestV8) {
    setFlagsFromString(`--invocation-count-for-turbofan=${callsToOptimise}`);
  }
}

const [, , name = ''] = process.argv;
// First of all: compiled code belongs to the flags that it was compiled under.
if (name === 'diagnose') {
  optimiseLess();
}
// Each command has its own, because each needs other functions. They lie beside the code itself,
// where nobody may write who could not change that too, and go with it.
const cache = join(__dirname, 'compiled', `${isCommandName(name) ? name : 'usage'}.bin`);
runCompiled(join(__dirname, 'commandLine.cjs'), cache);
