import { describeDuration } from '../diagnostics/notices';
import { createFactReader } from '../diagnostics/runnerReader';
import type { RunnerFact } from '../diagnostics/runnerFacts';
import { printable, type Style } from './style';

/**
 * A line of a runner's output for a person. The JSON events of a runner become words; every
 * other line stays as it is, without control sequences.
 */
export function runnerLineWriter(style: Style): (line: string) => string {
  const read = createFactReader();
  return (line) => {
    const isEvent = line.startsWith('{');
    const facts = isEvent ? read(line) : [];
    const words = facts.map((fact) => factWords(fact, style)).filter((text) => text !== undefined);
    return words.length > 0 ? words.join('\n') : printable(line);
  };
}

function factWords(fact: RunnerFact, style: Style): string | undefined {
  switch (fact.kind) {
    case 'signal': {
      const paint =
        fact.signal === 'buy' ? style.good : fact.signal === 'sell' ? style.bad : style.dim;
      const reason = fact.reason === undefined ? '' : `  ${printable(fact.reason)}`;
      return `  signal  ${printable(fact.symbol).padEnd(6)} ${paint(fact.signal.padEnd(4))} ${price(fact.price)}${reason}`;
    }
    case 'fetch ok':
      return style.dim(`  bars    ${printable(fact.symbol).padEnd(6)}      ${price(fact.price)}`);
    case 'fetch failed':
      return style.bad(
        `  bars    ${printable(fact.symbol).padEnd(6)} failed: ${printable(fact.text)}`,
      );
    case 'cycle':
      return style.dim(
        fact.nextInMs === undefined
          ? '  cycle finished'
          : `  cycle finished, the next in ${describeDuration(fact.nextInMs)}`,
      );
    case 'connected':
      return style.dim('  session ready');
    default:
      return undefined;
  }
}

function price(value: number | undefined): string {
  return (value === undefined ? '' : value.toFixed(2)).padStart(10);
}
