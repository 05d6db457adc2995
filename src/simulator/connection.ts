import type { Socket } from 'node:net';
import type { Clock, Timer } from '../core/clock';
import { resetSocket } from '../core/resetSocket';
import { type Behaviour, type Stranger, farmNotices } from './faults';
import { type Message, errorMessage, servedVersions } from './messages';
import { ClientReader, type Hello, type Read, encodeFrame, withLength } from './wire';

/** TWS closes about this long after message 326 (observed on a live Gateway). */
const idInUseCloseMs = 700;

/** More unread requests than this, and the client is cut off, as TWS does with a flood. */
const mostUnread = 10_000;

/** What a connection needs to know of the simulator it belongs to. */
export interface ConnectionHost {
  readonly clock: Clock;
  /** The highest server version that is offered. */
  readonly serverVersion: number;
  readonly nextValidId: number;
  behaviour(): Behaviour;
  accounts(): readonly string[];
  /** The wall clock of TWS as the hello states it, without the zone's name. */
  helloTime(): string;
  readonly timeZoneLabel: string;
  /** False when another connection holds that client id. */
  claimClientId(clientId: number, connection: Connection): boolean;
  answer(connection: Connection, fields: readonly string[]): void;
  report(connection: Connection, event: ConnectionEvent): void;
}

export type ConnectionEvent =
  | { readonly kind: 'hello'; readonly min: number; readonly max: number }
  | { readonly kind: 'request'; readonly fields: readonly string[] }
  | { readonly kind: 'ready'; readonly clientId: number }
  | { readonly kind: 'rejected'; readonly why: string }
  /** The client closed its side. */
  | { readonly kind: 'peer_ended' }
  | { readonly kind: 'closed' };

/** One client's connection, from the accept to the close. */
export class Connection {
  /** Negotiated server version; 0 until the hello is answered. */
  version = 0;
  /** As the client gave it in START_API; undefined before. */
  clientId: number | undefined;
  /** What kind of market data this client asked for (message 59). */
  marketDataType = 1;
  private readonly reader = new ClientReader();
  private readonly unread: Read[] = [];
  private readonly streams = new Map<string, Timer>();
  private readonly output: Buffer[] = [];
  private hello: Hello | undefined;
  private stranger: Stranger | undefined;
  private accountsSent = false;
  private nextIdSent = false;
  private readyState: 'no' | 'starting' | 'yes' = 'no';
  private hasClaimed = false;
  private isOver = false;
  private isPumping = false;
  /** Its bytes made no sense: nothing more is read, and it is reset when its turn comes. */
  private isUnreadable = false;

  constructor(
    readonly id: number,
    private readonly socket: Socket,
    private readonly host: ConnectionHost,
  ) {}

  /** True while it holds its client id: from START_API until either side begins to close. */
  get isClaiming(): boolean {
    return this.hasClaimed && !this.isOver;
  }

  get isReady(): boolean {
    return this.readyState === 'yes' && !this.isOver;
  }

  /** Begins to serve, or whatever the present fault does instead. */
  open(): void {
    this.socket.on('data', (chunk) => {
      this.received(chunk);
    });
    this.socket.on('end', () => {
      this.peerEnded();
    });
    // A reset by the client is followed by `close`, which is all that matters here.
    this.socket.on('error', () => undefined);
    this.socket.on('close', () => {
      this.over();
      this.host.report(this, { kind: 'closed' });
    });
    const { accept } = this.host.behaviour();
    if (accept === 'reset') {
      this.reset();
    } else if (accept === 'close') {
      this.close();
    } else if (accept !== 'serve') {
      this.stranger = accept;
      if (accept.speaks === 'at_once') {
        this.speakAsStranger(accept);
      }
    }
  }

  send(message: Message): void {
    this.write(encodeFrame(message));
  }

  /** An error message, or a notice with id -1. */
  sendError(requestId: number, code: number, text: string): void {
    this.send(errorMessage(this.version, requestId, code, text));
  }

  /** Sends the present fault's notices, if the session is ready. */
  sendNotices(): void {
    if (this.isReady) {
      for (const { code, text } of this.host.behaviour().notices) {
        this.sendError(-1, code, text);
      }
    }
  }

  /** Repeats `action` until the stream is stopped or the connection ends. */
  startStream(key: string, everyMs: number, action: () => void): void {
    this.stopStream(key);
    const again = (): void => {
      const { streams, frozen } = this.host.behaviour();
      if (streams === 'flow' && frozen === 'never') {
        action();
      }
      this.streams.set(key, this.host.clock.setTimer(everyMs, again));
    };
    this.streams.set(key, this.host.clock.setTimer(everyMs, again));
  }

  /** False when there was no such stream. */
  stopStream(key: string): boolean {
    this.streams.get(key)?.cancel();
    return this.streams.delete(key);
  }

  /** Takes the step from one fault to another. */
  faultChanged(before: Behaviour): void {
    const now = this.host.behaviour();
    if (this.isOver) {
      if (before.ignoresClose) {
        this.reset();
      }
      return;
    }
    if (before.afterwards === 'reset' || now.living === 'reset') {
      this.reset();
      return;
    }
    this.healed(before);
    this.sendNotices();
    if (now.living === 'close' || this.stranger !== undefined) {
      this.close();
      return;
    }
    if (this.isReady && now.poison !== undefined) {
      this.write(now.poison);
    }
    this.advance();
  }

  /** Ends our side (FIN). */
  close(): void {
    this.over();
    this.socket.end();
  }

  /** Resets (RST), whatever is unread or unsent. */
  reset(): void {
    this.over();
    resetSocket(this.socket);
  }

  private healed(before: Behaviour): void {
    if (!this.isReady) {
      return;
    }
    for (const { code, text } of before.healNotices) {
      this.sendError(-1, code, text);
    }
    if (before.healStopsStreams) {
      this.stopStreams();
    }
  }

  private over(): void {
    this.isOver = true;
    this.stopStreams();
    this.unread.length = 0;
    this.output.length = 0;
  }

  private stopStreams(): void {
    for (const timer of this.streams.values()) {
      timer.cancel();
    }
    this.streams.clear();
  }

  private peerEnded(): void {
    this.host.report(this, { kind: 'peer_ended' });
    if (!this.host.behaviour().ignoresClose) {
      this.close();
    } else {
      this.over();
    }
  }

  private received(chunk: Buffer): void {
    if (this.isOver || this.isUnreadable) {
      return;
    }
    if (this.stranger !== undefined) {
      if (this.stranger.speaks === 'when_spoken_to') {
        this.speakAsStranger(this.stranger);
      }
      return;
    }
    this.reader.push(chunk);
    for (;;) {
      const read: Read =
        this.unread.length < mostUnread
          ? this.reader.next()
          : { kind: 'broken', why: 'too many unanswered requests' };
      if (read.kind === 'incomplete') {
        break;
      }
      this.unread.push(read);
      if (read.kind === 'broken') {
        this.isUnreadable = true;
        break;
      }
      this.host.report(this, read.kind === 'hello' ? { kind: 'hello', ...read.hello } : read);
    }
    this.advance();
  }

  private speakAsStranger(stranger: Stranger): void {
    if (stranger.bytes.length > 0) {
      this.write(stranger.bytes);
    }
    if (stranger.then === 'close') {
      this.close();
    }
  }

  /** Goes as far as the present fault lets it. */
  private advance(): void {
    while (!this.isOver && this.readyState !== 'starting') {
      const { hello, frozen } = this.host.behaviour();
      if (frozen === 'always' || (frozen === 'when_ready' && this.isReady)) {
        return;
      }
      if (this.hello !== undefined && this.version === 0) {
        if (hello === 'hold') {
          return;
        }
        this.answerHello(this.hello);
      } else if (this.clientId !== undefined && this.readyState === 'no' && this.startUp()) {
        continue;
      } else if (!this.takeNext()) {
        return;
      }
    }
  }

  private takeNext(): boolean {
    const next = this.unread.shift();
    if (next === undefined) {
      return false;
    }
    if (next.kind === 'hello') {
      this.hello = next.hello;
    } else if (next.kind === 'request') {
      this.request(next.fields);
    } else if (next.kind === 'broken') {
      this.host.report(this, { kind: 'rejected', why: next.why });
      this.reset();
    }
    return true;
  }

  private answerHello(hello: Hello): void {
    const version = Math.min(this.host.serverVersion, hello.max);
    if (version < hello.min || version < servedVersions.min) {
      const why = `the client speaks versions ${hello.min} to ${hello.max}`;
      this.host.report(this, { kind: 'rejected', why });
      this.close();
      return;
    }
    this.version = version;
    const { helloBytes, versionText, zoneBytes } = this.host.behaviour();
    const first = `${versionText ?? version}\0${this.host.helloTime()} `;
    const zone = zoneBytes ?? Buffer.from(this.host.timeZoneLabel, 'utf8');
    const body = Buffer.concat([Buffer.from(first, 'utf8'), zone, Buffer.from('\0')]);
    this.write(helloBytes ?? withLength(body));
  }

  private request(fields: readonly string[]): void {
    if (fields[0] === '71' && this.clientId === undefined) {
      const clientId = Number(fields[2]);
      if (Number.isSafeInteger(clientId)) {
        this.clientId = clientId;
      }
      return;
    }
    // What comes before the start-up is dropped without a word, as by TWS.
    if (this.accountsSent || this.nextIdSent) {
      this.host.answer(this, fields);
    }
  }

  /** Answers START_API; false when nothing more can be done under the present fault. */
  private startUp(): boolean {
    const { start, notices } = this.host.behaviour();
    if (start === 'nothing' || this.clientId === undefined) {
      return false;
    }
    if (start === 'close' || start === 'paper_disclaimer') {
      const said =
        start === 'close'
          ? notices
          : [
              {
                code: 10141,
                text: 'Paper trading disclaimer must first be accepted for API connection.',
              },
            ];
      for (const { code, text } of said) {
        this.sendError(-1, code, text);
      }
      this.close();
      return true;
    }
    if (start === 'id_in_use' || !this.host.claimClientId(this.clientId, this)) {
      this.refuseClientId();
      return true;
    }
    this.hasClaimed = true;
    return this.sendStart(start);
  }

  private refuseClientId(): void {
    const text =
      'Unable to connect as the client id is already in use. Retry with a unique client id.';
    this.sendError(-1, 326, text);
    this.readyState = 'starting';
    const close = (): void => {
      this.close();
    };
    this.streams.set('close', this.host.clock.setTimer(idInUseCloseMs, close));
  }

  private sendStart(start: Behaviour['start']): boolean {
    if (start !== 'next_id_only') {
      this.sendAccounts();
    }
    if (start === 'accounts_only') {
      return false;
    }
    if (start === 'next_id_only') {
      this.sendNextId();
      return false;
    }
    this.readyState = 'starting';
    // Behind what was written before, so that the accounts travel in a segment of their own, as
    // from a real TWS.
    this.socket.write('', () => {
      this.finishStart(start === 'twice');
    });
    return true;
  }

  private sendAccounts(): void {
    if (!this.accountsSent) {
      this.accountsSent = true;
      this.send([15, 1, this.host.accounts().join(',')]);
    }
  }

  private sendNextId(): void {
    if (!this.nextIdSent) {
      this.nextIdSent = true;
      this.send([9, 1, this.host.nextValidId]);
    }
  }

  private finishStart(twice: boolean): void {
    if (this.isOver || this.clientId === undefined) {
      return;
    }
    const { missingFarms, poison } = this.host.behaviour();
    if (twice) {
      this.send([9, 1, this.host.nextValidId + 573]);
    }
    this.sendNextId();
    for (const { code, text } of farmNotices) {
      if (!missingFarms.includes(code)) {
        this.sendError(-1, code, text);
      }
    }
    this.readyState = 'yes';
    this.sendNotices();
    if (twice) {
      this.send([15, 1, this.host.accounts().join(',')]);
      this.send([9, 1, this.host.nextValidId]);
    }
    this.host.report(this, { kind: 'ready', clientId: this.clientId });
    if (poison !== undefined) {
      this.write(poison);
    }
    this.advance();
  }

  private write(bytes: Buffer): void {
    if (this.isOver || this.socket.writableEnded) {
      return;
    }
    if (this.host.behaviour().oneByteAtATime || this.output.length > 0) {
      this.output.push(bytes);
      this.pump();
    } else {
      this.socket.write(bytes);
    }
  }

  /** One byte per segment: the next is written when the system has taken the last. */
  private pump(): void {
    const next = this.output[0];
    if (this.isPumping || next === undefined) {
      return;
    }
    this.isPumping = true;
    this.socket.write(next.subarray(0, 1), () => {
      this.isPumping = false;
      if (this.output.length === 0) {
        return;
      }
      if (next.length > 1) {
        this.output[0] = next.subarray(1);
      } else {
        this.output.shift();
      }
      // Written in one turn of the event loop, the bytes would travel together; a turn is no time.
      // eslint-disable-next-line no-restricted-syntax
      setImmediate(() => {
        this.pump();
      });
    });
  }
}
