import assert from 'node:assert/strict';
import { parseEnvFile } from '../../src/core/envFile';
import type { Finding } from '../../src/diagnostics/finding';
import {
  type Cure,
  type CureContext,
  curesFor,
  type FileEdit,
  freeClientId,
} from '../../src/ui/cures';
import { explanation } from '../../src/ui/explanation';
import { commandIds } from '../../src/ui/ids';
import { english, findingWith } from '../support/uiFixtures';

const envText = [
  'IBKR_HOST=localhost',
  'IBKR_PORT="7497" # paper',
  'SYMBOLS=AAPL, NVDA,TSLA',
  'IBKR_CLIENT_ID=123',
].join('\n');
const settingsText = `{
  "robo.port": 7496,
  "robo.host": "::1",
  "robo.symbols": ["AAPL",
    "MSFT"],
}`;
const fromEnv = {
  host: 'envFile',
  port: 'envFile',
  clientId: 'default',
  symbols: 'envFile',
  mode: 'default',
} as const;
const fromSettings = { ...fromEnv, host: 'setting', port: 'setting', symbols: 'setting' } as const;

function context(
  configuration: Partial<CureContext['configuration']> = {},
  origins: CureContext['files']['origins'] = fromEnv,
): CureContext {
  return {
    files: { folderPath: '/work', env: parseEnvFile(envText), settings: settingsText, origins },
    configuration: {
      endpoint: { host: '127.0.0.1', port: 7497 },
      clientId: 9000,
      mode: undefined,
      runnerClientId: 123,
      ...configuration,
    },
    canEnableApi: false,
  };
}

const of = (id: Finding['guide'], changes: Partial<Finding> = {}): Finding =>
  findingWith({ guide: id, causes: [{ id, confidence: 0.9, why: '' }], ...changes });

function cures(finding: Finding, given = context()): readonly Cure[] {
  return curesFor(finding, given, english);
}

function edits(finding: Finding, given = context()): readonly string[] {
  return cures(finding, given).flatMap(({ edit }) => (edit === undefined ? [] : [applied(edit)]));
}

/** The file after the edit. */
function applied({ file, from, to, text }: FileEdit): string {
  const whole = file === 'env' ? envText : settingsText;
  const offset = ([line, column]: readonly [number, number]): number =>
    whole
      .split('\n')
      .slice(0, line)
      .reduce((sum, each) => sum + each.length + 1, column);
  return whole.slice(0, offset(from)) + text + whole.slice(offset(to));
}

describe('The cures of a finding', () => {
  const mismatch = of('port_mode_mismatch', { listeningPorts: [7496, 4002, 4001] });

  it('correct the port to the one that listens, of the same mode alone', () => {
    assert.deepEqual(edits(mismatch), [envText.replace('7497', '4002')]);
    const live = context({ endpoint: { host: '127.0.0.1', port: 7496 } }, fromSettings);
    assert.deepEqual(edits({ ...mismatch, listeningPorts: [7497, 4001, 4002] }, live), [
      settingsText.replace('7496', '4001'),
    ]);
  });

  it('never lead from paper to live or back, nor where nobody knows which it is', () => {
    const all = { ...mismatch, listeningPorts: [7496, 7497, 4001, 4002] };
    for (const [port, mode, allowed] of [
      [7497, undefined, ['4002']],
      [7497, 'paper', ['4002']],
      [7497, 'live', []],
      [4001, 'paper', []],
      [4001, 'live', ['7496']],
      [5555, undefined, []],
      [5555, 'paper', ['7497', '4002']],
      [5555, 'live', ['7496', '4001']],
    ] as const) {
      const given = context({ endpoint: { host: '127.0.0.1', port }, mode });
      const texts = cures(all, given).flatMap(({ edit }) => edit?.text ?? []);
      assert.deepEqual(texts.toSorted(), [...allowed].toSorted(), `${port} ${mode}`);
    }
  });

  it('change no line that does not decide', () => {
    for (const origin of ['environment', 'default', 'flag'] as const) {
      const origins = { ...fromEnv, port: origin, host: origin, symbols: origin } as const;
      const unknown = of('no_secdef_200', { subject: { kind: 'symbol', name: 'NVDA' } });
      for (const finding of [mismatch, of('bad_host'), unknown]) {
        assert.deepEqual(edits(finding, context({}, origins)), [], `${origin} ${finding.guide}`);
      }
    }
  });

  it('prefer at most one, and never an edit', () => {
    const symbol = { kind: 'symbol', name: 'NVDA' } as const;
    for (const finding of [
      mismatch,
      of('bad_host'),
      of('no_secdef_200', { subject: symbol }),
      of('client_id_in_use_326', { subject: { kind: 'runner' } }),
      of('duplicate_runner', { subject: { kind: 'process' } }),
    ]) {
      const preferred = cures(finding).filter(({ isPreferred }) => isPreferred);
      assert.equal(preferred.length, 1);
      assert.equal(preferred[0]?.edit, undefined);
      assert.equal(cures(finding)[0]?.isPreferred, true);
    }
  });

  it('write 127.0.0.1 for another name of this machine, and for no other host', () => {
    assert.deepEqual(edits(of('ipv6_trusted_ip_mismatch')), [
      envText.replace('localhost', '127.0.0.1'),
    ]);
    assert.deepEqual(edits(of('bad_host'), context({}, fromSettings)), [
      settingsText.replace('::1', '127.0.0.1'),
    ]);
    const remote = parseEnvFile('IBKR_HOST=tws.example.com');
    const given = context();
    assert.deepEqual(
      edits(of('bad_host'), { ...given, files: { ...given.files, env: remote } }),
      [],
    );
    assert.deepEqual(edits(of('silent_accept_dialog')), []);
  });

  it('take an unknown symbol with its comma out of its list, wherever it stands', () => {
    const without = (name: string, given = context()): readonly string[] =>
      edits(of('no_secdef_200', { subject: { kind: 'symbol', name } }), given);
    assert.deepEqual(without('AAPL'), [envText.replace('AAPL, ', '')]);
    assert.deepEqual(without('nvda'), [envText.replace('NVDA,', '')]);
    assert.deepEqual(without('TSLA'), [envText.replace(',TSLA', '')]);
    assert.deepEqual(without('IBM'), []);
    const settings = context({}, fromSettings);
    assert.deepEqual(without('MSFT', settings), [settingsText.replace(',\n    "MSFT"', '')]);
    assert.deepEqual(without('AAPL', settings), [settingsText.replace('"AAPL",\n    ', '')]);
    const listed = of('not_subscribed', { subject: { kind: 'symbol', name: 'NVDA' } });
    assert.deepEqual(edits(listed), []);
  });

  it("give the runner another client id, never one of Robo's, and never to a second runner", () => {
    const taken = of('client_id_in_use_326', { subject: { kind: 'runner' } });
    assert.deepEqual(edits(taken), [envText.replace('123', '124')]);
    const commands = cures(taken).map(({ action }) => action?.command);
    assert.ok(commands.includes(commandIds.killDuplicates));
    assert.deepEqual(edits(of('client_id_in_use_326')), []);
    assert.equal(edits(of('client_id_in_use_326'), context({ runnerClientId: 9000 })).length, 1);
    assert.deepEqual(edits(of('duplicate_runner', { subject: { kind: 'process' } })), []);
    for (const [present, own, free] of [
      [0, 9000, 1],
      [8999, 9000, 9100],
      [122, 123, 223],
      [9050, 9000, 9100],
      [8950, 8951, 9100],
    ] as const) {
      assert.equal(freeClientId(present, own), free);
    }
  });

  it('ask IBC for the API only where the trader allows it', () => {
    const off = of('silent_api_not_enabled');
    const asks = (canEnableApi: boolean): boolean =>
      cures(off, { ...context(), canEnableApi }).some(
        ({ action }) => action?.command === commandIds.reconnect,
      );
    assert.deepEqual([asks(true), asks(false)], [true, false]);
  });

  it('always offer the guide at the cause, its lines, the explanation and silence', () => {
    for (const finding of [mismatch, of('runner_exited', { subject: { kind: 'runner' } })]) {
      const named = cures(finding).flatMap(({ action }) =>
        action?.arguments[0] === finding.guide ? [action.command] : [],
      );
      assert.deepEqual(named, [
        commandIds.openGuide,
        commandIds.showInLog,
        commandIds.explain,
        commandIds.silence,
      ]);
    }
  });
});

describe('The explanation of a finding', () => {
  it('tells each cause with what speaks for and against it, evidence and remedy', () => {
    const text = explanation(
      findingWith({
        causes: [
          { id: 'silent_accept_dialog', confidence: 0.5, why: 'it is new; but it is old; but no' },
        ],
      }),
      english,
    );
    assert.match(text, /1\. \*\*TWS waits for someone to accept the connection\*\* \\\(50%/);
    assert.match(
      text,
      /- For it\\: it is new\n {4}- Against it\\: it is old\n {4}- Against it\\: no/,
    );
    assert.match(text, /TCP table\\: no CLOSE\\_WAIT/);
    assert.match(text, /1\. Click Yes in the dialog\\\./);
  });
});
