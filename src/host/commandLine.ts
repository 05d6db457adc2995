/**
 * Splits a Windows command line as the C runtime does since 2008, and with it Python, Java and
 * Node.js. In the first argument quotes only group and backslashes are ordinary. After it, 2n
 * backslashes before a quote are n backslashes and the quote groups, 2n+1 are n and a plain
 * quote; two quotes inside quotes are a plain one.
 */
export function splitCommandLine(commandLine: string): readonly string[] {
  const { argument, rest } = firstArgument(commandLine);
  const argv = argument === '' && rest.trim() === '' ? [] : [argument];
  let at = 0;
  for (;;) {
    while (isBlank(rest[at])) {
      at += 1;
    }
    if (at >= rest.length) {
      return argv;
    }
    const next = nextArgument(rest, at);
    argv.push(next.argument);
    at = next.end;
  }
}

function isBlank(character: string | undefined): boolean {
  return character === ' ' || character === '\t';
}

/** The program: up to the closing quote, or to the first blank. */
function firstArgument(text: string): { readonly argument: string; readonly rest: string } {
  let argument = '';
  let isQuoted = false;
  let at = 0;
  for (; at < text.length && (isQuoted || !isBlank(text[at])); at += 1) {
    if (text[at] === '"') {
      isQuoted = !isQuoted;
    } else {
      argument += text[at] ?? '';
    }
  }
  return { argument, rest: text.slice(at) };
}

function nextArgument(
  text: string,
  start: number,
): { readonly argument: string; readonly end: number } {
  let argument = '';
  let isQuoted = false;
  let at = start;
  while (at < text.length && (isQuoted || !isBlank(text[at]))) {
    const first = at;
    while (text[at] === '\\') {
      at += 1;
    }
    const backslashes = at - first;
    if (text[at] !== '"') {
      argument += '\\'.repeat(backslashes);
      if (backslashes === 0) {
        argument += text[at] ?? '';
        at += 1;
      }
      continue;
    }
    argument += '\\'.repeat(Math.floor(backslashes / 2));
    const isDoubled = isQuoted && text[at + 1] === '"';
    if (backslashes % 2 === 1 || isDoubled) {
      argument += '"';
      at += backslashes % 2 === 1 ? 1 : 2;
    } else {
      isQuoted = !isQuoted;
      at += 1;
    }
  }
  return { argument, end: at };
}
