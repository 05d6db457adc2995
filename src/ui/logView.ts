import * as vscode from 'vscode';
import type { Clock, Timer } from '../core/clock';
import { type Disposable, DisposableStore } from '../core/disposables';
import type { LogFilter } from '../diagnostics/logLevels';
import { commandIds, contextKeys, logScheme } from './ids';
import {
  type FindingLens,
  foldsOf,
  lensesOf,
  lineOfRow,
  type LogDocument,
  logDocument,
  type PlacedFinding,
  presentLenses,
  type PresentTrouble,
  rowAt,
  type Wanted,
} from './logDocument';
import { LogFollow } from './logFollow';
import { LogModel } from './logModel';
import { type LogKind, kindOf, logUri } from './logUris';
import { pastLenses, type ToldIncident, toldIncidents } from './toldIncidents';

export interface LogViewDeps {
  readonly clock: Clock;
  /** The log of this window's endpoint or folder, as things stand now. */
  readonly fileOf: (kind: LogKind) => Promise<string>;
  /** What is wrong now and stands in that log. */
  readonly troublesOf: (kind: LogKind) => readonly PresentTrouble[];
  /** A document has a new text. */
  readonly onNewText: (uri: vscode.Uri) => void;
  readonly onError: (error: unknown) => void;
}

/** One log that is open, as it is shown. */
interface OpenLog {
  readonly kind: LogKind;
  readonly uri: vscode.Uri;
  readonly model: LogModel;
  readonly follow: LogFollow;
  document: LogDocument;
  bytes: Uint8Array;
  /** The most lines that an editor has shown of it at once. */
  height: number;
  /** Rises with each new text. */
  revision: number;
  findings: readonly PlacedFinding[];
  /** Incidents that the monitor's log tells to their end. */
  told: readonly ToldIncident[];
  drawTimer: Timer | undefined;
  diagnoseTimer: Timer | undefined;
}

/** New lines are shown together, so that a flood does not keep the editor busy. Milliseconds. */
const drawAfterMs = 250;
/** The diagnosis reads the whole text again, and comes after the lines. Milliseconds. */
const diagnoseAfterMs = 700;
const byteOrderMark = '\ufeff';

/**
 * The logs that are open: their texts, what is wrong in them, and whether they scroll. A file is
 * followed only while an editor shows it.
 */
export class LogView
  implements vscode.CodeLensProvider, vscode.FoldingRangeProvider, vscode.HoverProvider, Disposable
{
  private readonly store = new DisposableStore();
  private readonly lensEmitter = this.store.add(new vscode.EventEmitter<void>());
  private readonly foldEmitter = this.store.add(new vscode.EventEmitter<void>());
  private readonly logs = new Map<LogKind, Promise<OpenLog>>();
  private readonly opened = new Map<LogKind, OpenLog>();
  private readonly filters = new Map<LogKind, LogFilter>();
  private status: vscode.LanguageStatusItem | undefined;

  readonly onDidChangeCodeLenses = this.lensEmitter.event;
  readonly onDidChangeFoldingRanges = this.foldEmitter.event;

  constructor(private readonly deps: LogViewDeps) {
    const { workspace, languages, window } = vscode;
    const selector = { scheme: logScheme };
    for (const registration of [
      languages.registerCodeLensProvider(selector, this),
      languages.registerFoldingRangeProvider(selector, this),
      languages.registerHoverProvider(selector, this),
      workspace.onDidChangeTextDocument(({ document }) => {
        this.scrollToEnd(document);
      }),
      workspace.onDidCloseTextDocument(({ uri }) => {
        this.drop(kindOf(uri));
      }),
      window.onDidChangeTextEditorVisibleRanges(({ textEditor }) => {
        this.scrolled(textEditor);
      }),
      window.onDidChangeVisibleTextEditors(() => {
        this.followVisible();
      }),
      window.onDidChangeActiveTextEditor(() => {
        this.showState();
      }),
    ]) {
      this.store.add(registration);
    }
  }

  /** Opens a log at its end and follows it. */
  async show(kind: LogKind): Promise<void> {
    const log = await this.current(kind);
    log.follow.follow();
    this.draw(log);
    const editor = await openEditor(log);
    const end = new vscode.Position(editor.document.lineCount - 1, 0);
    editor.selection = new vscode.Selection(end, end);
    revealEnd(editor, log.height);
    this.showState();
  }

  /**
   * Opens a log where something began, and stays there.
   * @returns false where no line of that time is in what is shown; then it shows the oldest
   */
  async showAt(kind: LogKind, wanted: Wanted): Promise<boolean> {
    const log = await this.current(kind);
    log.follow.pause();
    const row = log.model.rowOf(wanted);
    const line = row === undefined ? undefined : lineOfRow(log.document, row);
    if (row !== undefined && (line === undefined || log.document.numbers[line] !== row)) {
      this.filters.set(kind, 'all');
    }
    this.render(log);
    const editor = await openEditor(log);
    await this.arrived(log, editor.document);
    reveal(editor, row === undefined ? 0 : (lineOfRow(log.document, row) ?? 0));
    this.showState();
    return row !== undefined;
  }

  filterOf(kind: LogKind): LogFilter {
    return this.filters.get(kind) ?? 'all';
  }

  /** Shows only lines that weigh so much; kept for this log while the window is open. */
  async filter(kind: LogKind, filter: LogFilter): Promise<void> {
    this.filters.set(kind, filter);
    const log = await this.require(kind);
    // Another text, of which only the end has a meaning of its own.
    log.follow.follow();
    this.render(log);
    for (const editor of editorsOf(log.uri)) {
      await this.arrived(log, editor.document);
      revealEnd(editor, log.height);
    }
    this.showState();
    this.lensEmitter.fire();
  }

  /** Follows the log again, or stays where it is. */
  async setFollowing(kind: LogKind, isFollowing: boolean): Promise<void> {
    const log = await this.require(kind);
    if (isFollowing) {
      log.follow.follow();
      this.draw(log);
      for (const editor of editorsOf(log.uri)) {
        revealEnd(editor, log.height);
      }
    } else {
      log.follow.pause();
    }
    this.showState();
    this.lensEmitter.fire();
  }

  /** As the editor asks for a file. */
  async stat(uri: vscode.Uri): Promise<vscode.FileStat> {
    const { revision, bytes } = await this.requireAt(uri);
    const { FileType, FilePermission } = vscode;
    const permissions = FilePermission.Readonly;
    return { type: FileType.File, ctime: 0, mtime: revision, size: bytes.length, permissions };
  }

  async readFile(uri: vscode.Uri): Promise<Uint8Array> {
    return (await this.requireAt(uri)).bytes;
  }

  provideCodeLenses({ uri }: vscode.TextDocument): vscode.CodeLens[] {
    const log = this.openAt(uri);
    if (log === undefined) {
      return [];
    }
    const top = new vscode.Range(0, 0, 0, 0);
    const { document, findings, told, model } = log;
    const present = presentLenses(
      document,
      this.deps.troublesOf(log.kind),
      (wanted) => model.rowOf(wanted),
      vscode.l10n,
    );
    return [
      ...this.stateActions(log).map((command) => new vscode.CodeLens(top, command)),
      ...lensesOf(document, findings, vscode.l10n).map((lens) =>
        lensTo(commandIds.openGuide, lens),
      ),
      ...pastLenses(document, told, vscode.l10n).map((lens) => lensTo(commandIds.openGuide, lens)),
      ...present.map((lens) => lensTo(commandIds.explain, lens)),
    ];
  }

  provideFoldingRanges({ uri }: vscode.TextDocument): vscode.FoldingRange[] {
    const log = this.openAt(uri);
    return log === undefined
      ? []
      : foldsOf(log.document, [...log.findings, ...log.told]).map(
          ({ start, end }) => new vscode.FoldingRange(start, end),
        );
  }

  /** The line as it was printed, where it is shown in other words. */
  provideHover({ uri }: vscode.TextDocument, { line }: vscode.Position): vscode.Hover | undefined {
    const log = this.openAt(uri);
    const raw = log && rowAt(log.document, log.model.snapshot, line)?.raw;
    return raw === undefined
      ? undefined
      : new vscode.Hover(new vscode.MarkdownString().appendCodeblock(raw, 'json'));
  }

  dispose(): void {
    for (const kind of this.opened.keys()) {
      this.drop(kind);
    }
    this.store.dispose();
    this.status?.dispose();
  }

  /** The open log, or a new one where another file is meant by now. */
  private async current(kind: LogKind): Promise<OpenLog> {
    const known = this.opened.get(kind);
    if (known !== undefined && known.model.file !== (await this.deps.fileOf(kind))) {
      this.drop(kind);
    }
    return this.require(kind);
  }

  private async requireAt(uri: vscode.Uri): Promise<OpenLog> {
    const kind = kindOf(uri);
    if (kind === undefined) {
      throw vscode.FileSystemError.FileNotFound(uri);
    }
    try {
      return await this.require(kind);
    } catch (error) {
      throw error instanceof Error ? vscode.FileSystemError.Unavailable(error.message) : error;
    }
  }

  private openAt(uri: vscode.Uri): OpenLog | undefined {
    const kind = kindOf(uri);
    return kind === undefined ? undefined : this.opened.get(kind);
  }

  private async require(kind: LogKind): Promise<OpenLog> {
    const known = this.logs.get(kind);
    if (known !== undefined) {
      return known;
    }
    const opening = this.open(kind);
    this.logs.set(kind, opening);
    opening.catch(() => {
      this.logs.delete(kind);
    });
    return opening;
  }

  private async open(kind: LogKind): Promise<OpenLog> {
    const model = new LogModel(await this.deps.fileOf(kind), { clock: this.deps.clock });
    await model.open();
    const log: OpenLog = {
      kind,
      uri: logUri(kind),
      model,
      follow: new LogFollow(),
      document: logDocument(model.snapshot, this.filterOf(kind)),
      bytes: new Uint8Array(),
      height: 0,
      // Also the time of the file: one that was open before must be read again.
      revision: this.deps.clock.now(),
      findings: [],
      told: [],
      drawTimer: undefined,
      diagnoseTimer: undefined,
    };
    this.opened.set(kind, log);
    this.render(log);
    model.onDidChange(() => {
      log.drawTimer ??= this.deps.clock.setTimer(drawAfterMs, () => {
        log.drawTimer = undefined;
        this.draw(log);
      });
    });
    return log;
  }

  private drop(kind: LogKind | undefined): void {
    const log = kind === undefined ? undefined : this.opened.get(kind);
    if (log !== undefined) {
      log.drawTimer?.cancel();
      log.diagnoseTimer?.cancel();
      log.model.dispose();
      this.opened.delete(log.kind);
      this.logs.delete(log.kind);
    }
  }

  /** Takes in what has come, unless somebody reads what stands there. */
  private draw(log: OpenLog): void {
    if (log.follow.isFollowing) {
      this.render(log);
    }
  }

  private render(log: OpenLog): void {
    log.document = logDocument(log.model.snapshot, this.filterOf(log.kind));
    // The mark keeps editors that expect another encoding from guessing.
    log.bytes = new TextEncoder().encode(byteOrderMark + log.document.text);
    log.revision += 1;
    this.deps.onNewText(log.uri);
    log.diagnoseTimer ??= this.deps.clock.setTimer(diagnoseAfterMs, () => {
      log.diagnoseTimer = undefined;
      // The monitor has diagnosed with more than its lines; what they quote is no evidence again.
      const isMonitor = log.kind === 'monitor';
      log.findings = isMonitor ? [] : log.model.findings;
      log.told = isMonitor ? toldIncidents(log.model.snapshot) : [];
      this.lensEmitter.fire();
      this.foldEmitter.fire();
    });
  }

  private scrollToEnd(document: vscode.TextDocument): void {
    const log = this.openAt(document.uri);
    if (log?.follow.isFollowing === true) {
      for (const editor of editorsOf(document.uri)) {
        revealEnd(editor, log.height);
      }
    }
  }

  private scrolled(editor: vscode.TextEditor): void {
    const { document, visibleRanges } = editor;
    const log = this.openAt(document.uri);
    const last = visibleRanges.at(-1);
    if (log === undefined || last === undefined) {
      return;
    }
    const isAtEnd = last.end.line >= document.lineCount - 2;
    const first = visibleRanges[0] ?? last;
    log.height = Math.max(log.height, last.end.line - first.start.line);
    if (log.follow.scrolled(isAtEnd, document.version)) {
      this.draw(log);
      this.showState();
      this.lensEmitter.fire();
    }
  }

  /** Nothing is polled that nobody sees; what is seen again is read from its end. */
  private followVisible(): void {
    for (const log of this.opened.values()) {
      const isVisible = editorsOf(log.uri).length > 0;
      if (!isVisible) {
        log.model.close();
      } else if (!log.model.isFollowed) {
        log.model.open().then(() => {
          this.draw(log);
        }, this.deps.onError);
      }
    }
    this.showState();
  }

  /** The editor has the present text. It asks for it by itself; what takes longer is shown late. */
  private async arrived(log: OpenLog, document: vscode.TextDocument): Promise<void> {
    if (document.getText() === log.document.text) {
      return;
    }
    await new Promise<void>((resolve) => {
      const done = (): void => {
        listener.dispose();
        timer.cancel();
        resolve();
      };
      const timer = this.deps.clock.setTimer(2000, done);
      const listener = vscode.workspace.onDidChangeTextDocument((change) => {
        if (change.document === document && document.getText() === log.document.text) {
          done();
        }
      });
    });
  }

  private stateActions(log: OpenLog): vscode.Command[] {
    const { l10n } = vscode;
    const names: Record<LogFilter, string> = {
      all: l10n.t('all lines'),
      warning: l10n.t('warnings and errors'),
      error: l10n.t('errors only'),
    };
    const follow = log.follow.isFollowing
      ? { title: l10n.t('$(sync) following'), command: commandIds.pauseLog }
      : { title: l10n.t('$(debug-pause) paused: follow again'), command: commandIds.followLog };
    const filter = `$(filter) ${names[this.filterOf(log.kind)]}`;
    return [
      { ...follow, arguments: [log.uri] },
      { title: filter, command: commandIds.filterLog, arguments: [log.uri] },
      {
        title: l10n.t('$(go-to-file) open the file'),
        command: commandIds.openLogFile,
        arguments: [log.uri],
      },
    ];
  }

  /** Tells whether the log in front follows: the icons of its title and the language status. */
  private showState(): void {
    const uri = vscode.window.activeTextEditor?.document.uri;
    const log = uri === undefined ? undefined : this.openAt(uri);
    if (log === undefined) {
      return;
    }
    const { l10n } = vscode;
    const { isFollowing } = log.follow;
    const state = isFollowing ? 'following' : 'paused';
    void vscode.commands.executeCommand('setContext', contextKeys.log, state);
    this.status ??= vscode.languages.createLanguageStatusItem('robo.log', { scheme: logScheme });
    this.status.text = isFollowing ? l10n.t('$(sync) Following') : l10n.t('$(debug-pause) Paused');
    this.status.command = isFollowing
      ? { title: l10n.t('Pause'), command: commandIds.pauseLog }
      : { title: l10n.t('Follow'), command: commandIds.followLog };
  }
}

function lensTo(command: string, { line, title, tooltip, cause }: FindingLens): vscode.CodeLens {
  return new vscode.CodeLens(new vscode.Range(line, 0, line, 0), {
    title,
    tooltip,
    command: cause === undefined ? '' : command,
    arguments: [cause],
  });
}

async function openEditor({ uri }: OpenLog): Promise<vscode.TextEditor> {
  const document = await vscode.workspace.openTextDocument(uri);
  return vscode.window.showTextDocument(document, { preview: false });
}

function editorsOf(uri: vscode.Uri): readonly vscode.TextEditor[] {
  const wanted = uri.toString();
  return vscode.window.visibleTextEditors.filter(
    ({ document }) => document.uri.toString() === wanted,
  );
}

/** The end at the bottom; where the text became shorter, not the void behind it. */
function revealEnd(editor: vscode.TextEditor, height: number): void {
  const last = editor.document.lineCount - 1;
  // Not the whole height: what stands above the lines takes room too.
  const from = Math.max(0, last - Math.floor(height * 0.6));
  editor.revealRange(new vscode.Range(from, 0, last, 0));
}

function reveal(editor: vscode.TextEditor, line: number): void {
  const place = new vscode.Position(line, 0);
  editor.selection = new vscode.Selection(place, place);
  editor.revealRange(new vscode.Range(place, place), vscode.TextEditorRevealType.InCenter);
}
