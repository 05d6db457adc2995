// The only file that imports @stoqey/ib. The package's index would pull in rxjs, so the API
// class is imported from its own module.
import { IBApi } from '@stoqey/ib/dist/api/api';
import type { ContractDetails } from '@stoqey/ib/dist/api/contract/contractDetails';
import { EventName } from '@stoqey/ib/dist/api/data/enum/event-name';
import type { Clock, Timer } from '../core/clock';
import { type Disposable, DisposableStore, toDisposable } from '../core/disposables';
import { errorText } from '../core/errors';
import { ForbiddenMessageError } from './allowList';
import type { TwsConnection, TwsMessage } from './connection';
import { decodeFields, encodeFrame, frameOf } from './frames';
import type {
  Answer,
  Bar,
  BarRequest,
  MarketData,
  RequestFailure,
  StockContract,
} from './marketData';
import { BarTimes } from './barTime';
import { classify } from './messageCodes';

/**
 * A tenth of them the library sends at once, further ones 100 ms later: as many as the runner's
 * pacer lets go together, which keeps IBKR's limit of 50 a second. All others ask a handful.
 */
const maxRequestsPerSec = 100;

/**
 * The incoming messages that our requests are answered with (contract details and bars), and
 * where their request id stands; below a certain server version a message version comes first.
 */
const lentMessages: ReadonlyMap<number, { readonly place: number; readonly since: number }> =
  new Map([
    [10, { place: 1, since: 164 }],
    [17, { place: 1, since: 124 }],
    [52, { place: 2, since: 0 }],
    [108, { place: 1, since: 0 }],
  ]);

/**
 * The most fields of one answer that the library gets. It takes them one by one off the front of
 * an array, which grows with the square: 0.8 s for 100,000 fields, 4 s for 200,000, in which
 * nothing else runs. 12,500 bars have as many.
 */
const maxLentFields = 100_000;
/** The library's code for an answer that it could not decode. */
const decodingError = 505;

/** What we use of the library's private socket; checked when it is taken over. */
interface LibrarySocket {
  _status: number;
  client: { write(data: Buffer | string): void; end(): void; destroy(): void };
  connect(): void;
  onConnect(): void;
  onData(data: Buffer): void;
}

/** Sends a request and listens for its answer. */
type Start<T> = (
  requestId: number,
  done: (value: T) => void,
  fail: (failure: RequestFailure) => void,
) => Disposable;

type BarValues = Omit<Bar, 'timeMs'>;

/** Takes a bar as the library gives it; the last one of an answer has no time, but `finished…`. */
type BarReceiver = (date: string, values: BarValues) => void;

interface Pending {
  readonly sentAtMs: number;
  readonly timer: Timer;
  readonly settle: (answer: Answer<never>) => void;
}

/**
 * Market data over a ready connection, encoded and decoded by @stoqey/ib. The library gets no
 * socket of its own: it is lent this connection, hears the hello and the start-up again, and
 * then only well-formed frames of the answers that it is to decode, one at a time; what it
 * sends passes the connection's allow-list. Coded messages never reach it: its reading of them
 * can throw (bad JSON in an order rejection) and drops their request ids.
 */
export class Session implements MarketData, Disposable {
  private readonly store = new DisposableStore();
  private readonly pending = new Map<number, Pending>();
  private readonly barReceivers = new Map<number, BarReceiver>();
  private readonly barTimes = new BarTimes();
  private readonly api: IBApi;
  private nextRequestId = 1;
  /** The answer that the library is decoding now. */
  private decoding: Buffer | undefined;
  /** Messages that the library tried to send and that the allow-list stopped. */
  readonly refusedMessages: string[] = [];

  constructor(
    private readonly connection: TwsConnection,
    private readonly clock: Clock,
  ) {
    // All four options, or the library reads `.env` of the current directory into the process.
    this.api = new IBApi({
      host: connection.endpoint.host,
      port: connection.endpoint.port,
      clientId: connection.clientId,
      maxReqPerSec: maxRequestsPerSec,
    });
    this.lendConnection();
    this.store.add(
      this.listen(EventName.error, (error, code) => {
        if (code === decodingError) {
          this.onDecodingError(errorText(error));
        }
      }),
    );
    this.store.add(this.listenForBars());
    this.store.add(
      connection.onMessage((message) => {
        this.onMessage(message);
      }),
    );
    this.store.add(
      connection.onDidProgress((progress) => {
        if (progress.stage === 'ended') {
          this.failAll('the connection to TWS ended');
        }
      }),
    );
    this.api.connect();
  }

  /** Gives the connection back; it stays open. Waiting requests end as `closed`. */
  dispose(): void {
    this.failAll('the session was given up');
    this.store.dispose();
    this.api.removeAllListeners();
  }

  async stockContract(symbol: string, deadlineMs: number): Promise<Answer<StockContract>> {
    const found: ContractDetails[] = [];
    return this.request<StockContract>(deadlineMs, (requestId, done, fail) => {
      const store = new DisposableStore();
      store.add(
        this.listen(EventName.contractDetails, (id, details) => {
          if (id === requestId) {
            found.push(details as ContractDetails);
          }
        }),
      );
      store.add(
        this.listen(EventName.contractDetailsEnd, (id) => {
          if (id !== requestId) {
            return;
          }
          const best = bestContract(symbol, found);
          if (best === undefined) {
            fail({ kind: 'message', code: 200, text: `TWS knows no stock ${symbol}` });
          } else {
            done(best);
          }
        }),
      );
      this.api.reqContractDetails(requestId, {
        symbol,
        secType: 'STK' as never,
        exchange: 'SMART',
        currency: 'USD',
      });
      return store;
    });
  }

  async bars(
    contract: StockContract,
    request: BarRequest,
    deadlineMs: number,
  ): Promise<Answer<readonly Bar[]>> {
    const bars: Bar[] = [];
    const start: Start<readonly Bar[]> = (requestId, done, fail) => {
      this.barReceivers.set(requestId, (date, values) => {
        if (date.startsWith('finished')) {
          done(bars);
          return;
        }
        const timeMs = this.barTimes.read(date);
        if (timeMs === undefined || !isWhole(values)) {
          fail(undecodable(`"${date}" is no time of a bar, or its prices are no numbers`));
        } else {
          bars.push({ timeMs, ...values });
        }
      });
      this.api.reqHistoricalData(
        requestId,
        {
          conId: contract.conId,
          symbol: contract.symbol,
          secType: 'STK' as never,
          exchange: contract.exchange,
          currency: contract.currency,
        },
        '',
        request.duration,
        request.barSize as never,
        'TRADES',
        request.regularHoursOnly,
        2,
        false,
      );
      return toDisposable(() => this.barReceivers.delete(requestId));
    };
    // TWS would go on working on it, and count it among the 50 that may be open.
    return this.request(deadlineMs, start, (requestId) => {
      this.api.cancelHistoricalData(requestId);
    });
  }

  /** @param callOff tells TWS that nobody waits any more, after `deadlineMs` */
  private async request<T>(
    deadlineMs: number,
    start: Start<T>,
    callOff?: (requestId: number) => void,
  ): Promise<Answer<T>> {
    if (!this.connection.isOpen) {
      return { ok: false, failure: { kind: 'closed', why: 'there is no open connection to TWS' } };
    }
    const requestId = this.nextRequestId;
    this.nextRequestId += 1;
    const sentAtMs = this.clock.monotonicMs();
    return new Promise<Answer<T>>((resolve) => {
      const finish = (answer: Answer<T>): void => {
        const entry = this.pending.get(requestId);
        if (entry !== undefined) {
          this.pending.delete(requestId);
          entry.timer.cancel();
          listening.dispose();
          resolve(answer);
        }
      };
      const timer = this.clock.setTimer(deadlineMs, () => {
        finish({ ok: false, failure: { kind: 'timeout', afterMs: deadlineMs } });
        callOff?.(requestId);
      });
      this.pending.set(requestId, { sentAtMs, timer, settle: finish });
      const listening = start(
        requestId,
        (value) => {
          finish({ ok: true, value, roundTripMs: this.clock.monotonicMs() - sentAtMs });
        },
        (failure) => {
          finish({ ok: false, failure });
        },
      );
    });
  }

  private listen(event: EventName, listener: (...values: readonly unknown[]) => void): Disposable {
    const emitter = this.api as unknown as Pick<NodeJS.EventEmitter, 'on' | 'off'>;
    emitter.on(event, listener);
    return {
      dispose: () => {
        emitter.off(event, listener);
      },
    };
  }

  /** One listener for all requests: the library calls every listener for every bar. */
  private listenForBars(): Disposable {
    return this.listen(EventName.historicalData, (id, date, ...values) => {
      const receive = this.barReceivers.get(Number(id));
      if (receive !== undefined && typeof date === 'string') {
        const [open, high, low, close, volume] = values;
        receive(date, {
          open: Number(open),
          high: Number(high),
          low: Number(low),
          close: Number(close),
          volume: volume === undefined ? -1 : Number(volume),
        });
      }
    });
  }

  private onMessage(message: TwsMessage): void {
    const entry = this.pending.get(message.requestId);
    if (entry !== undefined && endsRequest(message.code)) {
      entry.settle({
        ok: false,
        failure: { kind: 'message', code: message.code, text: message.text },
      });
    }
  }

  /**
   * The library complains before it gives away what it could read. Of contract details it also
   * complains when a field too many stands at their end, which harms nothing.
   */
  private onDecodingError(why: string): void {
    const { decoding } = this;
    if (decoding !== undefined && (messageId(decoding) === 17 || why.startsWith('Underrun'))) {
      this.failUndecodable(decoding, why);
    }
  }

  /** An answer is of no use: its request is told so instead of running into its deadline. */
  private failUndecodable(body: Buffer, why: string): void {
    const known = lentMessages.get(messageId(body));
    if (known !== undefined) {
      const isOld = (this.connection.progress.serverVersion ?? 0) < known.since;
      const requestId = Number(decodeFields(body)[known.place + (isOld ? 1 : 0)]);
      this.pending.get(requestId)?.settle({ ok: false, failure: undecodable(why) });
    }
  }

  private failAll(why: string): void {
    for (const entry of [...this.pending.values()]) {
      entry.settle({ ok: false, failure: { kind: 'closed', why } });
    }
  }

  private lendConnection(): void {
    const socket = librarySocket(this.api);
    const { serverVersion, serverTimeText, accounts, nextValidId } = this.connection.progress;
    const replies = (data: Buffer): readonly Buffer[] | undefined => {
      if (data.subarray(0, 4).toString('latin1') === 'API\0') {
        return [encodeFrame([serverVersion ?? 0, serverTimeText ?? ''])];
      }
      if (data.subarray(4, 7).toString('latin1') === '71\0') {
        return [encodeFrame([15, 1, accounts.join(',')]), encodeFrame([9, 1, nextValidId ?? 0])];
      }
      return undefined;
    };
    const client = {
      write: (data: Buffer | string): void => {
        // Text is the protocol of before 2013, which is on no list.
        const bytes = Buffer.from(data);
        const answered = replies(bytes);
        if (answered === undefined) {
          this.sendForLibrary(bytes);
          return;
        }
        queueMicrotask(() => {
          answered.forEach((frame) => {
            socket.onData(frame);
          });
        });
      },
      end: (): void => undefined,
      destroy: (): void => undefined,
    };
    socket.connect = (): void => {
      socket._status = 2;
      socket.client = client;
      socket.onConnect();
    };
    this.store.add(
      this.connection.onFrame(({ id, body }) => {
        if (lentMessages.has(id)) {
          this.decode(socket, body);
        }
      }),
    );
  }

  /** Answer by answer, so that one that the library cannot decode takes no other with it. */
  private decode(socket: LibrarySocket, body: Buffer): void {
    // A field takes a byte at least; only a long answer is worth counting.
    const fieldCount = body.length > maxLentFields ? decodeFields(body).length : 0;
    if (fieldCount > maxLentFields) {
      this.failUndecodable(body, `it has ${fieldCount} fields`);
      return;
    }
    this.decoding = body;
    try {
      socket.onData(frameOf(body));
    } catch (error) {
      this.failUndecodable(body, errorText(error));
    } finally {
      this.decoding = undefined;
    }
  }

  private sendForLibrary(frame: Buffer): void {
    try {
      this.connection.sendFrame(frame);
    } catch (error) {
      if (!(error instanceof ForbiddenMessageError)) {
        throw error;
      }
      // Thrown into the library's own timer it would end the process; the message did not leave.
      this.refusedMessages.push(error.message);
    }
  }
}

/** Warnings and good news about a request (2176, 10167 …) do not end it; errors do. */
function endsRequest(code: number): boolean {
  const meaning = classify(code).class;
  return meaning === 'error' || meaning === 'fatal';
}

function messageId(body: Buffer): number {
  return Number(decodeFields(body.subarray(0, 8))[0]);
}

function undecodable(why: string): RequestFailure {
  return { kind: 'closed', why: `TWS's answer could not be decoded: ${why}` };
}

function librarySocket(api: IBApi): LibrarySocket {
  const { controller } = api as unknown as { controller?: { socket?: Partial<LibrarySocket> } };
  const socket = controller?.socket;
  if (
    socket === undefined ||
    typeof socket.connect !== 'function' ||
    typeof socket.onConnect !== 'function' ||
    typeof socket.onData !== 'function' ||
    typeof socket._status !== 'number'
  ) {
    throw new Error('@stoqey/ib has changed inside: its socket cannot be taken over.');
  }
  return socket as LibrarySocket;
}

function bestContract(
  symbol: string,
  found: readonly ContractDetails[],
): StockContract | undefined {
  const details =
    found.find(
      (entry) => entry.contract.exchange === 'SMART' && entry.contract.currency === 'USD',
    ) ?? found[0];
  const contract = details?.contract;
  if (details === undefined || contract?.conId === undefined) {
    return undefined;
  }
  return {
    conId: contract.conId,
    symbol: contract.symbol ?? symbol,
    exchange: contract.exchange ?? 'SMART',
    primaryExchange: contract.primaryExch ?? '',
    currency: contract.currency ?? 'USD',
    longName: details.longName ?? '',
    timeZoneId: details.timeZoneId ?? '',
    tradingHours: details.tradingHours ?? '',
    liquidHours: details.liquidHours ?? '',
  };
}

/** Whether every price is a number. */
function isWhole({ open, high, low, close }: BarValues): boolean {
  return [open, high, low, close].every(Number.isFinite);
}
