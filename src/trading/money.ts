/**
 * Amounts of the paper book are whole millionths of a dollar, in integers that a JavaScript
 * number holds exactly (up to 9 billion dollars): sums of decimal fractions would drift, and a
 * replay of the journal has to end at the same figure to the last digit.
 */
export type Micros = number;

const microsPerDollar = 1_000_000;

/** The amount nearest to a price or sum in dollars; undefined for what is no amount above 0. */
export function toMicros(dollars: number): Micros | undefined {
  const micros = Math.round(dollars * microsPerDollar);
  return Number.isSafeInteger(micros) && micros > 0 ? micros : undefined;
}

/** Dollars, for those who read; six decimals at most. */
export function toDollars(micros: Micros): number {
  return micros / microsPerDollar;
}

/** `value * numerator / denominator`, rounded down, without a step that could lose a digit. */
export function scaled(value: number, numerator: number, denominator: number): number {
  const product = BigInt(value) * BigInt(numerator);
  const divisor = BigInt(denominator);
  const quotient = product / divisor;
  return Number(product % divisor < 0n ? quotient - 1n : quotient);
}
