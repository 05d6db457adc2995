import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { known } from '../../src/core/observed';
import type { CauseId } from '../../src/diagnostics/causeIds';
import { factsOf } from '../../src/diagnostics/connectionFacts';
import { rank } from '../../src/diagnostics/ranking';
import { connectionRules } from '../../src/diagnostics/rules/connectionRules';
import type { ConnectionSituation } from '../../src/diagnostics/situation';
import type {
  EstablishedClient,
  PortListener,
  PortObservation,
} from '../../src/host/portObservation';
import { windowsAt } from '../../src/ibkr/resetWindows';
import {
  blind,
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

/** Two situations that differ in one piece of evidence, and how their causes begin. */
interface Pair {
  readonly rule: string;
  /** What differs, in words. */
  readonly by: string;
  readonly one: readonly [ConnectionSituation, readonly CauseId[]];
  readonly other: readonly [ConnectionSituation, readonly CauseId[]];
  /** The first one's best cause is the same, but sure (0.7 or more), and the other's is not. */
  readonly isOneSure?: true;
}

const hour = 3_600_000;
const silent = waiting('hello');
const closed = ended('hello', fin);
const refused = notConnected('ECONNREFUSED');

function listener(change: Partial<PortListener>) {
  return { ...calm, listeners: known([{ ...oldTws, ...change }]) };
}

function program(argv: readonly string[], role: PortListener['role'] = 'other') {
  return {
    ...listener({ role, product: undefined, argv, startedAtMs: nowMs - hour }),
    twsProcesses: known([]),
  };
}

const client: EstablishedClient = {
  clientAddress: '127.0.0.1',
  clientPort: 40_000,
  clientPid: 77,
  clientRole: 'runner',
  clientProgram: 'python3 -m robo_trader.runner_async',
  serverOwned: true,
};

function clients(count: number) {
  const all = Array.from({ length: count }, (_, index) => ({
    ...client,
    clientPort: client.clientPort + index,
  }));
  return { ...calm, established: known(all) };
}

/** Our own connection as the table shows it. */
function own(serverOwned: boolean | undefined): PortObservation {
  const ours = { ...client, clientPort: 50_001, clientRole: 'robo', serverOwned } as const;
  return { ...calm, established: known([ours]) };
}

/** The settings of an IB Gateway that trusts these addresses; undefined: it does not say. */
function trusting(trustedIps: readonly string[] | undefined): PortObservation {
  const file = { file: 'jts.ini', modifiedAtMs: nowMs - hour, port: undefined, trustedIps };
  const files = { settings: [{ ...file, timeZone: undefined }], logs: [] };
  return { ...listener({ product: 'IB Gateway' }), twsFiles: known(files) };
}

const at = (host: string) => ({ endpoint: { host, port: 7497 } });
const zombies = { side: 'server', ownerPid: 4711, role: 'tws', count: 3 } as const;
const young = { ...twsProcess, startedAtMs: nowMs - 120_000 };

/** A Tuesday, 00:20 in New York: IBKR's nightly reset there. */
const resetMs = Date.parse('2026-11-24T05:20:00Z');
const nightly = windowsAt(resetMs, { zone: 'America/Chicago' });
const unanswered = { unansweredForMs: 9000 };

const pairs: readonly Pair[] = [
  {
    rule: 'stage',
    by: 'whether the hello was answered',
    one: [situation(silent, blind), ['silent_handshake', 'silent_accept_dialog']],
    other: [situation(waiting('ready'), blind), ['partial_handshake_no_next_valid_id']],
  },
  {
    rule: 'unfinished hello',
    by: 'whether a part of a hello came',
    one: [situation(waiting('hello', { isHelloBegun: true }), blind), ['wrong_service']],
    other: [situation(silent, blind), ['silent_handshake']],
  },
  {
    rule: 'reachability',
    by: 'whether the host is this machine',
    one: [situation(waiting('tcp')), ['accept_queue_wedge']],
    other: [situation(waiting('tcp'), calm, at('10.0.0.9')), ['tcp_timeout_unreachable']],
  },
  {
    rule: 'container network',
    by: 'the kind of address',
    one: [situation(silent, calm, at('172.18.240.1')), ['wsl_docker_network']],
    other: [situation(silent, calm, at('10.0.0.9')), ['silent_handshake']],
  },
  {
    rule: 'other port listens',
    by: 'whether another usual port listens',
    one: [
      situation(refused, { ...empty, otherUsualPortsListening: known([4002]) }),
      ['port_mode_mismatch'],
    ],
    other: [situation(refused, empty), ['port_refused']],
  },
  {
    rule: 'nobody listens',
    by: 'whether it is seen that no TWS runs',
    one: [situation(undefined, empty), ['port_refused']],
    other: [situation(undefined, { ...empty, twsProcesses: blind.twsProcesses }), ['port_refused']],
    isOneSure: true,
  },
  {
    rule: 'listener elsewhere',
    by: 'the address of the listener',
    one: [situation(refused, listener({ address: '192.168.1.4' })), ['bad_host']],
    other: [situation(refused, listener({})), ['startup_window_reset']],
  },
  {
    rule: 'foreign listener',
    by: 'what the listener is',
    one: [situation(silent, program(['/usr/lib/postgresql/bin/postgres'])), ['wrong_service']],
    other: [situation(silent), ['silent_handshake']],
  },
  {
    rule: 'proxy in front',
    by: 'whether the listener forwards',
    one: [situation(closed, program(['socat'], 'proxy')), ['proxy_upstream_refused']],
    other: [situation(closed, program(['/opt/thing/thingd'])), ['wrong_service']],
  },
  {
    rule: 'hidden listener',
    by: 'whether the owner is hidden or was never looked at',
    one: [
      situation(closed, {
        ...blind,
        listeners: known([
          { ...oldTws, role: 'hidden', pid: undefined, product: undefined, argv: undefined },
        ]),
      }),
      ['proxy_upstream_refused'],
    ],
    other: [situation(closed, blind), ['closed_at_once_untrusted', 'startup_window_reset']],
  },
  {
    rule: 'closed before hello',
    by: 'how long it was open',
    one: [situation(closed, blind), ['closed_at_once_untrusted']],
    other: [situation(ended('hello', fin, 20_000), blind), ['silent_accept_dialog']],
  },
  {
    rule: 'another machine',
    by: 'whether the peer must trust us first',
    one: [situation(ended('hello', reset), calm, at('10.0.0.9')), ['closed_at_once_untrusted']],
    other: [situation(ended('hello', reset), blind), ['startup_window_reset']],
  },
  {
    rule: 'coded reason',
    by: 'whether TWS gave a code',
    one: [
      situation({
        ...ended('ready', fin),
        startupMessages: [{ requestId: -1, code: 326, text: 'in use', atMs: nowMs }],
      }),
      ['client_id_in_use_326'],
    ],
    other: [situation(ended('ready', fin)), ['peer_closed_after_startapi']],
  },
  {
    rule: 'crowd',
    by: 'one client more',
    one: [situation(ended('ready', fin), clients(32)), ['max_clients_32']],
    other: [situation(ended('ready', fin), clients(31)), ['peer_closed_after_startapi']],
  },
  {
    rule: 'age of TWS',
    by: 'the age of the process: two minutes or five hours',
    one: [
      situation(refused, { ...empty, twsProcesses: known([young]) }),
      ['startup_window_reset', 'twofa_timeout'],
    ],
    other: [situation(refused, { ...empty, twsProcesses: known([twsProcess]) }), ['port_refused']],
  },
  {
    rule: 'dead connections',
    by: 'whether TWS holds dead connections',
    one: [situation(silent, { ...calm, closeWait: known([zombies]) }), ['wedged_close_wait']],
    other: [situation(silent), ['silent_handshake']],
  },
  {
    rule: 'accept queue',
    by: 'whether connections wait to be accepted',
    one: [situation(silent, listener({ receiveQueue: 4 })), ['accept_queue_wedge']],
    other: [situation(silent, listener({ receiveQueue: 0 })), ['silent_handshake']],
  },
  {
    rule: 'stopped process',
    by: 'whether the listener is stopped',
    one: [situation(silent, listener({ isStopped: true })), ['gateway_frozen']],
    other: [situation(silent, listener({ isStopped: false })), ['silent_handshake']],
  },
  {
    rule: 'companions',
    by: 'whether another client is connected',
    one: [situation(silent, clients(1)), ['silent_accept_dialog']],
    other: [situation(silent, clients(0)), ['silent_handshake']],
  },
  {
    rule: 'IPv6 address',
    by: 'the family of the address',
    one: [situation(silent, calm, at('fe80::1')), ['ipv6_trusted_ip_mismatch']],
    other: [situation(silent, calm, at('10.0.0.9')), ['silent_handshake']],
  },
  {
    rule: 'worked lately',
    by: 'whether a session was ready an hour ago',
    one: [
      situation(silent, blind, { lastReadyAtMs: nowMs - hour }),
      [
        'silent_handshake',
        'silent_accept_dialog',
        'silent_modal_dialog',
        'accept_queue_wedge',
        'wedged_close_wait',
      ],
    ],
    other: [
      situation(silent, blind),
      [
        'silent_handshake',
        'silent_accept_dialog',
        'silent_modal_dialog',
        'silent_api_not_enabled',
        'wedged_close_wait',
      ],
    ],
  },
  {
    rule: 'after the end',
    by: 'whether somebody still listens',
    one: [
      situation(ended('open', fin), { ...calm, listeners: known([]) }),
      ['tws_daily_restart_drop', 'port_refused'],
    ],
    other: [situation(ended('open', fin)), ['tws_daily_restart_drop', 'half_open_zombie']],
  },
  {
    rule: 'nobody behind the session',
    by: 'whether a TWS runs at all',
    one: [situation(waiting('open'), empty, unanswered), ['half_open_zombie']],
    other: [
      situation(waiting('open'), { ...empty, twsProcesses: known([twsProcess]) }, unanswered),
      ['half_open_zombie'],
    ],
    isOneSure: true,
  },
  {
    rule: 'other end of the session',
    by: 'whether the other end of our connection is there',
    one: [situation(waiting('open'), own(true), unanswered), ['gateway_frozen']],
    other: [situation(waiting('open'), own(undefined), unanswered), ['half_open_zombie']],
  },
  {
    rule: 'queue behind the session',
    by: 'whether new connections are accepted',
    one: [
      situation(waiting('open'), listener({ receiveQueue: 2 }), unanswered),
      ['gateway_frozen'],
    ],
    other: [
      situation(waiting('open'), listener({ receiveQueue: 0 }), unanswered),
      ['half_open_zombie'],
    ],
  },
  {
    rule: 'session to another machine',
    by: 'whether TWS runs on this machine',
    one: [situation(ended('open', reset), calm, at('10.0.0.9')), ['half_open_zombie']],
    other: [situation(ended('open', reset), calm), ['tws_daily_restart_drop']],
  },
  {
    rule: 'own files',
    by: "what TWS's own settings trust",
    one: [situation(silent, trusting([])), ['silent_accept_dialog']],
    other: [situation(silent, trusting(undefined)), ['silent_handshake']],
  },
  {
    rule: 'inside a reset window',
    by: 'the time of day',
    one: [
      situation(waiting('open'), calm, {
        ...unanswered,
        troubleSinceMs: nowMs - 60_000,
        windows: moved(0),
      }),
      ['half_open_zombie', 'nightly_reset'],
    ],
    other: [
      situation(waiting('open'), calm, { ...unanswered, troubleSinceMs: nowMs - 60_000 }),
      ['half_open_zombie', 'gateway_frozen'],
    ],
  },
  {
    rule: 'outlived window',
    by: 'whether the window in which it began is over',
    one: [
      situation(ended('open', fin), calm, {
        troubleSinceMs: nowMs - 6 * hour,
        windows: moved(-6 * hour),
      }),
      ['outage_outlives_reset_window'],
    ],
    other: [
      situation(ended('open', fin), calm, { troubleSinceMs: nowMs, windows: moved(-6 * hour) }),
      ['tws_daily_restart_drop'],
    ],
  },
];

/** The nightly reset, as if it had been open at `nowMs` plus this. */
function moved(byMs: number) {
  return nightly.map((window) => ({
    ...window,
    fromMs: window.fromMs - resetMs + nowMs + byMs,
    untilMs: window.untilMs - resetMs + nowMs + byMs,
  }));
}

type Ranked = ReturnType<typeof rank>;

function ranking(given: ConnectionSituation, without?: string): Ranked {
  const rules = connectionRules.filter(({ name }) => name !== without);
  const facts = factsOf(given);
  return rank(rules.flatMap(({ judge }) => judge(facts)));
}

function begins(causes: Ranked, expected: readonly CauseId[]): boolean {
  return expected.length === 0
    ? causes.length === 0
    : expected.every((id, index) => causes[index]?.id === id);
}

function isSure([best]: Ranked): boolean {
  return (best?.confidence ?? 0) >= 0.7;
}

/** What is wrong with the separation; undefined where the pair is told apart as the table says. */
function complaint({ one, other, isOneSure }: Pair, without?: string): string | undefined {
  for (const [given, expected] of [one, other]) {
    const causes = ranking(given, without);
    if (!begins(causes, expected)) {
      return `${expected.join(', ')} expected, got ${causes.map(({ id }) => id).join(', ')}`;
    }
  }
  const [sureOne, sureOther] = [one, other].map(([given]) => isSure(ranking(given, without)));
  return isOneSure === true && (sureOne !== true || sureOther === true)
    ? 'the first should be sure, and the second not'
    : undefined;
}

describe('the rules from evidence to causes', () => {
  for (const pair of pairs) {
    it(`${pair.rule} separates two situations by ${pair.by}`, () => {
      assert.equal(complaint(pair), undefined);
      assert.ok(pair.isOneSure === true || pair.one[1].join() !== pair.other[1].join());
      assert.ok(complaint(pair, pair.rule) !== undefined, 'it is separated without the rule too');
    });
  }

  it('are each proved by a pair, and bear different names', () => {
    const names = connectionRules.map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
    assert.deepEqual(pairs.map(({ rule }) => rule).toSorted(), names.toSorted());
  });
});
