import type { Restored } from '../diagnostics/outage';
import type { TwsMessage } from '../ibkr/connection';
import type { FarmState } from '../ibkr/messageCodes';

/** The messages of TWS that still count: each is taken back by the one that ends its trouble. */
export class ActiveMessages {
  private readonly messages = new Map<string, TwsMessage>();
  private lostSinceMs: number | undefined;
  private lastRestored: Restored | undefined;

  /** When the link to IBKR was lost that is down now, milliseconds since the epoch. */
  get lostAtMs(): number | undefined {
    return this.lostSinceMs;
  }

  /** The message that ended the last outage, with the time at which that began. */
  get restored(): Restored | undefined {
    return this.lastRestored;
  }

  note(message: TwsMessage, farms: readonly FarmState[]): void {
    switch (message.code) {
      case 1100:
      case 2110:
        this.messages.set('upstream', message);
        // TWS says it again every minute; the outage began with the first.
        this.lostSinceMs ??= message.atMs;
        return;
      case 1101:
      case 1102:
        this.messages.delete('upstream');
        this.lastRestored = { message, lostAtMs: this.lostSinceMs };
        this.lostSinceMs = undefined;
        break;
      case 10197:
        this.messages.set('data', message);
        return;
      case 1300:
        this.messages.set('port', message);
        return;
      default:
        break;
    }
    for (const { farm, kind, state } of farms) {
      // By name alone where there is one: 1102 names farms without their kind.
      const key = `farm/${farm === '' ? kind : farm}`;
      if (state === 'broken') {
        this.messages.set(key, message);
      } else if (state !== 'connecting') {
        this.messages.delete(key);
      }
    }
  }

  clearDataTrouble(): void {
    this.messages.delete('data');
  }

  clear(): void {
    this.messages.clear();
    this.lostSinceMs = undefined;
    this.lastRestored = undefined;
  }

  list(): readonly TwsMessage[] {
    return [...this.messages.values()];
  }
}
