import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import vm, { Script } from 'node:vm';
import { replaceFile } from '../monitor/records';

/** Takes exports, require, module, file name and folder, as Node.js gives them to a module. */
type ModuleFunction = (...scope: readonly unknown[]) => void;

/** From Node.js 20.12 on; one that is older has nothing that the commands import later. */
const { constants } = vm as Partial<typeof vm>;
const dynamicImports =
  constants === undefined
    ? {}
    : { importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER };

/** Bytes of a SHA-256. */
const digestBytes = 32;

/**
 * Runs a CommonJS file, with what V8 made of it when it last ran: compiling anew what a command
 * uses costs more than many a command. Node's own cache (`enableCompileCache`) keeps no function
 * that is compiled only when it is called, which here are nearly all.
 * @param cacheFile where the compiled code lies; it is written at the end of the process when it
 * is missing, damaged, or of another file, Node.js or set of V8 flags, and where it can be written
 */
export function runCompiled(file: string, cacheFile: string): void {
  const source = readFileSync(file, 'utf8');
  // V8 itself compares no more than the length of the source.
  const origin = digestOf(`${process.version} ${source}`);
  const cachedData = readCache(cacheFile, origin);
  const script = new Script(
    `(function (exports, require, module, __filename, __dirname) {${source}\n})`,
    {
      filename: file,
      ...dynamicImports,
      ...(cachedData === undefined ? {} : { cachedData }),
    },
  );
  if (script.cachedDataRejected !== false) {
    process.on('exit', () => {
      writeCache(cacheFile, origin, script.createCachedData());
    });
  }
  const module = { exports: {} };
  const run = script.runInThisContext() as ModuleFunction;
  run(module.exports, createRequire(file), module, file, dirname(file));
}

function digestOf(data: string | Buffer): Buffer {
  return createHash('sha256').update(data).digest();
}

/** What lies there when it is whole and was made of this source: two digests, then the code. */
function readCache(cacheFile: string, origin: Buffer): Buffer | undefined {
  let cache: Buffer;
  try {
    cache = readFileSync(cacheFile);
  } catch {
    // Not there, or not for us: the code is compiled, as without a cache.
    return undefined;
  }
  const [madeOf, check] = [cache.subarray(0, digestBytes), cache.subarray(digestBytes)];
  const data = check.subarray(digestBytes);
  const isOurs = madeOf.equals(origin) && check.subarray(0, digestBytes).equals(digestOf(data));
  return isOurs ? data : undefined;
}

function writeCache(cacheFile: string, origin: Buffer, data: Buffer): void {
  try {
    mkdirSync(dirname(cacheFile), { recursive: true });
    replaceFile(cacheFile, Buffer.concat([origin, digestOf(data), data]));
  } catch {
    // A folder that is not ours to write, or a full disk: the next command compiles again.
  }
}
