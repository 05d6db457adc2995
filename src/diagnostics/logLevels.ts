import { catalogue } from './catalogue';
import type { Severity } from './finding';
import { parseLogLine } from './logLine';
import { causesOfMessage } from './notices';
import type { RunnerFact } from './runnerFacts';
import { createFactReader } from './runnerReader';

/** What a reader of a log asks for: everything, or only what weighs at least so much. */
export const logFilters = ['all', 'warning', 'error'] as const;
export type LogFilter = (typeof logFilters)[number];

const weights: Readonly<Record<Severity | 'all', number>> = {
  all: 0,
  info: 0,
  warning: 1,
  error: 2,
};

/** True where a line of that level is to be shown. */
export function passesFilter(level: Severity, filter: LogFilter): boolean {
  return weights[level] >= weights[filter];
}

/** Words that a line without a level needs before anybody looks at what it says. */
const maySayTrouble = /\berr|fail|except|timed? ?out|refused|disconnect|reset by|\b\d{3,5}\b|\{/i;

/**
 * The level of each line of a log, one after another. What TWS says counts by its code: its good
 * news is printed as errors (law 11). The lines of a traceback weigh as much as the error.
 */
export class LineLevels {
  private last: Severity = 'info';
  private isInTraceback = false;

  push(raw: string): Severity {
    this.last = this.levelOf(raw);
    return this.last;
  }

  private levelOf(raw: string): Severity {
    const { text, level, at, isIndented } = parseLogLine(raw);
    if (text.startsWith('Traceback (most recent call last)')) {
      this.isInTraceback = true;
      return 'error';
    }
    const isWrapped = level !== undefined || at !== undefined;
    if (this.isInTraceback && !isWrapped) {
      // Its last line, the error itself, is not indented.
      this.isInTraceback = isIndented === true || text === '';
      return 'error';
    }
    this.isInTraceback = false;
    if (!isWrapped && isIndented === true) {
      return this.last;
    }
    const printed = printedLevel(level);
    return printed === 'info' || (printed === undefined && !maySayTrouble.test(raw))
      ? 'info'
      : (saidLevel(raw) ?? printed ?? 'info');
  }
}

function printedLevel(level: string | undefined): Severity | undefined {
  if (level === undefined) {
    return undefined;
  }
  if (
    /^(?:E|F|C|A|ERR|ERROR|FATAL|CRIT|CRITICAL|ALERT|EMERG|EMERGENCY|SEVERE|PANIC)$/.test(level)
  ) {
    return 'error';
  }
  return /^W(?:ARN|ARNING|RN)?$/.test(level) ? 'warning' : 'info';
}

/** What the line says, whatever it is printed as; undefined where it is not understood. */
function saidLevel(raw: string): Severity | undefined {
  // A reader of its own for each line: one that remembers leaves out what is repeated.
  const facts = createFactReader()(raw);
  return facts.length === 0
    ? undefined
    : facts.map(factLevel).reduce((a, b) => (weights[b] > weights[a] ? b : a));
}

function factLevel(fact: RunnerFact): Severity {
  switch (fact.kind) {
    case 'tws message': {
      const [best] = causesOfMessage(fact.code, fact.text);
      return best === undefined ? 'info' : catalogue[best.id].severity;
    }
    case 'sign': {
      const [best] = fact.causes;
      return best === undefined ? 'warning' : catalogue[best.id].severity;
    }
    case 'fetch failed':
      return 'warning';
    case 'connection failed':
    case 'connection lost':
    case 'error':
      return 'error';
    default:
      return 'info';
  }
}
