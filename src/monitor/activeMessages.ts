import type { Restored } from '../diagnostics/outage';
import type { TwsMessage } from '../ibkr/connection';
import type { FarmState } from '../ibkr/messageCodes';

/**
 * True for a farm that is connected again. No message of its own ends 2110: such a farm shows that
 * it is over, and the verification after it proves it.
 */
export function showsReturn(code: number): boolean {
  return code === 2104 || code === 2106 || code === 2158;
}

/** The messages of TWS that still count: each is taken back by the one that ends its trouble. */
export class ActiveMessages {
  private readonly messages = new Map<string, TwsMessage>();
  private lostSinceMs: number | undefined;
  /** 1100 was said, which 1101 or 1102 ends and nothing else. */
  private isReturnTold = false;
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
        this.isReturnTold ||= message.code === 1100;
        // TWS says it again every minute; the outage began with the first.
        this.lostSinceMs ??= message.atMs;
        return;
      case 1101:
      case 1102:
        this.messages.delete('upstream');
        this.lastRestored = { message, lostAtMs: this.lostSinceMs };
        this.endLoss();
        break;
      case 10197:
        this.messages.set('data', message);
        return;
      case 1300:
        this.messages.set('port', message);
        return;
      default:
        this.endUntold(message.code);
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

  private endUntold(code: number): void {
    if (!this.isReturnTold && showsReturn(code)) {
      this.messages.delete('upstream');
      this.endLoss();
    }
  }

  private endLoss(): void {
    this.lostSinceMs = undefined;
    this.isReturnTold = false;
  }

  clear(): void {
    this.messages.clear();
    this.endLoss();
    this.lastRestored = undefined;
  }

  list(): readonly TwsMessage[] {
    return [...this.messages.values()];
  }
}
