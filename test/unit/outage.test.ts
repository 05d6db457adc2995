import assert from 'node:assert/strict';
import { timeInWords } from '../../src/core/clock';
import { describe, it } from 'mocha';
import { dataFindings } from '../../src/diagnostics/dataRules';
import { noticeFinding } from '../../src/diagnostics/notices';
import { type Outage, outageFinding, phaseOf, restoredFinding } from '../../src/diagnostics/outage';
import { diagnoseConnection } from '../../src/diagnostics/rules';
import type { PortObservation } from '../../src/host/portObservation';
import { type ResetPlace, windowsBetween } from '../../src/ibkr/resetWindows';
import { ActiveMessages } from '../../src/monitor/activeMessages';
import {
  calm,
  empty,
  ended,
  fin,
  notConnected,
  situation,
  twsProcess,
} from '../support/situations';
import { known } from '../../src/core/observed';

const minute = 60_000;
const hour = 60 * minute;
const place: ResetPlace = { zone: 'America/New_York' };
/** Wednesday, 00:20 in New York: inside the nightly reset, which ends at 01:45. */
const night = Date.parse('2026-07-15T04:20:00Z');
const noon = Date.parse('2026-07-15T16:00:00Z');
/** Sunday, 02:00 in New York: an hour after the tokens were made void. */
const sunday = Date.parse('2026-07-19T06:00:00Z');

function outage(sinceMs: number, nowMs: number, code = 1100): Outage {
  return {
    message: { code, text: 'Connectivity has been lost.', atMs: nowMs },
    sinceMs,
    nowMs,
    windows: windowsBetween(sinceMs, nowMs, place),
  };
}

describe('a link that is down', () => {
  it('is the nightly reset while that is open', () => {
    const { causes } = outageFinding(outage(night, night + 3 * minute));
    assert.equal(causes[0]?.id, 'nightly_reset');
    assert.ok(causes[0].confidence < 0.7, 'the time alone proves nothing');
    assert.equal(causes[1]?.id, 'upstream_lost_1100');
  });

  it('is the message itself at another time', () => {
    assert.equal(outageFinding(outage(noon, noon + minute)).guide, 'upstream_lost_1100');
    assert.equal(outageFinding(outage(noon, noon, 2110)).guide, 'tws_server_broken_2110');
  });

  it('has outlived the reset in which it began, and says since when', () => {
    const finding = outageFinding(outage(night, night + 9 * hour));
    assert.equal(finding.guide, 'outage_outlives_reset_window');
    assert.equal(finding.severity, 'error');
    assert.ok(finding.message.includes(` since ${timeInWords(night)} `), finding.message);
    assert.match(finding.causes[0]?.why ?? '', /ended 7\.6 h ago/);
  });

  it('is no reset where it began long before one', () => {
    assert.equal(outageFinding(outage(night - 5 * hour, night)).guide, 'upstream_lost_1100');
  });

  it('that keeps data away is told the same way by the data layer', () => {
    const outcomes = [{ symbol: 'AAPL', failure: { kind: 'timeout', afterMs: 9000 } }] as const;
    const context = { answersTime: true, activeCodes: [1100], nowMs: night };
    const [plain] = dataFindings(outcomes, context);
    assert.equal(plain?.guide, 'upstream_lost_1100');
    const [timed] = dataFindings(outcomes, { ...context, outage: outage(night, night) });
    assert.equal(timed?.guide, 'nightly_reset');
  });
});

describe('a link that is back', () => {
  const back = (code: number, text: string) => ({ code, text, atMs: noon });
  const all = 'restored - data maintained. All data farms are connected: usfarm; ushmds.';
  const some = 'restored - data maintained. The following farms are not connected: ushmds.';

  it('is good news after a blip', () => {
    const finding = restoredFinding({ message: back(1102, all), lostAtMs: noon - 20_000 });
    assert.equal(finding?.guide, 'restored_1102');
    assert.equal(finding.severity, 'info');
  });

  it('leaves open what happened during a longer outage', () => {
    const finding = restoredFinding({ message: back(1102, all), lostAtMs: noon - 20 * minute });
    assert.equal(finding?.guide, 'outage_terminated');
    assert.equal(finding.severity, 'warning');
    assert.match(finding.causes[0]?.why ?? '', /20 min/);
  });

  it('says first what TWS says that is missing', () => {
    const partial = restoredFinding({ message: back(1102, some), lostAtMs: noon - 20 * minute });
    assert.equal(partial?.guide, 'restored_partial_farms');
    assert.equal(partial.causes[1]?.id, 'outage_terminated');
    const lost = restoredFinding({ message: back(1101, 'data lost.'), lostAtMs: undefined });
    assert.equal(lost?.guide, 'restored_data_lost_1101');
  });
});

describe('the messages in force', () => {
  const message = (code: number, atMs: number) => ({ requestId: -1, code, text: '', atMs });

  it('know when the outage began, however often TWS repeats it, and what ended it', () => {
    const active = new ActiveMessages();
    active.note(message(1100, noon), []);
    active.note(message(1100, noon + minute), []);
    assert.equal(active.lostAtMs, noon);
    active.note(message(1102, noon + 2 * minute), []);
    assert.equal(active.lostAtMs, undefined);
    assert.equal(active.restored?.lostAtMs, noon);
    active.note(message(1100, noon + 5 * minute), []);
    assert.equal(active.lostAtMs, noon + 5 * minute);
    active.clear();
    assert.equal(active.lostAtMs, undefined);
    assert.equal(active.restored, undefined);
  });
});

describe('a closed port at a known time', () => {
  const closed = (at: number): PortObservation => ({
    ...empty,
    twsProcesses: known([{ ...twsProcess, startedAtMs: at - 5 * hour }]),
  });
  const first = (since: number, at: number, os = closed(at), lastReadyAtMs?: number) =>
    diagnoseConnection(
      situation(notConnected('ECONNREFUSED'), os, {
        nowMs: at,
        troubleSinceMs: since,
        windows: windowsBetween(since, at, place),
        ...(lastReadyAtMs === undefined ? {} : { lastReadyAtMs }),
      }),
    )?.guide;

  it('on Sunday after 01:00 in New York is the weekly login, where TWS runs without its port', () => {
    assert.equal(first(sunday, sunday), 'weekly_2fa_reauth');
    assert.equal(first(noon, noon), 'port_refused');
  });

  it('on Sunday is no login where nothing runs and nothing ever worked', () => {
    assert.equal(first(sunday, sunday, empty), 'port_refused');
    assert.equal(first(sunday, sunday, empty, sunday - 3 * hour), 'weekly_2fa_reauth');
  });

  it("at TWS's restart time is the restart, where it had worked until then", () => {
    const restart = Date.parse('2026-07-15T03:46:00Z');
    assert.equal(first(restart, restart, empty, restart - 2 * minute), 'tws_daily_restart_drop');
    assert.equal(first(restart, restart, empty), 'port_refused');
  });

  it('hours after the reset in which it began has outlived it', () => {
    const since = night;
    const now = night + 8 * hour;
    const given = situation(ended('open', fin), calm, {
      nowMs: now,
      troubleSinceMs: since,
      windows: windowsBetween(since, now, place),
    });
    assert.equal(diagnoseConnection(given)?.guide, 'outage_outlives_reset_window');
  });
});

describe('phaseOf', () => {
  const window = { fromMs: night, untilMs: night + hour, kind: 'server reset' } as const;
  const full = { ...window, name: 'reset', source: 'test' };
  for (const [name, sinceMs, nowMs, expected] of [
    ['open', night + minute, night + 2 * minute, 'inside'],
    ['a minute late', night + minute, night + hour + minute, 'inside'],
    ['over', night + minute, night + 2 * hour, 'outlived'],
    ['begun before', night - hour, night + minute, 'apart'],
    ['begun after', night + 2 * hour, night + 3 * hour, 'apart'],
    ['unseen beginning', undefined, night + minute, 'inside'],
  ] as const) {
    it(`${name}: ${expected}`, () => {
      assert.equal(phaseOf(full, { sinceMs, nowMs }), expected);
    });
  }
});

describe('TWS in another language', () => {
  const guide = (code: number, text: string) => noticeFinding({ code, text, atMs: noon });

  it('is told as information where nothing else is', () => {
    const finding = guide(2104, 'La conexión a la granja de datos es correcta:usfarm');
    assert.equal(finding?.guide, 'localized_messages');
    assert.equal(finding.severity, 'info');
    assert.equal(guide(2106, '历史数据农场连接正常:ushmds')?.guide, 'localized_messages');
    assert.equal(
      guide(2158, 'Die Verbindung ist nicht unterbrochen:secdefil')?.guide,
      'localized_messages',
    );
  });

  it('leaves a code that its text would split to several causes, and says why', () => {
    const finding = guide(162, 'Mensaje de error: infracción del ritmo de solicitudes');
    assert.ok((finding?.causes[0]?.confidence ?? 1) < 0.7);
    assert.ok(finding?.causes.some(({ id }) => id === 'localized_messages'));
  });

  it('does not hide what the code says, and is not heard in English, in names or in nothing', () => {
    assert.equal(guide(1100, 'Se ha perdido la conexión')?.guide, 'upstream_lost_1100');
    for (const text of ['Market data farm connection is OK:usfarm', 'ok', '', 'usfarm.nj']) {
      assert.equal(guide(2104, text), undefined, text);
    }
    assert.equal(guide(77_777, 'mañana será otro día'), undefined);
  });
});
