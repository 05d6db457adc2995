import { homedir } from 'node:os';
import { type Clock, systemClock } from '../core/clock';
import { LinuxMachine } from './linux';
import type { Machine } from './machine';
import { MacosMachine } from './macos';
import { toolRunner } from './tool';
import { UnsupportedMachine } from './unsupported';
import { WindowsMachine } from './windows';

/** The reader for a platform; where there is none, one that answers *unknown* to everything. */
export function machineFor(platform: NodeJS.Platform, clock: Clock = systemClock): Machine {
  const surroundings = { platform, home: homedir(), environment: process.env, clock };
  const run = toolRunner(clock);
  switch (platform) {
    case 'linux':
      return new LinuxMachine();
    case 'darwin':
      return new MacosMachine({ run, userId: process.getuid?.(), surroundings });
    case 'win32':
      return new WindowsMachine({ run, systemRoot: process.env['SystemRoot'], surroundings });
    default:
      return new UnsupportedMachine(platform);
  }
}
