import * as vscode from 'vscode';
import { logScheme } from './ids';

export type LogKind = 'monitor' | 'runner';

/** The document of a log. */
export function logUri(kind: LogKind): vscode.Uri {
  return vscode.Uri.from({ scheme: logScheme, path: `/${logScheme}/${kind}.log` });
}

/** Which log a document shows; undefined for every other document. */
export function kindOf(uri: vscode.Uri): LogKind | undefined {
  const kinds: readonly LogKind[] = ['monitor', 'runner'];
  return kinds.find((kind) => logUri(kind).toString() === uri.toString());
}
