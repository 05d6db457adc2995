import assert from 'node:assert/strict';
import { known, unknown } from '../../src/core/observed';
import type { HealthRow, IncidentRow, RunRow } from '../../src/daemon/historyRows';
import { type ReportFacts, reportText } from '../../src/daemon/reportText';
import { ago, findingWith, runnerWith, statusWith } from '../support/uiFixtures';

const secrets = { homeDirectory: '/home/joe', userName: 'joe', hostName: 'Box-7', others: [] };
const endpoint = { host: '127.0.0.1', port: 7497 };

const incident: IncidentRow = {
  incident_key: 'connection/1',
  subject_kind: 'connection',
  subject_name: null,
  severity: 'error',
  cause: 'silent_accept_dialog',
  layer: 'hello',
  message: 'TCP accepted, no answer.',
  since: ago(600),
  until: ago(300),
  ending: 'seen',
  duration_ms: 300_000,
  unwatched_ms: 0,
  notified_at: null,
  findings: '[]',
};
const run: RunRow = {
  workspace: '/home/joe/bot',
  started_at: ago(900),
  pid: 1,
  command: '[]',
  symbols: '[]',
  bypass_reason: null,
  cycles: 3,
  last_cycle_at: null,
  signals_left_out: 0,
  ended_at: ago(400),
  how: 'by itself',
  exit_code: 1,
  exit_signal: null,
  last_lines: '["ValueError: bad"]',
};

function health(seconds: number, row: Partial<HealthRow> = {}): HealthRow {
  return { at: ago(seconds), was: 'healthy', health: 'down', layer: 'tcp', reason: 'lost', ...row };
}

function factsWith(changes: Partial<ReportFacts> = {}): ReportFacts {
  const status = statusWith({
    findings: [findingWith()],
    recovery: [{ step: 'dial', at: ago(400), evidence: 'it closed', outcome: 'no answer' }],
    runner: [
      runnerWith({
        state: 'exited',
        exit: { at: ago(400), code: 1, signal: null, how: 'by itself', lastLines: ['bad'] },
      }),
    ],
  });
  return {
    madeAt: ago(0),
    robo: '0.1.0',
    editor: 'Code 1.101.0',
    node: '24.0.0',
    system: 'linux 6 x64',
    endpoint,
    settings: ['port: 7497 (envFile)'],
    status: known(status),
    lastTest: known({
      schema: 1,
      ok: false,
      endpoint: { ...endpoint, clientId: 9000 },
      startedAt: ago(20),
      durationMs: 3000,
      layers: [
        { layer: 'hello', status: 'fail', durationMs: 3000, summary: 'no answer', evidence: [] },
      ],
      failedLayer: 'hello',
      findings: [],
    }),
    incidents: known([incident]),
    past: known({
      health: [health(601), health(290, { health: 'healthy', was: 'down' }), health(9000)],
      incidents: [incident],
      signals: [],
    }),
    runs: known([run]),
    monitorLog: known(['2026-11-20T15:00:00.000+00:00 WARN connection.down no answer']),
    ...changes,
  };
}

/** The lines of a section. */
function section(text: string, title: string): readonly string[] {
  const [, body = ''] = text.split(`## ${title}\n\n`);
  const [fence = ''] = body.split('\n', 1);
  const marks = fence.replace('text', '');
  return body.slice(fence.length + 1, body.indexOf(`\n${marks}\n`)).split('\n');
}

describe('the text of a report', () => {
  it('has versions, settings, health, layers, findings, timeline, recovery, runner, log', () => {
    const text = reportText(factsWith(), secrets);
    assert.match(section(text, 'Versions').join(), /Robo 0\.1\.0,.*Code 1\.101\.0,.*24\.0\.0/);
    assert.deepEqual(section(text, 'Settings'), ['port: 7497 (envFile)']);
    assert.match(section(text, 'Health')[0] ?? '', /^healthy since .*, layer data/);
    assert.match(section(text, 'Last test')[1] ?? '', /^hello +fail +3000 ms {2}no answer$/);
    const findings = section(text, 'Findings').join('\n');
    assert.match(findings, /55 % silent_accept_dialog: nobody else/);
    assert.match(findings, /TCP table: no CLOSE_WAIT/);
    assert.match(section(text, 'Recovery')[0] ?? '', /dial: it closed; no answer$/);
    assert.match(
      section(text, 'Runner').join('\n'),
      /by itself, code 1, signal none.*\n {2}\| bad/,
    );
    assert.match(section(text, 'Runs').join('\n'), /3 cycles: ~\/bot\n {2}\| ValueError: bad/);
    assert.match(section(text, 'Monitor log')[0] ?? '', /WARN connection\.down/);
  });

  it('tells the last incident from shortly before it to shortly after it, in order', () => {
    const [head, ...lines] = section(reportText(factsWith(), secrets), 'Last incident');
    assert.match(head ?? '', /silent_accept_dialog: TCP accepted/);
    assert.deepEqual(
      lines.map((line) => line.replace(/^\S+ /, '').replace(/:.*/, '')),
      ['health healthy to down', 'begins', 'ends', 'health down to healthy', 'recovery dial'],
    );
  });

  it('is the same for the same state, but for its date', () => {
    const later = { ...factsWith(), madeAt: ago(-100) };
    const withoutDate = (text: string): string => text.replace(/^Made at \S+/m, '');
    assert.equal(
      withoutDate(reportText(factsWith(), secrets)),
      withoutDate(reportText(later, secrets)),
    );
  });

  it('says none yet and unknown, and outlives spoilt records', () => {
    const empty = reportText(
      factsWith({
        status: known(undefined),
        lastTest: known(undefined),
        incidents: known([]),
        past: known(undefined),
        runs: unknown('no SQLite'),
        monitorLog: known(undefined),
      }),
      secrets,
    );
    for (const title of ['Health', 'Last test', 'Findings', 'Last incident', 'Incidents']) {
      assert.deepEqual(section(empty, title), ['none yet'], title);
    }
    assert.deepEqual(section(empty, 'Runs'), ['unknown: no SQLite']);
    const spoilt = reportText(
      factsWith({ status: known(JSON.parse('{"session":7}') as never) }),
      secrets,
    );
    assert.match(section(spoilt, 'Findings')[0] ?? '', /^could not be told: /);
    assert.match(section(spoilt, 'Monitor log')[0] ?? '', /connection\.down/);
  });

  it('lets nothing out of a block and nothing secret in, whatever stands in the records', () => {
    const hostile =
      '```\n</details><img src=x onerror=alert(1)> @everyone [x](command:y) \u001b[2J\u202e' +
      ' DU1234567 /home/bob/x token=hunter22 Box-7 https://evil.example/k ``````';
    const text = reportText(
      factsWith({
        settings: [hostile],
        editor: hostile,
        monitorLog: known([hostile]),
        incidents: known([{ ...incident, message: hostile, subject_name: hostile }]),
        runs: known([{ ...run, workspace: hostile, last_lines: JSON.stringify([hostile]) }]),
        status: known(
          statusWith({
            message: hostile,
            findings: [
              findingWith({
                message: hostile,
                evidence: [{ kind: 'log', source: hostile, at: ago(1), text: hostile }],
              }),
            ],
            runner: [runnerWith({ workspace: hostile, command: [hostile] })],
          }),
        ),
      }),
      secrets,
    );
    for (const hidden of [
      '1234567',
      'bob',
      'hunter22',
      'Box-7',
      'evil.example',
      '\u001b',
      '\u202e',
    ]) {
      assert.ok(!text.includes(hidden), hidden);
    }
    // Outside of the blocks stand only our own words.
    let fence: string | undefined;
    for (const line of text.split('\n')) {
      const mark = /^`{3,}/.exec(line)?.[0];
      if (fence === undefined && mark !== undefined) {
        fence = mark;
      } else if (fence !== undefined && line === fence) {
        fence = undefined;
      } else if (fence === undefined) {
        assert.doesNotMatch(line, /[<[@]/, line);
      }
    }
    assert.equal(fence, undefined);
  });
});
