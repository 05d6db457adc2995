import assert from 'node:assert/strict';
import type { ListedProcess } from '../../src/daemon/protocol';
import type { PreflightReport } from '../../src/preflight/report';
import { confirmedOf, killView } from '../../src/ui/duplicatesView';
import { layerWords, reportLines, verdict } from '../../src/ui/report';
import { parseStatusRecord } from '../../src/ui/statusRecord';
import { ago, english, findingWith, statusWith } from '../support/uiFixtures';

const passed = { status: 'pass', durationMs: 3.4, summary: 'fine', evidence: [] } as const;

function report(changes: Partial<PreflightReport> = {}): PreflightReport {
  return {
    schema: 1,
    ok: true,
    endpoint: { host: '127.0.0.1', port: 7497, clientId: 9000 },
    startedAt: ago(3),
    durationMs: 12,
    layers: [
      { layer: 'hello', ...passed },
      { layer: 'clock', ...passed },
      { layer: 'data', ...passed, durationMs: 210 },
    ],
    findings: [],
    ...changes,
  };
}

describe('The verdict of a test', () => {
  it('gives the latencies of a pass and counts its warnings', () => {
    assert.equal(
      verdict(report(), english),
      'The connection passed: hello 3 ms, clock 3 ms, data 210 ms.',
    );
    const layers = [{ layer: 'process', ...passed, status: 'warn' } as const, ...report().layers];
    assert.match(verdict(report({ layers }), english), /passed with 1 warning/);
  });

  it('names layer, cause and remedy of a failure', () => {
    const failed = report({ ok: false, failedLayer: 'hello', findings: [findingWith()] });
    assert.match(
      verdict(failed, english),
      /^Failed at hello: TCP accepted.*Likely: TWS waits.*What to do: Click/,
    );
  });

  it('does not call a layer failed that could not be judged', () => {
    const layers = [
      { layer: 'tcp', ...passed, status: 'unknown', summary: 'no permission' } as const,
    ];
    const unclear = report({ ok: false, unknownLayer: 'tcp', layers });
    assert.equal(verdict(unclear, english), 'Could not find out: no permission');
  });

  it('goes into the log whole: layers, causes, evidence, remedy', () => {
    const text = reportLines(report({ ok: false, findings: [findingWith()] })).join('\n');
    for (const part of ['hello', 'silent_accept_dialog', 'no CLOSE_WAIT', '1. Click Yes']) {
      assert.ok(text.includes(part), part);
    }
  });

  it('says layer by layer what is not simply passed', () => {
    assert.equal(layerWords({ layer: 'tcp', ...passed }, english), 'tcp: passed, 3 ms');
    const failed = { layer: 'hello', ...passed, status: 'fail', summary: 'silence' } as const;
    assert.equal(layerWords(failed, english), 'hello: failed, 3 ms. silence');
  });
});

describe('The processes that may be ended', () => {
  const listed = (pid: number, role: ListedProcess['role'], isRightful = false): ListedProcess => ({
    pid,
    startToken: `t${pid}`,
    argv: ['python3', 'run.py'],
    role,
    why: 'same program, workspace and endpoint',
    startedAt: ago(50),
    workingDirectory: '/w',
    isRightful,
    isHelper: false,
    isLive: false,
    isBoundHere: true,
    parentPid: 1,
    sockets: [],
    respawnedBy: null,
  });

  it('are the duplicates, ticked, and other runners, unticked; never TWS or the rightful one', () => {
    const roles = ['worker', 'helper', 'tws', 'proxy', 'monitor'] as const;
    const processes = [
      listed(1, 'runner', true),
      listed(2, 'duplicate'),
      listed(3, 'other runner'),
      ...roles.map((role, index) => listed(10 + index, role)),
    ];
    const view = killView({ unknownWhy: null, processes }, english);
    assert.deepEqual(
      view.duplicates.map((each) => [each.process.pid, each.picked]),
      [[2, true]],
    );
    assert.deepEqual(
      view.others.map((each) => [each.process.pid, each.picked]),
      [[3, false]],
    );
    assert.equal(view.kept?.pid, 1);
  });

  it('name first what would start them again, once', () => {
    const respawnedBy = { name: 'pm2 (pid 9)', pid: 9, remedy: 'First stop it: pm2 stop NAME.' };
    const processes = [
      { ...listed(2, 'duplicate'), respawnedBy },
      { ...listed(3, 'duplicate'), respawnedBy },
    ];
    const view = killView({ unknownWhy: null, processes }, english);
    assert.deepEqual(view.first, ['First stop it: pm2 stop NAME.']);
  });

  it('are asked for one by one on a live account, and only there', async () => {
    const processes = [
      listed(2, 'duplicate'),
      { ...listed(3, 'duplicate'), isLive: true },
      { ...listed(4, 'other runner'), isLive: true },
    ];
    const { duplicates, others } = killView({ unknownWhy: null, processes }, english);
    const asked: number[] = [];
    const sure = await confirmedOf([...duplicates, ...others], ({ pid }) => {
      asked.push(pid);
      return Promise.resolve(pid === 3);
    });
    assert.deepEqual(asked, [3, 4]);
    assert.deepEqual(
      sure.map(({ process: { pid } }) => pid),
      [2, 3],
    );
    assert.match(others[0]?.label ?? '', /LIVE/);
  });
});

describe('A status record', () => {
  it('is read when it is one of schema 1', () => {
    assert.equal(parseStatusRecord(JSON.stringify(statusWith()))?.health, 'healthy');
  });

  it('is unknown when it is cut, foreign or of another schema', () => {
    const cut = JSON.stringify(statusWith()).slice(0, 80);
    for (const text of ['', cut, 'null', '[]', '{"schema":2}', '{"schema":1,"health":"healthy"}']) {
      assert.equal(parseStatusRecord(text), undefined, text);
    }
  });
});
