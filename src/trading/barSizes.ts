const secondMs = 1000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** The bar sizes that TWS serves (IBKR's documentation of historical bars), in milliseconds. */
export const barSizes: ReadonlyMap<string, number> = new Map([
  ...spans('secs', secondMs, [1, 5, 10, 15, 30]),
  ['1 min', minuteMs],
  ...spans('mins', minuteMs, [2, 3, 5, 10, 15, 20, 30]),
  ['1 hour', hourMs],
  ...spans('hours', hourMs, [2, 3, 4, 8]),
  ['1 day', dayMs],
  ['1 week', 7 * dayMs],
  ['1 month', 31 * dayMs],
]);

function spans(unit: string, ms: number, counts: readonly number[]): [string, number][] {
  return counts.map((count) => [`${count} ${unit}`, count * ms]);
}
