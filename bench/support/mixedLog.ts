import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { finished } from 'node:stream/promises';

const symbols = ['AAPL', 'NVDA', 'TSLA', 'QQQ', 'MSFT', 'AMZN', 'META', 'BRK.B', 'SPY', 'PLTR'];
const esc = '\u001B';

/**
 * Lines as a trader's system, ib_async, and the programs beside them print them, with an outage
 * now and then. The same seed makes the same lines, so that a figure can be taken again.
 */
export class MixedLog {
  private state: number;
  private nowMs = Date.UTC(2026, 1, 3, 14, 30);
  private readonly waiting: string[] = [];

  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  /** The next line, without its line break. */
  line(): string {
    this.nowMs += Math.floor(this.random() * 80);
    const next = this.waiting.shift();
    if (next !== undefined) {
      return next;
    }
    const dice = this.random();
    // About one line in fifty belongs to an incident.
    if (dice < 0.0007) {
      this.waiting.push(...this.outage());
    }
    if (dice < 0.28) {
      return this.structlog();
    }
    if (dice < 0.42) {
      return this.stdlib();
    }
    if (dice < 0.5) {
      return this.coloured();
    }
    return dice < 0.7 ? this.client() : this.noise();
  }

  /** About `bytes` of lines, each with its line break. */
  *chunks(bytes: number): Generator<string> {
    for (let made = 0; made < bytes;) {
      const lines: string[] = [];
      for (let index = 0; index < 2000; index += 1) {
        lines.push(this.line());
      }
      const chunk = `${lines.join('\n')}\n`;
      made += chunk.length;
      yield chunk;
    }
  }

  /** One object in another's message, as structlog does behind the standard logger. */
  private structlog(): string {
    const symbol = this.pick(symbols);
    const dice = this.random();
    const [event, extra]: readonly [string, object] =
      dice < 0.45
        ? [this.signal(symbol), {}]
        : dice < 0.6
          ? ['Fetched bars', { symbol, bars: 60 + this.int(40), duration_ms: this.int(900) }]
          : dice < 0.75
            ? ['Feature pipeline updated', { symbol, features: 31, latency: this.random() }]
            : dice < 0.9
              ? ['Risk check passed', { symbol, exposure: this.price(), limit: 20_000 }]
              : dice < 0.95
                ? [`Processed ${symbols.length} symbols, executed ${this.int(3)} trades`, {}]
                : [`Trading cycle complete. Equity: $${this.price()}`, {}];
    const inner = {
      ...extra,
      event,
      logger: 'robo_trader.runner_async',
      level: 'info',
      timestamp: this.iso(),
      hostname: 'desk',
      trading_mode: 'paper',
      filename: 'runner_async.py',
      func_name: 'process_symbol',
      lineno: this.int(4000),
    };
    return this.outer('robo_trader.runner_async', JSON.stringify(inner));
  }

  private stdlib(): string {
    const dice = this.random();
    const message =
      dice < 0.4
        ? `GET /api/positions HTTP/1.1 200 ${this.int(9000)} ${this.int(40)}ms`
        : dice < 0.8
          ? `Saved ${this.int(60)} rows for ${this.pick(symbols)} to trading_data.db`
          : `Portfolio value ${this.price()}, cash ${this.price()}`;
    return this.outer('robo_trader.database', message);
  }

  private coloured(): string {
    const text =
      this.random() < 0.5 ? this.signal(this.pick(symbols)) : 'Correlation matrix updated';
    return `[${this.plainTime()}] INFO robo_trader.strategies: ${esc}[2m${this.iso()}${esc}[0m [${esc}[32m${esc}[1minfo     ${esc}[0m] ${esc}[1m${text}${esc}[0m`;
  }

  private client(): string {
    const symbol = this.pick(symbols);
    const dice = this.random();
    const text =
      dice < 0.4
        ? `updatePortfolio: PortfolioItem(contract=Stock(conId=${this.int(900_000)}, symbol='${symbol}', right='0', primaryExchange='NASDAQ', currency='USD'), position=${this.int(90)}.0, marketPrice=${this.price()}, marketValue=${this.price()})`
        : dice < 0.7
          ? `position: Position(account='DU0000000', contract=Stock(conId=${this.int(900_000)}, symbol='${symbol}', exchange='NASDAQ'), position=${this.int(90)}.0, avgCost=${this.price()})`
          : dice < 0.9
            ? `Warning 2104, reqId -1: Market data farm connection is OK:${this.pick(['usfarm', 'usfarm.nj', 'eufarm', 'cashfarm'])}`
            : 'Warning 2106, reqId -1: HMDS data farm connection is OK:ushmds';
    return `${this.plainTime()} ib_async.wrapper INFO ${text}`;
  }

  private noise(): string {
    const dice = this.random();
    if (dice < 0.5) {
      return `127.0.0.1 - - [03/Feb/2026 ${this.clock()}] "GET /api/logs?limit=${this.int(500)} HTTP/1.1" 200 -`;
    }
    return dice < 0.8
      ? `${this.plainTime()} DEBUG scheduler: tick ${this.int(100_000)}, ${this.int(20)} jobs in the queue, next in ${this.price()} s`
      : `epoch ${this.int(40)}/40 loss=${this.random().toFixed(6)} accuracy=${this.random().toFixed(4)} lr=0.001`;
  }

  /** A silent handshake, tried again, with every symbol failing; then all is well. */
  private outage(): readonly string[] {
    const info = (text: string): string => `${this.plainTime()} ib_async.client INFO ${text}`;
    const error = (text: string): string => `${this.plainTime()} ib_async.client ERROR ${text}`;
    const lines = ['Peer closed connection.'].map(error);
    for (let attempt = 0; attempt < 2 + this.int(4); attempt += 1) {
      lines.push(
        info('Connecting to 127.0.0.1:7497 with clientId 123...'),
        info('Connected'),
        error('API connection failed: TimeoutError()'),
      );
      for (const symbol of symbols) {
        const future = `<Future at 0x${this.int(2 ** 31).toString(16)} state=finished raised TimeoutError>`;
        const event = `Failed to fetch data for ${symbol}: RetryError[${future}]`;
        lines.push(
          this.outer('robo_trader.runner_async', JSON.stringify({ event, level: 'error' })),
        );
      }
    }
    return [
      ...lines,
      'Traceback (most recent call last):',
      '  File "/home/t/robo_trader/runner_async.py", line 412, in connect',
      '    await self.ib.connectAsync(host, port, clientId=client_id)',
      'TimeoutError',
      info('Connecting to 127.0.0.1:7497 with clientId 123...'),
      info('Connected'),
      info('Logged on to server version 176'),
      info('API connection ready'),
      ...symbols.map((symbol) => this.outer('robo_trader.runner_async', this.signal(symbol))),
    ];
  }

  private outer(logger: string, message: string): string {
    return JSON.stringify({
      timestamp: this.iso(),
      level: 'INFO',
      logger,
      message,
      module: logger.split('.').at(-1),
      function: 'run',
      line: this.int(3000),
    });
  }

  private signal(symbol: string): string {
    return `${symbol}: Signal=${this.int(3) - 1}, Price=$${this.price()}, SMA 10/20 crossover`;
  }

  private price(): string {
    return (1 + this.random() * 900).toFixed(2);
  }

  private iso(): string {
    return new Date(this.nowMs).toISOString().replace('Z', '000+00:00');
  }

  private plainTime(): string {
    return new Date(this.nowMs).toISOString().slice(0, 23).replace('T', ' ').replace('.', ',');
  }

  private clock(): string {
    return new Date(this.nowMs).toISOString().slice(11, 19);
  }

  private pick(from: readonly string[]): string {
    return from[this.int(from.length)] ?? '';
  }

  private int(below: number): number {
    return Math.floor(this.random() * below);
  }

  /** Mulberry32: small, even enough, and the same everywhere. */
  private random(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
}

/** Writes about `bytes` of mixed lines to `file`. */
export async function writeMixedLog(file: string, bytes: number, seed: number): Promise<void> {
  const out = createWriteStream(file);
  for (const chunk of new MixedLog(seed).chunks(bytes)) {
    if (!out.write(chunk)) {
      await once(out, 'drain');
    }
  }
  out.end();
  await finished(out);
}
