import type { TwsMessage } from '../ibkr/connection';
import type { FarmState } from '../ibkr/messageCodes';

/** The messages of TWS that still count: each is taken back by the one that ends its trouble. */
export class ActiveMessages {
  private readonly messages = new Map<string, TwsMessage>();

  note(message: TwsMessage, farms: readonly FarmState[]): void {
    switch (message.code) {
      case 1100:
      case 2110:
        this.messages.set('upstream', message);
        return;
      case 1101:
      case 1102:
        this.messages.delete('upstream');
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
  }

  list(): readonly TwsMessage[] {
    return [...this.messages.values()];
  }
}
