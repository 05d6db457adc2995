import assert from 'node:assert/strict';
import * as vscode from 'vscode';

describe('The host', () => {
  it('is a VS Code that our manifest accepts', () => {
    const [major = 0, minor = 0] = vscode.version.split('.').map(Number);
    assert.ok(major > 1 || minor >= 101, vscode.version);
  });

  it('has our extension', () => {
    const extension = vscode.extensions.getExtension('robo.robo');
    assert.ok(extension, 'robo.robo is not among the extensions');
    assert.equal(extension.extensionKind, vscode.ExtensionKind.Workspace);
  });
});
