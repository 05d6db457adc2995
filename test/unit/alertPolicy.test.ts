import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  afterWindowMs,
  type AlertEvent,
  type AlertState,
  initialAlertState,
  openIncidents,
  type OpenIncident,
  reduceAlerts,
  settleMs,
} from '../../src/daemon/alertPolicy';
import { isoTime } from '../../src/core/clock';

const startMs = Date.parse('2026-11-20T15:00:00Z');
const hourMs = 3_600_000;

function incident(changes: Partial<OpenIncident> = {}): OpenIncident {
  return {
    key: 'connection/@2026-11-20T15:00:00.000Z',
    subject: { kind: 'connection' },
    severity: 'error',
    cause: 'port_refused',
    layer: 'tcp',
    message: 'Nobody listens.',
    since: isoTime(startMs),
    gravity: 2,
    ...changes,
  };
}

/** Feeds events at times and collects what is told. */
class Course {
  state: AlertState = initialAlertState;
  told: string[] = [];
  wakeInMs: number | undefined;
  atMs = 0;

  at(atMs: number, event: AlertEvent): this {
    this.atMs = atMs;
    const now = { nowMs: startMs + atMs, monotonicMs: atMs };
    const step = reduceAlerts(this.state, event, now);
    this.state = step.state;
    this.wakeInMs = step.wakeInMs;
    this.told.push(...step.tell.map(({ what, incident: { key } }) => `${what} ${key}`));
    return this;
  }

  open(atMs: number, ...incidents: readonly OpenIncident[]): this {
    return this.at(atMs, { kind: 'state', open: incidents, ended: [], isOver: () => false });
  }

  end(atMs: number, { key }: OpenIncident): this {
    const ended = [{ key, until: isoTime(startMs + atMs), durationMs: atMs }];
    return this.at(atMs, { kind: 'state', open: [], ended, isOver: () => false });
  }

  pass(atMs: number): this {
    return this.at(atMs, { kind: 'time passed' });
  }

  quiet(atMs: number, untilMs: number | null): this {
    return this.at(atMs, { kind: 'quiet', untilMs: untilMs === null ? null : startMs + untilMs });
  }

  acknowledge(atMs: number): this {
    return this.at(atMs, { kind: 'acknowledge', keys: undefined });
  }
}

const one = incident();

describe('an incident', () => {
  it('is told once when it has lasted, and its end once', () => {
    const course = new Course().open(0, one);
    assert.deepEqual(course.told, []);
    assert.equal(course.wakeInMs, settleMs);
    course
      .pass(settleMs)
      .open(30_000, one)
      .open(60_000, incident({ message: 'Other words.' }));
    assert.deepEqual(course.told, [`begin ${one.key}`]);
    course.end(90_000, one).pass(120_000);
    assert.deepEqual(course.told, [`begin ${one.key}`, `end ${one.key}`]);
    assert.deepEqual(course.state.incidents, []);
  });

  it('that passes at once is no word worth', () => {
    assert.deepEqual(
      new Course()
        .open(0, one)
        .end(settleMs - 1, one)
        .pass(hourMs).told,
      [],
    );
  });

  it('raises nothing more once it is acknowledged, and its end all the same', () => {
    const course = new Course().open(0, one).pass(settleMs).acknowledge(6000);
    assert.equal(openIncidents(course.state)[0]?.acknowledgedAt, isoTime(startMs + 6000));
    course.open(hourMs, one).end(2 * hourMs, one);
    assert.deepEqual(course.told, [`begin ${one.key}`, `end ${one.key}`]);
  });

  it('that is acknowledged before anybody was told stays unsaid to its end', () => {
    const course = new Course().open(0, one).acknowledge(1000).open(hourMs, one);
    assert.deepEqual(course.end(2 * hourMs, one).told, []);
  });

  it('is raised again when it grows worse, and is no longer acknowledged then', () => {
    const mild = incident({ gravity: 1 });
    const course = new Course().open(0, mild).pass(settleMs).acknowledge(6000);
    course.open(hourMs, one).open(hourMs + 30_000, one);
    assert.deepEqual(course.told, [`begin ${one.key}`, `worse ${one.key}`]);
    const [worse] = openIncidents(course.state);
    assert.equal(worse?.acknowledgedAt, null);
    assert.equal(worse.toldAt, isoTime(startMs + hourMs), 'a new word for every window');
    course.open(2 * hourMs, mild).open(3 * hourMs, one);
    assert.equal(course.told.length, 2, 'better and as bad again is no news');
  });

  it('of a new begin is a new one, also on an acknowledged subject', () => {
    const next = incident({ key: 'connection/@later' });
    const course = new Course().open(0, one).pass(settleMs).acknowledge(6000).end(7000, one);
    course.open(8000, next).pass(8000 + settleMs);
    assert.deepEqual(course.told.at(-1), 'begin connection/@later');
  });

  it('settles by the monotonic clock: one that was put back does not hold the word', () => {
    const first = reduceAlerts(
      initialAlertState,
      { kind: 'state', open: [one], ended: [], isOver: () => false },
      { nowMs: startMs, monotonicMs: 0 },
    );
    const later = { nowMs: startMs - hourMs, monotonicMs: settleMs };
    assert.equal(reduceAlerts(first.state, { kind: 'time passed' }, later).tell.length, 1);
  });
});

describe('a runner in a planned interruption', () => {
  const subject = { kind: 'runner', name: '/w' } as const;
  const expected = incident({ key: 'runner//w@1', subject, gravity: 0 });
  const failing = { ...expected, gravity: 1 };

  it('raises nothing, and has time to find back afterwards', () => {
    const course = new Course().open(0, expected).open(hourMs, expected);
    course.open(hourMs + 30_000, failing).pass(hourMs + afterWindowMs);
    assert.deepEqual(course.end(hourMs + afterWindowMs + 1, expected).told, []);
  });

  it('is told of when it does not', () => {
    const course = new Course()
      .open(0, expected)
      .open(hourMs, expected)
      .open(hourMs + 1, failing);
    course.pass(hourMs + afterWindowMs + settleMs - 1);
    assert.deepEqual(course.told, []);
    course.pass(hourMs + afterWindowMs + settleMs);
    assert.deepEqual(course.told, ['begin runner//w@1']);
  });

  it('that was in trouble before is told of before, and not again', () => {
    const course = new Course().open(0, failing).pass(settleMs).open(6000, expected);
    course.open(hourMs, failing).pass(2 * hourMs);
    assert.deepEqual(course.told, ['begin runner//w@1']);
  });
});

describe('quiet', () => {
  it('tells afterwards what is still open', () => {
    const course = new Course().quiet(0, hourMs).open(1000, one).open(30_000, one);
    assert.deepEqual(course.told, []);
    assert.deepEqual(course.open(hourMs, one).told, [`begin ${one.key}`]);
    assert.equal(course.state.quietUntilMs, null);
  });

  it('forgets what came and went meanwhile', () => {
    const course = new Course().quiet(0, hourMs).open(1000, one).end(60_000, one);
    assert.deepEqual(course.pass(2 * hourMs).told, []);
  });

  it('keeps the end of what was told before, for afterwards', () => {
    const course = new Course().open(0, one).pass(settleMs).quiet(6000, hourMs).end(7000, one);
    assert.deepEqual(course.told, [`begin ${one.key}`]);
    assert.deepEqual(course.pass(hourMs).told, [`begin ${one.key}`, `end ${one.key}`]);
  });

  it('ends when it is taken back', () => {
    const course = new Course().quiet(0, hourMs).open(1000, one).quiet(60_000, null);
    assert.deepEqual(course.told, [`begin ${one.key}`]);
  });
});

describe('what an earlier daemon told of', () => {
  const left = (course: Course): Course => {
    const next = new Course();
    next.state = {
      ...course.state,
      incidents: course.state.incidents.map((each) => ({
        ...each,
        isConfirmed: false,
        seenAtMs: 0,
      })),
    };
    return next;
  };
  const told = new Course().open(0, one).pass(settleMs).acknowledge(6000);

  it('is not told again when it is found again, and stays acknowledged', () => {
    const course = left(told).open(1000, one).open(hourMs, one);
    assert.deepEqual(course.told, []);
    assert.notEqual(openIncidents(course.state)[0]?.acknowledgedAt ?? null, null);
  });

  it('or did not tell of yet is told when it is found again, not before', () => {
    const course = left(new Course().open(0, one)).open(0).pass(hourMs);
    assert.deepEqual(course.told, []);
    assert.deepEqual(course.open(hourMs, one).told, [`begin ${one.key}`]);
  });

  it('is shown as open while nobody knows better', () => {
    assert.equal(openIncidents(left(told).open(0).state)[0]?.key, one.key);
  });

  it('ends once, whether the ledger knows it or only its subject is well', () => {
    assert.deepEqual(left(told).end(1000, one).pass(2000).told, [`end ${one.key}`]);
    const course = left(told)
      .open(0)
      .at(1000, {
        kind: 'state',
        open: [],
        ended: [],
        isOver: () => true,
      });
    assert.deepEqual(course.pass(2000).told, [`end ${one.key}`]);
  });

  it('ends when another incident took its place', () => {
    const other = incident({ key: 'connection/@other' });
    assert.deepEqual(left(told).open(1000, other).told, [`end ${one.key}`]);
  });
});

describe('the policy of alerts', () => {
  const step = fc.record({
    gapMs: fc.integer({ min: 0, max: 20_000 }),
    act: fc.constantFrom('open', 'worse', 'end', 'acknowledge', 'quiet', 'loud', 'pass'),
  });

  it('never tells an end without a begin, nor anything twice, nor in quiet', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const course = new Course();
        let atMs = 0;
        let count = 0;
        let present: OpenIncident | undefined;
        for (const { gapMs, act } of steps) {
          atMs += gapMs;
          const before = course.told.length;
          if (act === 'open' || act === 'worse') {
            count += present === undefined ? 1 : 0;
            const gravity = act === 'worse' ? 2 : 1;
            present = incident({ key: `connection/@${count}`, gravity });
            course.open(atMs, present);
          } else if (act === 'end' && present !== undefined) {
            course.end(atMs, present);
            present = undefined;
          } else if (act === 'acknowledge') {
            course.acknowledge(atMs);
          } else if (act === 'quiet' || act === 'loud') {
            course.quiet(atMs, act === 'quiet' ? atMs + 30_000 : null);
          } else {
            course.pass(atMs);
          }
          const { quietUntilMs } = course.state;
          assert.ok(quietUntilMs === null || course.told.length === before);
        }
        assert.equal(new Set(course.told).size, course.told.length);
        for (const [index, words] of course.told.entries()) {
          const [what, key = ''] = words.split(' ');
          const earlier = course.told.slice(0, index).filter((each) => each.endsWith(` ${key}`));
          assert.equal(
            earlier.some((each) => each.startsWith('end')),
            false,
            words,
          );
          assert.ok(what !== 'end' || earlier.length > 0, words);
        }
      }),
    );
  });
});
