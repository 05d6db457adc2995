import type { Endpoint } from '../../src/ibkr/endpoint';
import { encodeFrame } from '../../src/ibkr/frames';
import { bareExchange } from './bareExchange';

/** As the runner asks. */
const burst = 10;
const burstGapMs = 250;

/**
 * Asks for the bars of a symbol over a bare socket, as often and as fast as the runner asks for
 * those of all its symbols, and throws the answers away: the floor that any client stands on.
 * @returns CPU of this process in milliseconds
 */
export async function bareBars(
  endpoint: Endpoint,
  count: number,
  duration: string,
): Promise<number> {
  const socket = await bareExchange(endpoint, 124);
  socket.removeAllListeners('data');
  let waiting = count;
  let missing = 0;
  const before = process.cpuUsage();
  await new Promise<void>((resolve, reject) => {
    socket.once('close', () => {
      reject(new Error('the peer closed while bars were asked for'));
    });
    socket.on('data', (chunk) => {
      // Only lengths are looked at: `missing` bytes of the present frame are still to come.
      for (let at = 0; at < chunk.length;) {
        if (missing === 0) {
          missing = 4 + chunk.readUInt32BE(at);
        }
        const taken = Math.min(missing, chunk.length - at);
        missing -= taken;
        at += taken;
        waiting -= missing === 0 ? 1 : 0;
      }
      if (waiting === 0) {
        resolve();
      }
    });
    const ask = (from: number): void => {
      for (let id = from; id < Math.min(from + burst, count); id += 1) {
        socket.write(barRequest(id + 1, duration));
      }
      if (from + burst < count) {
        setTimeout(ask, burstGapMs, from + burst);
      }
    };
    ask(0);
  });
  const { user, system } = process.cpuUsage(before);
  socket.removeAllListeners('close');
  socket.resetAndDestroy();
  return (user + system) / 1000;
}

/** Half hours of AAPL, as the library encodes it for the simulator's version. */
function barRequest(id: number, duration: string): Buffer {
  const contract = [265_598, 'AAPL', 'STK', '', 0, '', '', 'SMART', '', 'USD', '', '', 0];
  return encodeFrame([20, id, ...contract, '', '30 mins', duration, 1, 'TRADES', 2, 0, '']);
}
