import { lookup } from 'node:dns';
import { connect as connectSocket, type LookupFunction, type Socket } from 'node:net';
import type { Clock } from '../core/clock';
import { Emitter } from '../core/emitter';
import { errorCode, errorText } from '../core/errors';
import { resetSocket } from '../core/resetSocket';
import { assertAllowed } from './allowList';
import type { Endpoint } from './endpoint';
import { decodeFields, encodeFrame, FrameReader, MalformedFrameError } from './frames';

/** The text protocol's versions that we speak: what @stoqey/ib 1.6.10 encodes and decodes. */
export const minServerVersion = 100;
export const maxServerVersion = 193;

/** A message of TWS with a code: error, warning or good news, told apart by code only. */
export interface TwsMessage {
  /** −1 where the message belongs to no request. */
  readonly requestId: number;
  readonly code: number;
  readonly text: string;
  /** Milliseconds since the epoch at which we received it. */
  readonly atMs: number;
}

/** How far a connection has come. `open` = server version, accounts and next valid id are there. */
export type ConnectionStage = 'tcp' | 'hello' | 'ready' | 'open' | 'ended';

export type ConnectionEnd =
  /** TCP never came to be: `code` is the system's (`ECONNREFUSED`, `ETIMEDOUT`, `ENOTFOUND` …). */
  | { readonly kind: 'not connected'; readonly code: string; readonly text: string }
  /** The peer closed (`fin`) or reset the connection. */
  | { readonly kind: 'fin' | 'reset'; readonly code: string | undefined }
  /** The peer's bytes cannot be TWS's. `firstBytes` holds at most 64 of them. */
  | { readonly kind: 'not tws'; readonly firstBytes: Buffer; readonly why: string }
  /** After a good hello came bytes that are no frame: the stream cannot be read on. */
  | { readonly kind: 'malformed'; readonly why: string }
  /** TWS answered with a version that we do not speak. */
  | { readonly kind: 'unsupported version'; readonly serverVersion: number }
  /** We closed it. */
  | { readonly kind: 'by us'; readonly why: string };

/** Everything that one connection has shown so far. Times are milliseconds since the epoch. */
export interface ConnectionProgress {
  readonly stage: ConnectionStage;
  /** The stage in which it ended, once it has. */
  readonly endedIn: Exclude<ConnectionStage, 'ended'> | undefined;
  readonly end: ConnectionEnd | undefined;
  readonly startedAtMs: number;
  readonly connectedAtMs: number | undefined;
  readonly helloAtMs: number | undefined;
  readonly openAtMs: number | undefined;
  readonly endedAtMs: number | undefined;
  readonly localPort: number | undefined;
  readonly serverVersion: number | undefined;
  /** TWS's wall time and zone name, as text. */
  readonly serverTimeText: string | undefined;
  readonly accounts: readonly string[];
  readonly nextValidId: number | undefined;
  /** The peer has sent a part of a hello. TWS sends it in one piece. */
  readonly isHelloBegun?: true;
  /** Messages of the start-up, oldest first, at most 50. */
  readonly startupMessages: readonly TwsMessage[];
}

export interface ServerTime {
  /** TWS's clock, seconds since the epoch. */
  readonly epochSec: number;
  readonly roundTripMs: number;
  /** Our clock when the answer came, milliseconds since the epoch. */
  readonly receivedAtMs: number;
}

interface TimeQuestion {
  readonly askedAtMs: number;
  readonly resolve: (answer: ServerTime | undefined) => void;
}

const maxStartupMessages = 50;
/** The longest text of a message that is kept, in characters; TWS's own stay below a thousand. */
const maxTextLength = 4000;
/** How long a peer may take to answer our end of the connection, in milliseconds. */
const closeDeadlineMs = 1000;

/**
 * One TCP connection to TWS with the handshake of our own: tcp → hello → ready → open. It
 * reports what it sees and gives up nothing by itself: deadlines are verdicts of the caller,
 * and a silent socket stays open until the caller closes it (law 3).
 */
export class TwsConnection {
  private readonly progressEmitter = new Emitter<ConnectionProgress>();
  private readonly messageEmitter = new Emitter<TwsMessage>();
  private readonly timeEmitter = new Emitter<{
    readonly epochSec: number;
    readonly atMs: number;
  }>();
  private readonly frameEmitter = new Emitter<{ readonly id: number; readonly body: Buffer }>();
  private readonly frames = new FrameReader();
  private readonly questions: TimeQuestion[] = [];
  private answersReceived = 0;
  private readonly socket: Socket;
  private state: ConnectionProgress;
  private closeWhy: string | undefined;
  private socketError: unknown;

  /** After every change of the progress, and once at the end. */
  readonly onDidProgress = this.progressEmitter.event;
  /** Every coded message, those of the start-up included. */
  readonly onMessage = this.messageEmitter.event;
  /** Every server time, an answer that came after its deadline included: TWS is alive again. */
  readonly onServerTime = this.timeEmitter.event;
  /** Well-formed frames other than coded messages, accounts, ids and times. */
  readonly onFrame = this.frameEmitter.event;

  constructor(
    readonly endpoint: Endpoint,
    readonly clientId: number,
    private readonly clock: Clock,
  ) {
    this.state = {
      stage: 'tcp',
      endedIn: undefined,
      end: undefined,
      startedAtMs: clock.now(),
      connectedAtMs: undefined,
      helloAtMs: undefined,
      openAtMs: undefined,
      endedAtMs: undefined,
      localPort: undefined,
      serverVersion: undefined,
      serverTimeText: undefined,
      accounts: [],
      nextValidId: undefined,
      startupMessages: [],
    };
    this.socket = connectSocket({
      host: endpoint.host,
      port: endpoint.port,
      noDelay: true,
      // A name may have several addresses, and Node.js would try one after the other, giving a
      // slow one up after 250 ms: half-made connections that nobody asked for (laws 1 and 2).
      autoSelectFamily: false,
      lookup: trustedAddress,
    });
    this.socket.on('connect', () => {
      this.onConnect();
    });
    this.socket.on('data', (chunk: Buffer) => {
      this.onData(chunk);
    });
    this.socket.on('error', (error) => {
      this.socketError = error;
    });
    this.socket.on('close', () => {
      this.onClose();
    });
  }

  get progress(): ConnectionProgress {
    return this.state;
  }

  get isOpen(): boolean {
    return this.state.stage === 'open';
  }

  /** Bytes that the system has not taken yet: grows when TWS no longer reads. */
  get unsentBytes(): number {
    return this.socket.writableLength;
  }

  /**
   * Asks TWS for its time. Answers carry no request id, so they are matched in order; an
   * answer that comes after its deadline is dropped and not taken for a later one's. Where one
   * never comes, the matching starts anew after the next deadline.
   * @returns undefined when no answer came within `deadlineMs`, or the connection ended.
   */
  async askTime(deadlineMs: number): Promise<ServerTime | undefined> {
    if (this.state.stage !== 'open') {
      return undefined;
    }
    this.send([49, 1]);
    return new Promise((resolve) => {
      let isSettled = false;
      const settle = (answer: ServerTime | undefined): void => {
        if (!isSettled) {
          isSettled = true;
          timer.cancel();
          resolve(answer);
        }
      };
      const question: TimeQuestion = { askedAtMs: this.clock.monotonicMs(), resolve: settle };
      const { answersReceived } = this;
      const timer = this.clock.setTimer(deadlineMs, () => {
        settle(undefined);
        if (this.answersReceived > answersReceived) {
          // TWS answers, but never this question: an earlier answer is lost, and those that come
          // would be taken for earlier questions for ever.
          this.questions.splice(0, this.questions.indexOf(question) + 1);
        }
      });
      this.questions.push(question);
    });
  }

  /**
   * Sends one message.
   * @throws ForbiddenMessageError when its id is not on the list (law 12).
   */
  send(fields: readonly (string | number)[]): void {
    this.sendFrame(encodeFrame(fields));
  }

  /** Sends a frame that is encoded already, its length first. */
  sendFrame(frame: Buffer): void {
    assertAllowed(frame);
    if (!this.socket.destroyed && this.socket.writable) {
      this.gather();
      this.socket.write(frame);
    }
  }

  /** What is sent in one turn leaves in one write: a burst of requests costs one, not ten. */
  private gather(): void {
    if (this.socket.writableCorked === 0) {
      this.socket.cork();
      process.nextTick(() => {
        this.socket.uncork();
      });
    }
  }

  /**
   * Ends the connection. An open session is ended in order; a socket on which something is still
   * unanswered or unsent is reset, because ending it would leave FIN-WAIT-2 here and CLOSE-WAIT
   * there (law 3).
   */
  close(why: string): void {
    if (this.state.stage === 'ended' || this.closeWhy !== undefined) {
      return;
    }
    this.closeWhy = why;
    // What was sent in this turn counts as sent.
    this.socket.uncork();
    const isIdle =
      this.state.stage === 'open' && this.questions.length === 0 && this.unsentBytes === 0;
    if (isIdle) {
      this.socket.end();
    } else {
      resetSocket(this.socket);
    }
    // A peer that does not answer our FIN is frozen: reset, so that nothing stays behind. A
    // connection that was never made cannot be reset: Node.js would wait for it, for minutes.
    const timer = this.clock.setTimer(closeDeadlineMs, () => {
      if (this.socket.connecting) {
        this.socket.destroy();
      } else {
        resetSocket(this.socket);
      }
    });
    this.socket.once('close', () => {
      timer.cancel();
    });
  }

  private onConnect(): void {
    if (this.closeWhy !== undefined) {
      return;
    }
    this.socket.setKeepAlive(true, 30_000);
    const range = `v${minServerVersion}..${maxServerVersion}`;
    const length = Buffer.alloc(4);
    length.writeUInt32BE(range.length, 0);
    this.socket.write(Buffer.concat([Buffer.from('API\0'), length, Buffer.from(range)]));
    this.advance({
      stage: 'hello',
      connectedAtMs: this.clock.now(),
      localPort: this.socket.localPort,
    });
  }

  private onData(chunk: Buffer): void {
    try {
      for (const body of this.frames.push(chunk)) {
        this.onBody(body);
        if (this.closeWhy !== undefined || this.state.end !== undefined) {
          return;
        }
      }
      if (this.state.stage === 'hello' && this.state.isHelloBegun === undefined) {
        this.advance({ isHelloBegun: true });
      }
    } catch (error) {
      if (!(error instanceof MalformedFrameError)) {
        throw error;
      }
      this.giveUpReading(error.message, this.frames.peek(64));
    }
  }

  private onBody(body: Buffer): void {
    if (this.state.stage === 'hello') {
      this.onHello(body);
      return;
    }
    const end = body.indexOf(0);
    const id = Number(body.subarray(0, end === -1 ? body.length : end).toString('latin1'));
    switch (id) {
      case 4:
        this.onCodedMessage(decodeFields(body));
        return;
      case 9:
        this.onNextValidId(decodeFields(body));
        return;
      case 15:
        this.onAccounts(decodeFields(body));
        return;
      case 49:
        this.onTime(decodeFields(body));
        return;
      default:
        this.frameEmitter.fire({ id, body });
    }
  }

  private onHello(body: Buffer): void {
    const [versionText = '', timeText] = decodeFields(body);
    if (!/^\d{1,4}$/.test(versionText)) {
      this.giveUpReading('its first frame holds no server version', body.subarray(0, 64));
      return;
    }
    const serverVersion = Number(versionText);
    const seen = { helloAtMs: this.clock.now(), serverVersion, serverTimeText: timeText };
    if (serverVersion < minServerVersion || serverVersion > maxServerVersion) {
      this.advance(seen);
      this.finish({ kind: 'unsupported version', serverVersion });
      resetSocket(this.socket);
      return;
    }
    this.send([71, 2, this.clientId, '']);
    this.advance({ stage: 'ready', ...seen });
  }

  private onCodedMessage(fields: readonly string[]): void {
    const [, , requestId = '', code = '', text = ''] = fields;
    const message: TwsMessage = {
      requestId: Number(requestId),
      code: Number(code),
      text: text.length <= maxTextLength ? text : `${text.slice(0, maxTextLength - 1)}…`,
      atMs: this.clock.now(),
    };
    if (!Number.isInteger(message.code)) {
      return;
    }
    if (this.state.stage === 'ready' && this.state.startupMessages.length < maxStartupMessages) {
      this.advance({ startupMessages: [...this.state.startupMessages, message] });
    }
    this.messageEmitter.fire(message);
  }

  private onAccounts(fields: readonly string[]): void {
    const accounts = (fields[2] ?? '').split(',').filter((account) => account !== '');
    this.advance({ accounts });
    this.openIfComplete();
  }

  private onNextValidId(fields: readonly string[]): void {
    const nextValidId = Number(fields[2]);
    if (Number.isInteger(nextValidId)) {
      // TWS sends it twice at times, and it can go down after a restart (Lean#242).
      this.advance({ nextValidId });
      this.openIfComplete();
    }
  }

  private openIfComplete(): void {
    const { stage, accounts, nextValidId } = this.state;
    if (stage === 'ready' && accounts.length > 0 && nextValidId !== undefined) {
      this.advance({ stage: 'open', openAtMs: this.clock.now() });
    }
  }

  private onTime(fields: readonly string[]): void {
    const question = this.questions.shift();
    this.answersReceived += 1;
    const epochSec = Number(fields[2]);
    if (!Number.isFinite(epochSec)) {
      return;
    }
    this.timeEmitter.fire({ epochSec, atMs: this.clock.now() });
    if (question !== undefined) {
      question.resolve({
        epochSec,
        roundTripMs: this.clock.monotonicMs() - question.askedAtMs,
        receivedAtMs: this.clock.now(),
      });
    }
  }

  private giveUpReading(why: string, firstBytes: Buffer): void {
    this.finish(
      this.state.stage === 'hello'
        ? { kind: 'not tws', firstBytes: Buffer.from(firstBytes), why }
        : { kind: 'malformed', why },
    );
    resetSocket(this.socket);
  }

  private onClose(): void {
    this.finish(this.describeClose());
  }

  private describeClose(): ConnectionEnd {
    if (this.closeWhy !== undefined) {
      return { kind: 'by us', why: this.closeWhy };
    }
    const code = errorCode(this.socketError);
    if (this.state.stage === 'tcp') {
      return { kind: 'not connected', code: code ?? 'UNKNOWN', text: errorText(this.socketError) };
    }
    return { kind: this.socketError === undefined ? 'fin' : 'reset', code };
  }

  private finish(end: ConnectionEnd): void {
    const { stage } = this.state;
    if (stage === 'ended') {
      return;
    }
    for (const question of this.questions.splice(0)) {
      question.resolve(undefined);
    }
    this.advance({ stage: 'ended', endedIn: stage, end, endedAtMs: this.clock.now() });
  }

  private advance(change: Partial<ConnectionProgress>): void {
    this.state = { ...this.state, ...change };
    this.progressEmitter.fire(this.state);
  }
}

/** IPv4 first: TWS trusts the IPv4 loopback by default, and stays silent towards IPv6 (ib_insync#381). */
const trustedAddress: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, order: 'ipv4first' }, callback);
};
