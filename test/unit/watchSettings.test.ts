import assert from 'node:assert/strict';
import fc from 'fast-check';
import { HumanError } from '../../src/core/errors';
import {
  describeWatch,
  effectiveWatch,
  parseWatchSettings,
  type WatchSettings,
} from '../../src/daemon/watchSettings';

const endpoint = { host: '127.0.0.1', port: 7497 };
const environment = { machineZone: 'UTC' };

const effective = (cli: WatchSettings, window: WatchSettings, planned = environment) =>
  effectiveWatch({ cli, window }, planned, endpoint);

describe('the settings of a watch', () => {
  it('are the defaults while nobody has said anything', () => {
    const { recovery, ...others } = effective({}, {});
    assert.deepEqual(others, {
      livenessIntervalMs: 30_000,
      zone: undefined,
      restartMinute: undefined,
      alsoAt: undefined,
      feed: { isEnabled: false, port: 0 },
    });
    assert.equal(recovery.ibcCommandPort, undefined);
  });

  it("count from the command line, else the daemon's environment, else the windows", () => {
    const window = {
      intervalSeconds: 60,
      twsZone: 'British Summer Time',
      twsRestart: '23:45',
      alsoAt: '/tmp',
      recovery: { ibcCommandPort: 7462, allow: ['RECONNECTDATA'] },
    };
    const ofWindow = effective({}, window);
    assert.equal(ofWindow.livenessIntervalMs, 60_000);
    assert.equal(ofWindow.zone, 'Europe/London');
    assert.equal(ofWindow.restartMinute, 1425);
    assert.equal(ofWindow.alsoAt, '/tmp');
    assert.deepEqual([...ofWindow.recovery.allow], ['RECONNECTDATA']);
    const planned = { machineZone: 'UTC', zone: 'Asia/Tokyo', restartMinute: 60 };
    const ofEnvironment = effective({}, window, planned);
    assert.equal(ofEnvironment.zone, 'Asia/Tokyo');
    assert.equal(ofEnvironment.restartMinute, 60);
    const cli = {
      intervalSeconds: 1.5,
      twsZone: 'America/New_York',
      twsRestart: '0:05',
      alsoAt: '',
      recovery: { ibcCommandPort: 0, allow: [] },
    };
    const ofCli = effective(cli, window, planned);
    assert.equal(ofCli.livenessIntervalMs, 1500);
    assert.equal(ofCli.zone, 'America/New_York');
    assert.equal(ofCli.restartMinute, 5);
    assert.equal(ofCli.alsoAt, undefined);
    assert.equal(ofCli.recovery.ibcCommandPort, undefined);
  });

  it('can be taken back to what TWS says with an empty word', () => {
    const planned = { machineZone: 'UTC', zone: 'Asia/Tokyo', restartMinute: 60 };
    const learned = effective({ twsZone: '', twsRestart: '' }, { twsZone: 'Asia/Seoul' }, planned);
    assert.deepEqual([learned.zone, learned.restartMinute], [undefined, undefined]);
  });

  it('are told apart by their words', () => {
    const all: readonly WatchSettings[] = [
      {},
      { intervalSeconds: 31 },
      { twsZone: 'Asia/Tokyo' },
      { twsRestart: '00:00' },
      { alsoAt: '/a' },
      { recovery: { ibcCommandPort: 7462, allow: [] } },
      { recovery: { ibcCommandPort: 7462, allow: ['RESTART'] } },
      { feed: { isEnabled: true, port: 0 } },
      { feed: { isEnabled: true, port: 8900 } },
    ];
    const words = all.map((window) => describeWatch(effective({}, window)));
    assert.equal(new Set(words).size, all.length);
  });

  it('leave out what a newer version says besides', () => {
    assert.deepEqual(parseWatchSettings({ intervalSeconds: 5, later: true }, endpoint), {
      intervalSeconds: 5,
    });
  });

  for (const [what, value, sentence] of [
    ['no object', 'x', /are no object/],
    ['an interval of nothing', { intervalSeconds: 0 }, /--interval.* from 1 to 3600/],
    ['an interval of two hours', { intervalSeconds: 7200 }, /--interval.* from 1 to 3600/],
    ['an interval that is a word', { intervalSeconds: '30' }, /--interval.* from 1 to 3600/],
    ['a zone that is none', { twsZone: 'Mars/Olympus' }, /tws\.timeZone.*Europe\/Zurich/],
    ['a zone that is a number', { twsZone: 3 }, /tws\.timeZone.* is no text/],
    ['a time that is none', { twsRestart: '24:00' }, /restartTime.*23:45/],
    ['a relative folder', { alsoAt: 'copies' }, /alsoAt.*no absolute path/],
    ['a folder with a NUL', { alsoAt: '/tmp\0/x' }, /alsoAt.*no absolute path/],
    ['a port beyond all', { recovery: { ibcCommandPort: 70_000, allow: [] } }, /ibcCommandPort/],
    ['an API port', { recovery: { ibcCommandPort: 4001, allow: [] } }, /is an API port/],
    ['an unknown step', { recovery: { ibcCommandPort: 7462, allow: ['STOP'] } }, /"STOP"/],
    ['a feed that is a word', { feed: 'on' }, /robo\.feed\.enabled/],
    ['a feed at no port', { feed: { isEnabled: true, port: 65_536 } }, /robo\.feed\.port/],
    ['a feed at the port of TWS', { feed: { isEnabled: true, port: 7496 } }, /is 7496.*API port/],
    ['steps without a port', { recovery: { ibcCommandPort: 0, allow: ['RESTART'] } }, /port/],
  ] as const) {
    it(`refuse ${what} in one sentence`, () => {
      assert.throws(
        () => parseWatchSettings(value, endpoint),
        (error) =>
          error instanceof HumanError &&
          sentence.test(error.message) &&
          !error.message.includes('\n'),
      );
    });
  }

  it('throw nothing but sentences, whatever they are given', () => {
    const keys = ['intervalSeconds', 'twsZone', 'twsRestart', 'alsoAt', 'recovery', 'feed'];
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...keys), fc.anything()), (value) => {
        try {
          const settings = parseWatchSettings(value, endpoint);
          // What is taken can be used, too.
          effective(settings, {});
          effective({}, settings);
        } catch (error) {
          assert.ok(error instanceof HumanError, String(error));
        }
      }),
      { numRuns: 500 },
    );
  });
});
