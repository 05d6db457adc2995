import assert from 'node:assert/strict';
import { HumanError } from '../../src/core/errors';
import { runnerEnvironment } from '../../src/runner/environment';
import { planLaunch } from '../../src/runner/launchPlan';

const context = { workspaceFolder: '/home/x/my $& ws', symbols: ['AAPL', 'BRK.B'] };

describe('launch plan', () => {
  it('replaces placeholders anywhere and passes everything else as it is', () => {
    assert.deepEqual(
      planLaunch(['${workspaceFolder}/run', '--symbols=${symbols}', '$HOME `x`', ''], context),
      ['/home/x/my $& ws/run', '--symbols=AAPL,BRK.B', '$HOME `x`', ''],
    );
  });

  it('does not look again at what it has put in', () => {
    const nested = { workspaceFolder: '/w/${symbols}', symbols: ['A'] };
    assert.deepEqual(planLaunch(['${workspaceFolder}'], nested), ['/w/${symbols}']);
  });

  it('keeps an empty command, the built-in runner', () => {
    assert.deepEqual(planLaunch([], context), []);
  });

  for (const [what, command, symbols, words] of [
    ['an unknown placeholder', ['a', '${symbol}'], ['A'], /\$\{symbol\}.*\$\{symbols\}/],
    ['an empty placeholder', ['${}'], ['A'], /\$\{\}/],
    ['symbols that are not set', ['a', '${symbols}'], [], /SYMBOLS=/],
    ['an empty program', ['  ', 'x'], ['A'], /empty argument/],
    ['a NUL character', ['a', 'b\0c'], ['A'], /NUL/],
  ] as const) {
    it(`refuses ${what}`, () => {
      assert.throws(
        () => planLaunch(command, { workspaceFolder: '/w', symbols }),
        (error) => error instanceof HumanError && words.test(error.message),
      );
    });
  }
});

describe('runner environment', () => {
  it('drops what belongs to the editor, in any case, and unbuffers Python', () => {
    const environment = runnerEnvironment({
      PATH: '/bin',
      ELECTRON_RUN_AS_NODE: '1',
      Node_Options: '--inspect',
      VSCODE_PID: '1',
      vscode_ipc_hook: 'x',
      MY_VSCODE: 'kept',
      PYTHONUNBUFFERED: '',
    });
    assert.deepEqual(environment, { PATH: '/bin', MY_VSCODE: 'kept', PYTHONUNBUFFERED: '1' });
  });
});
