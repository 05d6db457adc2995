import path from 'node:path';
import { findNodeAtLocation, type Node, parseTree } from 'jsonc-parser';
import { type EnvEntry, listItems } from '../core/envFile';
import { causeTitles } from '../diagnostics/causeTitles';
import type { CauseId } from '../diagnostics/causeIds';
import { decidingKey } from '../diagnostics/decidingKey';
import type { Finding } from '../diagnostics/finding';
import type { ConfigurationKey, Origin } from '../ibkr/configuration';
import { settingKeys, settingsSection } from './ids';
import { causeWords } from './statusBarView';
import type { L10n } from './words';

/** The files that can decide, as they stand now. */
export interface PlacementFiles {
  /** The folder itself: only files inside get a Problem of ours. Undefined without a folder. */
  readonly folderPath: string | undefined;
  readonly env: ReadonlyMap<string, EnvEntry>;
  /** Text of the folder's `.vscode/settings.json`; undefined where there is none. */
  readonly settings: string | undefined;
  readonly origins: Readonly<Record<'host' | 'port' | 'clientId' | 'symbols' | 'mode', Origin>>;
}

/** Line and columns count from 0; the end is exclusive. */
export interface Place {
  readonly file: 'env' | 'settings' | { readonly path: string };
  readonly line: number;
  readonly start: number;
  readonly end: number;
  /** False where no line decides and the settings file stands in. */
  readonly decides: boolean;
}

const envKeys: Record<ConfigurationKey, readonly string[]> = {
  host: ['IBKR_HOST'],
  port: ['IBKR_PORT'],
  clientId: [],
  symbols: ['SYMBOLS'],
  mode: ['TRADING_MODE', 'EXECUTION_MODE'],
  runnerClientId: ['IBKR_CLIENT_ID'],
};

/** Causes for which the value at that place may well be what is wrong. */
const valueCauses: ReadonlySet<CauseId> = new Set<CauseId>([
  'bad_configuration',
  'bad_host',
  'wsl_docker_network',
  'port_refused',
  'port_mode_mismatch',
  'wrong_service',
  'port_reset_1300',
  'account_mode_mismatch',
  'client_id_in_use_326',
  'no_secdef_200',
  'command_not_found',
]);

/** Causes that may well lie in the program's own lines, or in the file that is marked. */
const codeCauses: ReadonlySet<CauseId> = new Set<CauseId>([
  'runner_error',
  'runner_exited',
  'runner_crash_loop',
  'runner_stalled',
  'runner_older_than_source',
  'kill_switch_triggered',
  'wrong_interpreter',
  'event_loop_misuse',
  'sync_request_timeout',
  'fills_dropped_during_1100',
  'self_inflicted_probe_zombies',
  'reconnect_race',
  'not_connected_504',
  'client_lib_mismatch',
  'timezone_unsupported',
  'decoder_desync',
  'localized_messages',
  'pacing_162',
  'hist_concurrency_322',
  'msg_rate_100',
  'validation_321',
  'malformed_request_320',
  'duplicate_order_id_103',
  'order_rejected_201',
]);

const recordCauses: ReadonlySet<CauseId> = new Set(['records_unwritable', 'disk_full']);

/** Where nothing else decides: the first line of the workspace's settings file. */
const fallback: Place = { file: 'settings', line: 0, start: 0, end: 1, decides: false };

/**
 * The line that decides what a finding is about: the value in `.env`, else the setting, else the
 * first line of the workspace's settings file.
 */
export function placeFinding(finding: Finding, files: PlacementFiles): Place {
  const ownFile = fileInFolder(finding.source?.file, files.folderPath);
  if (finding.source !== undefined && ownFile !== undefined) {
    const line = Math.max(0, finding.source.line - 1);
    return { file: { path: ownFile }, line, start: 0, end: 999, decides: true };
  }
  switch (finding.subject.kind) {
    case 'symbol':
      return placeSymbol(finding.subject.name ?? '', files);
    case 'runner':
      return placeRunner(finding, files);
    case 'process':
      // Robo's own process: the workspace's lines have no part in where it writes.
      return recordCauses.has(finding.guide)
        ? (placeSetting(files.settings, settingKeys.stateDirectory) ?? fallback)
        : (placeEnv('runnerClientId', files) ?? placeValue('port', files));
    case 'connection':
      return placeValue(decidingKey(finding), files);
  }
}

function placeRunner(finding: Finding, files: PlacementFiles): Place {
  switch (finding.guide) {
    case 'command_not_found':
      return placeSetting(files.settings, settingKeys.runnerCommand) ?? fallback;
    case 'client_id_in_use_326':
      return placeValue('runnerClientId', files);
    default:
      return placeValue(decidingKey(finding), files);
  }
}

/** The absolute path of a file that a traceback names, if it lies in the folder. */
function fileInFolder(file: string | undefined, folder: string | undefined): string | undefined {
  if (file === undefined || folder === undefined) {
    return undefined;
  }
  const absolute = path.resolve(folder, file);
  const relative = path.relative(folder, absolute);
  const isInside = relative !== '' && !relative.startsWith('..') && !path.isAbsolute(relative);
  return isInside && !absolute.includes('\0') ? absolute : undefined;
}

/** The place of a configured value; for a key that nobody set the port's line stands in. */
export function placeValue(key: ConfigurationKey, files: PlacementFiles): Place {
  if (key === 'runnerClientId') {
    return placeEnv(key, files) ?? fallback;
  }
  const place =
    files.origins[key] === 'envFile'
      ? placeEnv(key, files)
      : files.origins[key] === 'setting'
        ? placeSetting(files.settings, key)
        : undefined;
  return place ?? (key === 'port' ? fallback : { ...placeValue('port', files), decides: false });
}

function placeEnv(key: ConfigurationKey, files: PlacementFiles): Place | undefined {
  const entry = envKeys[key]
    .map((name) => files.env.get(name))
    .find((found) => found !== undefined);
  if (entry === undefined) {
    return undefined;
  }
  const isEmpty = entry.valueEnd <= entry.valueStart;
  return {
    file: 'env',
    line: entry.line,
    start: isEmpty ? entry.keyStart : entry.valueStart,
    end: isEmpty ? entry.keyStart + entry.key.length : entry.valueEnd,
    decides: true,
  };
}

function placeSymbol(symbol: string, files: PlacementFiles): Place {
  if (files.origins.symbols === 'setting') {
    return (
      placeSetting(files.settings, settingKeys.symbols, symbol) ?? placeValue('symbols', files)
    );
  }
  const entry = files.env.get('SYMBOLS');
  const item =
    entry === undefined
      ? undefined
      : listItems(entry).find((each) => each.text.toUpperCase() === symbol.toUpperCase());
  return item === undefined
    ? placeValue('symbols', files)
    : { file: 'env', line: item.line, start: item.start, end: item.end, decides: true };
}

function placeSetting(text: string | undefined, key: string, listItem?: string): Place | undefined {
  const tree = text === undefined ? undefined : parseTree(text);
  const whole = tree && findNodeAtLocation(tree, [`${settingsSection}.${key}`]);
  if (text === undefined || whole === undefined) {
    return undefined;
  }
  const node = (listItem === undefined ? undefined : itemOf(whole, listItem)) ?? whole;
  const before = text.slice(0, node.offset);
  const lineStart = before.lastIndexOf('\n') + 1;
  const firstLine = text.slice(node.offset, node.offset + node.length).split(/\r?\n/, 1)[0] ?? '';
  const start = node.offset - lineStart;
  return {
    file: 'settings',
    line: before.split('\n').length - 1,
    start,
    end: start + Math.max(1, firstLine.length),
    decides: true,
  };
}

function itemOf(list: Node, text: string): Node | undefined {
  return list.children?.find((child) => String(child.value).toUpperCase() === text.toUpperCase());
}

/** The text of a Problem: what happened, the likely causes, what to do, and whether this file is to blame. */
export function problemText(finding: Finding, place: Place, l10n: L10n): string {
  const parts = [finding.message];
  const [best] = finding.causes;
  if (best !== undefined) {
    parts.push(
      best.confidence >= 0.9
        ? l10n.t('Cause: {0}.', causeTitles[best.id])
        : l10n.t('Likely: {0}.', causeWords(finding, l10n)),
    );
  }
  const [step] = finding.remedy;
  if (step !== undefined) {
    parts.push(l10n.t('What to do: {0}', step));
  }
  const blame = blameOf(finding, place, l10n);
  return [...parts, ...(blame === undefined ? [] : [blame])].join(' ');
}

/** Whether the marked lines are to blame: neither a person nor an assistant should "mend" right ones. */
function blameOf(finding: Finding, place: Place, l10n: L10n): string | undefined {
  const isOurs = typeof place.file === 'string';
  const isAbout = finding.causes.map(
    ({ id }) => valueCauses.has(id) || (!isOurs && codeCauses.has(id)),
  );
  if (!isAbout.includes(true)) {
    return l10n.t('Nothing in this file is wrong: do not change it to cure this.');
  }
  if (!place.decides) {
    return l10n.t(
      'No line of this workspace sets it: the value comes from the environment, your user settings or the default.',
    );
  }
  return isAbout[0] === false
    ? l10n.t('Probably nothing in this file is wrong: try the rest before you change it.')
    : undefined;
}
