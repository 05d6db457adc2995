import { execFile } from 'node:child_process';
import { HumanError } from '../core/errors';

/** A Node that can run the daemon, and what it needs in addition to our own environment. */
export interface Runtime {
  readonly execPath: string;
  readonly environment: Readonly<Record<string, string>>;
}

const probeTimeoutMs = 10_000;
/** Prints the version where `node:sqlite` can be loaded. */
const probeScript = "require('node:sqlite'); process.stdout.write('robo ' + process.versions.node)";

/**
 * Finds the Node for the daemon: the setting, on Windows one on PATH (a background process of the
 * editor's blocks its updates), else the editor's own. Each is probed with a deadline.
 * @throws HumanError when none serves
 */
export async function findRuntime(nodePath: string): Promise<Runtime> {
  const candidates: Runtime[] =
    nodePath !== ''
      ? [{ execPath: nodePath, environment: {} }]
      : [
          ...(process.platform === 'win32' ? [{ execPath: 'node', environment: {} }] : []),
          { execPath: process.execPath, environment: { ELECTRON_RUN_AS_NODE: '1' } },
        ];
  const reasons: string[] = [];
  for (const candidate of candidates) {
    const why = await probe(candidate);
    if (why === undefined) {
      return candidate;
    }
    reasons.push(`${candidate.execPath}: ${why}`);
  }
  throw new HumanError(
    `No Node.js here can run the monitor (${reasons.join('; ')}). ` +
      'Install Node.js 22.13 or newer and put its path into the setting robo.nodePath.',
  );
}

/** Undefined when it serves, else why not. */
async function probe(runtime: Runtime): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(
      runtime.execPath,
      ['-e', probeScript],
      {
        env: { ...process.env, ...runtime.environment },
        timeout: probeTimeoutMs,
        windowsHide: true,
      },
      (error, stdout, stderr) => {
        if (error === null && stdout.startsWith('robo ')) {
          resolve(undefined);
        } else if (error?.killed === true) {
          resolve(`no answer in ${probeTimeoutMs / 1000} s`);
        } else if (stderr.includes('node:sqlite')) {
          resolve('too old, it has no node:sqlite');
        } else {
          resolve(
            error === null ? 'it does not run scripts' : (error.message.split('\n')[0] ?? ''),
          );
        }
      },
    );
  });
}
