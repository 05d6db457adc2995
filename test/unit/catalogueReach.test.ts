import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { known, unknown } from '../../src/core/observed';
import { catalogue } from '../../src/diagnostics/catalogue';
import { isCauseId } from '../../src/diagnostics/causeTitles';
import { type CauseId, causeIds } from '../../src/diagnostics/causeIds';
import { dataFindings } from '../../src/diagnostics/dataRules';
import { LogReader } from '../../src/diagnostics/logReader';
import {
  accountFinding,
  causesOfMessage,
  clockFinding,
  noticeFinding,
} from '../../src/diagnostics/notices';
import { outageFinding, restoredFinding } from '../../src/diagnostics/outage';
import { remedyFor } from '../../src/diagnostics/remedy';
import { diagnoseConnection } from '../../src/diagnostics/rules';
import { createFactReader } from '../../src/diagnostics/runnerReader';
import { runnerVerdict } from '../../src/diagnostics/runnerVerdict';
import type { ConnectionSituation } from '../../src/diagnostics/situation';
import type { PortObservation } from '../../src/host/portObservation';
import type { ConnectionEnd } from '../../src/ibkr/connection';
import type { ResetWindow } from '../../src/ibkr/resetWindows';
import { fallsAfter } from '../../src/runner/crashLoop';
import { launchFailure } from '../../src/runner/launchFailure';
import type { RunnerKnowledge } from '../../src/runner/runnerKnowledge';
import { runnerStatus } from '../../src/runner/runnerStatus';
import { quietLimitMs } from '../../src/runner/standstill';
import { statusRecord } from '../../src/daemon/statusRecord';
import { fallen, living, said, startedAtMs } from '../support/runnerKnowledge';
import { idleSnapshot } from '../support/statusRecords';
import {
  calm,
  empty,
  ended,
  fin,
  notConnected,
  nowMs,
  oldTws,
  reset,
  situation,
  twsProcess,
  waiting,
} from '../support/situations';

/** What any finding has, also that of a log. */
interface Found {
  readonly causes: readonly { readonly id: string; readonly confidence: number }[];
}

/** How a cause is met, through the same doors as in the product. */
type Way = () => readonly (Found | undefined)[] | Promise<readonly (Found | undefined)[]>;

interface Reach {
  readonly way: Way;
  /** Set for look-alikes that no evidence singles out: then being among the causes is right. */
  readonly among?: 'look-alikes';
}

const minute = 60_000;
const symbols = ['AAPL', 'NVDA'];

function connection(...given: Parameters<typeof situation>): Reach {
  return { way: () => [diagnoseConnection(situation(...given))] };
}

function lookAlike(...given: Parameters<typeof situation>): Reach {
  return { ...connection(...given), among: 'look-alikes' };
}

function notice(code: number, text = 'text'): Reach {
  return { way: () => [noticeFinding({ code, text, atMs: nowMs })] };
}

function log(...lines: readonly string[]): Reach {
  return { way: () => findingsOfLog(lines) };
}

function findingsOfLog(lines: readonly string[]): readonly Found[] {
  const reader = new LogReader();
  for (const line of lines) {
    reader.push(line);
  }
  return reader.end();
}

function runner(state: RunnerKnowledge): Reach {
  return { way: () => runnerStatus(state).findings };
}

function proxy(change: Partial<PortObservation> = {}): PortObservation {
  const listener = { ...oldTws, role: 'proxy', product: undefined, argv: ['socat'] } as const;
  return { ...calm, listeners: known([listener]), twsProcesses: known([]), ...change };
}

const client = {
  clientAddress: '127.0.0.1',
  clientPort: 40_000,
  clientPid: 77,
  clientRole: 'runner',
  clientProgram: 'python3 bot.py',
  serverOwned: true,
} as const;

function window(kind: ResetWindow['kind'], fromMs: number, untilMs: number): ResetWindow {
  return { kind, name: `the ${kind}`, fromMs, untilMs, source: 'test' };
}

const lost = { code: 1100, text: 'Connectivity has been lost.', atMs: nowMs };
const back = { code: 1102, text: 'restored - data maintained.', atMs: nowMs };
const loop = [0, 1, 2].reduce<ReturnType<typeof fallsAfter>>(
  (falls, each) =>
    fallsAfter(
      falls,
      { atMs: startedAtMs + each, code: 1, signal: null, how: 'by itself' },
      startedAtMs,
    ),
  [],
);
const fetchTimeout = (symbol: string) =>
  ({ kind: 'fetch failed', symbol, errorClass: 'TimeoutError', text: 'timed out' }) as const;
const workerTimeout = (symbol: string) =>
  ({
    kind: 'fetch failed',
    symbol,
    errorClass: 'TimeoutError',
    text: `Command timeout after 60.0s (get_historical_bars for ${symbol})`,
  }) as const;

function unknownVersion(): ConnectionEnd {
  return { kind: 'unsupported version', serverVersion: 76 };
}

function recordsOf(recordsProblem: string): readonly Found[] {
  const facts = {
    endpoint: { host: '127.0.0.1', port: 7497 },
    clientId: 9000,
    startedAtMs: nowMs,
    recordsProblem,
  };
  return statusRecord(idleSnapshot, [], facts, nowMs).findings;
}

async function startOf(command: string, code: string): Promise<readonly Found[]> {
  const attempt = {
    workspace: __dirname,
    argv: [command],
    workingDirectory: __dirname,
    path: __dirname,
    platform: 'linux',
  } as const;
  const finding = await launchFailure({ code }, attempt, new Date(nowMs).toISOString());
  return [finding];
}

/** One minimal case for every id; the compiler asks for all of them. */
const reaches: Readonly<Record<CauseId, Reach>> = {
  // Reaching the port
  port_refused: connection(notConnected('ECONNREFUSED'), empty),
  port_mode_mismatch: connection(notConnected('ECONNREFUSED'), {
    ...empty,
    otherUsualPortsListening: known([4002]),
    twsProcesses: known([{ ...twsProcess, product: 'IB Gateway' }]),
  }),
  bad_host: connection(notConnected('ENOTFOUND'), calm, {
    endpoint: { host: 'tws.invalid', port: 7497 },
  }),
  tcp_timeout_unreachable: connection(waiting('tcp'), calm, {
    endpoint: { host: '192.0.2.7', port: 7497 },
  }),
  wsl_docker_network: connection(waiting('hello'), calm, {
    endpoint: { host: '172.18.240.1', port: 7496 },
  }),
  proxy_upstream_refused: connection(ended('hello', fin), proxy()),
  proxy_upstream_timeout: connection(ended('hello', fin, 5000), proxy()),
  proxy_bind_failed: log(
    '2026/11/20 15:00:00 socat[229] E bind(5, {AF=2 0.0.0.0:4001}, 16): Address already in use',
  ),
  wrong_service: connection(
    ended('hello', { kind: 'not tws', firstBytes: Buffer.from('SSH-2.0-x'), why: 'no frame' }),
  ),
  // Handshake
  silent_handshake: connection(waiting('hello')),
  silent_accept_dialog: connection(waiting('hello'), { ...calm, established: known([client]) }),
  ipv6_trusted_ip_mismatch: connection(waiting('hello'), calm, {
    endpoint: { host: 'fe80::1', port: 7497 },
  }),
  silent_api_not_enabled: lookAlike(waiting('hello')),
  silent_modal_dialog: lookAlike(waiting('hello')),
  wedged_close_wait: connection(waiting('hello'), {
    ...calm,
    closeWait: known([{ side: 'server', ownerPid: 4711, role: 'tws', count: 3 }]),
  }),
  accept_queue_wedge: connection(waiting('hello'), {
    ...calm,
    listeners: known([{ ...oldTws, receiveQueue: 4 }]),
  }),
  server_version_missing: log('Failed to receive server version information, retries remaining: 4'),
  closed_at_once_untrusted: connection(ended('hello', fin)),
  startup_window_reset: connection(ended('hello', reset), {
    ...calm,
    listeners: known([{ ...oldTws, startedAtMs: nowMs - minute }]),
    twsProcesses: known([{ ...twsProcess, startedAtMs: nowMs - minute }]),
  }),
  client_id_in_use_326: notice(326),
  peer_closed_after_startapi: connection(ended('ready', fin)),
  paper_disclaimer_10141: notice(10141),
  partial_handshake_no_next_valid_id: connection(waiting('ready', { accounts: ['DU1234567'] })),
  server_version_too_old: connection(ended('hello', unknownVersion())),
  client_lib_mismatch: log(
    'Traceback (most recent call last):',
    '  File "/ws/bot.py", line 7, in <module>',
    "TypeError: make_msg() missing 2 required positional arguments: 'a' and 'b'",
  ),
  timezone_unsupported: log('Time zone not found for Greenwich Mean Time'),
  bad_length_507: notice(507),
  not_connected_504: notice(504),
  port_reset_1300: notice(1300),
  max_clients_32: connection(ended('ready', fin), {
    ...calm,
    established: known(
      Array.from({ length: 33 }, (_, index) => ({ ...client, clientPort: 40_000 + index })),
    ),
  }),
  self_inflicted_probe_zombies: log(
    'python3   4321 me    7u  IPv4 0x1234      0t0  TCP 127.0.0.1:50124->127.0.0.1:4002 (CLOSE_WAIT)',
  ),
  reconnect_race: notice(501),
  // After the handshake
  sync_request_timeout: log('ib_async.ib ERROR positions request timed out'),
  account_updates_missing: notice(2100),
  relogin_hang: lookAlike(waiting('open'), calm, { unansweredForMs: 30_000 }),
  event_loop_misuse: log('RuntimeError: This event loop is already running'),
  decoder_desync: notice(505),
  account_mode_mismatch: {
    way: () => {
      const expected = { endpoint: { host: '127.0.0.1', port: 7497 }, mode: 'paper' } as const;
      return [accountFinding(['U1234567'], expected, nowMs)];
    },
  },
  clock_skew: { way: () => [clockFinding(60_000, nowMs)] },
  // Between TWS and IBKR
  upstream_lost_1100: notice(1100),
  restored_data_lost_1101: notice(1101),
  restored_1102: { way: () => [restoredFinding({ message: back, lostAtMs: nowMs - 1000 })] },
  restored_partial_farms: notice(
    1102,
    'restored - data maintained. The following farms are not connected: cashhmds.',
  ),
  tws_server_broken_2110: notice(2110),
  nightly_reset: {
    way: () => [
      outageFinding({
        message: lost,
        nowMs,
        sinceMs: nowMs - minute,
        windows: [window('server reset', nowMs - 5 * minute, nowMs + 30 * minute)],
      }),
    ],
  },
  outage_outlives_reset_window: {
    way: () => [
      outageFinding({
        message: lost,
        nowMs,
        sinceMs: nowMs - 300 * minute,
        windows: [window('server reset', nowMs - 305 * minute, nowMs - 200 * minute)],
      }),
    ],
  },
  outage_terminated: {
    way: () => [restoredFinding({ message: back, lostAtMs: nowMs - 20 * minute })],
  },
  fills_dropped_during_1100: log(
    'Not connected; update dropped, _client.Connected: True, _disconnected1100Fired: True',
  ),
  farm_broken_2103: notice(2103),
  farm_flap: log(
    '2026-11-20 15:00:00,000 ib_async.wrapper INFO Warning 2103, reqId -1: Market data farm connection is broken:usfarm',
    '2026-11-20 15:00:02,000 ib_async.wrapper INFO Warning 2104, reqId -1: Market data farm connection is OK:usfarm',
  ),
  hmds_broken_2105: notice(2105),
  secdef_broken_2157: notice(2157),
  silent_stream_death: {
    way: () => {
      const says = said({ kind: 'connected' }, ...symbols.map(fetchTimeout));
      const now = startedAtMs + minute;
      const ours = { openAtMs: startedAtMs, lastAnswerAtMs: now, lastDataAtMs: now, os: undefined };
      return [runnerVerdict(runnerStatus(living({ says, now })), ours, now)];
    },
  },
  live_updates_10182: notice(10182),
  bust_10225: notice(10225),
  half_open_zombie: connection(waiting('open'), empty, { unansweredForMs: 30_000 }),
  tws_daily_restart_drop: connection(ended('open', fin)),
  competing_session_10197: notice(10197),
  different_ip_session: notice(
    162,
    'Historical Market Data Service error message:Trading TWS session is connected from a different IP address',
  ),
  // Login and process
  twofa_timeout: log(
    'IBC closing because login has not completed after Second Factor Authentication',
  ),
  weekly_2fa_reauth: connection(
    notConnected('ECONNREFUSED'),
    { ...empty, twsProcesses: known([twsProcess]) },
    {
      windows: [window('weekly login', nowMs - 60 * minute, nowMs + 60 * minute)],
      troubleSinceMs: nowMs - 30 * minute,
    },
  ),
  autorestart_broken: log('2026-11-20 23:46:01:000 IBC: autorestart file not found'),
  existing_session_relogin: log(
    '2026-11-20 15:00:00:000 IBC: detected dialog entitled: Existing session detected; event=Opened',
  ),
  login_failed: log('2026-11-20 15:00:00:000 IBC: Login failed'),
  version_desupported_2172: notice(2172),
  ccp_lockout: log("CCP LOCKOUT DETECTED: IBKR's auth server silently dropped the auth request"),
  jvm_killed_oom: log('ibcstart.sh: line 428:  6258 Killed                  java -cp x'),
  gateway_frozen: connection(waiting('hello'), {
    ...calm,
    listeners: known([{ ...oldTws, isStopped: true }]),
  }),
  duplicate_gateway: log('Error: process is already running'),
  duplicate_runner: runner(fallen({ code: 75 }, { argv: ['/ws/START_TRADER.sh'] })),
  // Data and requests
  pacing_162: notice(162, 'Historical data request pacing violation'),
  hist_no_data_162: notice(162, 'HMDS query returned no data: ESM3@CME Trades'),
  hist_timeout: notice(366),
  hist_concurrency_322: notice(322),
  ticker_limit: notice(101),
  not_subscribed: notice(354),
  api_entitlement_10089: notice(10089),
  delayed_data_advisory: notice(10167),
  depth_reset_317: notice(317),
  depth_not_supported_10092: notice(10092),
  no_secdef_200: notice(200),
  false_200_during_outage: {
    way: () =>
      dataFindings(
        symbols.map((symbol) => ({
          symbol,
          failure: { kind: 'message', code: 200, text: 'No security definition' },
        })),
        { answersTime: true, activeCodes: [2157], nowMs },
      ),
  },
  msg_rate_100: notice(100),
  read_only_321: notice(321, 'cause - The API interface is currently in Read-Only mode.'),
  validation_321: notice(321, 'cause - FA data operations ignored for non FA customers.'),
  malformed_request_320: notice(320),
  duplicate_order_id_103: notice(103),
  localized_messages: notice(2104, 'La conexión de la granja de datos de mercado es correcta'),
  order_rejected_201: notice(201),
  // The runner and Robo itself
  runner_stalled: runner(
    living({
      says: said({ kind: 'cycle' }),
      lastLineMs: startedAtMs + quietLimitMs + minute,
      now: startedAtMs + quietLimitMs + minute,
    }),
  ),
  runner_silent: runner(
    living({
      says: said({ kind: 'cycle' }),
      lastLineMs: startedAtMs,
      now: startedAtMs + quietLimitMs + minute,
    }),
  ),
  runner_crash_loop: runner(fallen({ code: 1 }, { falls: loop })),
  runner_exited: runner(fallen({ code: 1 })),
  runner_error: runner(living({ says: said({ kind: 'error', text: 'KeyError: 1' }) })),
  runner_older_than_source: runner(
    living({ newerSource: { file: '/ws/bot.py', modifiedAtMs: startedAtMs + minute } }),
  ),
  kill_switch_triggered: log('KILL SWITCH TRIGGERED: daily loss limit'),
  bad_configuration: runner(fallen({ code: 2 }, { argv: [] })),
  command_not_found: { way: async () => await startOf('no-such-program', 'ENOENT') },
  wrong_interpreter: runner(fallen({ signal: 'SIGBUS' })),
  worker_unresponsive: runner(
    living({ says: said({ kind: 'connected' }, ...symbols.map(workerTimeout)) }),
  ),
  database_locked: log('sqlite3.OperationalError: database is locked'),
  helper_port_taken: log(
    "OSError: [Errno 98] error while attempting to bind on address ('127.0.0.1', 8765): address already in use",
  ),
  disk_full: { way: () => recordsOf('The records cannot be written (ENOSPC); free some space.') },
  records_unwritable: { way: () => recordsOf('The records cannot be written (EACCES).') },
};

const guide = readFileSync(path.join(__dirname, '..', '..', 'media', 'guide', 'setup.md'), 'utf8');

describe('every cause of the catalogue', () => {
  for (const id of causeIds) {
    it(`has a page and a remedy, and is reached: ${id}`, async () => {
      assert.ok(guide.includes(`<a id="${id}"></a>`), 'no page');
      assert.ok(guide.includes(`## ${catalogue[id].title}\n`), 'no heading');
      assert.ok(remedyFor(id).length > 0, 'no remedy');
      const { way, among } = reaches[id];
      const found = (await way()).flatMap((finding) => finding ?? []);
      const words = JSON.stringify(found.map(({ causes }) => causes.map((cause) => cause.id)));
      const isReached = found.some(({ causes }) =>
        among === undefined ? causes[0]?.id === id : causes.some((cause) => cause.id === id),
      );
      assert.ok(isReached, `met instead: ${words}`);
    });
  }
});

/** Every TypeScript file below a folder. */
function sources(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => path.join(entry.parentPath, entry.name));
}

describe('no other cause', () => {
  const src = path.join(__dirname, '..', '..', 'src');

  function assertKnown(findings: readonly (Found | undefined)[]): void {
    for (const finding of findings) {
      assert.ok(finding === undefined || finding.causes.length > 0);
      for (const { id } of finding?.causes ?? []) {
        assert.ok(isCauseId(id), `"${id}" is not of the catalogue`);
      }
    }
  }

  it('is made by a cast: ids are typed, and texts pass isCauseId', () => {
    const casts = sources(src).filter((file) =>
      /\bas\s+(?!const\b)[^;,()\n]*\bCauseId\b|<CauseId>\s*['"\w]/.test(readFileSync(file, 'utf8')),
    );
    // It makes the record of all causes from their own list.
    const allowed = ['diagnostics/catalogue.ts'];
    assert.deepEqual(
      casts.map((file) => path.relative(src, file).replaceAll('\\', '/')),
      allowed,
    );
  });

  it('stands in a text that the guide links to or a Problem carries', () => {
    const linked = [...guide.matchAll(/<a id="([a-z0-9_]+)"><\/a>/g)].map(([, id = '']) => id);
    const chapters = ['setup', 'daily', 'emergency'];
    assert.deepEqual(
      linked.filter((id) => !isCauseId(id) && !chapters.includes(id)),
      [],
    );
    assert.equal(new Set(linked).size, linked.length);
  });

  it('comes from any situation', () => {
    fc.assert(
      fc.property(situations(), (given) => {
        assertKnown([diagnoseConnection(given)]);
      }),
    );
  });

  it('comes from any message of TWS', () => {
    fc.assert(
      fc.property(fc.nat(12_000), fc.string(), (code, text) => {
        assertKnown([noticeFinding({ code, text, atMs: nowMs })]);
        assert.ok(causesOfMessage(code, text).every(({ id }) => isCauseId(id)));
      }),
    );
  });

  it('comes from any lines, of a log or of a runner', () => {
    const real = Object.values(lines);
    const line = fc.oneof(fc.string(), fc.constantFrom(...real), mangled(real));
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), (texts) => {
        assertKnown(findingsOfLog(texts));
        const read = createFactReader();
        for (const fact of texts.flatMap((text) => read(text))) {
          if (fact.kind === 'sign') {
            assertKnown([{ causes: fact.causes }]);
          }
        }
      }),
    );
  });
});

/** Lines of several kinds, to be mixed and damaged. */
const lines = {
  outage: 'API connection failed: TimeoutError()',
  failed:
    'Failed to fetch data for AAPL: RetryError[<Future at 0x7f state=finished raised TimeoutError>]',
  code: 'Error 1100, reqId -1: Connectivity between IBKR and Trader Workstation has been lost.',
  official: 'ERROR -1 2104 Market data farm connection is OK:usfarm',
  json: '{"timestamp":"2026-11-20T15:00:00+00:00","level":"ERROR","logger":"x","message":"{\\"event\\":\\"kill_switch_triggered\\"}"}',
  robo: '{"robo":1,"event":"error","message":"bad"}',
  ibc: '2026-11-20 15:00:00:000 IBC: Login failed',
  socat: 'socat[119] E connect(5, AF=2 127.0.0.1:4000, 16): Connection refused',
  lsof: 'java 4711 me 7u IPv4 0x1 0t0 TCP 127.0.0.1:7497->127.0.0.1:60199 (CLOSE_WAIT)',
  trace: 'Traceback (most recent call last):',
  frame: '  File "/ws/bot.py", line 7, in <module>',
  exception: "ModuleNotFoundError: No module named 'ib_async'",
} as const;

function mangled(texts: readonly string[]): fc.Arbitrary<string> {
  return fc
    .tuple(fc.constantFrom(...texts), fc.constantFrom(...texts), fc.nat(80), fc.nat(80))
    .map(([one, other, to, from]) => one.slice(0, to) + other.slice(from));
}

/** Situations of every stage with any look at the machine. */
function situations(): fc.Arbitrary<ConnectionSituation> {
  const connections = fc.constantFrom(
    undefined,
    waiting('tcp'),
    waiting('hello'),
    waiting('ready'),
    waiting('open'),
    notConnected('ECONNREFUSED'),
    notConnected('EHOSTUNREACH'),
    ended('hello', fin),
    ended('hello', reset, 8000),
    ended('ready', fin),
    ended('open', reset),
    ended('hello', unknownVersion()),
  );
  const listener = fc.record({
    role: fc.constantFrom('tws', 'java', 'proxy', 'other', 'hidden', 'nobody'),
    receiveQueue: fc.option(fc.nat(50), { nil: undefined }),
    isStopped: fc.boolean(),
    startedAtMs: fc.constantFrom(nowMs - minute, nowMs - 300 * minute, undefined),
  } as const);
  const os = fc
    .record({
      listeners: fc.option(fc.array(listener, { maxLength: 2 })),
      others: fc.option(fc.subarray([7496, 4001, 4002])),
      zombies: fc.option(fc.nat(5)),
      clients: fc.option(fc.nat(40)),
      runs: fc.option(fc.boolean()),
    })
    .map((seen): PortObservation => {
      const look = <T, R>(value: T | null, of: (value: T) => R) =>
        value === null ? unknown('no permission') : known(of(value));
      return {
        ...calm,
        listeners: look(seen.listeners, (list) => list.map((each) => ({ ...oldTws, ...each }))),
        otherUsualPortsListening: look(seen.others, (ports) => ports),
        closeWait: look(seen.zombies, (count) =>
          count === 0 ? [] : [{ side: 'server', ownerPid: 4711, role: 'tws', count } as const],
        ),
        established: look(seen.clients, (count) =>
          Array.from({ length: count }, (_, index) => ({ ...client, clientPort: 40_000 + index })),
        ),
        twsProcesses: look(seen.runs, (runs) => (runs ? [twsProcess] : [])),
      };
    });
  const host = fc.constantFrom('127.0.0.1', '::1', '192.0.2.7', '172.18.240.1');
  return fc
    .tuple(connections, os, host, fc.option(fc.nat(100_000), { nil: undefined }))
    .map(([progress, seen, name, unansweredForMs]) =>
      situation(progress, seen, {
        endpoint: { host: name, port: 7497 },
        ...(unansweredForMs === undefined ? {} : { unansweredForMs }),
      }),
    );
}
