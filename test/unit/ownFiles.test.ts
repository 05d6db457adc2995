import assert from 'node:assert/strict';
import { known, unknown } from '../../src/core/observed';
import type { CauseId } from '../../src/diagnostics/causeIds';
import { factsOf } from '../../src/diagnostics/connectionFacts';
import { ownFiles } from '../../src/diagnostics/ownFiles';
import { rank } from '../../src/diagnostics/ranking';
import { connectionRules } from '../../src/diagnostics/rules/connectionRules';
import type { ConnectionSituation } from '../../src/diagnostics/situation';
import { loginBoundMs, ownFileEvidence } from '../../src/diagnostics/twsFileFacts';
import { lineTimes } from '../../src/diagnostics/twsLogTimes';
import type { PortObservation } from '../../src/host/portObservation';
import type { TwsFiles, TwsLogTail, TwsSettingsFile } from '../../src/host/twsFiles';
import {
  calm,
  empty,
  ended,
  fin,
  notConnected,
  nowMs,
  oldTws,
  situation,
  twsProcess,
  waiting,
} from '../support/situations';

const dayMs = 86_400_000;

/** `2026-11-20 15:00:00.000`, the wall clock of a machine that lives in UTC. */
function wall(offsetMs: number, zoneMs = 0): string {
  return new Date(nowMs + offsetMs + zoneMs).toISOString().replace('T', ' ').replace('Z', '');
}

function log(change: Partial<TwsLogTail> & Pick<TwsLogTail, 'lines'>): TwsLogTail {
  return { file: '/home/me/Jts/launcher.log', kind: 'launcher', modifiedAtMs: nowMs, ...change };
}

function settings(change: Partial<TwsSettingsFile> = {}): TwsSettingsFile {
  return {
    file: '/home/me/Jts/jts.ini',
    modifiedAtMs: nowMs - dayMs,
    port: undefined,
    trustedIps: undefined,
    timeZone: undefined,
    ...change,
  };
}

function withFiles(files: Partial<TwsFiles>, os: PortObservation = calm): PortObservation {
  return { ...os, twsFiles: known({ settings: [], logs: [], ...files }) };
}

function judge(about: ConnectionSituation) {
  return ownFiles.judge(factsOf(about));
}

/** What all rules say, ours among them, however they are wired. */
function best(about: ConnectionSituation) {
  const facts = factsOf(about);
  const others = connectionRules.filter((rule) => rule !== ownFiles);
  return rank([...others, ownFiles].flatMap((rule) => rule.judge(facts)));
}

/** The factor or summand of one cause; undefined where nothing is said. */
function voice(about: ConnectionSituation, cause: CauseId) {
  return judge(about).find((adjustment) => adjustment.cause === cause);
}

const ignoring =
  "INFO  [JTS-EServerSocket-12] - Ignoring API request 'jextend.a1' since API is not accepted.";
/** An attempt that began 3 s ago and is silent. */
const silent = waiting('hello');
const refused = notConnected('ECONNREFUSED');
const other: PortObservation = {
  ...empty,
  twsProcesses: known([twsProcess]),
  otherUsualPortsListening: known([4002]),
};

function silentWith(line: string, change: Partial<TwsLogTail> = {}, os = calm) {
  return situation(silent, withFiles({ logs: [log({ lines: [line], ...change })] }, os));
}

describe('a line of TWS that the API is not accepted', () => {
  it('decides for the dialog when it was written since our attempt', () => {
    const about = silentWith(`${wall(-2000)} ${ignoring}`);
    assert.equal(best(about)[0]?.id, 'silent_accept_dialog');
    assert.ok((best(about)[0]?.confidence ?? 0) > 0.7);
    assert.equal(voice(about, 'silent_accept_dialog')?.isConclusive, true);
  });

  it('says nothing when it is older than the attempt', () => {
    const lines = [`${wall(-60_000)} ${ignoring}`, `${wall(-1000)} INFO  [JTS-Main] - other`];
    assert.deepEqual(judge(silentWith('', { lines })), []);
  });

  it('is not conclusive where two run and the log may be the other one’s', () => {
    const two = { ...twsProcess, pid: 5, product: 'IB Gateway' as const };
    const os = { ...calm, twsProcesses: known([twsProcess, two]) };
    const line = `${wall(-2000)} ${ignoring}`;
    assert.equal(voice(silentWith(line, {}, os), 'silent_accept_dialog')?.isConclusive, false);
    const ours = `${wall(-2500)} INFO  [JTS-SocketListener-58] - API server listening on port 7497`;
    const sure = silentWith('', { lines: [ours, line] }, os);
    assert.equal(voice(sure, 'silent_accept_dialog')?.isConclusive, true);
    const theirs = silentWith('', { lines: [ours.replace('7497', '4002'), line] }, os);
    assert.deepEqual(judge(theirs), []);
  });

  it('says nothing of a session that was never tried, or of another machine', () => {
    const files = withFiles({ logs: [log({ lines: [`${wall(-2000)} ${ignoring}`] })] });
    assert.deepEqual(judge(situation(undefined, files)), []);
    const remote = { endpoint: { host: '10.0.0.9', port: 7497 } };
    assert.deepEqual(judge(situation(silent, files, remote)), []);
  });

  it('says nothing where the files are unknown', () => {
    const os = { ...calm, twsFiles: unknown('a slow disk') };
    assert.deepEqual(judge(situation(silent, os)), []);
    assert.deepEqual(ownFileEvidence(factsOf(situation(silent, os))), [
      {
        kind: 'unknown',
        source: "TWS's own files",
        at: new Date(nowMs).toISOString(),
        text: 'a slow disk',
      },
    ]);
  });
});

describe('a line of TWS about the address of a client', () => {
  const closed = ended('hello', fin);
  const about = (line: string) =>
    situation(closed, withFiles({ logs: [log({ lines: [`${wall(-3)} ${line}`] })] }));

  for (const line of [
    '[JTS-SocketListener-1] - denying connection from /127.0.0.1:50001',
    '[JTS-SocketListener-1] - Connection attempt from 127.0.0.1 was rejected.',
  ]) {
    it(`decides where it is ours: ${line}`, () => {
      assert.equal(best(about(line))[0]?.id, 'closed_at_once_untrusted');
      assert.equal(voice(about(line), 'closed_at_once_untrusted')?.isConclusive, true);
    });
  }

  it('speaks for a missing trust where it names no address', () => {
    const line = '[JTS-SocketListener-1] - client address is not trusted';
    assert.ok((voice(about(line), 'closed_at_once_untrusted')?.add ?? 0) > 0);
    assert.ok((voice(silentWith(`${wall(-1)} ${line}`), 'silent_accept_dialog')?.add ?? 0) > 0);
  });

  it('says nothing where it is another one', () => {
    assert.deepEqual(judge(about('denying connection from 10.0.0.9')), []);
    assert.deepEqual(judge(about('connection refused by ndc1.ibllc.com:4001')), []);
  });

  it('shows that the accept loop lives when TWS took ours', () => {
    const line =
      '[JTS-EServerSocket-287] - [0:136:136:1:0:0:0:SYS] Starting new conversation with client on';
    assert.equal(
      voice(silentWith(`${wall(-2000)} ${line} 127.0.0.1`), 'accept_queue_wedge')?.times,
      0.3,
    );
    assert.deepEqual(judge(silentWith(`${wall(-2000)} ${line} 10.0.0.9`)), []);
  });
});

describe('trusted addresses of a jts.ini', () => {
  const trusting = (trustedIps: readonly string[] | undefined, connection = silent) =>
    situation(connection, withFiles({ settings: [settings({ trustedIps })] }));

  it('speak for a dialog or a hang-up where ours is not among them', () => {
    const about = trusting(['10.0.0.5']);
    assert.ok((voice(about, 'silent_accept_dialog')?.add ?? 0) > 0);
    assert.match(voice(about, 'silent_accept_dialog')?.why ?? '', /only 10\.0\.0\.5.*127\.0\.0\.1/);
    assert.ok(best(about).every(({ confidence }) => confidence <= 0.65));
    const closed = trusting([], ended('hello', fin));
    assert.ok((voice(closed, 'closed_at_once_untrusted')?.add ?? 0) > 0);
  });

  it('speak against both where ours is among them', () => {
    for (const cause of ['silent_accept_dialog', 'closed_at_once_untrusted'] as const) {
      assert.ok((voice(trusting(['127.0.0.1']), cause)?.times ?? 1) < 1);
    }
  });

  it('point to IPv6 where only the address of IPv4 is trusted', () => {
    const about = {
      ...trusting(['127.0.0.1']),
      endpoint: { host: '::1', port: 7497 },
    };
    assert.equal(best(about)[0]?.id, 'ipv6_trusted_ip_mismatch');
  });

  it('know an IPv4 address in the notation of IPv6', () => {
    const client = {
      clientAddress: '::ffff:127.0.0.1',
      clientPort: 50_001,
      clientPid: 1,
      clientRole: 'robo' as const,
      clientProgram: undefined,
      serverOwned: true,
    };
    const os = { ...calm, established: known([client]) };
    const about = situation(
      silent,
      withFiles({ settings: [settings({ trustedIps: ['127.0.0.1'] })] }, os),
    );
    assert.ok((voice(about, 'silent_accept_dialog')?.times ?? 1) < 1);
  });

  it('say nothing where the file does not name them, or two files disagree', () => {
    assert.deepEqual(judge(trusting(undefined)), []);
    const two = [settings({ trustedIps: ['10.0.0.5'] }), settings({ trustedIps: ['127.0.0.1'] })];
    assert.deepEqual(judge(situation(silent, withFiles({ settings: two }))), []);
    const [first, second] = two;
    assert.ok(first !== undefined && second !== undefined);
    const running = [{ ...first, isOfRunning: true as const }, second];
    assert.ok(judge(situation(silent, withFiles({ settings: running }))).length > 0);
  });

  it('say nothing where a forwarder stands between', () => {
    const os = { ...calm, listeners: known([{ ...oldTws, role: 'proxy' as const }]) };
    const files = withFiles({ settings: [settings({ trustedIps: ['10.0.0.5'] })] }, os);
    assert.deepEqual(judge(situation(silent, files)), []);
  });
});

describe('the port that the files of TWS name', () => {
  const naming = (port: number, os = other) =>
    situation(refused, withFiles({ settings: [settings({ port })] }, os));

  it('speaks for another port where it differs, the more where that listens', () => {
    const listening = voice(naming(4002), 'port_mode_mismatch')?.add ?? 0;
    const silentPort = voice(naming(4002, empty), 'port_mode_mismatch')?.add ?? 0;
    assert.ok(listening > silentPort && silentPort > 0);
    assert.equal(best(naming(4002))[0]?.id, 'port_mode_mismatch');
  });

  it('speaks against it where it is ours', () => {
    assert.ok((voice(naming(7497), 'port_mode_mismatch')?.times ?? 1) < 1);
  });

  it('is never followed from paper to live', () => {
    assert.equal(voice(naming(7496), 'port_mode_mismatch'), undefined);
    assert.match(voice(naming(7496), 'port_refused')?.why ?? '', /never follows/);
    const unusual = settings({ port: 5001, mode: 'live' });
    const about = situation(refused, withFiles({ settings: [unusual] }, other));
    assert.equal(voice(about, 'port_mode_mismatch'), undefined);
    const paper = situation(
      refused,
      withFiles({ settings: [{ ...unusual, mode: 'paper' }] }, other),
    );
    assert.ok((voice(paper, 'port_mode_mismatch')?.add ?? 0) > 0);
  });

  it('is believed of the log rather than of the settings', () => {
    const lines = [`${wall(-dayMs)} IBC: TWS API socket port now set to 4002`, `${wall(0)} IBC: x`];
    const files = { settings: [settings({ port: 7497 })], logs: [log({ lines, kind: 'ibc' })] };
    const about = situation(refused, withFiles(files, other));
    assert.ok((voice(about, 'port_mode_mismatch')?.add ?? 0) > 0);
  });

  it('says nothing while somebody listens on ours', () => {
    const files = withFiles({ settings: [settings({ port: 4002 })] });
    assert.deepEqual(judge(situation(silent, files)), []);
  });
});

describe('the login as the logs tell it', () => {
  const ibc = (
    lines: readonly string[],
    os: PortObservation = { ...other, otherUsualPortsListening: known([]) },
  ) => situation(refused, withFiles({ logs: [log({ lines, kind: 'ibc' })] }, os));
  const minute = 60_000;

  const endings: readonly (readonly [string, CauseId])[] = [
    ['IBC: Second Factor Authentication initiated', 'twofa_timeout'],
    [
      'IBC: IBC closing because login has not completed after Second Factor Authentication',
      'twofa_timeout',
    ],
    ['IBC: Login failed', 'login_failed'],
    ['INFO  [JTS-Login-14] - AUTH_RESULT indicates wrong password', 'login_failed'],
    [
      'IBC: detected dialog entitled: Existing session detected; event=Opened',
      'existing_session_relogin',
    ],
    [
      'IBC: detected dialog entitled: Re-login is required; event=Opened',
      'existing_session_relogin',
    ],
  ];
  for (const [line, cause] of endings) {
    it(`explains a closed port: ${line}`, () => {
      const open = ibc([`${wall(-2 * minute)} ${line}`, `${wall(-1000)} IBC: x`]);
      assert.equal(best(open)[0]?.id, cause);
    });

    it(`is over when the login completed afterwards: ${line}`, () => {
      const done = ibc([`${wall(-2 * minute)} ${line}`, `${wall(0)} IBC: Login has completed`]);
      assert.deepEqual(judge(done), []);
    });

    it(`does not count when it is old: ${line}`, () => {
      const old = ibc([`${wall(-loginBoundMs - minute)} ${line}`, `${wall(0)} IBC: x`]);
      assert.deepEqual(judge(old), []);
    });

    it(`says nothing about a port where somebody listens: ${line}`, () => {
      const files = withFiles({ logs: [log({ lines: [`${wall(0)} ${line}`] })] });
      assert.deepEqual(judge(situation(silent, files)), []);
    });
  }

  it('takes the missing file of the restart for little: a start by hand says the same', () => {
    const about = ibc([
      `${wall(-2 * minute)} IBC: x`,
      'autorestart file not found: full authentication will be required',
      `${wall(0)} IBC: Second Factor Authentication initiated`,
    ]);
    assert.equal(best(about)[0]?.id, 'twofa_timeout');
    assert.ok((voice(about, 'autorestart_broken')?.add ?? 0) > 0);
  });

  it('does not take a dialog that closes for news', () => {
    const line = 'IBC: detected dialog entitled: Existing session detected; event=Closed';
    assert.deepEqual(judge(ibc([`${wall(0)} ${line}`])), []);
  });

  it('explains also a process that has ended', () => {
    const line =
      'IBC: IBC closing because login has not completed after Second Factor Authentication';
    assert.equal(best(ibc([`${wall(0)} ${line}`], empty))[0]?.id, 'twofa_timeout');
  });
});

describe('evidence from the files of TWS', () => {
  it('names file, time and meaning, and quotes nothing of the line', () => {
    const line = `${wall(-2000)} U1234567 trader_jane ${ignoring}`;
    const files = {
      settings: [settings({ port: 4002, trustedIps: ['127.0.0.1', '10.0.0.5'], mode: 'paper' })],
      logs: [log({ lines: [line, line] })],
      unreadable: [{ file: '/home/me/Jts/abc', why: 'TWS encrypts its logs there (.ibgzenc)' }],
    };
    const evidence = ownFileEvidence(factsOf(situation(silent, withFiles(files))));
    assert.deepEqual(
      evidence.map(({ kind, source, at, text }) => [kind, source, at, text]),
      [
        [
          'file',
          '/home/me/Jts/jts.ini',
          new Date(nowMs - dayMs).toISOString(),
          'API port 4002; trusted: 127.0.0.1, 10.0.0.5; last login: paper',
        ],
        [
          'log',
          '/home/me/Jts/launcher.log',
          new Date(nowMs - 2000).toISOString(),
          'TWS ignores requests because the API connection is not accepted',
        ],
        [
          'unknown',
          '/home/me/Jts/abc',
          new Date(nowMs).toISOString(),
          'TWS encrypts its logs there (.ibgzenc)',
        ],
      ],
    );
  });

  it('tells of the login where nobody listens, and of nothing once the hello was answered', () => {
    const lines = [
      `${wall(-60_000)} IBC: Second Factor Authentication initiated`,
      `${wall(-2000)} ${ignoring}`,
    ];
    const os = withFiles({ settings: [settings()], logs: [log({ lines })] });
    const texts = (about: ConnectionSituation) =>
      ownFileEvidence(factsOf(about)).map(({ text }) => text);
    assert.deepEqual(texts(situation(refused, os)), [
      'names neither API port nor trusted addresses',
      'the login waits for the second factor',
    ]);
    assert.deepEqual(texts(situation(waiting('ready'), os)), []);
  });

  it('is empty where there are no files', () => {
    assert.deepEqual(ownFileEvidence(factsOf(situation(silent, calm))), []);
  });
});

describe('the time of a line', () => {
  const hour = 3_600_000;

  for (const zoneMs of [0, -5 * hour, 5.5 * hour, 13 * hour, -12 * hour]) {
    it(`is read in the zone of the log, ${zoneMs / hour} h from UTC`, () => {
      const lines = [`${wall(-hour, zoneMs)} a`, 'and more', `${wall(-3000, zoneMs)} b`];
      assert.deepEqual(lineTimes(log({ lines })), [nowMs - hour, nowMs - hour, nowMs - 3000]);
    });

    it(`is read of a bare time of day, over midnight, ${zoneMs / hour} h from UTC`, () => {
      const bare = (offsetMs: number) => wall(offsetMs, zoneMs).slice(11).replace('.', ':');
      const lines = [-20 * hour, -10 * hour, -2000].map((offset) => `${bare(offset)} -> x`);
      assert.deepEqual(
        lineTimes(log({ lines })),
        [-20 * hour, -10 * hour, -2000].map((offset) => nowMs + offset),
      );
    });
  }

  it('is that of the line itself where it names its zone', () => {
    const lines = ['2026-11-20T10:00:00.000-05:00 a', '2026-11-20 14:00:00Z b', 'c'];
    assert.deepEqual(lineTimes(log({ lines })), [nowMs, nowMs - hour, nowMs - hour]);
  });

  it('is unknown before the first time, and where the file was written before its lines', () => {
    const tomorrow = new Date(nowMs + 40 * hour + 7 * 60_000).toISOString().replace('T', ' ');
    assert.deepEqual(lineTimes(log({ lines: ['a', `${tomorrow.slice(0, 19)} b`] })), [
      undefined,
      undefined,
    ]);
    assert.deepEqual(lineTimes(log({ lines: ['a'] })), [undefined]);
  });
});
