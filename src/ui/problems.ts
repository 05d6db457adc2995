import * as vscode from 'vscode';
import type { Clock } from '../core/clock';
import type { Disposable } from '../core/disposables';
import { type Finding, findingKey } from '../diagnostics/finding';
import type { ConfigurationProblem } from '../ibkr/configuration';
import { commandIds, problemSource } from './ids';
import { type Place, placeFinding, placeValue, problemText } from './placeFinding';
import { bestEvidence, commandUri } from './statusBarView';
import { plain, withoutAges } from './words';
import { placementUri, type WorkspaceSetup } from './workspaceSetup';

const severities = {
  error: vscode.DiagnosticSeverity.Error,
  warning: vscode.DiagnosticSeverity.Warning,
  info: vscode.DiagnosticSeverity.Information,
} as const;

const maxEvidence = 10;
/** A text in which only an age grows is drawn again this often. Milliseconds. */
const ageRefreshMs = 60_000;

interface Entry {
  readonly uri: vscode.Uri;
  readonly diagnostic: vscode.Diagnostic;
  /** Undefined for what is wrong with the settings themselves. */
  readonly finding: Finding | undefined;
}

/** The Problems of this window, each at the line that decides it; gone when healed. */
export class Problems implements Disposable {
  private readonly collection = vscode.languages.createDiagnosticCollection(problemSource);
  private entries: readonly Entry[] = [];
  private present: readonly Finding[] = [];
  private shown = '';
  private drawnAtMs = 0;

  constructor(private readonly clock: Clock) {}

  /** Everything that is wrong now, also what is not shown as a Problem here. */
  get findings(): readonly Finding[] {
    return this.present;
  }

  /**
   * Replaces all Problems, without those of silenced causes. The same ones again change nothing,
   * so that nothing flickers.
   */
  update(setup: WorkspaceSetup | undefined, findings: readonly Finding[]): void {
    const unique = new Map(findings.map((finding) => [findingKey(finding), finding]));
    this.present = [...unique.values()];
    const { folder } = setup ?? {};
    if (setup === undefined || folder === undefined) {
      this.replace([]);
      return;
    }
    const shown = this.present.filter(({ guide }) => !setup.silenced.includes(guide));
    this.replace([
      ...setup.configuration.problems.map((problem): Entry => {
        const place = placeValue(problem.key, setup.files);
        const diagnostic = configurationDiagnostic(problem, place);
        return { uri: uriOf(folder, place), diagnostic, finding: undefined };
      }),
      ...shown.map((finding): Entry => {
        const place = placeFinding(finding, setup.files);
        const uri = uriOf(folder, place);
        return { uri, diagnostic: findingDiagnostic(finding, place, uri), finding };
      }),
    ]);
  }

  /** The finding behind a Problem, which the editor hands back as a copy. */
  findingAt(uri: vscode.Uri, { code, message }: vscode.Diagnostic): Finding | undefined {
    const cause = causeOf(code);
    const candidates = this.entries.filter(
      (entry) => entry.uri.toString() === uri.toString() && entry.finding?.guide === cause,
    );
    const same = candidates.find((entry) => entry.diagnostic.message === message);
    return (same ?? candidates[0])?.finding;
  }

  dispose(): void {
    this.collection.dispose();
  }

  private replace(entries: readonly Entry[]): void {
    this.entries = entries;
    const text = JSON.stringify(
      entries.map(({ uri, diagnostic: { range, message, severity, code } }) => [
        uri.toString(),
        range,
        withoutAges(message),
        severity,
        causeOf(code),
      ]),
    );
    const nowMs = this.clock.monotonicMs();
    const isOld = entries.length > 0 && nowMs - this.drawnAtMs >= ageRefreshMs;
    if (text === this.shown && !isOld) {
      return;
    }
    this.shown = text;
    this.drawnAtMs = nowMs;
    this.draw();
  }

  private draw(): void {
    const byFile = new Map<string, [vscode.Uri, vscode.Diagnostic[]]>();
    for (const { uri, diagnostic } of this.entries) {
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

/** The cause that a Problem's code names; undefined where it is none of ours. */
export function causeOf(code: vscode.Diagnostic['code']): string | undefined {
  return typeof code === 'object' ? String(code.value) : undefined;
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
  diagnostic.relatedInformation = bestEvidence(finding, maxEvidence).map(
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
