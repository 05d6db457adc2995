import { LinuxMachine } from './linux';
import type { Machine } from './machine';
import { UnsupportedMachine } from './unsupported';

/** The reader for a platform; where there is none, one that answers *unknown* to everything. */
export function machineFor(platform: NodeJS.Platform): Machine {
  return platform === 'linux' ? new LinuxMachine() : new UnsupportedMachine(platform);
}
