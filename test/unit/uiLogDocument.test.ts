import assert from 'node:assert/strict';
import { causeTitles } from '../../src/diagnostics/causeTitles';
import type { LogFinding } from '../../src/diagnostics/logIncidents';
import {
  foldsOf,
  lensesOf,
  lineOfRow,
  logDocument,
  type LogRow,
  type LogSnapshot,
  type PlacedFinding,
  presentLenses,
  rowOf,
  type Wanted,
} from '../../src/ui/logDocument';
import { LogFollow } from '../../src/ui/logFollow';
import { english } from '../support/uiFixtures';

const rows: readonly LogRow[] = [
  { text: '10:00:00 INFO a', level: 'info' },
  { text: '10:00:01 WARN b', level: 'warning' },
  { text: '10:00:02 ERROR c', level: 'error' },
  { text: '10:00:03 INFO d', level: 'info' },
];
const snapshot: LogSnapshot = { file: '/state/runner.log', rows, first: 100, isWhole: true };

function placed(from: number, to: number, changes: Partial<LogFinding> = {}): PlacedFinding {
  const finding: LogFinding = {
    line: 1,
    endLine: 1,
    severity: 'error',
    subject: { kind: 'connection' },
    causes: [{ id: 'silent_handshake', confidence: 0.55 }],
    message: 'TimeoutError',
    count: 3,
    firstAt: '2026-11-20T10:00:02.000Z',
    lastAt: null,
    ...changes,
  };
  return { from, to, finding };
}

describe('what is wrong now, in a log', () => {
  const trouble = {
    severity: 'error',
    since: '2026-11-20T10:00:02.000Z',
    message: 'no answer',
    cause: 'silent_handshake',
  } as const;

  it('stands above the line where it began, each cause once, and nowhere if that is not shown', () => {
    const asked: Wanted[] = [];
    const at = (wanted: Wanted): number | undefined => {
      asked.push(wanted);
      return wanted.atMs < 0 ? undefined : 102;
    };
    const old = { ...trouble, since: '1960-01-01T00:00:00Z', cause: undefined };
    const unnamed = { ...trouble, severity: 'warning', cause: undefined } as const;
    const all = logDocument(snapshot, 'all');
    const lenses = presentLenses(all, [trouble, { ...trouble }, old, unnamed], at, english);
    assert.deepEqual(
      lenses.map(({ line, title, cause }) => [line, title, cause]),
      [
        [2, `$(error) Now: ${causeTitles.silent_handshake}`, 'silent_handshake'],
        [2, '$(warning) Now: no answer', undefined],
      ],
    );
    assert.deepEqual(asked[0], { atMs: Date.parse(trouble.since), cause: 'silent_handshake' });
    const calm = logDocument({ ...snapshot, rows: rows.slice(0, 1) }, 'all');
    assert.deepEqual(presentLenses(calm, [trouble], at, english), []);
  });
});

describe('the document of a log', () => {
  it('has every line, and says where older ones are', () => {
    const whole = logDocument(snapshot, 'all');
    assert.equal(whole.text.split('\n').length, 5);
    assert.deepEqual(whole.numbers, [100, 101, 102, 103]);
    const end = logDocument({ ...snapshot, isWhole: false }, 'all');
    assert.match(end.text, /^\[robo: older lines are in \/state\/runner\.log\]\n10:00:00/);
    assert.deepEqual(end.numbers.slice(0, 2), [null, 100]);
  });

  it('shows what weighs enough, and says so where nothing does', () => {
    assert.deepEqual(logDocument(snapshot, 'warning').numbers, [101, 102]);
    assert.deepEqual(logDocument(snapshot, 'error').numbers, [102]);
    const calm = { ...snapshot, rows: rows.slice(0, 1) };
    assert.match(logDocument(calm, 'error').text, /^\[robo: none of the 1 lines is error\]\n$/);
    assert.equal(logDocument({ ...snapshot, rows: [] }, 'all').text, '');
  });

  it('places a row at its line, or the next that is shown', () => {
    const errors = logDocument({ ...snapshot, isWhole: false }, 'error');
    assert.equal(lineOfRow(errors, 102), 1);
    assert.equal(lineOfRow(errors, 100), 1);
    assert.equal(lineOfRow(errors, 103), undefined);
  });

  it('folds an incident from its first to its last line, and runs of one shape', () => {
    const document = logDocument(snapshot, 'all');
    assert.deepEqual(foldsOf(document, [placed(101, 102), placed(103, 103)]), [
      { start: 1, end: 2 },
    ]);
    const same = Array.from({ length: 5 }, (_, at) => ({
      text: `10:00:0${at} INFO tick ${at * 7}.5`,
      level: 'info' as const,
    }));
    const run = logDocument({ ...snapshot, rows: [...rows.slice(0, 1), ...same] }, 'all');
    assert.deepEqual(foldsOf(run, []), [{ start: 1, end: 5 }]);
  });

  it('names each finding above its first line that is shown, and nothing that is filtered out', () => {
    const findings = [placed(101, 102), placed(103, 103, { count: 1, causes: [] })];
    const all = lensesOf(logDocument(snapshot, 'all'), findings, english);
    assert.deepEqual(
      all.map(({ line, cause }) => [line, cause]),
      [
        [1, 'silent_handshake'],
        [3, undefined],
      ],
    );
    assert.match(all[0]?.title ?? '', /^\$\(error\) .+ \(55 %\), 3 times$/);
    const errors = lensesOf(logDocument(snapshot, 'error'), findings, english);
    assert.deepEqual(
      errors.map(({ line }) => line),
      [0],
    );
  });

  it('lets nothing of a line into the title of a finding but text', () => {
    const [lens] = lensesOf(
      logDocument(snapshot, 'all'),
      [
        placed(100, 100, {
          causes: [],
          message: '$(trash) [x](command:robo.runner.stop)\u202e',
          subject: { kind: 'symbol', name: '$(x)\n' },
        }),
      ],
      english,
    );
    assert.equal(lens?.title.slice('$(error) '.length).includes('$('), false);
    assert.doesNotMatch(lens.title, /\]\(|\u202e|\n/);
  });

  it('finds where something began: by its cause, else by its time', () => {
    const findings = [placed(102, 103)];
    const timeOf = ({ text }: LogRow): number => Date.parse(`2026-11-20T${text.slice(0, 8)}Z`);
    const atMs = Date.parse('2026-11-20T10:00:01Z');
    const wanted = (cause: string, ms = atMs): number | undefined =>
      rowOf({ atMs: ms, cause }, snapshot, findings, timeOf);
    assert.equal(wanted('silent_handshake'), 102);
    assert.equal(wanted('port_refused'), 101);
    // The line that tells of it may be a moment older than the finding; one that says nothing is not.
    assert.equal(wanted('port_refused', atMs + 400), 101);
    assert.equal(wanted('port_refused', atMs + 2_900), undefined);
    assert.equal(wanted('port_refused', atMs - 600), 101);
    assert.equal(wanted('silent_handshake', atMs + 3_600_000), undefined);
  });
});

describe('following a log', () => {
  it('ends when one scrolls up and begins again at the end', () => {
    const follow = new LogFollow();
    follow.scrolled(true, 1);
    assert.equal(follow.scrolled(false, 1), true);
    assert.equal(follow.isFollowing, false);
    assert.equal(follow.scrolled(true, 1), true);
    assert.equal(follow.isFollowing, true);
  });

  it('does not end because new lines stand below what is seen', () => {
    const follow = new LogFollow();
    follow.scrolled(true, 1);
    assert.equal(follow.scrolled(false, 2), false);
    assert.equal(follow.isFollowing, true);
  });

  it('stays paused at the end until one has left it, and follows when asked', () => {
    const follow = new LogFollow();
    follow.scrolled(true, 1);
    follow.pause();
    follow.scrolled(true, 1);
    assert.equal(follow.isFollowing, false);
    follow.scrolled(false, 1);
    follow.scrolled(true, 1);
    assert.equal(follow.isFollowing, true);
    follow.pause();
    follow.follow();
    assert.equal(follow.isFollowing, true);
  });
});
