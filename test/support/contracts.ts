import type { StockContract } from '../../src/ibkr/marketData';

/** A US stock as TWS qualifies it; it names no trading hours. */
export function stockContract(symbol: string, conId = 1): StockContract {
  return {
    conId,
    symbol,
    exchange: 'SMART',
    primaryExchange: 'NASDAQ',
    currency: 'USD',
    longName: symbol,
    timeZoneId: 'US/Eastern',
    tradingHours: '',
    liquidHours: '',
  };
}
