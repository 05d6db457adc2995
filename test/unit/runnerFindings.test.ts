import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { isCauseId } from '../../src/diagnostics/causeTitles';
import type { CauseId } from '../../src/diagnostics/causeIds';
import type { Finding } from '../../src/diagnostics/finding';
import type { RunnerFact } from '../../src/diagnostics/runnerFacts';
import { type Fall, fallsAfter, soonMs, windowMs } from '../../src/runner/crashLoop';
import type { RunnerKnowledge } from '../../src/runner/runnerKnowledge';
import { runnerStatus } from '../../src/runner/runnerStatus';
import { quietLimitMs } from '../../src/runner/standstill';
import { fallen, living, said, startedAtMs, traderArgv } from '../support/runnerKnowledge';

const late = startedAtMs + quietLimitMs + 60_000;
const cycle: RunnerFact = { kind: 'cycle' };

function findings(known: RunnerKnowledge): readonly Finding[] {
  return runnerStatus(known).findings;
}

function guides(known: RunnerKnowledge): readonly CauseId[] {
  return findings(known).map(({ guide }) => guide);
}

describe('the end of a runner', () => {
  const launcher = ['/ws/START_TRADER.sh'];
  const other = ['python3', 'bot.py'];
  const cases: readonly (readonly [string, RunnerKnowledge, CauseId, RegExp])[] = [
    ['exit 1', fallen({ code: 1 }), 'runner_exited', /exit code 1\. It printed nothing/],
    ['127 of a shell', fallen({ code: 127 }, { argv: other }), 'command_not_found', /not found/],
    ['126 of a shell', fallen({ code: 126 }, { argv: other }), 'command_not_found', /executed/],
    ['9009 of cmd', fallen({ code: 9009 }, { argv: other }), 'command_not_found', /cmd/],
    ['a bus error', fallen({ signal: 'SIGBUS' }), 'wrong_interpreter', /SIGBUS.*interpreter/],
    ['a segmentation fault', fallen({ signal: 'SIGSEGV' }), 'wrong_interpreter', /fell/],
    ['139 through a shell', fallen({ code: 139 }), 'wrong_interpreter', /139/],
    ['Windows', fallen({ code: 0xc0000135 }), 'wrong_interpreter', /3221225781/],
    ['KILL', fallen({ signal: 'SIGKILL' }), 'runner_exited', /SIGKILL, which Robo did not send/],
    ['2 of the built-in', fallen({ code: 2 }, { argv: [] }), 'bad_configuration', /cannot be used/],
    ['2 of another', fallen({ code: 2 }, { argv: other }), 'runner_exited', /exit code 2/],
    ['4 of the trader', fallen({ code: 4 }), 'bad_configuration', /pre-flight was never run/],
    ['5 of the trader', fallen({ code: 5 }), 'bad_configuration', /out of date/],
    ['6 of the trader', fallen({ code: 6 }), 'runner_exited', /without protection/],
    ['9 of the trader', fallen({ code: 9 }), 'runner_exited', /settlement/],
    [
      '4 of a program that a shim of pyenv started',
      fallen(
        { code: 4 },
        {
          argv: ['bash', '/root/.pyenv/shims/python3', ...traderArgv.slice(1)],
          run: { command: traderArgv, symbols: [], bypassReason: null },
        },
      ),
      'bad_configuration',
      /pre-flight was never run/,
    ],
    ['4 of its script', fallen({ code: 4 }, { argv: launcher }), 'bad_configuration', /IBC/],
    ['5 of its script', fallen({ code: 5 }, { argv: launcher }), 'helper_port_taken', /taken/],
    ['75 of its script', fallen({ code: 75 }, { argv: launcher }), 'duplicate_runner', /lock/],
    ['76 of its script', fallen({ code: 76 }, { argv: launcher }), 'wrong_interpreter', /Python/],
    ['4 of another', fallen({ code: 4 }, { argv: other }), 'runner_exited', /exit code 4/],
    [
      'a missing module',
      fallen({ code: 1 }, { lastLines: ["ModuleNotFoundError: No module named 'pandas'"] }),
      'wrong_interpreter',
      /not in its environment.*pandas/,
    ],
    [
      'arguments that it does not take',
      fallen(
        { code: 2 },
        { argv: other, lastLines: ['bot.py: error: unrecognized arguments: -x'] },
      ),
      'bad_configuration',
      /robo\.runner\.command/,
    ],
    [
      'a full disk',
      fallen({ code: 1 }, { lastLines: ['OSError: [Errno 28] No space left on device'] }),
      'disk_full',
      /no space/,
    ],
  ];
  for (const [name, known, id, says] of cases) {
    it(`is read: ${name}`, () => {
      const [first] = findings(known);
      assert.equal(first?.guide, id);
      assert.equal(first.severity, 'error');
      assert.match(first.message, says);
      assert.ok(first.causes.reduce((sum, { confidence }) => sum + confidence, 0) <= 1);
    });
  }

  it('blames no interpreter for one that fell at work, and nobody for an end that was asked for', () => {
    const atMs = startedAtMs + 3_600_000;
    assert.deepEqual(guides(fallen({ signal: 'SIGSEGV', atMs })), ['runner_exited']);
    assert.deepEqual(guides(fallen({ code: 127, how: 'asked' })), []);
    const unseen = findings(fallen({ how: 'unseen' }));
    assert.equal(unseen[0]?.guide, 'runner_exited');
    assert.equal(unseen[0].severity, 'warning');
    assert.equal(findings(fallen({ code: 0 }))[0]?.severity, 'info');
  });

  it('says once what the runner has said of it, and keeps the line of its own code', () => {
    const source = { file: 'bot.py', line: 3 };
    const says = said({ kind: 'error', text: "No module named 'pandas'", source });
    const lastLines = ["ModuleNotFoundError: No module named 'pandas'"];
    const told = findings(fallen({ code: 1 }, { says, lastLines }));
    assert.deepEqual(
      told.map(({ guide }) => guide),
      ['wrong_interpreter'],
    );
    assert.deepEqual(told[0]?.source, source);
    const both = findings(fallen({ code: 1 }, { says }));
    assert.deepEqual(
      both.map(({ guide, subject }) => [guide, subject.name]),
      [
        ['runner_exited', '/ws'],
        ['runner_error', '/ws'],
      ],
    );
  });
});

describe('a crash loop', () => {
  const exit = { code: 1, signal: null, how: 'by itself' } as const;

  function after(...ends: readonly (readonly [number, number | null, number])[]): readonly Fall[] {
    return ends.reduce<readonly Fall[]>(
      (falls, [atMs, code, livedMs]) => fallsAfter(falls, { ...exit, code, atMs }, atMs - livedMs),
      [],
    );
  }

  it('is three ends soon after the start within half an hour', () => {
    const falls = after([0, 1, 5000], [300_000, 1, 5000], [600_000, 1, 5000]);
    const known = fallen({ code: 1, atMs: 600_000 }, { falls });
    const [finding, ...others] = findings(known);
    assert.deepEqual(others, []);
    assert.equal(finding?.guide, 'runner_crash_loop');
    assert.equal(finding.count, 3);
    assert.match(finding.message, /3 times.*exit code 1/);
    assert.deepEqual(guides(fallen({ code: 1 }, { falls: falls.slice(1) })), ['runner_exited']);
  });

  it('keeps the reason where the ends name one', () => {
    const falls = after([0, 127, 5], [1000, 127, 5], [2000, 127, 5]);
    assert.deepEqual(guides(fallen({ code: 127 }, { falls })), [
      'command_not_found',
      'runner_crash_loop',
    ]);
  });

  it('is over when a run lived, ended well, or was stopped; old falls do not count', () => {
    const two = after([0, 1, 5], [1000, 1, 5]);
    assert.equal(two.length, 2);
    assert.equal(after([0, 1, 5], [1000, 1, 5], [2000, 0, 5]).length, 0);
    assert.equal(after([0, 1, 5], [1000, 1, soonMs + 1]).length, 0);
    assert.equal(fallsAfter(two, { ...exit, how: 'asked', atMs: 2000 }, 1999).length, 0);
    assert.equal(fallsAfter(two, { ...exit, how: 'unseen', atMs: 2000 }, 1999).length, 2);
    assert.equal(after([0, 1, 5], [windowMs + 1, 1, 5]).length, 1);
  });
});

describe('a runner that stands still', () => {
  it('is silent when it has worked and prints nothing any more', () => {
    const known = living({ says: said(cycle), lastLineMs: startedAtMs, now: late });
    const [finding, ...others] = findings(known);
    assert.deepEqual(others, []);
    assert.equal(finding?.guide, 'runner_silent');
    assert.equal(finding.severity, 'warning');
    assert.equal(runnerStatus(known).work, 'stalled');
  });

  it('is stalled, not silent, while it prints what is no work', () => {
    const known = living({ says: said(cycle), lastLineMs: late - 1000, now: late });
    assert.deepEqual(guides(known), ['runner_stalled']);
  });

  it('is neither within the pause that it announced, nor before it has ever worked', () => {
    const forMs = quietLimitMs;
    const pause: RunnerFact = { kind: 'waiting', forMs, text: 'closed' };
    assert.deepEqual(guides(living({ says: said(cycle, pause), now: late })), []);
    assert.deepEqual(guides(living({ now: late })), []);
    assert.deepEqual(guides(living({ lastLineMs: startedAtMs, now: late })), []);
  });

  it('is not stalled on top of a fault of the connection that it names', () => {
    const lost: RunnerFact = {
      kind: 'connection lost',
      text: 'Peer closed connection.',
      at: new Date(late - 1000).toISOString(),
    };
    const says = said(cycle);
    const known = living({ says, now: late, lastLineMs: late - 1000 });
    assert.deepEqual(guides(known), ['runner_stalled']);
    const told = living({ says: said(cycle, lost), now: late, lastLineMs: late - 1000 });
    assert.equal(guides(told).includes('runner_stalled'), false);
  });

  it('is told once, also where its own watchdog says so', () => {
    const sign: RunnerFact = {
      kind: 'sign',
      subject: { kind: 'runner' },
      causes: [{ id: 'runner_stalled', confidence: 0.85 }],
      text: 'STALL DETECTED',
    };
    const says = said(cycle, sign);
    assert.deepEqual(guides(living({ says, now: late, lastLineMs: late })), ['runner_stalled']);
  });
});

describe('a living runner', () => {
  it('is older than its source where a file was changed since', () => {
    const newerSource = { file: '/ws/robo_trader/risk.py', modifiedAtMs: startedAtMs + 60_000 };
    const [finding] = findings(living({ newerSource }));
    assert.equal(finding?.guide, 'runner_older_than_source');
    assert.match(finding.message, /risk\.py was changed at 2026-11-20T15:01/);
  });

  it('tells a full disk from a record that may not be written', () => {
    const full = living({
      recordsProblem: 'The lease could not be written (ENOSPC: no space left)',
    });
    assert.deepEqual(guides(full), ['disk_full']);
    const refused = living({ recordsProblem: 'The lease could not be written (EACCES)' });
    assert.deepEqual(guides(refused), ['records_unwritable']);
    assert.equal(findings(full)[0]?.severity, 'warning');
  });

  it('blames the worker when commands to it time out on a session that was ready', () => {
    const failed = (symbol: string): RunnerFact => ({
      kind: 'fetch failed',
      symbol,
      errorClass: 'TimeoutError',
      text: `Command timeout after 60.0s (get_historical_bars for ${symbol})`,
    });
    const facts = [failed('AAPL'), failed('NVDA')];
    const [worker] = findings(living({ says: said({ kind: 'connected' }, ...facts) }));
    assert.equal(worker?.guide, 'worker_unresponsive');
    assert.equal(worker.subject.kind, 'runner');
    assert.equal(worker.layer, undefined);
    const [never] = findings(living({ says: said(...facts) }));
    assert.equal(never?.guide, 'silent_handshake', 'it may never have been connected');
  });

  it('fails while a line names its worker, and works again with the next data', () => {
    const sign: RunnerFact = {
      kind: 'sign',
      subject: { kind: 'runner' },
      causes: [{ id: 'worker_unresponsive', confidence: 0.5 }],
      text: 'Command timeout after 60.0s (get_historical_bars for SPY)',
    };
    const stuck = living({ says: said(cycle, sign) });
    assert.deepEqual(guides(stuck), ['worker_unresponsive']);
    assert.equal(runnerStatus(stuck).work, 'failing');
    const well = living({ says: said(cycle, sign, { kind: 'fetch ok', symbol: 'AAPL' }) });
    assert.deepEqual(guides(well), []);
    assert.equal(runnerStatus(well).work, 'working');
  });

  it('gives remedies for the system on which it runs', () => {
    const steps =
      findings(fallen({ code: 127 }, { platform: 'win32' }))[0]?.remedy.join('\n') ?? '';
    assert.match(steps, /Scripts/);
    assert.doesNotMatch(steps, /bin\/python/);
  });
});

describe('findings of a runner', () => {
  it('are of the catalogue, whatever code, signal and words a runner ends with', () => {
    const ends = fc.record({
      code: fc.option(fc.oneof(fc.integer({ min: 0, max: 260 }), fc.nat(2 ** 32 - 1))),
      signal: fc.option(fc.constantFrom('SIGBUS', 'SIGKILL', 'SIGSEGV', 'SIGTERM')),
      how: fc.constantFrom('asked', 'by itself', 'unseen'),
    } as const);
    const argvs = fc.oneof(
      fc.constantFrom(traderArgv, ['/ws/START_TRADER.sh'], [], ['bash', '-c', 'x']),
      fc.array(fc.string(), { maxLength: 4 }),
    );
    fc.assert(
      fc.property(ends, argvs, fc.array(fc.string(), { maxLength: 3 }), (end, argv, lastLines) => {
        for (const { causes, guide } of findings(fallen(end, { argv, lastLines }))) {
          assert.equal(causes[0]?.id, guide);
          assert.ok(causes.every(({ id }) => isCauseId(id)));
          assert.ok(causes.reduce((sum, { confidence }) => sum + confidence, 0) <= 1);
        }
      }),
    );
  });
});
