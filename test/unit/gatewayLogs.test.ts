import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { createGatewayPatterns } from '../../src/diagnostics/readers/gatewaySigns';
import { causesOfGatewayExit } from '../../src/diagnostics/readers/ibc';
import { createFactReader } from '../../src/diagnostics/runnerReader';
import { checkTable, describeLogs, summaryOf } from '../support/logFixtures';

describe('logs of gateways and their keepers', () => {
  describeLogs('ibc');
  describeLogs('gatewayImages');
  describeLogs('ibAutomater');
  describeLogs('twsLogs');

  it('keeps its tables quick', () => {
    checkTable(createGatewayPatterns().patterns);
  });

  it('makes the same patterns for every text', () => {
    const shape = () =>
      createGatewayPatterns().patterns.map(({ has, pattern }) => `${has} ${String(pattern)}`);
    assert.deepEqual(shape(), shape());
  });

  it('knows the exit codes of IBC whole and as a shell shows them', () => {
    for (const code of [1100, 1104, 1111, 1112]) {
      assert.deepEqual(causesOfGatewayExit(code % 256), causesOfGatewayExit(code));
      assert.notEqual(causesOfGatewayExit(code), undefined);
    }
    assert.equal(causesOfGatewayExit(0), undefined);
    assert.equal(causesOfGatewayExit(143), undefined);
    assert.equal(causesOfGatewayExit(137)?.[0]?.id, 'jvm_killed_oom');
  });

  it('never reads an exit code of IBC as a message of TWS', () => {
    const facts = createFactReader()('2026-07-01 09:00:01:317 IBC: Exiting with exit code=1100');
    assert.ok(facts.every(({ kind }) => kind !== 'tws message'));
  });

  it('says nothing of a missing restart token at the first start, and much at a later one', () => {
    const missing = 'autorestart file not found: full authentication will be required';
    assert.deepEqual(summaryOf(`Starting IBC version 3.23.0\n${missing}`), []);
    assert.deepEqual(summaryOf(missing), ['process: autorestart_broken error x1']);
    assert.deepEqual(
      summaryOf(`Starting IBC version 3.23.0\nIBC: Login has completed\n${missing}`),
      ['process: autorestart_broken error x1'],
    );
  });

  it('lets a forwarder wait for the gateway while it starts, not for ever', () => {
    const refused = (minute: number): string =>
      `2026/07/01 10:0${minute}:00 socat[9] E connect(5, AF=2 127.0.0.1:4002, 16): Connection refused`;
    const start = '2026-07-01 10:00:00 Starting IBC version 3.23.0';
    const done = '2026-07-01 10:01:30 IBC: Login has completed';
    assert.deepEqual(summaryOf([start, refused(1), done].join('\n')), []);
    assert.deepEqual(summaryOf([start, refused(1)].join('\n')), [
      'connection: proxy_upstream_refused error x1',
    ]);
    assert.deepEqual(summaryOf([start, refused(1), refused(8), done].join('\n')), [
      'connection: proxy_upstream_refused error x2',
    ]);
    assert.deepEqual(summaryOf([start, done, refused(5)].join('\n')), [
      'connection: proxy_upstream_refused error x1',
    ]);
  });
});

describe('messages in the API log of TWS', () => {
  const read = (line: string) => createFactReader()(line);

  it('gives code, request and text, whatever the length bytes look like', () => {
    for (const length of ['---5', '--~{', '---4', '----']) {
      assert.deepEqual(
        read(`20:54:49:921 -> ${length}4-2-17-162-HMDS query returned no data: ESM3@CME Trades-`),
        [
          {
            kind: 'tws message',
            code: 162,
            requestId: 17,
            text: 'HMDS query returned no data: ESM3@CME Trades',
          },
        ],
        length,
      );
    }
  });

  it('leaves other messages alone', () => {
    for (const line of [
      '20:54:49:921 -> ---#1-6-1-4-150.25-100-0-',
      '20:54:49:921 <- 4-2-7-',
      '20:54:49:921 -> ---74-9-1100-200-1-',
    ]) {
      assert.deepEqual(read(line), [], line);
    }
  });
});
