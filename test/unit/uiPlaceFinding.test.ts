import assert from 'node:assert/strict';
import { parseEnvFile } from '../../src/core/envFile';
import type { Finding } from '../../src/diagnostics/finding';
import {
  type Place,
  placeFinding,
  placeValue,
  type PlacementFiles,
  problemText,
} from '../../src/ui/placeFinding';
import { english, findingWith } from '../support/uiFixtures';

const envText = [
  '# the runner reads this',
  'IBKR_HOST=127.0.0.1',
  'IBKR_PORT="7497" # paper',
  'SYMBOLS=AAPL, NVDA,TSLA',
  'IBKR_CLIENT_ID=123',
  'TRADING_MODE=paper',
].join('\n');

const settingsText = `{
  // whose port
  "editor.tabSize": 2,
  "robo.port": 7496,
  "robo.symbols": ["AAPL",
    "MSFT"],
  "robo.runner.command": ["python3", "x.py"],
}`;

const allEnv = {
  host: 'envFile',
  port: 'envFile',
  clientId: 'default',
  symbols: 'envFile',
  mode: 'envFile',
} as const;
const nothing = {
  host: 'default',
  port: 'default',
  clientId: 'default',
  symbols: 'default',
  mode: 'default',
} as const;

function files(changes: Partial<PlacementFiles> = {}): PlacementFiles {
  return {
    folderPath: '/work/trading',
    env: parseEnvFile(envText),
    settings: settingsText,
    origins: allEnv,
    ...changes,
  };
}

/** The text that a place marks. */
function marked(place: Place): string {
  const text = place.file === 'env' ? envText : settingsText;
  return (text.split('\n')[place.line] ?? '').slice(place.start, place.end);
}

const withGuide = (id: Finding['guide'], changes: Partial<Finding> = {}): Finding =>
  findingWith({ guide: id, causes: [{ id, confidence: 0.95, why: '' }], ...changes });

describe('The place of a Problem', () => {
  it('is the value of IBKR_PORT= in .env, inside its quotes', () => {
    const place = placeFinding(findingWith(), files());
    assert.equal(place.file, 'env');
    assert.equal(marked(place), '7497');
    assert.equal(place.line, 2);
  });

  it('is the host where the host decides', () => {
    assert.equal(marked(placeFinding(withGuide('bad_host'), files())), '127.0.0.1');
  });

  it('is the mode where the account is of the other one', () => {
    assert.equal(marked(placeFinding(withGuide('account_mode_mismatch'), files())), 'paper');
  });

  it('is the setting where the setting decides', () => {
    const origins = { ...allEnv, port: 'setting' } as const;
    const place = placeFinding(findingWith(), files({ origins }));
    assert.equal(place.file, 'settings');
    assert.equal(marked(place), '7496');
  });

  it("is the first line of the workspace's settings where neither exists", () => {
    for (const settings of [undefined, '', '{}', 'not json {{{']) {
      const place = placeFinding(
        findingWith(),
        files({ env: new Map(), settings, origins: nothing }),
      );
      assert.deepEqual(place, { file: 'settings', line: 0, start: 0, end: 1, decides: false });
    }
  });

  it('is not the line in .env that the environment overrules', () => {
    const origins = { ...allEnv, port: 'environment' } as const;
    assert.equal(placeFinding(findingWith(), files({ origins })).decides, false);
  });

  it('is the symbol in its list, in .env and in the settings', () => {
    const nvda = withGuide('no_secdef_200', { subject: { kind: 'symbol', name: 'NVDA' } });
    assert.equal(marked(placeFinding(nvda, files())), 'NVDA');
    const origins = { ...allEnv, symbols: 'setting' } as const;
    const msft = withGuide('no_secdef_200', { subject: { kind: 'symbol', name: 'MSFT' } });
    const place = placeFinding(msft, files({ origins }));
    assert.equal(marked(place), '"MSFT"');
    assert.equal(place.line, 5);
  });

  it('is the whole list for a symbol that is not in it', () => {
    const other = withGuide('no_secdef_200', { subject: { kind: 'symbol', name: 'IBM' } });
    assert.equal(marked(placeFinding(other, files())), 'AAPL, NVDA,TSLA');
  });

  it("is Robo's own folder where its records cannot be written", () => {
    const finding = withGuide('records_unwritable', { subject: { kind: 'process', name: 'robo' } });
    const settings = '{ "robo.stateDirectory": "/mnt/full" }';
    const place = placeFinding(finding, files({ settings }));
    assert.equal(settings.slice(place.start, place.end), '"/mnt/full"');
    assert.equal(placeFinding(finding, files()).decides, false);
  });

  it("is the runner's client id for processes", () => {
    const finding = withGuide('duplicate_runner', { subject: { kind: 'process' } });
    assert.equal(marked(placeFinding(finding, files())), '123');
  });

  it('is the command for a program that does not exist', () => {
    const finding = withGuide('command_not_found', { subject: { kind: 'runner' } });
    assert.match(marked(placeFinding(finding, files())), /^\["python3", "x\.py"\]/);
  });

  it("is the traceback's line in a file of this folder, and in no other file", () => {
    const subject = { kind: 'runner' } as const;
    const own = withGuide('runner_error', { subject, source: { file: 'app/run.py', line: 88 } });
    assert.deepEqual(placeFinding(own, files()).file, { path: '/work/trading/app/run.py' });
    assert.equal(placeFinding(own, files()).line, 87);
    for (const file of ['/usr/lib/python3/asyncio.py', '../other/run.py', '.']) {
      const foreign = withGuide('runner_error', { subject, source: { file, line: 1 } });
      assert.equal(placeFinding(foreign, files()).file, 'env', file);
    }
  });

  it('marks the key where the value is empty', () => {
    const env = parseEnvFile('IBKR_PORT=');
    const place = placeValue('port', files({ env }));
    assert.deepEqual([place.start, place.end], [0, 9]);
  });
});

describe('The text of a Problem', () => {
  const place = placeFinding(findingWith(), files());

  it('says what happened, the likely causes, what to do', () => {
    const text = problemText(findingWith(), place, english);
    assert.match(text, /^TCP accepted, no answer/);
    assert.match(text, /Likely: TWS waits for someone to accept the connection \(55%\), /);
    assert.match(text, /What to do: Click Yes/);
  });

  it('says when nothing in that file is wrong', () => {
    assert.match(problemText(findingWith(), place, english), /Nothing in this file is wrong/);
    const mismatch = withGuide('port_mode_mismatch');
    assert.doesNotMatch(problemText(mismatch, place, english), /Nothing in this file is wrong/);
  });

  it('says so of the program too, where the broker is to blame, and not where its lines may be', () => {
    const subject = { kind: 'runner' } as const;
    const source = { file: 'app/run.py', line: 88 };
    const outside = withGuide('hist_timeout', { subject, source });
    assert.match(
      problemText(outside, placeFinding(outside, files()), english),
      /Nothing in this file is wrong/,
    );
    const own = withGuide('runner_error', { subject, source });
    assert.doesNotMatch(problemText(own, placeFinding(own, files()), english), /in this file/);
  });

  it('does not let two runners be told apart by another client id', () => {
    const twice = withGuide('duplicate_runner', { subject: { kind: 'process' } });
    assert.match(
      problemText(twice, placeFinding(twice, files()), english),
      /Nothing in this file is wrong/,
    );
  });

  it("does not accuse the port's line where it only stands in for another value", () => {
    const taken = withGuide('client_id_in_use_326');
    const standIn = placeFinding(taken, files());
    assert.deepEqual([marked(standIn), standIn.decides], ['7497', false]);
    assert.match(problemText(taken, standIn, english), /No line of this workspace sets it/);
    const runners = withGuide('client_id_in_use_326', { subject: { kind: 'runner' } });
    assert.equal(marked(placeFinding(runners, files())), '123');
  });

  it('is careful where the value is only one of several likely causes', () => {
    const causes = [
      { id: 'silent_accept_dialog', confidence: 0.5, why: '' },
      { id: 'wrong_service', confidence: 0.2, why: '' },
    ] as const;
    const text = problemText(findingWith({ causes }), place, english);
    assert.match(text, /Probably nothing in this file is wrong/);
  });

  it('says that no line decides where the default does', () => {
    const nowhere = placeValue('port', files({ origins: nothing }));
    const text = problemText(withGuide('port_mode_mismatch'), nowhere, english);
    assert.match(text, /No line of this workspace sets it/);
  });

  it('states one cause alone where it is certain', () => {
    const text = problemText(withGuide('client_id_in_use_326'), place, english);
    assert.match(text, /Cause: /);
    assert.doesNotMatch(text, /95 %/);
  });
});
