import type { History } from './history';
import type { MarketBar } from './market';
import type { Field } from './wire';
import type { Zone } from './zone';

/** Fields of a server message, in wire order; the first is the message id. */
export type Message = readonly Field[];

/** Server versions from which a message has another shape (names as in IBKR's clients). */
const since = {
  mdSizeMultiplier: 110,
  aggregationGroup: 121,
  underlyingInfo: 122,
  syntheticBars: 124,
  marketRules: 126,
  realExpiration: 134,
  stockType: 152,
  fractionalSizes: 163,
  sizeRules: 164,
  rejectJson: 166,
  instrumentTimeZone: 174,
  lastTradeDate: 182,
  ineligibility: 186,
} as const;

/** The server versions that the simulator can speak: the text protocol with length prefixes. */
export const servedVersions = { min: 100, max: 193 } as const;

/** A stock as contract details describe it. */
export interface StockDetails {
  readonly symbol: string;
  readonly conId: number;
  readonly longName: string;
  readonly primaryExchange: string;
  readonly tradingHours: string;
  readonly liquidHours: string;
  readonly timeZoneId: string;
}

export const validExchanges = [
  ...['SMART', 'AMEX', 'NYSE', 'CBOE', 'CHX', 'ARCA', 'NASDAQ', 'BATS', 'EDGEA', 'BYX', 'IEX'],
  ...['EDGX', 'PEARL', 'NYSENAT', 'LTSE', 'MEMX', 'OVERNIGHT', 'PSX'],
] as const;

const orderTypes =
  'ACTIVETIM,ADJUST,ALERT,ALGO,ALLOC,AON,AVGCOST,COND,DAY,GTC,GTD,HID,ICE,LMT,LOC,MIT,MKT,MOC,OPG,REL,STP,STPLMT,TRAIL,TRAILLMT,WHATIF';

/** An error or, with id -1, a notice. */
export function errorMessage(version: number, id: number, code: number, text: string): Message {
  return version >= since.rejectJson ? [4, 2, id, code, text, ''] : [4, 2, id, code, text];
}

/** Contract details of a US stock. */
export function contractData(
  version: number,
  requestId: number,
  { stock, exchange }: { readonly stock: StockDetails; readonly exchange: string },
): Message {
  const old = version < since.sizeRules;
  const from = (first: number, ...fields: Field[]): Field[] => (version >= first ? fields : []);
  return [
    ...[10, ...(old ? [8] : []), requestId, stock.symbol, 'STK', ''],
    ...from(since.lastTradeDate, ''),
    ...[0, '', exchange, 'USD', stock.symbol, 'NMS', 'NMS', stock.conId, '0.01'],
    ...(old ? from(since.mdSizeMultiplier, 100) : []),
    ...['', orderTypes, validExchanges.join(','), 1, 0, stock.longName, stock.primaryExchange],
    ...['', 'Technology', 'Computers', 'Computers', stock.timeZoneId],
    ...[stock.tradingHours, stock.liquidHours, '', '', 0],
    ...from(since.aggregationGroup, 1),
    ...from(since.underlyingInfo, '', ''),
    ...from(since.marketRules, validExchanges.map(() => 26).join(',')),
    ...from(since.realExpiration, ''),
    ...from(since.stockType, 'COMMON'),
    ...(old ? from(since.fractionalSizes, '0.0001') : ['0.0001', '0.0001', 100]),
    ...from(since.ineligibility, 0),
  ];
}

/** How a client wants bar times: 1 as text in the exchange's zone, 2 as seconds since the epoch. */
export type DateFormat = 1 | 2;

/** A bar's time as TWS prints it. Days are dates in both formats. */
export function barTime(
  version: number,
  bar: MarketBar,
  style: { readonly daily: boolean; readonly format: DateFormat; readonly zone: Zone },
): string {
  if (style.daily) {
    return style.zone.date(bar.timeMs);
  }
  return style.format === 2
    ? String(Math.floor(bar.timeMs / 1000))
    : stamp(version, bar.timeMs, style.zone);
}

/** Older servers left the zone out and wrote two blanks. */
function stamp(version: number, timeMs: number, zone: Zone): string {
  return version >= since.instrumentTimeZone
    ? `${zone.date(timeMs)} ${zone.time(timeMs)} ${zone.label}`
    : `${zone.date(timeMs)}  ${zone.time(timeMs)}`;
}

/** Historical bars. */
export function historicalData(
  version: number,
  requestId: number,
  {
    history,
    format,
    zone,
  }: { readonly history: History; readonly format: DateFormat; readonly zone: Zone },
): Message {
  const old = version < since.syntheticBars;
  const style = { daily: history.daily, format, zone };
  const bars = history.bars.flatMap((bar): Field[] => [
    ...[barTime(version, bar, style), bar.open, bar.high, bar.low, bar.close],
    ...[bar.volume, bar.average, ...(old ? ['false'] : []), bar.trades],
  ]);
  return [
    ...[17, ...(old ? [3] : []), requestId],
    ...[stamp(version, history.startMs, zone), stamp(version, history.endMs, zone)],
    ...[history.bars.length, ...bars],
  ];
}

/** One bar of a `keepUpToDate` subscription; note the order open, close, high, low. */
export function historicalUpdate(requestId: number, time: string, bar: MarketBar): Message {
  return [
    ...[90, requestId, bar.trades, time, bar.open, bar.close, bar.high, bar.low],
    ...[bar.average, bar.volume],
  ];
}

/** Trading sessions, the answer to a history request for SCHEDULE. */
export function historicalSchedule(
  requestId: number,
  sessions: readonly { readonly startMs: number; readonly endMs: number; readonly day: number }[],
  zone: Zone,
): Message {
  const at = (timeMs: number): string => `${zone.date(timeMs)}-${zone.time(timeMs)}`;
  const first = sessions[0];
  const last = sessions.at(-1);
  return [
    ...[106, requestId, first === undefined ? '' : at(first.startMs)],
    ...[last === undefined ? '' : at(last.endMs), zone.label, sessions.length],
    ...sessions.flatMap((entry) => [at(entry.startMs), at(entry.endMs), zone.date(entry.day)]),
  ];
}

/** A stock that the made-up account holds. */
export interface Position {
  readonly symbol: string;
  readonly quantity: number;
  readonly averageCost: number;
}

export function positionMessage(account: string, conId: number, position: Position): Message {
  return [
    ...[61, 3, account, conId, position.symbol, 'STK', '', '0.0', '', '', 'NASDAQ', 'USD'],
    ...[position.symbol, 'NMS', position.quantity, position.averageCost],
  ];
}

/** A one-off or streaming set of quotes. Delayed ones have tick types of their own. */
export function quoteMessages(
  requestId: number,
  quote: { readonly price: number; readonly day: MarketBar; readonly atMs: number },
  delayed: boolean,
): readonly Message[] {
  const cents = (value: number): number => Math.round(value * 100) / 100;
  const type = delayed
    ? { bid: 66, ask: 67, last: 68, high: 72, low: 73, volume: 74, close: 75, open: 76, time: 88 }
    : { bid: 1, ask: 2, last: 4, high: 6, low: 7, volume: 8, close: 9, open: 14, time: 45 };
  const price = (tick: number, value: number, size: number): Message => [
    ...[1, 6, requestId, tick, cents(value), size, 0],
  ];
  return [
    price(type.bid, quote.price - 0.01, 300),
    price(type.ask, quote.price + 0.01, 200),
    price(type.last, quote.price, 100),
    price(type.high, quote.day.high, 0),
    price(type.low, quote.day.low, 0),
    [2, 6, requestId, type.volume, quote.day.volume],
    price(type.close, quote.day.open, 0),
    price(type.open, quote.day.open, 0),
    [46, 6, requestId, type.time, Math.floor(quote.atMs / 1000)],
  ];
}
