import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parseEnvFile } from '../../src/core/envFile';
import {
  type ConfigurationSources,
  remoteHostInEnvFile,
  resolveConfiguration,
} from '../../src/ibkr/configuration';

function resolve(
  given: Partial<Omit<ConfigurationSources, 'envFile'>> & { readonly envFile?: string } = {},
): ReturnType<typeof resolveConfiguration> {
  const { envFile = '', ...rest } = given;
  return resolveConfiguration({
    flags: {},
    environment: {},
    settings: {},
    ...rest,
    envFile: parseEnvFile(envFile),
  });
}

describe('the configuration', () => {
  it('is TWS paper on this machine where nobody says anything', () => {
    const { endpoint, clientId, symbols, mode, origins, problems } = resolve();
    assert.deepEqual(endpoint, { host: '127.0.0.1', port: 7497 });
    assert.equal(clientId, 9000);
    assert.deepEqual(symbols, []);
    assert.equal(mode, undefined);
    assert.deepEqual(new Set(Object.values(origins)), new Set(['default']));
    assert.deepEqual(problems, []);
  });

  it('takes flags over environment over settings over .env over defaults', () => {
    const all = {
      flags: { port: '1001' },
      environment: { IBKR_PORT: '1002' },
      settings: { port: '1003' },
      envFile: 'IBKR_PORT=1004',
    };
    const order = [
      ['flag', 1001],
      ['environment', 1002],
      ['setting', 1003],
      ['envFile', 1004],
      ['default', 7497],
    ] as const;
    const without = [
      {},
      { flags: {} },
      { flags: {}, environment: {} },
      { flags: {}, environment: {}, settings: {} },
      { flags: {}, environment: {}, settings: {}, envFile: '' },
    ];
    order.forEach(([origin, port], index) => {
      const resolved = resolve({ ...all, ...without[index] });
      assert.equal(resolved.endpoint.port, port);
      assert.equal(resolved.origins.port, origin);
    });
  });

  it('lets each source decide its own keys only', () => {
    const resolved = resolve({
      flags: { host: 'tws.example' },
      environment: { SYMBOLS: 'nvda, aapl,NVDA' },
      settings: { clientId: '9001' },
      envFile: 'IBKR_PORT="4002" # gateway\nTRADING_MODE=Paper\nIBKR_CLIENT_ID=123',
    });
    assert.deepEqual(resolved.endpoint, { host: 'tws.example', port: 4002 });
    assert.deepEqual(resolved.symbols, ['NVDA', 'AAPL']);
    assert.equal(resolved.clientId, 9001);
    assert.equal(resolved.mode, 'paper');
    assert.equal(resolved.runnerClientId, 123);
    assert.deepEqual(resolved.origins, {
      host: 'flag',
      port: 'envFile',
      clientId: 'setting',
      symbols: 'environment',
      mode: 'envFile',
    });
  });

  it("never uses the runner's client id as its own", () => {
    const { clientId, runnerClientId } = resolve({
      environment: { IBKR_CLIENT_ID: '7' },
      envFile: 'IBKR_CLIENT_ID=8',
    });
    assert.equal(clientId, 9000);
    assert.equal(runnerClientId, 7);
  });

  it('skips empty values of the environment and of .env', () => {
    const { endpoint, origins } = resolve({
      environment: { IBKR_PORT: '', IBKR_HOST: '' },
      envFile: 'IBKR_PORT=\nIBKR_HOST=""',
    });
    assert.equal(endpoint.port, 7497);
    assert.equal(origins.port, 'default');
  });

  it('prefers TRADING_MODE to EXECUTION_MODE and reads either', () => {
    assert.equal(resolve({ envFile: 'EXECUTION_MODE=live' }).mode, 'live');
    assert.equal(resolve({ envFile: 'EXECUTION_MODE=live\nTRADING_MODE=paper' }).mode, 'paper');
  });

  it('never takes another machine from .env alone, whatever it is called', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.domain(),
          fc.ipV4().filter((address) => !address.startsWith('127.')),
          fc.ipV6().filter((address) => address !== '::1'),
          fc.constantFrom('127.0.0.999', '127.0.0.1.example.org', 'localhost.example.org'),
        ),
        (host) => {
          const { endpoint, origins } = resolve({ envFile: `IBKR_HOST=${host}` });
          assert.equal(endpoint.host, '127.0.0.1');
          assert.equal(origins.host, 'default');
          assert.equal(remoteHostInEnvFile(parseEnvFile(`IBKR_HOST=${host}`)), host);
        },
      ),
    );
    assert.equal(resolve({ envFile: 'IBKR_HOST=localhost' }).origins.host, 'envFile');
    assert.equal(remoteHostInEnvFile(parseEnvFile('IBKR_HOST=localhost')), undefined);
    assert.equal(remoteHostInEnvFile(parseEnvFile('IBKR_HOST=')), undefined);
    assert.equal(resolve({ flags: { host: '192.0.2.7' } }).endpoint.host, '192.0.2.7');
  });

  for (const [key, sources, says] of [
    ['port', { flags: { port: '99999' } }, /^--port is "99999", which is no port/],
    ['port', { envFile: 'IBKR_PORT=http' }, /^IBKR_PORT in \.env is "http"/],
    ['port', { settings: { port: '0' } }, /^robo\.port is "0"/],
    ['host', { flags: { host: 'a b' } }, /^--host is "a b", which is no host/],
    ['host', { flags: { host: '-x' } }, /no host/],
    ['clientId', { flags: { clientId: '-1' } }, /^--client-id is "-1"/],
    ['symbols', { envFile: 'SYMBOLS=AAPL,A;B' }, /^SYMBOLS in \.env contains "A;B"/],
    ['symbols', { flags: { symbols: 'TOOLONG' } }, /no stock symbol/],
    ['mode', { environment: { TRADING_MODE: 'demo' } }, /^TRADING_MODE is "demo"/],
    ['runnerClientId', { envFile: 'IBKR_CLIENT_ID=x' }, /^IBKR_CLIENT_ID in \.env is "x"/],
  ] as const) {
    it(`tells of a bad ${key} (${JSON.stringify(sources)}) and goes on with the default`, () => {
      const { problems, endpoint, clientId, symbols, mode } = resolve(sources);
      assert.equal(problems.length, 1);
      assert.equal(problems[0]?.key, key);
      assert.match(problems[0].sentence, says);
      assert.deepEqual(
        { endpoint, clientId, symbols, mode },
        {
          endpoint: { host: '127.0.0.1', port: 7497 },
          clientId: 9000,
          symbols: [],
          mode: undefined,
        },
      );
    });
  }

  it('says where a problem comes from, so that it can be placed there', () => {
    assert.equal(resolve({ envFile: 'IBKR_PORT=x' }).problems[0]?.origin, 'envFile');
    assert.equal(resolve({ settings: { port: 'x' } }).problems[0]?.origin, 'setting');
  });
});
