import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { runnerSigns } from '../../src/diagnostics/readers/runnerSigns';
import { readTradingSystem, tradingSystemLines } from '../../src/diagnostics/readers/tradingSystem';
import { createFactReader } from '../../src/diagnostics/runnerReader';
import { checkTable, describeLogs, findingsIn } from '../support/logFixtures';

describe('logs of the trading system', () => {
  describeLogs('tradingSystem');

  it('keeps its tables quick', () => {
    checkTable(tradingSystemLines);
    checkTable(runnerSigns);
  });

  it('tells which lines it needs', () => {
    assert.ok(readTradingSystem.triggers?.includes('error_type'));
    assert.ok(readTradingSystem.triggers?.includes('failed to fetch'));
  });

  // Each was declared the root cause of the one outage, and was not; the lines alone cannot tell.
  const declared = [
    'silent_api_not_enabled',
    'silent_accept_dialog',
    'duplicate_runner',
    'event_loop_misuse',
    'client_lib_mismatch',
    'tcp_timeout_unreachable',
    'port_mode_mismatch',
  ];
  const outage: readonly (readonly [string, string])[] = [
    [
      'the library alone',
      'Connecting to 127.0.0.1:7497 with clientId 123...\nConnected\nAPI connection failed: TimeoutError()',
    ],
    [
      'the words of the monitor',
      '[2025-09-17 12:00:46] [ERROR] Connection check failed (1): API connection timeout - IB Gateway API may not be enabled',
    ],
    [
      'the words of the seed',
      '❌ IBKR CONNECTION TIMEOUT\nCheck TWS API configuration and try again',
    ],
    [
      'the worker',
      'TimeoutError: API handshake timeout after 15.0s. TCP connected but Gateway did not complete protocol negotiation. isConnected=True',
    ],
    [
      'the launcher',
      'IBKR Gateway API layer is unresponsive. Automatic restart failed. Please restart Gateway manually',
    ],
  ];
  for (const [name, text] of outage) {
    it(`reads the outage as what it showed: ${name}`, () => {
      const [finding, ...rest] = findingsIn(text);
      assert.deepEqual(rest, []);
      assert.equal(finding?.causes[0]?.id, 'silent_handshake');
      for (const { id, confidence } of finding.causes) {
        assert.ok(!declared.includes(id) || confidence < 0.3, `${id} ${confidence}`);
      }
    });
  }

  const lines: readonly (readonly [string, string | undefined])[] = [
    // A probe that could not run is not a closed port.
    ['lsof probe for port 4002 timed out on all 3 attempts.', undefined],
    ['PASS    gateway_port_listening  port 4002 listening  (12ms)', undefined],
    ['BLOCK   gateway_port_listening  port 4002 not listening  (12ms)', 'connection failed'],
    ['BLOCK   zombie_connections  2 zombie connections on port 4002  (9ms)', 'wedged_close_wait'],
    ['PASS    zombie_connections  no CLOSE_WAIT connections on port 4002  (9ms)', undefined],
    ['   Zombies block API handshakes - restarting Gateway...', 'wedged_close_wait'],
    ['   Killed Python zombie PID 4242', 'self_inflicted_probe_zombies'],
    ['Gateway restart failed with code 1', undefined],
    ['Initializing advanced risk management with Kelly sizing and kill switches', undefined],
    ['KILL SWITCH ACTIVE - Order blocked for NVDA BUY', 'kill_switch_triggered'],
    ['zsh: command not found: python', 'command_not_found'],
    ['env: python: No such file or directory', 'command_not_found'],
    ['zsh: illegal hardware instruction  python -m robo_trader.runner_async', 'wrong_interpreter'],
    ['sh: line 1:  4242 Bus error: 10  python3 -m robo_trader.runner_async', 'wrong_interpreter'],
    ["event=kill_switch_auto_reset reason='handshake' note=connection", undefined],
    ["event=kill_switch_not_reset reason='loss' note=preserved", 'kill_switch_triggered'],
    ["event=recovery_exhausted attempts=5 reason='pings'", 'connection failed'],
    [
      'event=managed_account_validation_failed reason=missing_configured_account',
      'bad_configuration',
    ],
    ['error: listen EADDRINUSE: address already in use 127.0.0.1:5555', 'helper_port_taken'],
    ['error: listen EADDRINUSE: address already in use 127.0.0.1:4002', 'duplicate_gateway'],
  ];
  for (const [line, expected] of lines) {
    it(line, () => {
      const [fact] = createFactReader()(line);
      assert.equal(fact?.kind === 'sign' ? fact.causes[0]?.id : fact?.kind, expected);
    });
  }
});
