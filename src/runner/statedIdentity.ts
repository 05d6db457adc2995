import type { Entry, ProcessView } from './processView';
import { isProgramOf, type ProcessGroup } from './processGroups';

/** What a runner may be told about itself: by flags, by its environment, by the workspace's `.env`. */
const sources = {
  host: { flags: ['--host', '--ib-host', '--ibkr-host', '--tws-host'], variables: ['IBKR_HOST'] },
  port: { flags: ['--port', '--ib-port', '--ibkr-port', '--tws-port'], variables: ['IBKR_PORT'] },
  account: { flags: ['--account', '--ibkr-account'], variables: ['IBKR_ACCOUNT'] },
  portfolio: { flags: ['--portfolio', '--portfolio-id'], variables: [] },
  portfolios: { flags: ['--portfolios'], variables: ['PORTFOLIOS'] },
  'client id': {
    flags: ['--client-id', '--clientid', '--ibkr-client-id'],
    variables: ['IBKR_CLIENT_ID'],
  },
  mode: {
    flags: ['--mode', '--trading-mode', '--execution-mode'],
    variables: ['TRADING_MODE', 'EXECUTION_MODE'],
  },
  'dashboard port': { flags: ['--port', '-p'], variables: ['DASH_PORT'] },
  'feed port': { flags: ['--port', '-p'], variables: ['WEBSOCKET_PORT'] },
} as const satisfies Record<
  string,
  { readonly flags: readonly string[]; readonly variables: readonly string[] }
>;

export type Stated = keyof typeof sources;

/** The variables that tell runners apart; no other one is read. */
export const statedVariables: readonly string[] = Object.values(sources).flatMap(
  ({ variables }) => variables,
);

/**
 * What a runner was told, in a form that can be compared: its flags over its environment over the
 * workspace's `.env`, as the loaders of such files have it. Undefined where nobody says it.
 */
export function statedValue(
  group: ProcessGroup,
  what: Stated,
  view: ProcessView,
): string | undefined {
  const members = speakers(group, view);
  const { flags, variables } = sources[what];
  const text =
    first(members, (entry) => flagValue(entry, flags)) ??
    (what === 'mode' ? first(members, switchedMode) : undefined) ??
    first(members, (entry) => variableOf(variables, (name) => view.variable(entry, name))) ??
    variableOf(variables, (name) => view.input.envFile?.get(name)) ??
    ownDefault(what, members, view);
  return text === undefined ? undefined : comparable(what, text);
}

/** The id that the trader's system takes where nothing names one (origin system, section 4.4). */
const roboTraderClientId = '123';

/**
 * What a program does that was told nothing, where that is known: only where its environment and
 * the workspace's `.env` could be read is nothing told. Of other programs nobody knows it, and two
 * are told apart by a client id only where both name one.
 */
function ownDefault(
  what: Stated,
  members: readonly Entry[],
  { input: { background, envFile } }: ProcessView,
): string | undefined {
  const isKnown = members.some(
    ({ info, processClass }) =>
      processClass.family === 'robo_trader' && background?.get(info.pid)?.environment !== undefined,
  );
  return what === 'client id' && isKnown && envFile !== undefined ? roboTraderClientId : undefined;
}

/** The programs themselves before the wrappers and shells around them. */
function speakers(group: ProcessGroup, view: ProcessView): readonly Entry[] {
  const { root, members } = group;
  const isProgram = (entry: Entry): boolean =>
    entry.processClass.program?.wrapper === undefined && isProgramOf(group, entry, view);
  return [...members.filter(isProgram), root, ...members.filter((entry) => !isProgram(entry))];
}

function first(
  entries: readonly Entry[],
  read: (entry: Entry) => string | undefined,
): string | undefined {
  for (const entry of entries) {
    const value = read(entry);
    if (value !== undefined) {
      return value;
    }
  }
  return undefined;
}

function variableOf(
  names: readonly string[],
  read: (name: string) => string | undefined,
): string | undefined {
  return names.map(read).find((value) => value !== undefined && value.trim() !== '');
}

function flagValue(
  { processClass: { program } }: Entry,
  flags: readonly string[],
): string | undefined {
  const args = program?.args ?? [];
  for (const [index, arg] of args.entries()) {
    const at = arg.indexOf('=');
    const name = (at < 0 ? arg : arg.slice(0, at)).replaceAll('_', '-').toLowerCase();
    if (flags.includes(name)) {
      return at < 0 ? args[index + 1] : arg.slice(at + 1);
    }
  }
  return undefined;
}

/** `--live` and `--paper` name the mode without a value. */
function switchedMode({ processClass: { program } }: Entry): string | undefined {
  const switches = program?.args.filter((arg) => arg === '--live' || arg === '--paper');
  return switches?.at(-1)?.slice(2);
}

function comparable(what: Stated, text: string): string {
  const value = text.trim();
  switch (what) {
    case 'port':
    case 'client id':
    case 'dashboard port':
    case 'feed port':
      return /^\d+$/.test(value) ? String(Number(value)) : value;
    case 'mode':
    case 'host':
      return value.toLowerCase();
    case 'portfolios':
      return canonicalJson(value);
    case 'account':
    case 'portfolio':
      return value;
  }
}

/** Two spellings of one list are one list. */
function canonicalJson(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text));
  } catch {
    return text;
  }
}
