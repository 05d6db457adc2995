import { findNodeAtLocation, parseTree } from 'jsonc-parser';
import { listItems } from '../core/envFile';
import { causeTitles } from '../diagnostics/causeTitles';
import type { CauseId } from '../diagnostics/causeIds';
import type { Finding } from '../diagnostics/finding';
import type { Configuration } from '../ibkr/configuration';
import { defaultClientId, isLoopback, type Mode, usualPort } from '../ibkr/endpoint';
import { commandIds, settingKeys, settingsSection } from './ids';
import { placeValue, type PlacementFiles } from './placeFinding';
import type { ActionLink } from './statusBarView';
import { type L10n, plain } from './words';

/** A replacement in one of the two files; lines and columns count from 0, the end is exclusive. */
export interface FileEdit {
  readonly file: 'env' | 'settings';
  readonly from: readonly [line: number, column: number];
  readonly to: readonly [line: number, column: number];
  readonly text: string;
}

/** One way to mend or to understand a finding: an edit that is shown before it is saved, or a command. */
export type Cure = { readonly title: string; readonly isPreferred: boolean } & (
  | { readonly edit: FileEdit; readonly action?: never }
  | { readonly action: ActionLink; readonly edit?: never }
);

export interface CureContext {
  /** The texts as they stand in the editor. */
  readonly files: PlacementFiles;
  readonly configuration: Pick<Configuration, 'endpoint' | 'clientId' | 'mode' | 'runnerClientId'>;
  /** The trader has allowed ENABLEAPI, and IBC can be asked. */
  readonly canEnableApi: boolean;
}

/** Causes that a name for this machine other than 127.0.0.1 can have. */
const nameCauses: ReadonlySet<CauseId> = new Set<CauseId>([
  'bad_host',
  'ipv6_trusted_ip_mismatch',
  'closed_at_once_untrusted',
  'tcp_timeout_unreachable',
]);

/**
 * Everything that can be done about a finding, best first; at most one is preferred, and never one
 * that changes what is traded with.
 */
export function curesFor(finding: Finding, context: CureContext, l10n: L10n): readonly Cure[] {
  const guide = command(
    l10n.t('Open the TWS setup guide at "{0}"', causeTitles[finding.guide]),
    commandIds.openGuide,
    finding.guide,
  );
  const isDoubled = finding.guide === 'duplicate_runner';
  const kill = command(l10n.t('Show and end duplicate runners'), commandIds.killDuplicates);
  const mayBeDoubled = finding.causes.some(
    ({ id }) => id === 'duplicate_runner' || id === 'client_id_in_use_326',
  );
  return [
    ...(isDoubled ? [preferred(kill), guide] : [preferred(guide)]),
    ...portEdits(finding, context, l10n),
    ...hostEdit(finding, context, l10n),
    ...symbolEdit(finding, context, l10n),
    ...(mayBeDoubled && !isDoubled ? [kill] : []),
    ...clientIdEdit(finding, context, l10n),
    ...enableApi(finding, context, l10n),
    ...(finding.subject.kind === 'connection'
      ? [
          command(l10n.t('Show what blocks: layer, evidence, ages'), commandIds.showStatus),
          command(l10n.t('Test the IBKR connection'), commandIds.test),
        ]
      : []),
    command(l10n.t('Show its lines in the log'), commandIds.showInLog, finding.guide),
    command(
      l10n.t('Explain: causes, evidence, what speaks against it'),
      commandIds.explain,
      finding.guide,
    ),
    command(l10n.t('Do not show this cause here as a Problem'), commandIds.silence, finding.guide),
  ];
}

function command(title: string, id: string, ...args: string[]): Cure {
  return { title, isPreferred: false, action: { title, command: id, arguments: args } };
}

function preferred(cure: Cure): Cure {
  return { ...cure, isPreferred: true };
}

/** The ports that listen instead, of the same mode only: nobody is ever led from paper to live. */
function portEdits(
  { listeningPorts = [] }: Finding,
  { files, configuration }: CureContext,
  l10n: L10n,
): readonly Cure[] {
  const mode = certainMode(configuration);
  const place = placeValue('port', files);
  if (mode === undefined || !place.decides || typeof place.file !== 'string') {
    return [];
  }
  const { file, line, start, end } = place;
  return listeningPorts
    .filter((port) => port !== configuration.endpoint.port && usualPort(port)?.mode === mode)
    .map((port) => ({
      title: l10n.t(
        'Use port {0} ({1} {2}), which is listening',
        port,
        usualPort(port)?.product ?? '',
        mode,
      ),
      isPreferred: false,
      edit: { file, from: [line, start], to: [line, end], text: String(port) },
    }));
}

/** Paper or live, where port and configuration do not contradict each other. */
function certainMode({ endpoint, mode }: CureContext['configuration']): Mode | undefined {
  const ofPort = usualPort(endpoint.port)?.mode;
  return ofPort === undefined || mode === undefined || ofPort === mode
    ? (ofPort ?? mode)
    : undefined;
}

/** `localhost` may lead to ::1, which TWS does not trust; 127.0.0.1 is this machine all the same. */
function hostEdit({ causes }: Finding, { files }: CureContext, l10n: L10n): readonly Cure[] {
  const place = placeValue('host', files);
  const host =
    files.origins.host === 'envFile' ? files.env.get('IBKR_HOST')?.value : hostSetting(files);
  const isOtherName = host !== undefined && host.trim() !== '127.0.0.1' && isLoopback(host);
  const isAbout = causes.some(({ id }) => nameCauses.has(id));
  if (!isOtherName || !isAbout || !place.decides || typeof place.file !== 'string') {
    return [];
  }
  const { file, line, start, end } = place;
  const text = file === 'settings' ? '"127.0.0.1"' : '127.0.0.1';
  return [
    {
      title: l10n.t('Use 127.0.0.1 instead of {0}', plain(host, 40)),
      isPreferred: false,
      edit: { file, from: [line, start], to: [line, end], text },
    },
  ];
}

function hostSetting({ settings, origins }: PlacementFiles): string | undefined {
  const tree =
    origins.host === 'setting' && settings !== undefined ? parseTree(settings) : undefined;
  const value: unknown =
    tree && findNodeAtLocation(tree, [`${settingsSection}.${settingKeys.host}`])?.value;
  return typeof value === 'string' ? value : undefined;
}

/** Takes an unknown symbol, with its comma, out of its list. */
function symbolEdit(
  { subject, causes }: Finding,
  { files }: CureContext,
  l10n: L10n,
): readonly Cure[] {
  const isUnknown = causes.some(({ id }) => id === 'no_secdef_200');
  const symbol = subject.kind === 'symbol' ? subject.name?.toUpperCase() : undefined;
  if (!isUnknown || symbol === undefined) {
    return [];
  }
  const list = files.origins.symbols === 'setting' ? settingsList(files.settings) : envList(files);
  const at = list?.items.findIndex(({ text }) => text.toUpperCase() === symbol) ?? -1;
  const [item, before, after] = [list?.items[at], list?.items[at - 1], list?.items[at + 1]];
  if (list === undefined || item === undefined) {
    return [];
  }
  // The last one goes with the comma before it, every other one with what lies up to the next.
  const from = after === undefined && before !== undefined ? before.to : item.from;
  const to = after === undefined ? item.to : after.from;
  return [
    {
      title: l10n.t('Remove {0} from the list of symbols', plain(symbol, 20)),
      isPreferred: false,
      edit: { file: list.file, from, to, text: '' },
    },
  ];
}

interface List {
  readonly file: FileEdit['file'];
  readonly items: readonly (Pick<FileEdit, 'from' | 'to'> & { readonly text: string })[];
}

function envList({ env, origins }: PlacementFiles): List | undefined {
  const entry = origins.symbols === 'envFile' ? env.get('SYMBOLS') : undefined;
  return (
    entry && {
      file: 'env',
      items: listItems(entry).map(({ text, line, start, end }) => ({
        text,
        from: [line, start],
        to: [line, end],
      })),
    }
  );
}

function settingsList(settings: string | undefined): List | undefined {
  const tree = settings === undefined ? undefined : parseTree(settings);
  const node = tree && findNodeAtLocation(tree, [`${settingsSection}.${settingKeys.symbols}`]);
  const position = (offset: number): readonly [number, number] => {
    const lines = (settings ?? '').slice(0, offset).split('\n');
    return [lines.length - 1, lines.at(-1)?.length ?? 0];
  };
  return node?.type !== 'array'
    ? undefined
    : {
        file: 'settings',
        items: (node.children ?? []).map(({ value, offset, length }) => ({
          text: String(value),
          from: position(offset),
          to: position(offset + length),
        })),
      };
}

/** Another id for the runner, where its own is taken: a second runner must be ended first. */
function clientIdEdit(
  { subject, causes, guide }: Finding,
  { files, configuration }: CureContext,
  l10n: L10n,
): readonly Cure[] {
  const entry = files.env.get('IBKR_CLIENT_ID');
  const { clientId: own, runnerClientId } = configuration;
  const isTaken = causes.some(({ id }) => id === 'client_id_in_use_326');
  // For Robo's own id the runner's plays a part only where it is the same one.
  const isRunners = subject.kind !== 'connection' || runnerClientId === own;
  if (!isTaken || !isRunners || guide === 'duplicate_runner') {
    return [];
  }
  if (entry === undefined || !/^\d{1,9}$/.test(entry.value)) {
    return [];
  }
  const id = freeClientId(Number(entry.value), own);
  return [
    {
      title: l10n.t('Give the runner client id {0}, if no second one runs', id),
      isPreferred: false,
      edit: {
        file: 'env',
        from: [entry.line, entry.valueStart],
        to: [entry.line, entry.valueEnd],
        text: String(id),
      },
    },
  ];
}

/** Robo takes the next of these when its own id is in use. */
const ownRange = 100;

/** The next id that is neither 0, which is bound to TWS's own orders, nor one of Robo's. */
export function freeClientId(present: number, own: number): number {
  const blocks = [own, defaultClientId].toSorted((a, b) => a - b);
  return blocks.reduce(
    (id, first) => (id >= first && id < first + ownRange ? first + ownRange : id),
    present + 1,
  );
}

function enableApi(finding: Finding, { canEnableApi }: CureContext, l10n: L10n): readonly Cure[] {
  const isOff = finding.causes.some(({ id }) => id === 'silent_api_not_enabled');
  // The trader's word to the recovery: it skips the wait and keeps every law.
  return canEnableApi && isOff && finding.subject.kind === 'connection'
    ? [command(l10n.t('Ask IBC to enable the API now'), commandIds.reconnect)]
    : [];
}
