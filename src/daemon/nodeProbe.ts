import { execFile, type ExecFileException } from 'node:child_process';
import { known, type Observed, unknown } from '../core/observed';

/** A Node that can run the daemon, and what it needs in addition to our own environment. */
export interface Runtime {
  readonly execPath: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** What a Node says of itself. */
export interface NodeFacts {
  readonly version: string;
  /** The Node inside an editor, which goes with the editor's updates. */
  readonly isEditors: boolean;
}

const probeTimeoutMs = 10_000;
/** Says something only where `node:sqlite` can be loaded. */
const probeScript =
  "require('node:sqlite'); const { node, electron = '' } = process.versions; " +
  "process.stdout.write('robo ' + node + ' ' + electron)";

/** Starts a Node once, with a deadline; unknown, with the reason, where it cannot run the daemon. */
export async function probeNode(runtime: Runtime): Promise<Observed<NodeFacts>> {
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
        const [, version, electron] = /^robo (\S+) (\S*)$/.exec(stdout) ?? [];
        if (error === null && version !== undefined) {
          resolve(known({ version, isEditors: electron !== '' }));
        } else {
          resolve(unknown(whyNot(error, stderr)));
        }
      },
    );
  });
}

function whyNot(error: ExecFileException | null, stderr: string): string {
  if (error?.killed === true) {
    return `no answer in ${probeTimeoutMs / 1000} s`;
  }
  if (stderr.includes('node:sqlite')) {
    return 'too old, it has no node:sqlite';
  }
  return error === null ? 'it does not run scripts' : (error.message.split('\n')[0] ?? '');
}
