import { type Observed, unknown } from '../core/observed';
import type { Machine } from './machine';

/** A platform whose processes and sockets Robo cannot read: every look is *unknown*. */
export class UnsupportedMachine implements Machine {
  constructor(readonly platform: NodeJS.Platform) {}

  processes(): Promise<Observed<never>> {
    return this.cannot('the processes');
  }

  process(): Promise<Observed<never>> {
    return this.cannot('the processes');
  }

  sockets(): Promise<Observed<never>> {
    return this.cannot('the TCP table');
  }

  listeners(): Promise<Observed<never>> {
    return this.cannot('the TCP table');
  }

  twsFiles(): Promise<Observed<never>> {
    return this.cannot('the files of TWS');
  }

  private cannot(what: string): Promise<Observed<never>> {
    return Promise.resolve(
      unknown(
        `Robo cannot read ${what} of a ${this.platform} system, only of Linux, macOS and Windows`,
      ),
    );
  }
}
