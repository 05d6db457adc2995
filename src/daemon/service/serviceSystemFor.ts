import { HumanError } from '../../core/errors';
import { launchdServices } from './launchd';
import type { ServiceSurroundings, ServiceSystem } from './serviceSystem';
import { systemdServices } from './systemd';
import { scheduledTasks } from './taskScheduler';

/**
 * The service manager of a platform.
 * @throws HumanError where Robo knows none
 */
export function serviceSystemFor(name: string, around: ServiceSurroundings): ServiceSystem {
  switch (around.platform) {
    case 'linux':
      return systemdServices(name, around);
    case 'darwin':
      return launchdServices(name, around);
    case 'win32':
      return scheduledTasks(name, around);
    default:
      throw new HumanError(
        `Robo installs services on Linux (systemd), macOS and Windows, not on ${around.platform}; let a supervisor of your own run "robo monitor".`,
      );
  }
}
