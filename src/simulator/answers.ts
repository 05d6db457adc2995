import type { Clock } from '../core/clock';
import type { Connection } from './connection';
import type { Behaviour, Notice, Outcome } from './faults';
import { type History, type TradingCalendar, historyOf, parseEndTime } from './history';
import { type MarketBar, StockMarket, isStockSymbol } from './market';
import {
  type DateFormat,
  type Position,
  type StockDetails,
  barTime,
  contractData,
  historicalData,
  historicalSchedule,
  historicalUpdate,
  positionMessage,
  quoteMessages,
  validExchanges,
} from './messages';

const noSecurity: Notice = {
  code: 200,
  text: 'No security definition has been found for the request',
};
const validation = "Error validating request.-'cp' : cause - ";
const readOnly: Notice = {
  code: 321,
  text: `${validation}The API interface is currently in Read-Only mode.`,
};
const streamMs = { quotes: 1000, bars: 5000 } as const;

/** Contract ids that IBKR really uses, so that a familiar symbol has its familiar id. */
const realContractIds: ReadonlyMap<string, number> = new Map([
  ['AAPL', 265598],
  ['NVDA', 4815747],
  ['TSLA', 76792991],
]);

/** What the requests are answered from. */
export interface AnswerSource {
  readonly clock: Clock;
  readonly calendar: TradingCalendar;
  readonly unknownSymbols: ReadonlySet<string>;
  readonly delayedSymbols: ReadonlySet<string>;
  readonly positions: readonly Position[];
  readonly nextValidId: number;
  behaviour(): Behaviour;
  accounts(): readonly string[];
}

/** The fields of a contract in a request, in wire order from its contract id on. */
interface ContractFields {
  readonly contractId: string;
  readonly symbol: string;
  readonly securityType: string;
  readonly exchange: string;
  readonly currency: string;
  readonly localSymbol: string;
}

type Handler = (connection: Connection, fields: readonly string[]) => void;

/** Answers the requests of ready sessions from a made-up market and account. */
export class Answers {
  private readonly markets = new Map<string, StockMarket>();
  private readonly symbolsById = new Map<number, string>();
  private readonly handlers: ReadonlyMap<string, Handler> = new Map<string, Handler>([
    ['1', this.marketData.bind(this)],
    ['2', this.cancelStream.bind(this, 'quotes')],
    ['5', this.openOrders.bind(this, [53, 1])],
    ['6', this.accountUpdates.bind(this)],
    [
      '7',
      (connection, fields) => {
        connection.send([55, 1, field(fields, 2)]);
      },
    ],
    [
      '8',
      (connection) => {
        connection.send([9, 1, this.source.nextValidId]);
      },
    ],
    ['9', this.contractDetails.bind(this)],
    ['16', this.openOrders.bind(this, [53, 1])],
    [
      '17',
      (connection) => {
        connection.send([15, 1, this.source.accounts().join(',')]);
      },
    ],
    ['20', this.historicalBars.bind(this)],
    ['25', this.cancelHistory.bind(this)],
    [
      '49',
      (connection) => {
        connection.send([49, 1, Math.floor(this.serverTimeMs() / 1000)]);
      },
    ],
    ['50', this.realTimeBars.bind(this)],
    ['51', this.cancelStream.bind(this, 'bars')],
    [
      '59',
      (connection, fields) => {
        connection.marketDataType = Number(field(fields, 2));
      },
    ],
    ['61', this.positions.bind(this)],
    ['62', this.accountSummary.bind(this)],
    ['76', this.accountUpdatesMulti.bind(this)],
    ['87', this.headTimestamp.bind(this)],
    ['99', this.openOrders.bind(this, [102])],
    [
      '104',
      (connection, fields) => {
        connection.send([107, field(fields, 1), '']);
      },
    ],
    // Everything that could trade: place, cancel, exercise, bind, replace, cancel all.
    ['3', this.refuseOrder.bind(this, 1)],
    ['4', this.refuseOrder.bind(this, 2)],
    ['21', this.refuseOrder.bind(this, 2)],
    ['15', this.refuseOrder.bind(this, undefined)],
    ['19', this.refuseOrder.bind(this, undefined)],
    ['58', this.refuseOrder.bind(this, undefined)],
  ]);

  constructor(private readonly source: AnswerSource) {}

  /** The clock of TWS; a fault may have set it wrong. */
  serverTimeMs(): number {
    return this.source.clock.now() + this.source.behaviour().clockSkewMs;
  }

  /** Requests that a minimal TWS does not know, and those without an answer, stay unanswered. */
  answer(connection: Connection, fields: readonly string[]): void {
    this.handlers.get(field(fields, 0))?.(connection, fields);
  }

  private contractDetails(connection: Connection, fields: readonly string[]): void {
    const requestId = Number(field(fields, 2));
    const contract = contractAt(fields, 3);
    const symbol = this.permitted(connection, requestId, {
      contract,
      outcome: this.source.behaviour().contracts,
    });
    if (symbol !== undefined) {
      const exchange = contract.exchange === '' ? 'SMART' : contract.exchange;
      const stock = this.details(symbol);
      connection.send(contractData(connection.version, requestId, { stock, exchange }));
      connection.send([52, 1, requestId]);
    }
  }

  private historicalBars(connection: Connection, fields: readonly string[]): void {
    const request = historyRequest(connection.version, fields);
    const { requestId, contract } = request;
    const { history: outcome } = this.source.behaviour();
    const symbol = this.permitted(connection, requestId, { contract, outcome });
    if (symbol === undefined) {
      return;
    }
    const { calendar } = this.source;
    const endMs = parseEndTime(request.end, this.source.clock.now(), calendar.zone);
    if (endMs === undefined || (request.keepUpToDate && request.end !== '')) {
      connection.sendError(
        requestId,
        321,
        `${validation}End Date/Time: ${request.end} is invalid.`,
      );
      return;
    }
    const query = { ...request, endMs: Math.min(endMs, this.source.clock.now()) };
    const answer = historyOf(this.market(symbol), calendar, query);
    if (!answer.ok) {
      connection.sendError(requestId, answer.refusal.code, answer.refusal.text);
    } else if (request.what === 'SCHEDULE') {
      const { startMs, endMs: until } = answer.history;
      const sessions = calendar.sessions(startMs, until, request.regularOnly);
      connection.send(historicalSchedule(requestId, sessions, calendar.zone));
    } else if (answer.history.bars.length === 0) {
      const text = `Historical Market Data Service error message:HMDS query returned no data: ${symbol}@SMART Trades`;
      connection.sendError(requestId, 162, text);
    } else {
      this.sendHistory(connection, request, answer.history);
    }
    if (answer.ok && request.keepUpToDate) {
      this.keepUpToDate(connection, request, symbol);
    }
  }

  private sendHistory(connection: Connection, request: HistoryRequest, history: History): void {
    const isTrades = request.what === 'TRADES' || request.what === 'ADJUSTED_LAST';
    // Quotes have no volume; TWS sends -1 for what there is none of.
    const bars = isTrades
      ? history.bars
      : history.bars.map((bar) => ({ ...bar, volume: -1, average: -1, trades: -1 }));
    const { zone } = this.source.calendar;
    const details = { history: { ...history, bars }, format: request.format, zone };
    connection.send(historicalData(connection.version, request.requestId, details));
  }

  private keepUpToDate(connection: Connection, request: HistoryRequest, symbol: string): void {
    const { calendar, clock } = this.source;
    connection.startStream(`history ${request.requestId}`, streamMs.bars, () => {
      const query = { ...request, endMs: clock.now(), duration: '2 D' };
      const answer = historyOf(this.market(symbol), calendar, query);
      const bar = answer.ok ? answer.history.bars.at(-1) : undefined;
      if (answer.ok && bar !== undefined) {
        const style = { daily: answer.history.daily, format: request.format, zone: calendar.zone };
        const time = barTime(connection.version, bar, style);
        connection.send(historicalUpdate(request.requestId, time, bar));
      }
    });
  }

  private cancelHistory(connection: Connection, fields: readonly string[]): void {
    const requestId = Number(field(fields, 2));
    if (connection.stopStream(`history ${requestId}`)) {
      const text = `Historical Market Data Service error message:API historical data query cancelled: ${requestId}`;
      connection.sendError(requestId, 162, text);
    } else if (this.source.behaviour().history !== 'silence') {
      const text = `No historical data query found for ticker id:${requestId}`;
      connection.sendError(requestId, 366, text);
    }
  }

  private headTimestamp(connection: Connection, fields: readonly string[]): void {
    const requestId = Number(field(fields, 1));
    const contract = contractAt(fields, 2);
    const { history: outcome } = this.source.behaviour();
    if (this.permitted(connection, requestId, { contract, outcome }) !== undefined) {
      const firstTrade = Date.UTC(2000, 0, 3, 14, 30);
      const isEpoch = fields.at(-1) === '2';
      connection.send([88, requestId, isEpoch ? firstTrade / 1000 : '20000103-14:30:00']);
    }
  }

  private marketData(connection: Connection, fields: readonly string[]): void {
    const requestId = Number(field(fields, 2));
    const contract = contractAt(fields, 3);
    const { marketData: outcome } = this.source.behaviour();
    const symbol = this.permitted(connection, requestId, { contract, outcome });
    if (symbol === undefined) {
      return;
    }
    const delayed = this.source.delayedSymbols.has(symbol);
    const acceptsDelayed = connection.marketDataType === 3 || connection.marketDataType === 4;
    if (delayed && !acceptsDelayed) {
      const text = 'Requested market data is not subscribed. Delayed market data is available.';
      connection.sendError(requestId, 354, text);
      return;
    }
    if (delayed) {
      const text = 'Requested market data is not subscribed. Displaying delayed market data.';
      connection.sendError(requestId, 10167, text);
    }
    connection.send([58, 1, requestId, delayed ? 3 : 1]);
    connection.send([81, requestId, '0.01', '9c0001', 3]);
    this.sendQuotes(connection, requestId, { symbol, delayed });
    if (isSet(fields[snapshotIndex(fields)])) {
      connection.send([57, 1, requestId]);
    } else {
      connection.startStream(`quotes ${requestId}`, streamMs.quotes, () => {
        this.sendQuotes(connection, requestId, { symbol, delayed });
      });
    }
  }

  private sendQuotes(
    connection: Connection,
    requestId: number,
    { symbol, delayed }: { readonly symbol: string; readonly delayed: boolean },
  ): void {
    const delayMs = delayed ? 15 * 60_000 : 0;
    const atMs = this.source.clock.now() - delayMs;
    const market = this.market(symbol);
    const day = market.bar(this.source.calendar.zone.midnight(atMs), wholeMinute(atMs));
    const quote = { price: market.priceAt(atMs), day, atMs };
    for (const message of quoteMessages(requestId, quote, delayed)) {
      connection.send(message);
    }
  }

  private realTimeBars(connection: Connection, fields: readonly string[]): void {
    const requestId = Number(field(fields, 2));
    const contract = contractAt(fields, 3);
    const { marketData: outcome } = this.source.behaviour();
    const symbol = this.permitted(connection, requestId, { contract, outcome });
    if (symbol === undefined) {
      return;
    }
    connection.startStream(`bars ${requestId}`, streamMs.bars, () => {
      const endMs = Math.floor(this.source.clock.now() / 5000) * 5000;
      const bar: MarketBar = this.market(symbol).bar(endMs - 5000, endMs);
      connection.send([
        ...[50, 3, requestId, bar.timeMs / 1000, bar.open, bar.high, bar.low, bar.close],
        ...[bar.volume, bar.average, bar.trades],
      ]);
    });
  }

  private cancelStream(kind: string, connection: Connection, fields: readonly string[]): void {
    connection.stopStream(`${kind} ${field(fields, 2)}`);
  }

  private positions(connection: Connection): void {
    for (const account of this.source.accounts()) {
      for (const position of this.source.positions) {
        const { conId } = this.details(position.symbol);
        connection.send(positionMessage(account, conId, position));
      }
    }
    connection.send([62, 1]);
  }

  private accountSummary(connection: Connection, fields: readonly string[]): void {
    const requestId = field(fields, 2);
    const tags = field(fields, 4).split(',').sort();
    for (const account of this.source.accounts()) {
      for (const tag of tags) {
        const value = accountValues.get(tag);
        if (value !== undefined) {
          connection.send([63, 1, requestId, account, tag, ...value]);
        }
      }
    }
    connection.send([64, 1, requestId]);
  }

  private accountUpdates(connection: Connection, fields: readonly string[]): void {
    if (!isSet(fields[2])) {
      return;
    }
    const account = this.accountOf(fields[3]);
    for (const [tag, value] of accountValues) {
      connection.send([6, 2, tag, ...value, account]);
    }
    connection.send([8, 1, this.source.calendar.zone.time(this.serverTimeMs()).slice(0, 5)]);
    connection.send([54, 1, account]);
  }

  private accountUpdatesMulti(connection: Connection, fields: readonly string[]): void {
    const requestId = field(fields, 2);
    const account = this.accountOf(fields[3]);
    for (const [tag, value] of accountValues) {
      connection.send([73, 1, requestId, account, field(fields, 4), tag, ...value]);
    }
    connection.send([74, 1, requestId]);
  }

  private openOrders(end: readonly number[], connection: Connection): void {
    if (this.source.behaviour().openOrders === 'read_only') {
      connection.sendError(-1, readOnly.code, readOnly.text);
    } else {
      connection.send(end);
    }
  }

  /** There is no account behind this market: whatever could trade is refused. */
  private refuseOrder(
    idIndex: number | undefined,
    connection: Connection,
    fields: readonly string[],
  ): void {
    const id = idIndex === undefined ? -1 : Number(fields[idIndex] ?? -1);
    connection.sendError(Number.isSafeInteger(id) ? id : -1, readOnly.code, readOnly.text);
  }

  private accountOf(asked: string | undefined): string {
    return asked === undefined || asked === '' ? (this.source.accounts()[0] ?? '') : asked;
  }

  /** The symbol to answer for; undefined when the answer is an error, now sent, or silence. */
  private permitted(
    connection: Connection,
    requestId: number,
    { contract, outcome }: { readonly contract: ContractFields; readonly outcome: Outcome },
  ): string | undefined {
    if (outcome === 'silence') {
      return undefined;
    }
    const symbol = this.symbolOf(contract);
    const refusal = outcome !== 'answer' ? outcome : symbol === undefined ? noSecurity : undefined;
    if (refusal !== undefined) {
      const text = refusal.text.replace('{symbol}', contract.symbol);
      connection.sendError(requestId, refusal.code, text);
      return undefined;
    }
    return symbol;
  }

  /** Knows every US stock in dollars, but symbols that begin with ZZ and those of the options. */
  private symbolOf(contract: ContractFields): string | undefined {
    const byId = this.symbolsById.get(Number(contract.contractId));
    const named = contract.symbol === '' ? contract.localSymbol : contract.symbol;
    const symbol = byId ?? (named === '' ? realSymbol(contract.contractId) : named);
    const isStock = contract.securityType === 'STK' || contract.securityType === '';
    const isDollar = contract.currency === 'USD' || contract.currency === '';
    const exchanges: readonly string[] = ['', 'ISLAND', ...validExchanges];
    if (symbol === undefined || !isStock || !isDollar || !exchanges.includes(contract.exchange)) {
      return undefined;
    }
    const isKnown = isStockSymbol(symbol) && !symbol.startsWith('ZZ');
    return isKnown && !this.source.unknownSymbols.has(symbol) ? symbol : undefined;
  }

  private market(symbol: string): StockMarket {
    const market = this.markets.get(symbol) ?? new StockMarket(symbol);
    this.markets.set(symbol, market);
    return market;
  }

  private details(symbol: string): StockDetails {
    const { seed } = this.market(symbol);
    const conId = realContractIds.get(symbol) ?? 100_000_000 + (seed % 700_000_000);
    this.symbolsById.set(conId, symbol);
    const now = this.source.clock.now();
    return {
      ...{ symbol, conId, longName: `${symbol} SIMULATED INC` },
      primaryExchange: seed % 2 === 0 ? 'NASDAQ' : 'NYSE',
      tradingHours: this.source.calendar.hoursText(now, false),
      liquidHours: this.source.calendar.hoursText(now, true),
      timeZoneId: this.source.calendar.zone.label,
    };
  }
}

const accountValues: ReadonlyMap<string, readonly [value: string, currency: string]> = new Map([
  ['AccountType', ['INDIVIDUAL', '']],
  ['AvailableFunds', ['80000.00', 'USD']],
  ['BuyingPower', ['320000.00', 'USD']],
  ['EquityWithLoanValue', ['100000.00', 'USD']],
  ['ExcessLiquidity', ['85000.00', 'USD']],
  ['GrossPositionValue', ['20000.00', 'USD']],
  ['NetLiquidation', ['100000.00', 'USD']],
  ['TotalCashValue', ['80000.00', 'USD']],
]);

interface HistoryRequest {
  readonly requestId: number;
  readonly contract: ContractFields;
  readonly end: string;
  readonly barSize: string;
  readonly duration: string;
  readonly regularOnly: boolean;
  readonly what: string;
  readonly format: DateFormat;
  readonly keepUpToDate: boolean;
}

/** `20|rid|C…|inclExp|end|bar|dur|useRTH|what|fmt|keepUpToDate|opts`; below 124 with a version, without the last. */
function historyRequest(version: number, fields: readonly string[]): HistoryRequest {
  const at = version < 124 ? 2 : 1;
  const rest = at + 1 + contractLength + 1;
  return {
    requestId: Number(field(fields, at)),
    contract: contractAt(fields, at + 1),
    end: field(fields, rest),
    barSize: field(fields, rest + 1),
    duration: field(fields, rest + 2),
    regularOnly: isSet(fields[rest + 3]),
    what: field(fields, rest + 4).toUpperCase(),
    format: field(fields, rest + 5) === '2' ? 2 : 1,
    keepUpToDate: version >= 124 && isSet(fields[rest + 6]),
  };
}

const contractLength = 12;

function contractAt(fields: readonly string[], index: number): ContractFields {
  return {
    contractId: field(fields, index),
    symbol: field(fields, index + 1),
    securityType: field(fields, index + 2),
    exchange: field(fields, index + 7),
    currency: field(fields, index + 9),
    localSymbol: field(fields, index + 10),
  };
}

/** `1|11|rid|C…|deltaNeutral|generic|snapshot|…` */
function snapshotIndex(fields: readonly string[]): number {
  const deltaNeutral = 3 + contractLength;
  return deltaNeutral + (isSet(fields[deltaNeutral]) ? 3 : 0) + 2;
}

function realSymbol(contractId: string): string | undefined {
  const entry = [...realContractIds].find(([, id]) => String(id) === contractId);
  return entry?.[0];
}

function wholeMinute(epochMs: number): number {
  return Math.ceil((epochMs + 1) / 60_000) * 60_000;
}

function field(fields: readonly string[], index: number): string {
  return fields[index] ?? '';
}

/** Clients write booleans as 1 and 0, some as true and false. */
function isSet(text: string | undefined): boolean {
  return text === '1' || text === 'true';
}
