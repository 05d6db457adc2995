import assert from 'node:assert/strict';
import fc from 'fast-check';
import { HumanError } from '../../src/core/errors';
import { formatDaemonArguments, parseDaemonArguments } from '../../src/daemon/daemonArguments';
import { recoveryPermissions } from '../../src/monitor/recoverySettings';
import { isOlder } from '../../src/daemon/launcher';

describe("a daemon's command line", () => {
  it('is read back as it was written, whatever the paths', () => {
    const path = fc
      .string({ unit: 'grapheme', minLength: 1 })
      .filter((text) => !text.includes('\0'));
    fc.assert(
      fc.property(
        fc.constantFrom('127.0.0.1', 'tws.example', 'fe80::1'),
        fc.integer({ min: 1, max: 65_535 }),
        fc.integer({ min: 0, max: 2_147_483_647 }),
        fc.tuple(
          path,
          path,
          fc.boolean(),
          fc.subarray([...recoveryPermissions]),
          fc.record(
            {
              livenessIntervalMs: fc.integer({ min: 1000, max: 3_600_000 }),
              twsZone: fc.constantFrom('', 'Europe/Zurich', 'Central European Standard Time'),
              twsRestart: fc.constantFrom('', '23:45'),
              alsoAt: fc.oneof(
                fc.constant(''),
                path.map((text) => `/${text}`),
              ),
            },
            { requiredKeys: [] },
          ),
        ),
        (host, port, clientId, [stateDirectory, runnerScript, isService, allow, said]) => {
          const daemon = {
            endpoint: { host, port },
            clientId,
            stateDirectory,
            runnerScript,
            isService,
            ...said,
            ...(host === '127.0.0.1' && port !== 7462
              ? { recovery: { ibcCommandPort: 7462, allow: new Set(allow) } }
              : {}),
          };
          assert.deepEqual(parseDaemonArguments(formatDaemonArguments(daemon)), daemon);
        },
      ),
    );
  });

  it('keeps a rehearsal away from every address where a real TWS may be', () => {
    const daemon = {
      endpoint: { host: '127.0.0.1', port: 45_000 },
      clientId: 9000,
      stateDirectory: '/s',
      runnerScript: '/r',
      livenessIntervalMs: 1000,
      isService: false,
      rehearsalOf: 4711,
    };
    assert.deepEqual(parseDaemonArguments(formatDaemonArguments(daemon)), daemon);
    for (const endpoint of [
      ...[7497, 7496, 4001, 4002].map((port) => ({ host: '127.0.0.1', port })),
      { host: 'tws.example', port: 45_000 },
    ]) {
      const args = formatDaemonArguments({ ...daemon, endpoint });
      assert.throws(() => parseDaemonArguments(args), /real TWS may be/);
    }
    const withIbc = { ...daemon, recovery: { ibcCommandPort: 7462, allow: new Set<never>() } };
    assert.throws(() => parseDaemonArguments(formatDaemonArguments(withIbc)), /speaks with no IBC/);
    const args = formatDaemonArguments({ ...daemon, rehearsalOf: 0 });
    assert.throws(() => parseDaemonArguments(args), HumanError);
  });

  const good = ['--host=h', '--port=1', '--client-id=1', '--state-dir=/s', '--runner-script=/r'];
  for (const [what, args] of [
    ['nothing', []],
    ['an unknown flag', [...good, '--frobnicate']],
    ['a word', [...good, 'word']],
    ['a bad port', [...good, '--port=x']],
    ['a bad client id', [...good, '--client-id=-1']],
    ['an empty directory', [...good, '--state-dir=']],
    ['an interval of nothing', [...good, '--interval-ms=0']],
    ['a zone that is none', [...good, '--tws-zone=Mars']],
    ['a time that is none', [...good, '--tws-restart=noon']],
    ['a relative folder', [...good, '--records-also-at=copies']],
    ...good.map((_, left) => [
      `all but ${good[left] ?? ''}`,
      good.filter((__, index) => index !== left),
    ]),
  ] as const) {
    it(`is refused with a sentence when it holds ${String(what)}`, () => {
      assert.throws(() => parseDaemonArguments(args as readonly string[]), HumanError);
    });
  }
});

describe('the age of a version', () => {
  for (const [one, other, expected] of [
    ['0.1.0', '0.2.0', true],
    ['0.9.0', '0.10.0', true],
    ['1.2', '1.2.1', true],
    ['0.0.0-dev', '0.1.0', true],
    ['0.1.0', '0.1.0', false],
    ['0.2.0', '0.1.9', false],
    ['1.0.0', '0.99.99', false],
    ['1.0.0-beta', '1.0.0', false],
    ['', '1.0.0', false],
    ['nonsense', '1.0.0', false],
    ['1.0.0', 'nonsense', false],
  ] as const) {
    it(`${JSON.stringify(one)} is ${expected ? '' : 'not '}older than ${JSON.stringify(other)}`, () => {
      assert.equal(isOlder(one, other), expected);
    });
  }

  it('has one direction at most', () => {
    const version = fc.array(fc.nat({ max: 12 }), { minLength: 3, maxLength: 3 });
    fc.assert(
      fc.property(version, version, (a, b) => {
        const [one, other] = [a.join('.'), b.join('.')];
        assert.ok(!(isOlder(one, other) && isOlder(other, one)));
        assert.equal(isOlder(one, other) || isOlder(other, one), one !== other);
      }),
    );
  });
});
