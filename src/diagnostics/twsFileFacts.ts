import { isoTime } from '../core/clock';
import type { PortListener } from '../host/portObservation';
import type { TwsFiles, TwsLogTail, TwsSettingsFile } from '../host/twsFiles';
import { catalogue } from './catalogue';
import type { CauseId } from './causeIds';
import type { Evidence } from './finding';
import { createFactReader } from './runnerReader';
import type { ConnectionSituation, Stage } from './situation';
import { lineTimes } from './twsLogTimes';

/** The part of a situation that TWS's own files are held against. */
export interface OwnFileView {
  readonly situation: ConnectionSituation;
  readonly stage: Stage;
  readonly isLocal: boolean;
  readonly listeners: readonly PortListener[] | undefined;
}

/**
 * How long before the attempt a line about the login still counts: a login waits for its person,
 * and IBC tries again, for minutes. Lines about one connection count from the attempt on.
 * Milliseconds.
 */
export const loginBoundMs = 30 * 60_000;

/** Two clocks of one machine, of which one is written down in whole seconds. Milliseconds. */
const slackMs = 1000;
/** TWS may write down the end of a connection a little later. Milliseconds. */
const afterEndMs = 5000;

/** What one line of a log of TWS, IB Gateway or IBC says, in our words: nothing of it is quoted. */
export type OwnEvent = { readonly atMs: number; readonly file: string; readonly text: string } & (
  | { readonly kind: 'not accepted' | 'not trusted' | 'logged in' | 'started' }
  | { readonly kind: 'accepted' | 'denied'; readonly address: string }
  /** The login cannot go on, or not without its person. */
  | { readonly kind: 'login'; readonly cause: CauseId; readonly isConclusive: boolean }
);

/** An API port that a file names. */
export interface NamedPort {
  readonly port: number;
  readonly file: string;
  /** What the login window was last set to, where the file says so. */
  readonly mode: 'paper' | 'live' | undefined;
}

/** What TWS's own files say about our endpoint. */
export interface OwnFileFacts {
  /** Those that may belong to our endpoint; newest first. */
  readonly settings: readonly TwsSettingsFile[];
  /** Where the logs say that TWS listens; where they do not, what the settings name. */
  readonly ports: readonly NamedPort[];
  /** From the beginning of our attempt to its end; empty where nothing was tried. */
  readonly ofAttempt: readonly OwnEvent[];
  /** Where the login stands, if it is not done. */
  readonly login: readonly Extract<OwnEvent, { kind: 'login' }>[];
  /** Logs of which TWS or IBC says that they belong to our port. */
  readonly ourLogs: ReadonlySet<string>;
}

/** Undefined where the files were not read, or TWS runs on another machine. */
export function ownFileFacts(view: OwnFileView): OwnFileFacts | undefined {
  const { twsFiles } = view.situation.os;
  if (!view.isLocal || !twsFiles.known) {
    return undefined;
  }
  const ourPort = view.situation.endpoint.port;
  const portOfLog = new Map(
    twsFiles.value.logs.map((log) => [log.file, lastNamedPort(log)] as const),
  );
  const logs = twsFiles.value.logs.filter(
    ({ file }) => (portOfLog.get(file) ?? ourPort) === ourPort,
  );
  const events = logs.flatMap((log) => eventsOf(log, view)).sort((a, b) => a.atMs - b.atMs);
  const settings = settingsOf(twsFiles.value, ourPort);
  const inLogs = [...portOfLog].flatMap(([file, port]) =>
    port === undefined ? [] : [{ port, file, mode: undefined }],
  );
  const inSettings = settings.flatMap(({ port, file, mode }) =>
    port === undefined ? [] : [{ port, file, mode }],
  );
  return {
    settings,
    ports: inLogs.length > 0 ? inLogs : inSettings,
    ofAttempt: ofAttempt(events, view),
    login: openLogin(events),
    ourLogs: new Set([...portOfLog].flatMap(([file, port]) => (port === ourPort ? [file] : []))),
  };
}

/** Of several settings those of the running program count, and of these those for our port. */
function settingsOf({ settings }: TwsFiles, ourPort: number): readonly TwsSettingsFile[] {
  const ofRunning = settings.filter(({ isOfRunning }) => isOfRunning === true);
  const candidates = ofRunning.length > 0 ? ofRunning : settings;
  const ofOurPort = candidates.filter(({ port }) => port === ourPort);
  return ofOurPort.length > 0 ? ofOurPort : candidates;
}

/** `API server listening on port 4001` (TWS), `TWS API socket port now set to 4001` (IBC). */
const namedPort =
  /\bAPI (?:server (?:is |st?arting to )?listening on|socket port (?:is already|now) set to)(?: port)? (\d{1,5})\b/i;

function lastNamedPort({ lines }: TwsLogTail): number | undefined {
  const line = lines.findLast((text) => namedPort.test(text));
  return line === undefined ? undefined : Number(namedPort.exec(line)?.[1]);
}

type Said =
  | {
      readonly kind: 'not accepted' | 'not trusted' | 'logged in' | 'started';
      readonly text: string;
    }
  | { readonly kind: 'accepted' | 'denied'; readonly address: string; readonly text: string }
  | {
      readonly kind: 'login';
      readonly cause: CauseId;
      readonly isConclusive: boolean;
      readonly text: string;
    };

/**
 * Words of which one stands in every line about logins and clients: the readers ask a line much,
 * and a busy log has thousands of them about other things.
 */
const worthReading =
  /log ?in|factor|session|auth|passw|passkey|trusted|accept|lockout|exit code|autorestart|listening|socket port|Starting IBC|RESTART|conversation|den(?:y|ied)|reject|refus|CHALLENGE|encrypted log/i;

/** Characters of a line that are read: what matters stands in front, and time stays bounded. */
const maxRead = 500;

/** Events of one log that are young enough to count at all. */
function eventsOf(log: TwsLogTail, view: OwnFileView): readonly OwnEvent[] {
  const { connection, nowMs } = view.situation;
  const fromMs = (connection?.startedAtMs ?? nowMs) - loginBoundMs;
  const worth = log.lines.flatMap((line, index) =>
    worthReading.test(line) ? [{ line: line.slice(0, maxRead), index }] : [],
  );
  if (worth.length === 0) {
    return [];
  }
  const times = lineTimes(log);
  const readFacts = createFactReader();
  return worth.flatMap(({ line, index }): readonly OwnEvent[] => {
    const atMs = times[index];
    if (atMs === undefined || atMs < fromMs || atMs > nowMs + afterEndMs) {
      return [];
    }
    const said = saidByState(line) ?? saidBySigns(readFacts(line));
    return said === undefined ? [] : [{ ...said, atMs, file: log.file }];
  });
}

interface StatePattern {
  readonly pattern: RegExp;
  readonly read: (address: string) => Said;
}

const plain = (kind: 'logged in' | 'started', text: string) => (): Said => ({ kind, text });
const login = (cause: CauseId, isConclusive: boolean, text: string) => (): Said => ({
  kind: 'login',
  cause,
  isConclusive,
  text,
});

function refused(from: string): Said {
  return { kind: 'denied', address: from, text: `TWS refused a connection from ${from}` };
}

/** `127.0.0.1`, `/127.0.0.1`, `[::1]`: Java writes an address behind a slash. */
const address = String.raw`(?:from|on|by)\s(?:\S{0,40}\/)?\[?([\da-fA-F.:%]{2,45}?)\]?(?::\d{1,5})?(?=[\s,;)]|\.?(?:\s|$))`;

/**
 * Lines that say where TWS and its login stand and are no cause by themselves. Those that are
 * one are read by the patterns of `robo diagnose`.
 */
const statePatterns: readonly StatePattern[] = [
  {
    pattern: /\bIBC: Login has completed|Switching to a new encrypted log|authenticated=true\b/,
    read: plain('logged in', 'the login has completed'),
  },
  { pattern: namedPort, read: plain('logged in', 'the API server has its port') },
  {
    pattern: /Starting IBC version|IB GATEWAY RESTART|TWS RESTART/,
    read: plain('started', 'the program was started'),
  },
  {
    pattern: new RegExp(`Starting new conversation with client ${address}`, 'i'),
    read: (from) => ({
      kind: 'accepted',
      address: from,
      text: `TWS took a connection from ${from}`,
    }),
  },
  {
    pattern: new RegExp(
      String.raw`\b(?:den(?:y|ied|ying)|reject(?:ed|ing)?|refus(?:ed|ing))\b.{0,60}\b(?:connection|client)\b.{0,40}?${address}`,
      'i',
    ),
    read: refused,
  },
  {
    pattern: new RegExp(
      String.raw`\bconnection (?:attempt |request )?${address}.{0,40}\b(?:denied|rejected|refused)\b`,
      'i',
    ),
    read: refused,
  },
  {
    pattern: /IBC: Second Factor Authentication initiated|\bReceived CHALLENGE\b/i,
    read: login('twofa_timeout', false, 'the login waits for the second factor'),
  },
  {
    pattern: /Re-login after second factor authentication timeout/i,
    read: login('twofa_timeout', true, 'the second factor was not confirmed in time'),
  },
  {
    pattern: /Authorization failed: SUPPRESS_MESSAGE_BOX/,
    read: login('twofa_timeout', false, 'IBKR ended the login, as for a missed second factor'),
  },
  {
    pattern: /Authorization failed: Invalid username|AUTH_RESULT indicates wrong password/i,
    read: login('login_failed', true, 'IBKR refused user name or password'),
  },
  {
    pattern: /\bAuthorization failed: /,
    read: login('login_failed', false, 'IBKR refused the login'),
  },
  {
    pattern: /Too many failed login attempts/i,
    read: login('login_failed', true, 'IBKR makes the login wait after failed attempts'),
  },
];

/** A dialog that closes has been answered, and its title is no news. */
const closedDialog = /; event=(?:Closed|Closing|Deactivated)\b/i;

function saidByState(line: string): Said | undefined {
  for (const { pattern, read } of statePatterns) {
    const match = pattern.exec(line);
    if (match !== null) {
      return read(match[1] ?? '');
    }
  }
  return undefined;
}

/** Causes that keep a login from its end. True: a line about them leaves no doubt. */
const loginCauses: ReadonlyMap<CauseId, boolean> = new Map([
  ['twofa_timeout', true],
  ['weekly_2fa_reauth', false],
  ['login_failed', true],
  ['existing_session_relogin', false],
  // IBC says so at every start that is no automatic one.
  ['autorestart_broken', false],
  ['ccp_lockout', true],
]);

function saidBySigns(facts: ReturnType<ReturnType<typeof createFactReader>>): Said | undefined {
  for (const fact of facts) {
    const best = fact.kind === 'sign' ? fact.causes[0] : undefined;
    if (fact.kind !== 'sign' || best === undefined || closedDialog.test(fact.text)) {
      continue;
    }
    if (best.id === 'silent_accept_dialog') {
      const text = 'TWS ignores requests because the API connection is not accepted';
      return { kind: 'not accepted', text };
    }
    if (best.id === 'closed_at_once_untrusted') {
      return { kind: 'not trusted', text: 'TWS does not trust the address of a client' };
    }
    const isConclusive = loginCauses.get(best.id);
    if (isConclusive !== undefined) {
      const text = `a line that means: ${catalogue[best.id].title}`;
      return { kind: 'login', cause: best.id, isConclusive, text };
    }
  }
  return undefined;
}

function ofAttempt(events: readonly OwnEvent[], { situation }: OwnFileView): readonly OwnEvent[] {
  const { connection, nowMs } = situation;
  if (connection === undefined) {
    return [];
  }
  const fromMs = connection.startedAtMs - slackMs;
  const untilMs = (connection.endedAtMs ?? nowMs) + afterEndMs;
  return events.filter(({ atMs }) => atMs >= fromMs && atMs <= untilMs);
}

/** The last word about the login, and whether the automatic restart had failed before it. */
function openLogin(events: readonly OwnEvent[]): readonly Extract<OwnEvent, { kind: 'login' }>[] {
  let restart: Extract<OwnEvent, { kind: 'login' }> | undefined;
  let last: Extract<OwnEvent, { kind: 'login' }> | undefined;
  for (const event of events) {
    if (event.kind === 'logged in') {
      restart = undefined;
      last = undefined;
    } else if (event.kind === 'started') {
      last = undefined;
    } else if (event.kind === 'login' && event.cause === 'autorestart_broken') {
      restart = event;
    } else if (event.kind === 'login') {
      last = event;
    }
  }
  return [last, restart].filter((event) => event !== undefined);
}

const maxLogEvidence = 6;
const maxUnreadEvidence = 3;

/** Stages in which a login that is not done may be the reason. */
const loginStages: readonly Stage[] = ['refused', 'not tried', 'lost'];
/** Stages in which TWS may have written down what it did with our connection. */
const attemptStages: readonly Stage[] = ['silent', 'closed before hello'];

/**
 * What TWS's own files say, as evidence: the settings (`file`), the lines that count (`log`), and
 * what could not be read (`unknown`); nothing at stages of which they cannot know. Lines are told
 * in our words, so that no account and no user name travels with them.
 */
export function ownFileEvidence(view: OwnFileView): readonly Evidence[] {
  const { os, nowMs } = view.situation;
  const isLogin = loginStages.includes(view.stage);
  if (!view.isLocal || (!isLogin && !attemptStages.includes(view.stage))) {
    return [];
  }
  const unread = (file: string, why: string): Evidence => ({
    kind: 'unknown',
    source: file,
    at: isoTime(nowMs),
    text: why,
  });
  if (!os.twsFiles.known) {
    return [unread("TWS's own files", os.twsFiles.why)];
  }
  const facts = ownFileFacts(view);
  const events = (isLogin ? facts?.login : facts?.ofAttempt) ?? [];
  // Of lines that say the same, the last one.
  const lines = new Map(events.map((event) => [`${event.file} ${event.text}`, event]));
  return [
    ...(facts?.settings ?? []).map(settingsEvidence),
    ...[...lines.values()].slice(-maxLogEvidence).map(({ file, atMs, text }): Evidence => ({
      kind: 'log',
      source: file,
      at: isoTime(atMs),
      text,
    })),
    ...(os.twsFiles.value.unreadable ?? [])
      .slice(0, maxUnreadEvidence)
      .map(({ file, why }) => unread(file, why)),
  ];
}

function settingsEvidence(settings: TwsSettingsFile): Evidence {
  const { file, modifiedAtMs, port, trustedIps, mode } = settings;
  const trusted = trustedIps?.length === 0 ? 'no address' : trustedIps?.join(', ');
  const parts = [
    ...(port === undefined ? [] : [`API port ${port}`]),
    ...(trusted === undefined ? [] : [`trusted: ${trusted}`]),
    ...(mode === undefined ? [] : [`last login: ${mode}`]),
  ];
  const text =
    port === undefined && trusted === undefined
      ? ['names neither API port nor trusted addresses', ...parts].join('; ')
      : parts.join('; ');
  return { kind: 'file', source: file, at: isoTime(modifiedAtMs), text };
}
