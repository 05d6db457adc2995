import { messageTable } from './messageTable';

/** `good` is news that all is well; `fatal` ends the connection. */
export type MessageClass = 'good' | 'info' | 'warning' | 'error' | 'fatal';

/** What a message is about. `client` marks those that client libraries make up themselves. */
export type MessageScope =
  'connection' | 'upstream' | 'farm' | 'data' | 'order' | 'request' | 'rate' | 'version' | 'client';

export interface MessageMeaning {
  readonly code: number;
  readonly class: MessageClass;
  readonly scope: MessageScope;
  /** IBKR's English text; empty where none is documented. */
  readonly text: string;
  /** False for a code that stands in no table: its class is then a guess from its range. */
  readonly isDocumented: boolean;
}

const classes = ['good', 'info', 'warning', 'error', 'fatal'] as const satisfies MessageClass[];
const scopes = [
  'connection',
  'upstream',
  'farm',
  'data',
  'order',
  'request',
  'rate',
  'version',
  'client',
] as const satisfies MessageScope[];

const meanings: ReadonlyMap<number, MessageMeaning> = new Map(
  messageTable
    .trim()
    .split('\n')
    .map((row) => {
      const [code = '', className = '', scopeName = '', ...words] = row.split(' ');
      const meaning: MessageMeaning = {
        code: Number(code),
        class: classes.find((name) => name === className) ?? 'error',
        scope: scopes.find((name) => name === scopeName) ?? 'request',
        text: words.join(' '),
        isDocumented: true,
      };
      return [meaning.code, meaning];
    }),
);

/** All documented codes, ascending. */
export const messageCodes: readonly number[] = [...meanings.keys()];

/**
 * What a code means. Only the code counts: texts are localised, and the level that clients
 * print says nothing (good news comes as ERROR). TWS reserves 2100 to 2199 for warnings.
 */
export function classify(code: number): MessageMeaning {
  return (
    meanings.get(code) ?? {
      code,
      class: code >= 2100 && code < 2200 ? 'warning' : 'error',
      scope: 'request',
      text: '',
      isDocumented: false,
    }
  );
}

export interface FarmState {
  /** `usfarm.nj`; empty where the message names none. */
  readonly farm: string;
  readonly kind: 'market data' | 'historical data' | 'security definition' | 'unknown';
  readonly state: 'ok' | 'broken' | 'inactive' | 'connecting';
}

const farmCodes: ReadonlyMap<number, Omit<FarmState, 'farm'>> = new Map([
  [2103, { kind: 'market data', state: 'broken' }],
  [2104, { kind: 'market data', state: 'ok' }],
  [2105, { kind: 'historical data', state: 'broken' }],
  [2106, { kind: 'historical data', state: 'ok' }],
  [2107, { kind: 'historical data', state: 'inactive' }],
  [2108, { kind: 'market data', state: 'inactive' }],
  [2119, { kind: 'market data', state: 'connecting' }],
  [2157, { kind: 'security definition', state: 'broken' }],
  [2158, { kind: 'security definition', state: 'ok' }],
]);

/**
 * What a message says about data farms; empty for messages that say nothing about them. An
 * inactive farm is no fault: it connects on demand.
 */
export function farmStates(code: number, text: string): readonly FarmState[] {
  const farm = farmCodes.get(code);
  if (farm !== undefined) {
    return [{ farm: farmName(text), ...farm }];
  }
  if (code !== 1102) {
    return [];
  }
  return [
    ...farmList(text, /not connected\s*:/i, 'broken'),
    ...farmList(text, /(?:^|[^t]\s+)connected\s*:/i, 'ok'),
  ];
}

/** The name ends the text, behind a colon or, in 2107 and 2108, right behind a full stop. */
function farmName(text: string): string {
  const trimmed = text.trim().slice(-200);
  const afterColon = /[:：]\s*([A-Za-z][A-Za-z0-9._-]*)$/.exec(trimmed)?.[1];
  return afterColon ?? /[.。]\s*([a-z][a-z0-9]{2,})$/.exec(trimmed)?.[1] ?? '';
}

/** `…not connected: ushmds; cashhmds.` The list ends at the end of its sentence. */
function farmList(text: string, intro: RegExp, state: 'ok' | 'broken'): readonly FarmState[] {
  const found = intro.exec(text);
  if (found === null) {
    return [];
  }
  const list = text.slice(found.index + found[0].length).split(/\.(?:\s|$)/)[0] ?? '';
  return list
    .split(/[;,]/)
    .map((name) => name.trim())
    .filter((name) => /^[A-Za-z][A-Za-z0-9._-]*$/.test(name))
    .map((farm) => ({ farm, kind: 'unknown', state }));
}
