import type { LogLine } from '../logLine';
import { shorten } from '../notices';
import type { RunnerFact } from '../runnerFacts';
import { clientSigns } from './clientSigns';
import { readConnectionWords } from './connectionWords';
import { gatewaySigns } from './gatewaySigns';
import { type LineReader, tableReader } from './reader';
import { runnerSigns } from './runnerSigns';

const readSigns = tableReader([...clientSigns, ...gatewaySigns, ...runnerSigns]);

/** Lines that point to a cause whoever printed them. */
export const readSign: LineReader = (line) => readSigns(line) ?? readConnectionWords(line);

/** The facts in the last line of a traceback (`TimeoutError: …`), which has no other wrapping. */
export function factsOfException(text: string): readonly RunnerFact[] {
  const line: LogLine = { text };
  const said = readSign(line);
  if (said !== undefined && said.length > 0) {
    return said;
  }
  return [{ kind: 'error', text: shorten(text) }];
}
