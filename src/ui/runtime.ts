import { HumanError } from '../core/errors';
import { probeNode, type Runtime } from '../daemon/nodeProbe';

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
    const probed = await probeNode(candidate);
    if (probed.known) {
      return candidate;
    }
    reasons.push(`${candidate.execPath}: ${probed.why}`);
  }
  throw new HumanError(
    `No Node.js here can run the monitor (${reasons.join('; ')}). ` +
      'Install Node.js 22.13 or newer and put its path into the setting robo.nodePath.',
  );
}
