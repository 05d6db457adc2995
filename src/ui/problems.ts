import * as vscode from 'vscode';
import type { Disposable } from '../core/disposables';
import { type Finding, findingKey } from '../diagnostics/finding';
import type { ConfigurationProblem } from '../ibkr/configuration';
import { commandIds, problemSource } from './ids';
import { type Place, placeFinding, placeValue, problemText } from './placeFinding';
import { commandUri } from './statusBarView';
import { plain } from './words';
import { placementUri, type WorkspaceSetup } from './workspaceSetup';

const severities = {
  error: vscode.DiagnosticSeverity.Error,
  warning: vscode.DiagnosticSeverity.Warning,
  info: vscode.DiagnosticSeverity.Information,
} as const;

const maxEvidence = 10;

/** The Problems of this window, each at the line that decides it; gone when healed. */
export class Problems implements Disposable {
  private readonly collection = vscode.languages.createDiagnosticCollection(problemSource);
  private shown = '';

  /** Replaces all Problems. The same ones again change nothing, so that nothing flickers. */
  update(setup: WorkspaceSetup | undefined, findings: readonly Finding[]): void {
    const { folder } = setup ?? {};
    if (setup === undefined || folder === undefined) {
      this.replace([]);
      return;
    }
    const unique = new Map(findings.map((finding) => [findingKey(finding), finding]));
    const entries: [vscode.Uri, vscode.Diagnostic][] = [];
    for (const problem of setup.configuration.problems) {
      const place = placeValue(problem.key, setup.files);
      entries.push([uriOf(folder, place), configurationDiagnostic(problem, place)]);
    }
    for (const finding of unique.values()) {
      const place = placeFinding(finding, setup.files);
      const uri = uriOf(folder, place);
      entries.push([uri, findingDiagnostic(finding, place, uri)]);
    }
    this.replace(entries);
  }

  dispose(): void {
    this.collection.dispose();
  }

  private replace(entries: readonly (readonly [vscode.Uri, vscode.Diagnostic])[]): void {
    const text = JSON.stringify(
      entries.map(([uri, { range, message, severity }]) => [
        uri.toString(),
        range,
        message,
        severity,
      ]),
    );
    if (text === this.shown) {
      return;
    }
    this.shown = text;
    const byFile = new Map<string, [vscode.Uri, vscode.Diagnostic[]]>();
    for (const [uri, diagnostic] of entries) {
      const group = byFile.get(uri.toString()) ?? [uri, []];
      group[1].push(diagnostic);
      byFile.set(uri.toString(), group);
    }
    this.collection.forEach((uri) => {
      if (!byFile.has(uri.toString())) {
        this.collection.delete(uri);
      }
    });
    for (const [uri, diagnostics] of byFile.values()) {
      this.collection.set(uri, diagnostics);
    }
  }
}

function uriOf(folder: vscode.WorkspaceFolder, place: Place): vscode.Uri {
  return typeof place.file === 'string'
    ? placementUri(folder, place.file)
    : vscode.Uri.file(place.file.path);
}

function rangeOf(place: Place): vscode.Range {
  return new vscode.Range(place.line, place.start, place.line, place.end);
}

function configurationDiagnostic(problem: ConfigurationProblem, place: Place): vscode.Diagnostic {
  const diagnostic = new vscode.Diagnostic(
    rangeOf(place),
    plain(problem.sentence),
    severities.error,
  );
  diagnostic.source = problemSource;
  diagnostic.code = guideCode('bad_configuration');
  return diagnostic;
}

function findingDiagnostic(finding: Finding, place: Place, uri: vscode.Uri): vscode.Diagnostic {
  const range = rangeOf(place);
  const diagnostic = new vscode.Diagnostic(
    range,
    plain(problemText(finding, place, vscode.l10n), 1500),
    severities[finding.severity],
  );
  diagnostic.source = problemSource;
  diagnostic.code = guideCode(finding.guide);
  const location = new vscode.Location(uri, range);
  diagnostic.relatedInformation = finding.evidence
    .slice(0, maxEvidence)
    .map(
      (item) =>
        new vscode.DiagnosticRelatedInformation(location, plain(`${item.source}: ${item.text}`)),
    );
  return diagnostic;
}

/** The stable code of a Problem, linked to its page of the guide. */
function guideCode(cause: string): { value: string; target: vscode.Uri } {
  const uri = commandUri({ command: commandIds.openGuide, arguments: [cause] });
  return { value: cause, target: vscode.Uri.parse(uri) };
}
