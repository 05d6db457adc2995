import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { known } from '../../src/core/observed';
import { type CauseId, causeIds } from '../../src/diagnostics/causeIds';
import { type DataContext, dataFindings } from '../../src/diagnostics/dataRules';
import type { Finding } from '../../src/diagnostics/finding';
import {
  accountFinding,
  causesOfMessage,
  clockFinding,
  noticeFinding,
} from '../../src/diagnostics/notices';
import { inconclusiveLimit } from '../../src/diagnostics/ranking';
import { diagnoseConnection, recogniseService } from '../../src/diagnostics/rules';
import { type ConnectionSituation, type Stage, stageOf } from '../../src/diagnostics/situation';
import type {
  CloseWaitGroup,
  EstablishedClient,
  PortListener,
  PortObservation,
} from '../../src/host/portObservation';
import type { ConnectionProgress, TwsMessage } from '../../src/ibkr/connection';
import { messageCodes } from '../../src/ibkr/messageCodes';
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

const minute = 60_000;
const silent = waiting('hello');
const young = nowMs - minute;

function listening(change: Partial<PortListener>, os: PortObservation = calm): PortObservation {
  return { ...os, listeners: known([{ ...oldTws, ...change }]) };
}

function stranger(argv: readonly string[], role: PortListener['role'] = 'other'): PortObservation {
  return {
    ...listening({ role, product: undefined, argv }),
    twsProcesses: known([]),
  };
}

function zombies(change: Partial<CloseWaitGroup> = {}): PortObservation {
  const group: CloseWaitGroup = {
    side: 'server',
    ownerPid: 4711,
    role: 'tws',
    count: 3,
    ...change,
  };
  return { ...calm, closeWait: known([group]) };
}

function clients(...changes: Partial<EstablishedClient>[]): PortObservation {
  const client: EstablishedClient = {
    clientAddress: '127.0.0.1',
    clientPort: 40_000,
    clientPid: 77,
    clientRole: 'runner',
    clientProgram: 'python3 -m robo_trader.runner_async',
    serverOwned: true,
  };
  return { ...calm, established: known(changes.map((change) => ({ ...client, ...change }))) };
}

function message(code: number, text = 'text'): TwsMessage {
  return { requestId: -1, code, text, atMs: nowMs };
}

function notTws(bytes: string): ConnectionProgress {
  const firstBytes = Buffer.from(bytes, 'latin1');
  return ended('hello', { kind: 'not tws', firstBytes, why: 'no frame' });
}

function diagnosed(given: ConnectionSituation): Finding {
  const finding = diagnoseConnection(given);
  assert.ok(finding, 'a finding was expected');
  return finding;
}

interface Case {
  readonly name: string;
  readonly given: ConnectionSituation;
  readonly best: CauseId;
  /** Conclusive evidence: 0.7 or more. Otherwise the confidence must stay below that. */
  readonly isConclusive?: true;
}

const remote = { endpoint: { host: '10.0.0.9', port: 7497 } };
const container = { endpoint: { host: '172.18.240.1', port: 7496 } };
const youngTws = {
  ...listening({ startedAtMs: young }),
  twsProcesses: known([{ ...twsProcess, startedAtMs: young }]),
};

/** Neighbours are pairs that one rule separates. */
const cases: readonly Case[] = [
  // Refused
  {
    name: 'refused, nothing runs',
    given: situation(notConnected('ECONNREFUSED'), empty),
    best: 'port_refused',
    isConclusive: true,
  },
  {
    name: 'refused, another usual port listens',
    given: situation(notConnected('ECONNREFUSED'), {
      ...empty,
      otherUsualPortsListening: known([4002]),
    }),
    best: 'port_mode_mismatch',
  },
  {
    name: 'refused, TWS two minutes old',
    given: situation(notConnected('ECONNREFUSED'), {
      ...empty,
      twsProcesses: known([{ ...twsProcess, startedAtMs: nowMs - 2 * minute }]),
    }),
    best: 'startup_window_reset',
  },
  {
    name: 'refused, TWS five hours old',
    given: situation(notConnected('ECONNREFUSED'), { ...empty, twsProcesses: known([twsProcess]) }),
    best: 'port_refused',
  },
  {
    name: 'refused, the listener has another address',
    given: situation(notConnected('ECONNREFUSED'), listening({ address: '192.168.1.4' })),
    best: 'bad_host',
  },
  // Reaching the host
  {
    name: 'name unknown',
    given: situation(notConnected('ENOTFOUND'), calm, remote),
    best: 'bad_host',
    isConclusive: true,
  },
  {
    name: 'timeout on loopback, TWS listens',
    given: situation(waiting('tcp')),
    best: 'accept_queue_wedge',
    isConclusive: true,
  },
  {
    name: 'timeout on loopback, nobody listens',
    given: situation(waiting('tcp'), empty),
    best: 'tcp_timeout_unreachable',
  },
  {
    name: 'timeout to another machine',
    given: situation(waiting('tcp'), calm, remote),
    best: 'tcp_timeout_unreachable',
  },
  {
    name: 'silence from a container address',
    given: situation(silent, calm, container),
    best: 'wsl_docker_network',
  },
  // Silence
  { name: 'silence, nothing else seen', given: situation(silent), best: 'silent_handshake' },
  {
    name: 'silence, nothing could be seen',
    given: situation(silent, blind),
    best: 'silent_handshake',
  },
  {
    name: 'silence, dead connections of TWS',
    given: situation(silent, zombies()),
    best: 'wedged_close_wait',
    isConclusive: true,
  },
  {
    name: 'silence, dead connections of a client',
    given: situation(silent, zombies({ side: 'client', role: 'runner', ownerPid: 77 })),
    best: 'silent_handshake',
  },
  {
    name: 'silence, connections wait for accept',
    given: situation(silent, listening({ receiveQueue: 4 })),
    best: 'accept_queue_wedge',
    isConclusive: true,
  },
  {
    name: 'silence, ours belongs to no process',
    given: situation(
      silent,
      clients({ clientPort: 50_001, clientRole: 'robo', serverOwned: false }),
    ),
    best: 'accept_queue_wedge',
    isConclusive: true,
  },
  {
    name: 'silence, ours is held by TWS',
    given: situation(
      silent,
      clients({ clientPort: 50_001, clientRole: 'robo', serverOwned: true }),
    ),
    best: 'silent_handshake',
  },
  {
    name: 'silence, another client is connected',
    given: situation(silent, clients({})),
    best: 'silent_accept_dialog',
  },
  {
    name: 'silence, TWS is stopped',
    given: situation(silent, listening({ isStopped: true, receiveQueue: 2 })),
    best: 'gateway_frozen',
    isConclusive: true,
  },
  {
    name: 'silence, the listener is an interpreter',
    given: situation(silent, stranger(['/usr/bin/python3', 'server.py'])),
    best: 'silent_handshake',
  },
  {
    name: 'silence, the listener is sshd',
    given: situation(silent, stranger(['/usr/sbin/sshd', '-D'])),
    best: 'wrong_service',
  },
  {
    name: 'silence, the listener is a proxy',
    given: situation(silent, stranger(['socat'], 'proxy')),
    best: 'proxy_upstream_timeout',
  },
  {
    name: 'silence on IPv6',
    given: situation(silent, calm, { endpoint: { host: 'fe80::1', port: 7497 } }),
    best: 'ipv6_trusted_ip_mismatch',
  },
  // Closed
  {
    name: 'closed at once, old TWS',
    given: situation(ended('hello', fin)),
    best: 'closed_at_once_untrusted',
  },
  {
    name: 'closed at once, young TWS',
    given: situation(ended('hello', fin), youngTws),
    best: 'startup_window_reset',
  },
  {
    name: 'closed at once by a proxy',
    given: situation(ended('hello', fin), stranger(['socat'], 'proxy')),
    best: 'proxy_upstream_refused',
    isConclusive: true,
  },
  {
    name: 'closed late by a proxy',
    given: situation(ended('hello', fin, 5000), stranger(['socat'], 'proxy')),
    best: 'proxy_upstream_timeout',
  },
  {
    name: 'closed late by TWS',
    given: situation(ended('hello', fin, 20_000), blind),
    best: 'silent_accept_dialog',
  },
  {
    name: 'reset at once, nothing seen',
    given: situation(ended('hello', reset), blind),
    best: 'startup_window_reset',
  },
  // Other services
  {
    name: 'HTTP',
    given: situation(notTws('HTTP/1.1 400 Bad Request\r\n')),
    best: 'wrong_service',
    isConclusive: true,
  },
  {
    name: 'SSH, owner unknown',
    given: situation(notTws('SSH-2.0-OpenSSH_9.2\r\n'), blind),
    best: 'wrong_service',
    isConclusive: true,
  },
  {
    name: 'unsupported version',
    given: situation(ended('hello', { kind: 'unsupported version', serverVersion: 76 })),
    best: 'server_version_too_old',
    isConclusive: true,
  },
  // After the hello
  {
    name: 'accounts only',
    given: situation(waiting('ready', { accounts: ['DU1234567'] })),
    best: 'partial_handshake_no_next_valid_id',
  },
  {
    name: 'not ready, 1100 seen',
    given: situation(waiting('ready', { startupMessages: [message(1100)] })),
    best: 'upstream_lost_1100',
  },
  {
    name: 'not ready, 326 seen',
    given: situation(waiting('ready', { startupMessages: [message(326)] })),
    best: 'client_id_in_use_326',
    isConclusive: true,
  },
  {
    name: 'closed after start, no code',
    given: situation(ended('ready', fin)),
    best: 'peer_closed_after_startapi',
  },
  {
    name: 'closed after start with 326',
    given: situation({ ...ended('ready', fin), startupMessages: [message(2104), message(326)] }),
    best: 'client_id_in_use_326',
    isConclusive: true,
  },
  {
    name: 'closed after start with 10141',
    given: situation({ ...ended('ready', fin), startupMessages: [message(10141)] }),
    best: 'paper_disclaimer_10141',
    isConclusive: true,
  },
  {
    name: 'closed after start, 32 clients',
    given: situation(
      ended('ready', fin),
      clients(...Array.from({ length: 32 }, (_, i) => ({ clientPort: i }))),
    ),
    best: 'max_clients_32',
  },
  // An open session
  {
    name: 'the server time unanswered',
    given: situation(waiting('open'), calm, { unansweredForMs: 9000 }),
    best: 'half_open_zombie',
  },
  {
    name: 'the server time unanswered, TWS stopped',
    given: situation(waiting('open'), listening({ isStopped: true }), { unansweredForMs: 9000 }),
    best: 'gateway_frozen',
    isConclusive: true,
  },
  {
    name: 'a ready session ended',
    given: situation(ended('open', fin, 60_000)),
    best: 'tws_daily_restart_drop',
  },
  {
    name: 'a ready session ended with 1300',
    given: situation(ended('open', fin, 60_000), calm, { messages: [message(1300)] }),
    best: 'port_reset_1300',
    isConclusive: true,
  },
  // Only looked at
  {
    name: 'untried, nobody listens',
    given: situation(undefined, empty),
    best: 'port_refused',
    isConclusive: true,
  },
  {
    name: 'untried, dead connections',
    given: situation(undefined, zombies()),
    best: 'wedged_close_wait',
  },
];

describe('diagnoseConnection', () => {
  for (const { name, given, best, isConclusive } of cases) {
    it(`${name}: ${best}`, () => {
      const finding = diagnosed(given);
      const ranked = finding.causes.map(({ id, confidence }) => `${id} ${confidence}`).join(', ');
      assert.equal(finding.causes[0]?.id, best, ranked);
      assert.equal(finding.guide, best);
      assert.equal(finding.causes[0].confidence >= 0.7, isConclusive === true, ranked);
      assert.match(finding.message, /^\S.+\.$/);
      assert.ok(finding.remedy.length > 0);
    });
  }

  it('finds nothing wrong with an open session, whoever is said to listen', () => {
    assert.equal(diagnoseConnection(situation(waiting('open'), stranger(['nginx']))), undefined);
  });

  it('finds nothing in a look that shows a calm or an invisible port', () => {
    assert.equal(diagnoseConnection(situation(undefined)), undefined);
    assert.equal(diagnoseConnection(situation(undefined, blind)), undefined);
  });

  it('says starting or second factor for a young TWS without a port, not "not running"', () => {
    const os = { ...empty, twsProcesses: known([{ ...twsProcess, startedAtMs: young }]) };
    const ids = diagnosed(situation(notConnected('ECONNREFUSED'), os)).causes.map(({ id }) => id);
    assert.ok(ids.includes('twofa_timeout'));
    assert.ok(ids.indexOf('startup_window_reset') < ids.indexOf('port_refused'));
  });

  it('tells machines which other ports listen, where nobody does on ours', () => {
    const refused = notConnected('ECONNREFUSED');
    const portsOf = (os: PortObservation): readonly number[] | undefined =>
      diagnoseConnection(situation(refused, os))?.listeningPorts;
    assert.deepEqual(
      portsOf({ ...empty, otherUsualPortsListening: known([4002, 7496]) }),
      [4002, 7496],
    );
    assert.equal(portsOf({ ...empty, otherUsualPortsListening: known([]) }), undefined);
    assert.equal(
      portsOf({
        ...empty,
        listeners: { known: false, why: 'not permitted' },
        otherUsualPortsListening: known([4002]),
      }),
      undefined,
    );
  });

  it('names what TWS said before it ended a session only where that can be why', () => {
    const said = (code: number): string =>
      diagnosed(
        situation(ended('open', fin), calm, {
          messages: [{ requestId: -1, code, text: 'words', atMs: nowMs - 1000 }],
        }),
      ).message;
    assert.match(said(1100), /with message 1100: words/);
    assert.doesNotMatch(said(2103), /2103/);
  });

  it('shows what speaks against a cause', () => {
    const { causes } = diagnosed(situation(silent, clients({})));
    const modal = causes.find(({ id }) => id === 'silent_modal_dialog');
    assert.match(modal?.why ?? '', /but another client is connected/);
  });

  it('lists what could not be seen as unknown, with the reason', () => {
    const { evidence } = diagnosed(situation(silent, blind));
    const reasons = evidence.filter(({ kind }) => kind === 'unknown').map(({ text }) => text);
    // Listeners, other ports, dead connections, clients, processes, TWS's own files.
    assert.equal(reasons.length, 6);
    assert.ok(reasons.every((text) => text === 'no permission'));
  });

  it('does not take the tables of this machine for those of another', () => {
    const { causes, evidence } = diagnosed(situation(silent, zombies(), remote));
    assert.equal(causes[0]?.id, 'silent_handshake');
    assert.ok(evidence.some(({ kind }) => kind === 'unknown'));
  });
});

describe('recogniseService', () => {
  for (const [bytes, service] of [
    ['HTTP/1.0 200 OK', /web/],
    ['<!DOCTYPE html>', /web/],
    ['SSH-2.0-x', /SSH/],
    ['\u0015\u0003\u0001\u0000\u0002', /TLS/],
    ['220 mail ready', /mail/],
    ['-ERR unknown command', /Redis/],
    ['J\u0000\u0000\u0000\u000a8.0.36\u0000', /MySQL/],
  ] as const) {
    it(JSON.stringify(bytes), () => {
      assert.match(recogniseService(Buffer.from(bytes, 'latin1')) ?? '', service);
    });
  }

  it('does not guess', () => {
    assert.equal(recogniseService(Buffer.from([0xff, 0xff, 0xff, 0xff])), undefined);
    assert.equal(recogniseService(Buffer.alloc(0)), undefined);
  });
});

describe('any situation', () => {
  const bool = fc.boolean();
  const observed = <T>(value: fc.Arbitrary<T>) =>
    fc.oneof(
      value.map((seen) => known(seen)),
      fc.constant({ known: false, why: 'slow' } as const),
    );
  const role = fc.constantFrom<PortListener['role'][]>(
    'tws',
    'java',
    'proxy',
    'other',
    'hidden',
    'nobody',
    'robo',
  );
  const start = fc.constantFrom(nowMs - minute, nowMs - 90 * minute);
  const os = fc.record<PortObservation>({
    port: fc.constant(7497),
    platform: fc.constantFrom('linux', 'darwin', 'win32'),
    twsFiles: fc.constant(known({ settings: [], logs: [] })),
    listeners: observed(
      fc.array(
        fc.record<PortListener>({
          address: fc.constantFrom('127.0.0.1', '0.0.0.0', '::', '10.1.1.1'),
          pid: fc.option(fc.nat(), { nil: undefined }),
          role,
          product: fc.constant(undefined),
          argv: fc.option(fc.constantFrom(['java'], ['nginx'], ['python3'], []), {
            nil: undefined,
          }),
          startedAtMs: fc.option(start, { nil: undefined }),
          isStopped: bool,
          receiveQueue: fc.nat(3),
          socketId: fc.constant('1'),
        }),
        { maxLength: 2 },
      ),
    ),
    otherUsualPortsListening: observed(fc.subarray([7496, 4001, 4002])),
    closeWait: observed(
      fc.array(
        fc.record<CloseWaitGroup>({
          side: fc.constantFrom('server', 'client'),
          ownerPid: fc.option(fc.nat(), { nil: undefined }),
          role,
          count: fc.integer({ min: 1, max: 60 }),
        }),
        { maxLength: 2 },
      ),
    ),
    established: observed(
      fc.constantFrom(
        [],
        [
          {
            clientAddress: '::1',
            clientPort: 50_001,
            clientPid: undefined,
            clientRole: 'hidden',
            clientProgram: undefined,
            serverOwned: false,
          } as const,
        ],
      ),
    ),
    twsProcesses: observed(start.map((startedAtMs) => [{ ...twsProcess, startedAtMs }])),
  });
  const connection = fc.constantFrom(
    undefined,
    waiting('tcp'),
    waiting('hello'),
    waiting('ready'),
    waiting('open'),
    notConnected('ECONNREFUSED'),
    notConnected('EHOSTUNREACH'),
    notConnected('ENOTFOUND'),
    notConnected('ETIMEDOUT'),
    notTws('HTTP/1.1'),
    ended('hello', fin),
    ended('hello', reset, 3000),
    ended('ready', fin),
    ended('open', reset),
    ended('hello', { kind: 'by us', why: 'asked' }, 3000),
  );
  const anything = fc.record({
    connection,
    os,
    host: fc.constantFrom('127.0.0.1', '10.0.0.9', '172.17.0.1', '::1'),
    codes: fc.array(fc.constantFrom(326, 1100, 2104, 10141, 502, 99_999), { maxLength: 3 }),
    unansweredForMs: fc.option(fc.nat(60_000), { nil: undefined }),
  });

  function build(
    seen: typeof anything extends fc.Arbitrary<infer T> ? T : never,
  ): ConnectionSituation {
    return situation(seen.connection, seen.os, {
      endpoint: { host: seen.host, port: 7497 },
      messages: seen.codes.map((code) => message(code)),
      ...(seen.unansweredForMs === undefined ? {} : { unansweredForMs: seen.unansweredForMs }),
    });
  }

  it('yields confidences in [0, 1] that sum to at most 1, best first, of known causes', () => {
    fc.assert(
      fc.property(anything, (seen) => {
        const finding = diagnoseConnection(build(seen));
        const causes = finding?.causes ?? [];
        const values = causes.map(({ confidence }) => confidence);
        assert.ok(values.every((value) => value > 0 && value <= 1));
        assert.ok(values.reduce((sum, value) => sum + value, 0) <= 1 + 1e-9);
        assert.deepEqual(
          values,
          values.toSorted((a, b) => b - a),
        );
        assert.equal(new Set(causes.map(({ id }) => id)).size, causes.length);
        assert.ok(causes.every(({ id, why }) => causeIds.includes(id) && why !== ''));
      }),
      { numRuns: 400 },
    );
  });

  it('has a finding for every failed attempt', () => {
    fc.assert(
      fc.property(anything, (seen) => {
        const given = build(seen);
        const quiet: readonly Stage[] = ['open', 'not tried'];
        assert.ok(quiet.includes(stageOf(given)) || diagnoseConnection(given) !== undefined);
      }),
      { numRuns: 200 },
    );
  });

  it('is never sure of anything but what the attempt itself proves when the system is unseen', () => {
    const proven: readonly CauseId[] = [
      'port_refused',
      'bad_host',
      'wrong_service',
      'client_id_in_use_326',
      'paper_disclaimer_10141',
    ];
    fc.assert(
      fc.property(anything, (seen) => {
        const [best] = diagnoseConnection(build({ ...seen, os: blind }))?.causes ?? [];
        assert.ok(
          best === undefined || best.confidence <= inconclusiveLimit || proven.includes(best.id),
          `${best?.id ?? ''} ${best?.confidence ?? 0}`,
        );
      }),
      { numRuns: 200 },
    );
  });

  it('is never made sure by a look that fails', () => {
    const looks = [
      'listeners',
      'otherUsualPortsListening',
      'closeWait',
      'established',
      'twsProcesses',
    ] as const;
    fc.assert(
      fc.property(anything, fc.constantFrom(...looks), (seen, look) => {
        // Several proofs at once compete, and then one less leaves another surer.
        const listeners = seen.os.listeners.known ? seen.os.listeners.value : [];
        fc.pre(seen.codes.length === 0);
        fc.pre(listeners.every(({ role, isStopped }) => role === 'tws' && !isStopped));
        const [before] = diagnoseConnection(build(seen))?.causes ?? [];
        const hidden = { ...seen.os, [look]: { known: false, why: 'slow' } };
        const [after] = diagnoseConnection(build({ ...seen, os: hidden }))?.causes ?? [];
        // What spoke a little for others goes with the look: that may tip what was almost sure.
        const wasAlmostSure = (before?.confidence ?? 0) >= 0.65;
        assert.ok(
          wasAlmostSure || (after?.confidence ?? 0) < 0.7,
          `${before?.id ?? ''} ${before?.confidence ?? 0} became ${after?.id ?? ''} ${after?.confidence ?? 0} without ${look}`,
        );
      }),
      { numRuns: 1500 },
    );
  });

  it('puts the umbrella first for an unexplained silence', () => {
    assert.equal(diagnosed(situation(silent, blind)).guide, 'silent_handshake');
  });
});

describe('evidence of planned interruptions', () => {
  const windows = windowsAt(Date.parse('2026-11-22T12:00:00Z'), { zone: 'America/New_York' });

  function showsWindow(connection: ConnectionProgress): boolean {
    const { evidence } = diagnosed({ ...situation(connection, calm), windows });
    return evidence.some(({ text }) => text.startsWith('the weekly full login'));
  }

  it('is shown where an interruption may be what one sees, and nowhere else', () => {
    assert.ok(showsWindow(notConnected('ECONNREFUSED')));
    assert.ok(!showsWindow(notTws('SSH-2.0-OpenSSH_9.6')));
    assert.ok(!showsWindow(silent));
  });
});

describe('dataFindings', () => {
  const context: DataContext = { answersTime: true, activeCodes: [], nowMs };
  const timeout = { kind: 'timeout', afterMs: 10_000 } as const;
  const coded = (code: number, text = 'text') => ({ kind: 'message', code, text }) as const;

  function summary(findings: readonly Finding[]): readonly string[] {
    return findings.map(
      ({ subject, causes, severity }) =>
        `${subject.kind}${subject.name === undefined ? '' : ` ${subject.name}`}: ${causes[0]?.id ?? ''} (${severity})`,
    );
  }

  const table: readonly [
    string,
    Parameters<typeof dataFindings>[0],
    Partial<DataContext>,
    readonly string[],
  ][] = [
    ['all came', [{ symbol: 'AAPL', failure: undefined }], {}, []],
    [
      'all silent, time answered',
      [
        { symbol: 'AAPL', failure: timeout },
        { symbol: 'TSLA', failure: timeout },
      ],
      {},
      ['connection: hist_timeout (error)'],
    ],
    [
      'all silent, time silent too',
      [{ symbol: 'AAPL', failure: timeout }],
      { answersTime: false },
      ['connection: half_open_zombie (error)'],
    ],
    [
      'all silent since 1100',
      [{ symbol: 'AAPL', failure: timeout }],
      { activeCodes: [2104, 1100] },
      ['connection: upstream_lost_1100 (error)'],
    ],
    [
      'one silent',
      [
        { symbol: 'AAPL', failure: timeout },
        { symbol: 'TSLA', failure: undefined },
      ],
      {},
      ['symbol AAPL: hist_timeout (warning)'],
    ],
    [
      'one unknown',
      [
        { symbol: 'HBAR', failure: coded(200) },
        { symbol: 'TSLA', failure: undefined },
      ],
      {},
      ['symbol HBAR: no_secdef_200 (warning)'],
    ],
    [
      'the only one unknown',
      [{ symbol: 'HBAR', failure: coded(200) }],
      {},
      ['symbol HBAR: no_secdef_200 (warning)'],
    ],
    [
      'all unknown at once',
      [
        { symbol: 'AAPL', failure: coded(200) },
        { symbol: 'TSLA', failure: coded(200) },
      ],
      {},
      ['connection: false_200_during_outage (error)'],
    ],
    [
      'all refused to this session',
      [
        { symbol: 'AAPL', failure: coded(162, 'connected from a different IP address') },
        { symbol: 'TSLA', failure: coded(10197) },
      ],
      {},
      ['connection: different_ip_session (error)'],
    ],
    [
      'one refused to this session, while others came',
      [
        { symbol: 'AAPL', failure: coded(162, 'connected from a different IP address') },
        { symbol: 'TSLA', failure: undefined },
      ],
      {},
      ['symbol AAPL: different_ip_session (warning)'],
    ],
    [
      'not subscribed',
      [{ symbol: 'AAPL', failure: coded(354) }],
      {},
      ['symbol AAPL: not_subscribed (warning)'],
    ],
    [
      'an unheard code',
      [{ symbol: 'AAPL', failure: coded(99_999) }],
      {},
      ['symbol AAPL: validation_321 (warning)'],
    ],
    [
      'the link lost',
      [{ symbol: 'AAPL', failure: coded(1100) }],
      {},
      ['connection: upstream_lost_1100 (error)'],
    ],
  ];
  for (const [name, outcomes, change, expected] of table) {
    it(name, () => {
      assert.deepEqual(summary(dataFindings(outcomes, { ...context, ...change })), expected);
    });
  }
});

describe('noticeFinding', () => {
  const table: readonly [number, string, CauseId | undefined][] = [
    [2104, 'Market data farm connection is OK:usfarm', undefined],
    [2106, 'ok', undefined],
    [2107, 'inactive', undefined],
    [2119, 'connecting', undefined],
    [202, 'Order cancelled', undefined],
    [1100, 'Se ha perdido la conexión', 'upstream_lost_1100'],
    [1101, '', 'restored_data_lost_1101'],
    [
      1102,
      'restored - data maintained. All data farms are connected: usfarm.nj; ushmds.',
      undefined,
    ],
    [1102, 'The following farms are not connected: cashhmds.', 'restored_partial_farms'],
    [162, 'Historical data request pacing violation', 'pacing_162'],
    [162, 'HMDS query returned no data: X', 'hist_no_data_162'],
    [162, 'Trading TWS session is connected from a different IP address', 'different_ip_session'],
    [162, 'API historical data query cancelled: 28', 'hist_timeout'],
    [321, 'cause - The API interface is currently in Read-Only mode.', 'read_only_321'],
    [321, 'FA data operations ignored', 'validation_321'],
    [326, '', 'client_id_in_use_326'],
    [10141, '', 'paper_disclaimer_10141'],
    [2139, '', 'paper_disclaimer_10141'],
    [10197, '', 'competing_session_10197'],
    [2172, '', 'version_desupported_2172'],
    [77_777, 'never heard of', undefined],
  ];
  for (const [code, text, best] of table) {
    it(`${code} ${text.slice(0, 30)} → ${best ?? 'nothing'}`, () => {
      assert.equal(noticeFinding({ code, text, atMs: nowMs })?.guide, best);
    });
  }

  it('names only causes of the catalogue, whatever the code', () => {
    for (const code of [...messageCodes, 1, 9999]) {
      const causes = causesOfMessage(code, 'text');
      assert.ok(
        causes.every(({ id }) => causeIds.includes(id)),
        String(code),
      );
      assert.ok(causes.reduce((sum, { confidence }) => sum + confidence, 0) <= 1);
    }
  });
});

describe('account and clock', () => {
  const paper = { endpoint: { host: '127.0.0.1', port: 7497 }, mode: undefined };
  const custom = { endpoint: { host: '127.0.0.1', port: 9999 }, mode: undefined };

  it('stops a live account behind a paper port', () => {
    const finding = accountFinding(['U1234567'], paper, nowMs);
    assert.equal(finding?.severity, 'error');
    assert.doesNotMatch(JSON.stringify(finding), /1234567/, 'the account id is not shown');
  });

  it('only warns at a paper account behind a live port', () => {
    const live = { ...paper, endpoint: { host: '127.0.0.1', port: 7496 } };
    assert.equal(accountFinding(['DU1234567'], live, nowMs)?.severity, 'warning');
  });

  it('lets a stated mode count more than the port', () => {
    assert.equal(accountFinding(['U1234567'], { ...paper, mode: 'live' }, nowMs), undefined);
    assert.equal(accountFinding(['DU1'], { ...custom, mode: 'live' }, nowMs)?.severity, 'error');
  });

  it('says nothing where nothing is known', () => {
    assert.equal(accountFinding(['DU1234567'], paper, nowMs), undefined);
    assert.equal(accountFinding(['U1234567'], custom, nowMs), undefined);
    assert.equal(accountFinding(['X9'], paper, nowMs), undefined);
  });

  it('warns at a clock that is off, either way', () => {
    assert.equal(clockFinding(4000, nowMs), undefined);
    assert.match(clockFinding(-3 * 86_400_000, nowMs)?.message ?? '', /3\.0 d behind/);
    assert.match(clockFinding(60_000, nowMs)?.message ?? '', /60\.0 s ahead/);
  });
});

describe('the age of a TWS that has nothing to do with the port', () => {
  const youngTws = { ...twsProcess, startedAtMs: young };
  const simulator = { ...youngTws, product: 'simulator' } as const;

  it('says nothing about another program on the port', () => {
    const os = {
      ...listening({ role: 'other', product: undefined, argv: ['node', 'x.js'] }),
      twsProcesses: known([youngTws]),
    };
    const causes = diagnoseConnection(situation(ended('hello', fin), os))?.causes ?? [];
    assert.ok(
      causes.every(({ why }) => !why.includes('has been running')),
      JSON.stringify(causes),
    );
  });

  it('says nothing when it is a simulator on another port', () => {
    const os = { ...empty, twsProcesses: known([simulator]) };
    const best = diagnoseConnection(situation(undefined, os))?.causes[0];
    assert.equal(best?.id, 'port_refused');
  });
});

describe('looks that show less than they seem to', () => {
  const hiddenOwner = {
    role: 'hidden',
    pid: undefined,
    product: undefined,
    argv: undefined,
  } as const;
  const hiddenDead = zombies({ role: 'hidden', ownerPid: undefined });
  const best = (given: ConnectionSituation) => diagnosed(given).causes[0];

  it('takes dead connections of a hidden owner for those of a hidden listener, unproved', () => {
    const cause = best(situation(silent, listening(hiddenOwner, hiddenDead)));
    assert.equal(cause?.id, 'wedged_close_wait');
    assert.ok(cause.confidence <= inconclusiveLimit);
    assert.match(cause.why, /the listener holds 3 dead/);
  });

  it('does not call them absent where the listener is another', () => {
    const { causes } = diagnosed(situation(silent, hiddenDead));
    assert.ok(causes.every(({ why }) => !why.includes('no CLOSE_WAIT')));
    assert.ok(causes.every(({ why }) => !why.includes('no dead connections')));
  });

  it('takes a client whose bytes lie unread for no proof that TWS accepts', () => {
    assert.equal(
      best(situation(silent, clients({ unreadAtServer: 0 })))?.id,
      'silent_accept_dialog',
    );
    const { causes, evidence } = diagnosed(situation(silent, clients({ unreadAtServer: 17 })));
    assert.equal(causes[0]?.id, 'silent_handshake');
    assert.ok(evidence.some(({ text }) => text.includes('17 bytes of it are not read')));
  });

  it('is not sure of a dead accept loop in a TWS that has just been started', () => {
    const queue = { receiveQueue: 2 };
    assert.ok((best(situation(silent, listening(queue)))?.confidence ?? 0) >= 0.7);
    const os = listening({ ...queue, startedAtMs: young });
    assert.ok((best(situation(silent, os))?.confidence ?? 1) < 0.7);
  });
});

describe('confidence that the evidence does not carry', () => {
  const best = (given: ConnectionSituation) => diagnosed(given).causes[0];
  const timeout = waiting('tcp');

  it('does not blame TWS for the full queue of another program', () => {
    assert.equal(
      best(situation(timeout, listening({ receiveQueue: 9 })))?.id,
      'accept_queue_wedge',
    );
    const server = best(situation(timeout, stranger(['/usr/bin/postgres'])));
    assert.equal(server?.id, 'wrong_service');
    assert.equal(best(situation(timeout, stranger(['/opt/thingd'])))?.id, 'wrong_service');
    const forwarder = best(situation(timeout, stranger(['socat'], 'proxy')));
    assert.equal(forwarder?.id, 'proxy_upstream_timeout');
    assert.ok(forwarder.confidence < 0.7);
  });

  it('takes a name service that is silent for no proof that the name is wrong', () => {
    const sure = diagnosed(situation(notConnected('ENOTFOUND'), blind, remote));
    assert.ok((sure.causes[0]?.confidence ?? 0) >= 0.7);
    const { causes, message } = diagnosed(situation(notConnected('EAI_AGAIN'), blind, remote));
    assert.equal(causes[0]?.id, 'bad_host');
    assert.ok(causes[0].confidence < 0.7);
    assert.equal(causes[1]?.id, 'tcp_timeout_unreachable');
    assert.match(message, /could not be looked up/);
  });

  it('shows a client that is served against dead connections, and is not sure then', () => {
    assert.ok((best(situation(silent, zombies()))?.confidence ?? 0) >= 0.7);
    const served = { ...zombies({ count: 1 }), established: clients({}).established };
    const cause = best(situation(silent, served));
    assert.equal(cause?.id, 'wedged_close_wait');
    assert.ok(cause.confidence < 0.7);
    assert.match(cause.why, /but another client is connected/);
    const unheard = clients({ unreadAtServer: 17 }).established;
    assert.ok(
      (best(situation(silent, { ...served, established: unheard }))?.confidence ?? 0) >= 0.7,
    );
  });
});

describe('a TWS that listens on another address of this machine', () => {
  const elsewhere = { endpoint: { host: '127.0.0.2', port: 7497 } };
  const sunday = {
    kind: 'weekly login',
    name: 'the weekly full login',
    fromMs: nowMs - minute,
    untilMs: nowMs + minute,
    source: 'a test',
  } as const;

  for (const [age, startedAtMs] of [
    ['young', young],
    ['old', oldTws.startedAtMs],
  ] as const) {
    it(`is a matter of the host and not of its login: ${age}, on a Sunday`, () => {
      const os = {
        ...listening({ startedAtMs }),
        twsProcesses: known([{ ...twsProcess, startedAtMs: startedAtMs ?? 0 }]),
      };
      const given = situation(notConnected('ECONNREFUSED'), os, {
        ...elsewhere,
        windows: [sunday],
      });
      const { causes } = diagnosed(given);
      assert.equal(causes[0]?.id, 'bad_host', JSON.stringify(causes));
      const weekly = causes.find(({ id }) => id === 'weekly_2fa_reauth');
      assert.ok((weekly?.confidence ?? 0) < 0.1, JSON.stringify(causes));
    });
  }
});
