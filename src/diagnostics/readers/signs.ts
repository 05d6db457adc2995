import type { LogLine } from '../logLine';
import { shorten } from '../notices';
import type { RunnerFact } from '../runnerFacts';
import { clientSigns } from './clientSigns';
import { readConnectionWords } from './connectionWords';
import { type LineReader, tableReader, withTriggers } from './reader';
import { runnerSigns } from './runnerSigns';
import { readTradingSystem } from './tradingSystem';

const readSigns = tableReader([...clientSigns, ...runnerSigns]);

/** One of them is in whatever a program says about its connection. */
const connectionTriggers: readonly string[] = ['connect', 'handshake'];

/** Lines that point to a cause whoever printed them. */
export const readSign: LineReader = withTriggers(
  (line) => readSigns(line) ?? readConnectionWords(line),
  [...(readSigns.triggers ?? []), ...connectionTriggers],
);

/** The facts in the last line of a traceback (`TimeoutError: …`), which has no other wrapping. */
export function factsOfException(text: string): readonly RunnerFact[] {
  const line: LogLine = { text };
  const said = readTradingSystem(line) ?? readSign(line);
  if (said !== undefined && said.length > 0) {
    return said;
  }
  return [{ kind: 'error', text: shorten(text) }];
}
