import { posix, win32 } from 'node:path';
import * as v from 'valibot';
import { ErrorCodes, ResponseError } from 'vscode-jsonrpc/node';
import type {
  AcknowledgeParams,
  ConfigureAlertsParams,
  ConfigureWatchParams,
  DashboardParams,
  Hello,
  KillProcessesParams,
  ListProcessesParams,
  OpenFeedParams,
  QuietParams,
  StartRunnerParams,
  StopRunnerParams,
  TestParams,
  UnwatchRunnerParams,
  WatchRunnerParams,
} from './protocol';

/** What each request with parameters takes. */
export interface RequestParams {
  readonly hello: Hello;
  readonly test: TestParams;
  readonly startRunner: StartRunnerParams;
  readonly stopRunner: StopRunnerParams;
  readonly watchRunner: WatchRunnerParams;
  readonly unwatchRunner: UnwatchRunnerParams;
  readonly listProcesses: ListProcessesParams;
  readonly killProcesses: KillProcessesParams;
  readonly acknowledge: AcknowledgeParams;
  readonly quiet: QuietParams;
  readonly configureAlerts: ConfigureAlertsParams;
  readonly configureWatch: ConfigureWatchParams;
  readonly dashboard: DashboardParams;
  readonly openFeed: OpenFeedParams;
}

/** One schema for each field, so that a new one cannot be forgotten here. */
type Fields<P> = { readonly [K in keyof P]-?: v.GenericSchema<unknown, NonNullable<P>[K]> };

/** The longest text and list that any request has a use for. */
const maxText = 100_000;
const maxItems = 10_000;
/** The longest that anybody waits for TWS, in milliseconds: a day. */
const maxWaitMs = 86_400_000;

const text = v.pipe(
  v.string(),
  v.maxLength(maxText, `Expected at most ${maxText} characters`),
  // What goes to the system as a path, an argument or a variable ends there.
  v.check((value) => !value.includes('\0'), 'Expected no NUL character'),
);
const texts = v.pipe(v.array(text), v.maxLength(maxItems, `Expected at most ${maxItems} items`));
const folder = v.pipe(
  text,
  v.check(
    (value) => (process.platform === 'win32' ? win32 : posix).isAbsolute(value),
    'Expected an absolute path',
  ),
);
const mode = v.picklist(['paper', 'live']);
const waitMs = v.pipe(
  v.number(),
  v.minValue(0, 'Expected no negative time'),
  v.maxValue(maxWaitMs, 'Expected at most a day in milliseconds'),
);
const pid = v.pipe(v.number(), v.safeInteger('Expected a whole number'), v.minValue(0));
const source = v.picklist(['cli', 'window']);
const environment = v.pipe(
  v.record(text, text),
  v.check((value) => Object.keys(value).length <= maxItems, `Expected at most ${maxItems} items`),
);
const helper = v.looseObject({
  name: text,
  command: texts,
  environment,
  order: v.picklist(['before', 'after']),
  port: v.nullable(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535))),
});
const target = v.looseObject({ pid, startToken: text, argv: texts });

/**
 * The parameters of every request, checked before anything is done with them. What is not named
 * here passes unseen: a newer client may say more than this version knows.
 */
const fields: { readonly [M in keyof RequestParams]: Fields<RequestParams[M]> } = {
  hello: {
    protocol: v.number(),
    version: text,
    pid,
    kind: v.picklist(['window', 'cli', 'daemon']),
    isService: v.exactOptional(v.boolean()),
  },
  test: {
    token: text,
    symbols: texts,
    withData: v.boolean(),
    mode: v.exactOptional(mode),
    timeoutMs: waitMs,
  },
  startRunner: {
    token: text,
    workspace: folder,
    command: texts,
    workingDirectory: folder,
    environment,
    symbols: texts,
    mode: v.exactOptional(mode),
    restart: v.boolean(),
    refuseAfterMs: v.exactOptional(waitMs),
    bypassReason: v.exactOptional(text),
    restartsByItself: v.exactOptional(v.boolean()),
    helpers: v.exactOptional(v.pipe(v.array(helper), v.maxLength(100))),
  },
  stopRunner: { workspace: folder },
  watchRunner: {
    pid,
    startToken: text,
    argv: texts,
    workspace: folder,
    logFile: v.exactOptional(text),
  },
  unwatchRunner: { pid },
  listProcesses: { workspace: v.nullable(folder), command: v.exactOptional(texts) },
  killProcesses: {
    workspace: v.nullable(folder),
    command: texts,
    targets: v.pipe(v.array(target), v.maxLength(maxItems)),
  },
  acknowledge: { keys: v.exactOptional(texts) },
  quiet: { until: v.nullable(text) },
  // What the settings hold is checked where it is understood, with sentences of its own.
  configureAlerts: { source, settings: v.nullable(v.looseObject({})) },
  configureWatch: { source, settings: v.nullable(v.looseObject({})) },
  dashboard: { isFollowed: v.boolean() },
  openFeed: {
    port: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(65_535))),
  },
};

/**
 * The parameters of a request, once they are what it takes.
 * @throws ResponseError `InvalidParams` that says in one sentence what was expected
 */
export function checked<M extends keyof RequestParams>(
  method: M,
  params: unknown,
): RequestParams[M] {
  const parsed = v.safeParse(v.looseObject(fields[method]), params);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    const path = v.getDotPath(issue);
    const place = path === null ? '' : `${path}: `;
    throw invalid(`The request "${method}" cannot be taken: ${place}${issue.message}`);
  }
  return parsed.output as unknown as RequestParams[M];
}

/** The longest sentence about a request, in characters: it repeats what was sent. */
const maxSentence = 300;

/** The answer to parameters that are wrong. */
export function invalid(sentence: string): ResponseError {
  const line = sentence.replace(/\p{Cc}+/gu, ' ').trim();
  const short = line.length <= maxSentence ? line : `${line.slice(0, maxSentence - 1)}…`;
  return new ResponseError(ErrorCodes.InvalidParams, short.replace(/([^.…])$/, '$1.'));
}
