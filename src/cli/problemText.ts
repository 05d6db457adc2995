import { existsSync } from 'node:fs';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { type EnvEntry, listItems } from '../core/envFile';
import { decidingKey } from '../diagnostics/decidingKey';
import type { Finding } from '../diagnostics/finding';
import type { Configuration, ConfigurationKey } from '../ibkr/configuration';
import { type CommandContext, UsageError } from './command';
import type { EndpointCommand } from './options';
import { printable } from './style';

export type OutputFormat = 'text' | 'json' | 'problem';

/** What `--json` and `--format` ask for together. @throws UsageError where they contradict. */
export function formatOf(isJson: boolean, format: string | boolean | undefined): OutputFormat {
  if (format !== undefined && format !== 'problem' && format !== 'json' && format !== 'text') {
    throw new UsageError(`--format is "${String(format)}"; use problem, json or text.`);
  }
  if (isJson && format !== undefined && format !== 'json') {
    throw new UsageError('Use either --json or --format.');
  }
  return isJson ? 'json' : (format ?? 'text');
}

/** A place in a file for the `$robo` problem matcher; line and column count from 1. */
export interface ProblemPlace {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** `file:line:column: severity CAUSE: message`, on one line whatever is in the message. */
export function problemLine(
  { file, line, column }: ProblemPlace,
  problem: { readonly severity: string; readonly cause: string; readonly message: string },
): string {
  const { severity, cause, message } = problem;
  return `${oneLine(file)}:${line}:${column}: ${severity} ${cause}: ${oneLine(message)}`;
}

function oneLine(text: string): string {
  return printable(text).replace(/\s+/g, ' ');
}

/** What of a folder decides where a problem stands. */
interface ProblemFolder {
  readonly folder: string;
  readonly envFile: ReadonlyMap<string, EnvEntry>;
  readonly origins: Configuration['origins'];
}

/** A finding with its first remedy, at the line of `.env` that decides it. */
function problemText(finding: Finding, folder: ProblemFolder): string {
  const [step = ''] = finding.remedy;
  return problemLine(placeOf(finding, folder), {
    severity: finding.severity,
    cause: finding.guide,
    message: `${finding.message} ${step}`.trim(),
  });
}

/**
 * The traceback's own line inside the folder, the symbol in its list, the value that decides, else
 * the first line of `.env`, or of the editor's settings where there is no `.env`.
 */
function placeOf(finding: Finding, folder: ProblemFolder): ProblemPlace {
  const { source, subject } = finding;
  const own = source === undefined ? undefined : fileInside(source.file, folder.folder);
  if (own !== undefined && source !== undefined) {
    return { file: own, line: source.line, column: 1 };
  }
  const entry =
    subject.kind === 'symbol'
      ? symbolEntry(subject.name ?? '', folder)
      : valueEntry(decidingKey(finding), folder);
  const file = join(folder.folder, '.env');
  if (entry !== undefined) {
    return { file, line: entry.line + 1, column: entry.start + 1 };
  }
  const settings = join(folder.folder, '.vscode', 'settings.json');
  const isThere = existsSync(file) || !existsSync(settings);
  return { file: isThere ? file : settings, line: 1, column: 1 };
}

function fileInside(file: string, folder: string): string | undefined {
  const absolute = resolve(folder, file);
  const path = relative(folder, absolute);
  return path === '' || path.startsWith('..') || isAbsolute(path) ? undefined : absolute;
}

interface Start {
  readonly line: number;
  readonly start: number;
}

function symbolEntry(symbol: string, folder: ProblemFolder): Start | undefined {
  const entry = folder.origins.symbols === 'envFile' ? folder.envFile.get('SYMBOLS') : undefined;
  const item =
    entry === undefined
      ? undefined
      : listItems(entry).find(({ text }) => text.toUpperCase() === symbol.toUpperCase());
  return item ?? valueEntry('symbols', folder);
}

const envNames: Readonly<Record<Exclude<ConfigurationKey, 'runnerClientId'>, readonly string[]>> = {
  host: ['IBKR_HOST'],
  port: ['IBKR_PORT'],
  clientId: [],
  symbols: ['SYMBOLS'],
  mode: ['TRADING_MODE', 'EXECUTION_MODE'],
};

/** A value that `.env` does not set falls back to the port's. */
function valueEntry(key: keyof typeof envNames, folder: ProblemFolder): Start | undefined {
  const entry =
    folder.origins[key] === 'envFile'
      ? envNames[key].map((name) => folder.envFile.get(name)).find((found) => found !== undefined)
      : undefined;
  if (entry !== undefined) {
    return { line: entry.line, start: entry.valueStart };
  }
  return key === 'port' ? undefined : valueEntry('port', folder);
}

/** All findings of a command, one a line. */
export function problemLines(
  findings: readonly Finding[],
  { configuration, envFile }: Pick<EndpointCommand, 'configuration' | 'envFile'>,
  { workingDirectory: folder }: Pick<CommandContext, 'workingDirectory'>,
): string {
  const { origins } = configuration;
  return findings.map((each) => `${problemText(each, { folder, envFile, origins })}\n`).join('');
}
