import assert from 'node:assert/strict';
import fc from 'fast-check';
import { HumanError } from '../../src/core/errors';
import {
  canonicalEndpoint,
  describeEndpoint,
  formatEndpoint,
  isLoopback,
  parseClientId,
  parsePort,
  usualPort,
} from '../../src/ibkr/endpoint';

describe('an endpoint', () => {
  it('takes every port from 1 to 65535 and nothing else', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 65_535 }), (port) => {
        assert.equal(parsePort(String(port), '--port'), port);
      }),
    );
    for (const text of [
      '0',
      '65536',
      '99999',
      '',
      ' ',
      '-1',
      '7497.5',
      '0x1d49',
      '1e3',
      '７４９７',
    ]) {
      assert.throws(() => parsePort(text, '--port'), HumanError, text);
    }
  });

  it('says in one sentence what is wrong with a port, and what to use', () => {
    assert.throws(
      () => parsePort('http', 'IBKR_PORT in .env'),
      /^HumanError: IBKR_PORT in \.env is "http", which is no port\. Use .*7497/,
    );
  });

  it('takes client ids of a signed 32-bit number', () => {
    assert.equal(parseClientId('0', '--client-id'), 0);
    assert.equal(parseClientId('2147483647', '--client-id'), 2_147_483_647);
    for (const text of ['2147483648', '-1', '1.5', '', 'abc', '99999999999']) {
      assert.throws(() => parseClientId(text, '--client-id'), HumanError, text);
    }
  });

  for (const [host, expected] of [
    ['127.0.0.1', true],
    ['127.8.9.10', true],
    ['LocalHost', true],
    [' localhost ', true],
    ['::1', true],
    ['10.0.0.1', false],
    ['localhost.evil.example', false],
    ['127.0.0.1.evil.example', false],
    ['x127.0.0.1', false],
    // No addresses: a DNS server could place these names anywhere.
    ['127.0.0.999', false],
    ['127.0.0.256', false],
    ['127.1', false],
    ['', false],
  ] as const) {
    it(`${expected ? 'knows' : 'does not take'} "${host}" ${expected ? 'as' : 'for'} this machine`, () => {
      assert.equal(isLoopback(host), expected);
    });
  }

  it('has one spelling, so that there is one daemon', () => {
    const spellings = ['localhost', 'LOCALHOST', 'localhost.', '::1', ' 127.0.0.1 ', '127.1'];
    for (const host of [...spellings, '127.000.000.001', '2130706433', '0.0.0.0', '0', '::']) {
      assert.deepEqual(canonicalEndpoint(host, 7497), { host: '127.0.0.1', port: 7497 });
    }
    assert.equal(canonicalEndpoint('TWS.Example', 1).host, 'tws.example');
    // A relay may listen on another loopback address; digits that are no address are a name.
    for (const host of ['127.0.0.2', '10.0.0.7', '1.2.3.4.5', '127.0.0.999', 'tws1']) {
      assert.equal(canonicalEndpoint(host, 1).host, host);
    }
  });

  it('names product and mode only for the usual ports', () => {
    assert.deepEqual(
      [7497, 7496, 4002, 4001].map((port) => usualPort(port)?.mode),
      ['paper', 'live', 'paper', 'live'],
    );
    assert.equal(usualPort(7498), undefined);
    assert.equal(
      describeEndpoint({ host: '127.0.0.1', port: 4001 }),
      'IB Gateway live at 127.0.0.1:4001',
    );
    assert.equal(describeEndpoint({ host: '127.0.0.1', port: 9 }), '127.0.0.1:9');
    assert.equal(formatEndpoint({ host: 'fe80::1', port: 9 }), '[fe80::1]:9');
  });
});
