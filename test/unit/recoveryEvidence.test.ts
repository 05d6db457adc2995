import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { known, unknown } from '../../src/core/observed';
import type { CauseId } from '../../src/diagnostics/causeIds';
import type { Finding } from '../../src/diagnostics/finding';
import { makeFinding } from '../../src/diagnostics/makeFinding';
import type { RunnerStatus, SymbolStatus } from '../../src/diagnostics/status';
import type { EstablishedClient, PortObservation } from '../../src/host/portObservation';
import { modeOf, runnerAtWork, serverProblem } from '../../src/monitor/recoveryEvidence';
import { parseRecoverySettings, recoveryOff } from '../../src/monitor/recoverySettings';
import { isWedged, showsWedge, troubleOf } from '../../src/monitor/recoveryTrouble';
import { blind, calm, empty, nowMs, oldTws, twsProcess } from '../support/situations';

const endpoint = { host: '127.0.0.1', port: 7497 };
const ownPid = 100;

function runner(change: Partial<RunnerStatus> = {}): RunnerStatus {
  return {
    workspace: '/ws',
    state: 'running',
    pid: 55,
    command: [],
    symbols: [],
    startedAt: null,
    logFile: '/ws.log',
    work: 'working',
    lastCycleAt: null,
    lastFetchAt: null,
    symbolStatus: [],
    bypassReason: null,
    exit: null,
    findings: [],
    ...change,
  };
}

function symbol(name: string, failures: number): SymbolStatus {
  const lastFetchAt = '2026-11-20T15:00:00.000Z';
  return { symbol: name, lastFetchAt, lastFailureAt: null, failures, price: null, signal: null };
}

function connected(change: Partial<EstablishedClient> = {}): PortObservation {
  const client: EstablishedClient = {
    clientAddress: '127.0.0.1',
    clientPort: 50_001,
    clientPid: 77,
    clientRole: 'other',
    clientProgram: 'python3 trade.py',
    serverOwned: true,
    ...change,
  };
  return { ...calm, established: known([client]) };
}

function finding(id: CauseId, confidence = 0.9): Finding {
  return makeFinding({
    subject: { kind: 'connection' },
    causes: [{ id, confidence, why: 'seen' }],
    message: 'Something is wrong.',
    nowMs,
    severity: 'error',
    evidence: [],
  });
}

describe('whether a runner works', () => {
  const cases: readonly (readonly [
    string,
    readonly RunnerStatus[],
    PortObservation | undefined,
    string,
  ])[] = [
    ['nobody is there', [], calm, 'no'],
    ['ours works', [runner()], calm, 'yes'],
    ['nobody knows what ours does', [runner({ work: 'unknown' })], calm, 'yes'],
    ['ours starts', [runner({ state: 'starting', work: 'unknown' })], calm, 'yes'],
    ['ours has ended', [runner({ state: 'exited', pid: null })], calm, 'no'],
    ['ours fails', [runner({ work: 'failing' })], calm, 'no'],
    [
      'ours has stalled, on a session of its own',
      [runner({ work: 'stalled' })],
      connected({ clientPid: 55 }),
      'no',
    ],
    ['another one works beside ours', [runner({ work: 'stalled' }), runner()], calm, 'yes'],
    ['ours says nothing that we understand', [runner({ work: 'silent' })], calm, 'yes'],
    [
      'ours fails on some symbols only',
      [runner({ work: 'failing', symbolStatus: [symbol('A', 2), symbol('B', 1), symbol('C', 0)] })],
      calm,
      'yes',
    ],
    [
      'ours fails on all symbols',
      [runner({ work: 'failing', symbolStatus: [symbol('A', 2), symbol('B', 1)] })],
      calm,
      'no',
    ],
    [
      'the connection of ours is cut, and not every symbol has failed yet',
      [
        runner({
          work: 'failing',
          symbolStatus: [symbol('A', 2), symbol('B', 0)],
          findings: [finding('upstream_lost_1100')],
        }),
      ],
      calm,
      'no',
    ],
    ['another program has a session', [], connected(), 'yes'],
    ['a client of another machine has one', [], connected({ clientPid: undefined }), 'yes'],
    ['it was never accepted', [], connected({ serverOwned: false }), 'no'],
    ['only we are connected', [], connected({ clientPid: ownPid }), 'no'],
    ['the table cannot be read', [], blind, 'unknown'],
    ['nobody has looked', [], undefined, 'unknown'],
  ];
  for (const [what, runners, os, works] of cases) {
    it(`${works}: ${what}`, () => {
      const at = runnerAtWork(runners, os, ownPid);
      assert.equal(at.works, works);
      assert.equal(at.why !== '', works !== 'no');
    });
  }
});

describe('the mode that a restart goes by', () => {
  it('is paper only where the accounts say so', () => {
    assert.equal(modeOf(['DU123'], endpoint), 'paper');
    assert.equal(modeOf(['DU123', 'U123'], endpoint), 'live');
    assert.equal(modeOf(['DU123'], { ...endpoint, port: 7496 }), 'live');
    assert.equal(modeOf([], endpoint), undefined);
    assert.equal(modeOf(['DU123', 'X'], endpoint), undefined);
  });
});

describe('who listens on the command port', () => {
  const server = { ...calm, port: 7462 };
  const stranger = { ...oldTws, pid: 9, role: 'other' as const, argv: ['/usr/bin/redis'] };
  const cases: readonly (readonly [
    string,
    PortObservation,
    PortObservation,
    RegExp | undefined,
    RegExp | undefined,
  ])[] = [
    ['the TWS of the endpoint', server, calm, undefined, undefined],
    [
      'nobody',
      { ...server, listeners: known([]) },
      calm,
      /nobody listens on port 7462/,
      /nobody listens/,
    ],
    [
      'a stranger',
      { ...server, listeners: known([stranger]) },
      calm,
      /redis.*not to IBC/,
      /not to IBC/,
    ],
    [
      'a stopped TWS',
      { ...server, listeners: known([{ ...oldTws, isStopped: true }]) },
      calm,
      /stopped by a signal/,
      /stopped/,
    ],
    [
      'another TWS',
      { ...server, listeners: known([{ ...oldTws, pid: 5 }]) },
      calm,
      /another TWS \(pid 5\)/,
      /another TWS/,
    ],
    [
      'somebody hidden',
      { ...server, listeners: known([{ ...oldTws, role: 'hidden', pid: undefined }]) },
      calm,
      /cannot be seen/,
      undefined,
    ],
    [
      'nobody knows whom',
      { ...server, listeners: unknown('no permission') },
      calm,
      /no permission/,
      undefined,
    ],
    [
      'the only TWS, whose API is off',
      server,
      { ...empty, twsProcesses: known([twsProcess]) },
      undefined,
      undefined,
    ],
    [
      'one of two, whose API is off',
      server,
      { ...empty, twsProcesses: known([twsProcess, { ...twsProcess, pid: 5 }]) },
      /cannot be told/,
      /cannot be told/,
    ],
    ['a TWS beside an API that cannot be seen', server, blind, /cannot be told/, undefined],
  ];
  for (const [what, listening, api, restart, data] of cases) {
    it(`is ${what}`, () => {
      for (const [command, expected] of [
        ['RESTART', restart],
        ['RECONNECTACCOUNT', restart],
        ['RECONNECTDATA', data],
      ] as const) {
        const problem = serverProblem(command, listening, api);
        if (expected === undefined) {
          assert.equal(problem, undefined, command);
        } else {
          assert.match(problem ?? '', expected, command);
        }
      }
    });
  }
});

describe('the kind of trouble', () => {
  const kind = (id: CauseId, os: PortObservation = calm, confidence = 0.9): string | undefined =>
    troubleOf({ health: 'down', findings: [finding(id, confidence)], os, nowMs })?.kind;

  it('is none while all is well', () => {
    assert.equal(troubleOf({ health: 'healthy', findings: [], os: calm, nowMs }), undefined);
  });

  it('follows the cause', () => {
    assert.equal(kind('silent_handshake'), 'connection');
    assert.equal(kind('wedged_close_wait'), 'wedged');
    assert.equal(kind('gateway_frozen'), 'wedged');
    assert.equal(kind('silent_api_not_enabled'), 'api off');
    assert.equal(kind('farm_broken_2103'), 'data');
    assert.equal(kind('upstream_lost_1100'), 'upstream');
    assert.equal(kind('client_id_in_use_326'), 'client id');
    assert.equal(kind('competing_session_10197'), 'connection');
  });

  it('is a wedge only on conclusive evidence', () => {
    assert.equal(kind('accept_queue_wedge', calm, 0.69), 'connection');
    assert.equal(isWedged(finding('accept_queue_wedge', 0.7)), true);
    assert.equal(isWedged(undefined), false);
  });

  it('sees a lost link before the farms behind it', () => {
    const findings = [finding('farm_broken_2103'), finding('upstream_lost_1100')];
    const trouble = troubleOf({ health: 'down', findings, os: calm, nowMs });
    assert.equal(trouble?.kind, 'upstream');
    assert.match(trouble.evidence, /^Something is wrong\. \(upstream_lost_1100: seen\)$/);
  });

  it('is a degraded connection that nothing heals', () => {
    assert.equal(troubleOf({ health: 'degraded', findings: [], os: calm, nowMs })?.kind, 'other');
  });

  it('is an API that is off where a TWS long past its start listens nowhere', () => {
    const off = { ...empty, twsProcesses: known([twsProcess]) };
    assert.equal(kind('port_refused', off), 'api off');
    assert.equal(kind('port_refused', empty), 'connection');
    const young = { ...twsProcess, startedAtMs: nowMs - 60_000 };
    assert.equal(kind('port_refused', { ...off, twsProcesses: known([young]) }), 'connection');
    const gateway = { ...twsProcess, product: 'IB Gateway' as const };
    assert.equal(kind('port_refused', { ...off, twsProcesses: known([gateway]) }), 'connection');
    const elsewhere = { ...off, otherUsualPortsListening: known([7496]) };
    assert.equal(kind('port_refused', elsewhere), 'connection');
    assert.equal(kind('port_refused', blind), 'connection');
  });

  it('knows one TWS from the next', () => {
    const of = (os: PortObservation | undefined): string | undefined =>
      troubleOf({ health: 'down', findings: [], os, nowMs })?.tws;
    assert.notEqual(of(calm), of({ ...calm, listeners: known([{ ...oldTws, socketId: '2' }]) }));
    assert.equal(of(calm), of({ ...calm, closeWait: known([]) }));
    assert.equal(of(blind), undefined);
    assert.equal(of(undefined), undefined);
  });
});

describe('what the system shows of a wedge', () => {
  const listening = (change: Partial<typeof oldTws>): PortObservation => ({
    ...calm,
    listeners: known([{ ...oldTws, ...change }]),
  });

  it('is dead sockets, a queue, an unaccepted connection or a stopped process', () => {
    const zombies = { side: 'server', ownerPid: 4711, role: 'tws', count: 3 } as const;
    for (const os of [
      listening({ receiveQueue: 2 }),
      listening({ isStopped: true }),
      { ...calm, closeWait: known([zombies]) },
      connected({ serverOwned: false }),
    ]) {
      assert.deepEqual(showsWedge(os), known(true));
    }
  });

  it('is nothing where all is calm, and unknown where it cannot be seen', () => {
    assert.deepEqual(showsWedge(calm), known(false));
    assert.equal(showsWedge(blind).known, false);
    assert.equal(showsWedge(listening({ receiveQueue: undefined })).known, false);
  });
});

describe('the settings of recovery', () => {
  const names = { port: '--ibc-command-port', allow: '--recovery-allow' };
  const parse = (ibcCommandPort?: string, allow?: string, host = '127.0.0.1') =>
    parseRecoverySettings({ ibcCommandPort, allow }, { host, port: 7497 }, names);

  it('are off unless somebody says so', () => {
    assert.equal(parse(), recoveryOff);
    assert.equal(parse('0', ''), recoveryOff);
  });

  it('name the port and the steps', () => {
    const settings = parse('7462', 'reconnectdata, RESTART');
    assert.equal(settings.ibcCommandPort, 7462);
    assert.deepEqual([...settings.allow], ['RECONNECTDATA', 'RESTART']);
  });

  for (const [what, port, allow, host, sentence] of [
    [
      'a step that ends TWS',
      '7462',
      'STOP',
      '127.0.0.1',
      /--recovery-allow contains "STOP"; use ENABLEAPI/,
    ],
    ['steps without a port', '', 'RESTART', '127.0.0.1', /name its port with --ibc-command-port/],
    ['the port of the endpoint', '7497', '', '127.0.0.1', /is an API port/],
    ['the API port of another TWS', '4001', '', '127.0.0.1', /is an API port/],
    ['no port', '99999', '', '127.0.0.1', /no port/],
    ['another machine', '7462', '', '10.0.0.5', /another machine/],
  ] as const) {
    it(`refuse ${what}`, () => {
      assert.throws(() => parse(port, allow, host), sentence);
    });
  }
});

describe('recovery and processes (law 9)', () => {
  const root = path.resolve(__dirname, '../../src');

  // That nothing is imported either is a rule of .dependency-cruiser.cjs: recovery-ends-nothing.
  it('has no word that ends one, in the rooms that connect and watch', () => {
    const files = ['ibkr', 'monitor'].flatMap((room) =>
      readdirSync(path.join(root, room)).map((name) => path.join(root, room, name)),
    );
    assert.ok(files.some((file) => file.endsWith('recovery.ts')));
    for (const file of files) {
      const text = readFileSync(file, 'utf8');
      assert.doesNotMatch(text, /\bkill\(|SIGTERM|SIGKILL|process\.(?:kill|abort)/, file);
    }
  });
});
