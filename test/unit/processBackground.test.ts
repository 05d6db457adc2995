import assert from 'node:assert/strict';
import {
  parseControlGroup,
  parseEnvironment,
  parseLaunchdJobs,
} from '../../src/host/processBackground';

describe('what the system tells of a process beyond the table', () => {
  it('keeps the variables that were asked for, and no secret', () => {
    const text =
      'PATH=/bin\0IBKR_PORT=7497\0API_KEY=secret\0PORTFOLIOS=[{"a":"b=c"}]\0IBKR_PORT=1\0';
    const seen = parseEnvironment(text, new Set(['IBKR_PORT', 'PORTFOLIOS', 'TRADING_MODE']));
    assert.deepEqual(Object.fromEntries(seen), {
      IBKR_PORT: '7497',
      PORTFOLIOS: '[{"a":"b=c"}]',
    });
    assert.equal(parseEnvironment('', new Set(['A'])).size, 0);
    assert.equal(parseEnvironment('no assignment\0=x\0', new Set(['', 'no assignment'])).size, 0);
  });

  const groups: readonly (readonly [string, string, string | undefined])[] = [
    ['unified', '0::/system.slice/trader.service\n', '/system.slice/trader.service'],
    [
      'hybrid',
      '9:name=systemd:/system.slice/t.service\n4:memory:/x\n0::/\n',
      '/system.slice/t.service',
    ],
    ['in a namespace', '0::/\n', '/'],
    ['none', '', undefined],
    ['with colons in it', '0::/machine.slice/a:b.scope\n', '/machine.slice/a:b.scope'],
  ];
  for (const [name, text, group] of groups) {
    it(`reads a control group: ${name}`, () => {
      assert.equal(parseControlGroup(text), group);
    });
  }

  it('reads the jobs of launchd that run', () => {
    const text = [
      'PID\tStatus\tLabel',
      '-\t0\tcom.apple.SafariHistoryServiceAgent',
      '812\t0\tcom.robotrader.runner',
      '990\t-9\tapplication.com.microsoft.VSCode.1152921500312',
      '',
    ].join('\n');
    assert.deepEqual(
      [...parseLaunchdJobs(text)],
      [
        [812, 'com.robotrader.runner'],
        [990, 'application.com.microsoft.VSCode.1152921500312'],
      ],
    );
  });
});
