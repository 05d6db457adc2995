import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { Agenda } from '../../src/monitor/agenda';
import { isSameMode, portNamed } from '../../src/monitor/movedPort';
import { nextWindow, plannedLogin, plannedUpgrade } from '../../src/monitor/planned';
import { Schedule } from '../../src/monitor/schedule';
import { SleepWatch } from '../../src/monitor/sleep';
import { FakeClock } from '../support/fakeClock';

const minute = 60_000;
const day = 1440 * minute;

describe("TWS's clock and habits", () => {
  const here = { machineZone: 'America/New_York', isLocal: true };
  const helloAtMs = Date.parse('2026-07-15T12:00:00Z');
  const hello = '20260715 14:00:00 Central European Standard Time';

  it("are the machine's until TWS says otherwise, and the trader's word goes first", () => {
    const schedule = new Schedule(here);
    assert.equal(schedule.place.zone, 'America/New_York');
    schedule.hear(hello, helloAtMs);
    const zone = new Intl.DateTimeFormat('en', { timeZone: schedule.place.zone });
    assert.match(zone.resolvedOptions().timeZone, /^Europe\//);
    const told = new Schedule({ ...here, zone: 'Asia/Hong_Kong', restartMinute: 60 });
    told.hear(hello, helloAtMs);
    assert.deepEqual(told.place, { zone: 'Asia/Hong_Kong', restartMinute: 60 });
  });

  it('are unknown on another machine, until TWS says them', () => {
    const schedule = new Schedule({ ...here, isLocal: false });
    assert.equal(schedule.place.zone, undefined);
    schedule.hear('20260715 08:00:00 EST', helloAtMs);
    assert.equal(schedule.place.zone, 'America/New_York');
  });

  it('are read from jts.ini of the TWS that runs, and of no other', () => {
    const schedule = new Schedule(here);
    const file = { file: 'jts.ini', modifiedAtMs: 0, port: undefined, trustedIps: undefined };
    const settings = [{ ...file, timeZone: 'Europe/Berlin' }];
    schedule.read({ settings, logs: [] });
    assert.equal(schedule.place.zone, 'America/New_York');
    schedule.read({
      settings: [{ ...file, timeZone: 'Europe/Berlin', isOfRunning: true }],
      logs: [],
    });
    assert.equal(schedule.place.zone, 'Europe/Berlin');
  });

  it("keep the machine's data centre where TWS runs in UTC", () => {
    const schedule = new Schedule(here);
    schedule.hear('20260715 12:00:00 UTC', helloAtMs);
    const night = Date.parse('2026-07-15T04:20:00Z');
    assert.deepEqual(
      schedule.at(night).map(({ kind }) => kind),
      ['server reset'],
    );
  });

  const restartAt = (schedule: Schedule, text: string, awayMs = minute): void => {
    const endedAtMs = Date.parse(text);
    schedule.noteReturn({ endedAtMs, backAtMs: endedAtMs + awayMs });
  };

  it('are learned from two days, and not from two ends in a night', () => {
    const schedule = new Schedule(here);
    restartAt(schedule, '2026-07-14T10:03:00Z');
    restartAt(schedule, '2026-07-14T10:06:00Z');
    assert.equal(schedule.place.restartMinute, undefined);
    restartAt(schedule, '2026-07-15T10:02:00Z');
    assert.equal(schedule.place.restartMinute, 6 * 60 + 2);
  });

  it('are learned across midnight, and anew when they change', () => {
    const schedule = new Schedule(here);
    for (const at of ['13T03:58', '14T04:01', '15T03:59']) {
      restartAt(schedule, `2026-07-${at}:00Z`);
    }
    assert.equal(schedule.place.restartMinute, 23 * 60 + 58);
    for (const at of ['16T10:00', '17T10:00', '18T10:00']) {
      restartAt(schedule, `2026-07-${at}:00Z`);
    }
    assert.equal(schedule.place.restartMinute, 6 * 60);
  });

  it('are not learned from a blink, nor from an end without a return', () => {
    const schedule = new Schedule(here);
    for (const [index, awayMs] of [1000, 20 * minute].entries()) {
      for (const date of ['14', '15']) {
        restartAt(schedule, `2026-07-${date}T1${String(index)}:00:00Z`, awayMs);
      }
    }
    assert.equal(schedule.place.restartMinute, undefined);
  });
});

describe('what is planned', () => {
  it('is the weekly login, a day before', () => {
    const schedule = new Schedule({ machineZone: 'Europe/Zurich', isLocal: true });
    const plan = (at: string) => plannedLogin(schedule.ahead(Date.parse(at), day), Date.parse(at));
    assert.equal(plan('2026-07-17T05:00:00Z'), undefined);
    assert.equal(plan('2026-07-18T17:00:00Z')?.atMs, Date.parse('2026-07-19T05:00:00Z'));
    assert.match(plan('2026-07-18T17:00:00Z')?.words ?? '', /^In 12\.0 h .*second factor\.$/);
    assert.equal(plan('2026-07-19T06:00:00Z'), undefined);
  });

  it('names the next interruption that comes by itself, and not the present one', () => {
    const schedule = new Schedule({ machineZone: 'Europe/Zurich', isLocal: true });
    const next = (at: string): string | undefined => {
      const nowMs = Date.parse(at);
      return nextWindow(schedule.ahead(nowMs, day), nowMs)?.name;
    };
    assert.equal(next('2026-07-15T12:00:00Z'), 'the daily restart of TWS');
    assert.equal(next('2026-07-15T22:00:00Z'), 'the nightly reset of IBKR in Europe');
    // Within the reset (05:45 to 07:45 in Zurich) it is the restart of the evening.
    assert.equal(next('2026-07-16T04:00:00Z'), 'the daily restart of TWS');
    // The weekly login begins at 05:00 UTC and needs a person: that is told as planned.
    assert.notEqual(next('2026-07-19T04:59:00Z'), 'the weekly full login');
  });

  it('is the upgrade that 2172 announces, by the date in its text', () => {
    const text =
      'The version of the application you are running, 1018.1, needs to be upgraded, as it will be desupported on 20230718.';
    const before = plannedUpgrade({ text }, Date.parse('2023-07-11T00:00:00Z'));
    assert.match(before?.words ?? '', /^In 7\.0 d, on 2023-07-18/);
    const after = plannedUpgrade({ text }, Date.parse('2023-07-19T00:00:00Z'));
    assert.match(after?.words ?? '', /has ended .*2023-07-18: upgrade now\.$/);
    assert.equal(plannedUpgrade({ text: 'upgrade before 20231399' }, 0), undefined);
  });

  it('stays the upgrade of a day when TWS speaks of it again without one', () => {
    const agenda = new Agenda(new FakeClock(Date.parse('2023-07-11T00:00:00Z')), undefined);
    const say = (text: string): void => {
      agenda.noteUpgrade({ requestId: -1, code: 2172, text, atMs: 0 });
    };
    say('It will be desupported on 20230718.');
    say('It needs to be upgraded.');
    assert.deepEqual(
      agenda.planned.map(({ kind }) => kind),
      ['forced upgrade'],
    );
  });
});

describe('the port that TWS moves to', () => {
  it('is the last number of the message', () => {
    const said =
      'TWS socket port has been reset and this connection is being dropped. Please reconnect on the new port - ';
    assert.equal(portNamed(`${said}7499`), 7499);
    assert.equal(portNamed(said), undefined);
    assert.equal(portNamed(`${said}99999`), undefined);
  });

  for (const [accounts, from, to, expected] of [
    [['DU1'], 7497, 4002, true],
    [['DU1'], 7497, 7499, true],
    [['DU1'], 7497, 7496, false],
    [['U1'], 7496, 4001, true],
    [['U1'], 7496, 7497, false],
    [['U1'], 7497, 7499, false],
    [['DU1', 'U1'], 7497, 7499, false],
    [['x'], 7497, 4002, false],
    [[], 7497, 4002, false],
  ] as const) {
    it(`${expected ? 'is' : 'is not'} followed from ${from} to ${to} by ${accounts.join(', ') || 'nobody'}`, () => {
      assert.equal(isSameMode(accounts, { from, to }), expected);
    });
  }
});

describe('time that passes without us', () => {
  it('is none while somebody looks every few seconds', async () => {
    const clock = new FakeClock();
    const watch = new SleepWatch(clock);
    for (let round = 0; round < 20; round += 1) {
      await clock.advance(5000);
      assert.equal(watch.look(), undefined);
    }
  });

  it('shows in a clock that jumped, and in a look that comes late; once', async () => {
    const clock = new FakeClock();
    const watch = new SleepWatch(clock);
    const fromMs = clock.now();
    clock.jumpWall(3_600_000);
    assert.deepEqual(watch.look(), { kind: 'slept', ms: 3_600_000, fromMs });
    assert.equal(watch.look(), undefined);
    await clock.advance(60_000);
    assert.equal(watch.look()?.kind, 'slept');
    clock.jumpWall(-3_600_000);
    assert.deepEqual(watch.look(), { kind: 'set back', ms: 3_600_000, fromMs: fromMs + 3_660_000 });
    clock.jumpWall(2000);
    assert.equal(watch.look(), undefined, 'NTP corrects by so much');
  });
});
