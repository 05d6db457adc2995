import { createReadStream } from 'node:fs';
import { resolve } from 'node:path';
import { stdin } from 'node:process';
import { errorCode, errorText, HumanError } from '../core/errors';
import { catalogue } from '../diagnostics/catalogue';
import { type LogFinding, LogReader } from '../diagnostics/logReader';
import { type Command, UsageError } from './command';
import { parseFlags } from './options';
import { printable, type Style, styleFor } from './style';

/** Longer lines are cut there; a file without line breaks must not fill the memory. */
const maxLineLength = 131_072;

type Format = 'text' | 'json' | 'problem';

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
  const findings = await readLog(file, context.signal);
  const style = styleFor(context);
  for (const finding of findings) {
    context.stdout(`${render(finding, format, { name: file ?? 'stdin', style })}\n`);
  }
  if (format === 'text' && findings.length === 0) {
    context.stdout('Nothing wrong was found.\n');
  }
  return findings.some(({ severity }) => severity !== 'info') ? 1 : 0;
};

function formatOf(isJson: boolean, format: string | boolean | undefined): Format {
  if (format !== undefined && format !== 'problem' && format !== 'json' && format !== 'text') {
    throw new UsageError(`--format is "${String(format)}"; use problem, json or text.`);
  }
  if (isJson && format !== undefined && format !== 'json') {
    throw new UsageError('Use either --json or --format.');
  }
  return isJson ? 'json' : (format ?? 'text');
}

/** @throws HumanError when the file cannot be read. */
async function readLog(
  file: string | undefined,
  signal: AbortSignal,
): Promise<readonly LogFinding[]> {
  const reader = new LogReader();
  const stream = file === undefined ? stdin : createReadStream(file, { highWaterMark: 262_144 });
  stream.setEncoding('utf8');
  // A terminal or a pipe may stay silent for ever; what was read until then counts.
  const stop = (): void => {
    stream.destroy();
  };
  signal.addEventListener('abort', stop, { once: true });
  let rest = '';
  try {
    for await (const chunk of stream) {
      const text = rest + String(chunk);
      let start = 0;
      for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', start)) {
        reader.push(text.slice(start, Math.min(end, start + maxLineLength)));
        start = end + 1;
      }
      rest = text.slice(start, start + maxLineLength);
      if (signal.aborted) {
        break;
      }
    }
  } catch (error) {
    if (signal.aborted) {
      return reader.end();
    }
    throw new HumanError(`${file ?? 'The input'} cannot be read: ${reasonOf(error)}.`);
  }
  if (rest !== '') {
    reader.push(rest);
  }
  return reader.end();
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

function render(finding: LogFinding, format: Format, rendering: Rendering): string {
  switch (format) {
    case 'json':
      return JSON.stringify({ schema: 1, ...finding });
    case 'problem': {
      const { file, line } = finding.source ?? { file: rendering.name, line: finding.line };
      const cause = finding.causes[0]?.id ?? '';
      return `${printable(file)}:${line}:1: ${finding.severity} ${cause}: ${printable(finding.message)}`;
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
  const who = subject.name === undefined ? subject.kind : `${subject.kind} ${subject.name}`;
  const times = count > 1 ? `, ${count} times` : '';
  const ranked = causes.map(({ id, confidence }) => `${id} ${confidence.toFixed(2)}`).join(', ');
  const place = source === undefined ? [] : [`  at:     ${printable(source.file)}:${source.line}`];
  const [step] = best === undefined ? [] : catalogue[best.id].remedy;
  return [
    `${paint(severity)}  ${style.bold(title)}  ${style.dim(`(${who}, ${where}${times})`)}`,
    `  seen:   ${printable(finding.message)}`,
    ...place,
    `  causes: ${ranked}`,
    ...(step === undefined || severity === 'info' ? [] : [`  do:     ${step}`]),
  ].join('\n');
}
