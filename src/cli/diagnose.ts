import { readSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { stdin } from 'node:process';
import type { Readable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { errorCode, errorText, HumanError } from '../core/errors';
import { catalogue } from '../diagnostics/catalogue';
import { LogFeed } from '../diagnostics/logFeed';
import type { LogFinding } from '../diagnostics/logIncidents';
import { remedyFor } from '../diagnostics/remedy';
import { maxLineBytes } from '../diagnostics/textDecoding';
import { type Command, UsageError } from './command';
import { parseFlags } from './flags';
import { formatOf, type OutputFormat, problemLine } from './problemText';
import { printable, type Style, styleFor } from './style';

/** Read at a time; more is no quicker. Bytes. */
const chunkBytes = 262_144;
/** So many are read before anything else has its turn. */
const chunksPerTurn = 16;

/**
 * `robo diagnose [FILE|-]`: reads a log of any supported client as a stream and says what went
 * wrong. Exit 0 nothing wrong, 1 findings (or a file that cannot be read).
 */
export const diagnoseCommand: Command = async (context) => {
  const { flags, positionals } = parseFlags(
    context,
    { json: { type: 'boolean' }, format: { type: 'string' } },
    1,
  );
  const format = formatOf(flags['json'] === true, flags['format']);
  const [name = '-'] = positionals;
  if (positionals.length === 0 && stdin.isTTY) {
    throw new UsageError('Name a log file, or pipe a log into "robo diagnose -".');
  }
  const file = name === '-' ? undefined : resolve(context.workingDirectory, name);
  const { findings, cutLines } = await readLog(file, context.signal);
  const style = styleFor(context);
  for (const finding of findings) {
    context.stdout(`${render(finding, format, { name: file ?? 'stdin', style })}\n`);
  }
  if (cutLines > 0) {
    const lines = cutLines === 1 ? 'One line was' : `${cutLines} lines were`;
    context.stderr(`${lines} longer than ${maxLineBytes / 1024} KiB and read only to there.\n`);
  }
  if (format === 'text' && findings.length === 0) {
    context.stdout('Nothing wrong was found.\n');
  }
  return findings.some(({ severity }) => severity !== 'info') ? 1 : 0;
};

/** @throws HumanError when the file cannot be read. */
async function readLog(
  file: string | undefined,
  signal: AbortSignal,
): Promise<Pick<LogFeed, 'cutLines'> & { readonly findings: readonly LogFinding[] }> {
  const feed = new LogFeed();
  try {
    await (file === undefined ? readStream(stdin, feed, signal) : readFile(file, feed, signal));
  } catch (error) {
    if (!signal.aborted) {
      throw new HumanError(`${file ?? 'The input'} cannot be read: ${reasonOf(error)}.`);
    }
  }
  return { findings: feed.end(), cutLines: feed.cutLines };
}

async function readFile(file: string, feed: LogFeed, signal: AbortSignal): Promise<void> {
  const handle = await open(file);
  try {
    if ((await handle.stat()).isFile()) {
      await readWhole(handle.fd, feed, signal);
    } else {
      // A named pipe may stay silent for ever.
      await readStream(handle.createReadStream({ highWaterMark: chunkBytes }), feed, signal);
    }
  } finally {
    await handle.close();
  }
}

/**
 * Into one buffer again and again: memory stays the same for any file. Reading synchronously is
 * several times as fast; now and then others have their turn.
 */
async function readWhole(descriptor: number, feed: LogFeed, signal: AbortSignal): Promise<void> {
  const buffer = Buffer.allocUnsafe(chunkBytes);
  for (let chunk = 1; !signal.aborted; chunk += 1) {
    const length = readSync(descriptor, buffer, 0, chunkBytes, null);
    if (length === 0) {
      return;
    }
    feed.push(buffer.subarray(0, length));
    if (chunk % chunksPerTurn === 0) {
      await turn();
    }
  }
}

async function readStream(input: Readable, feed: LogFeed, signal: AbortSignal): Promise<void> {
  // What was read until then counts.
  const stop = (): void => {
    input.destroy();
  };
  signal.addEventListener('abort', stop, { once: true });
  for await (const chunk of input) {
    feed.push(Buffer.from(chunk as Uint8Array));
    if (signal.aborted) {
      return;
    }
  }
}

function reasonOf(error: unknown): string {
  switch (errorCode(error)) {
    case 'ENOENT':
      return 'there is no such file; check the path';
    case 'EACCES':
      return 'permission denied; make it readable for you';
    case 'EISDIR':
      return 'it is a folder; name a log file in it';
    default:
      return errorText(error);
  }
}

interface Rendering {
  readonly name: string;
  readonly style: Style;
}

function render(finding: LogFinding, format: OutputFormat, rendering: Rendering): string {
  switch (format) {
    case 'json':
      return JSON.stringify({ schema: 1, ...finding });
    case 'problem': {
      const { file, line } = finding.source ?? { file: rendering.name, line: finding.line };
      const cause = finding.causes[0]?.id ?? '';
      const { severity, message } = finding;
      return problemLine({ file, line, column: 1 }, { severity, cause, message });
    }
    case 'text':
      return describe(finding, rendering.style);
  }
}

/** Several lines for a person: where, what, why, what to do. */
function describe(finding: LogFinding, style: Style): string {
  const { line, endLine, severity, subject, causes, count, source } = finding;
  const [best] = causes;
  const paint = severity === 'error' ? style.bad : severity === 'warning' ? style.warn : style.dim;
  const title = best === undefined ? '' : catalogue[best.id].title;
  const where = line === endLine ? `line ${line}` : `lines ${line}-${endLine}`;
  const who =
    subject.name === undefined ? subject.kind : `${subject.kind} ${printable(subject.name)}`;
  const times = count > 1 ? `, ${count} times` : '';
  const ranked = causes.map(({ id, confidence }) => `${id} ${confidence.toFixed(2)}`).join(', ');
  const place = source === undefined ? [] : [`  at:     ${printable(source.file)}:${source.line}`];
  const [step] = best === undefined ? [] : remedyFor(best.id, { platform: process.platform });
  return [
    `${paint(severity)}  ${style.bold(title)}  ${style.dim(`(${who}, ${where}${times})`)}`,
    `  seen:   ${printable(finding.message)}`,
    ...place,
    `  causes: ${ranked}`,
    ...(step === undefined || severity === 'info' ? [] : [`  do:     ${step}`]),
  ].join('\n');
}
