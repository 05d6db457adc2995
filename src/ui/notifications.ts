import { createHash } from 'node:crypto';
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import * as vscode from 'vscode';
import type { Clock } from '../core/clock';
import type { Disposable } from '../core/disposables';
import { errorCode, errorText } from '../core/errors';
import { causeTitles } from '../diagnostics/causeTitles';
import type { Finding } from '../diagnostics/finding';
import type { IncidentStatus } from '../diagnostics/status';
import { commandIds } from './ids';
import { findingOf, IncidentBook, wordKey } from './incidents';
import { showMessage } from './messages';
import { type ActionLink, causeWords, firstCure } from './statusBarView';
import type { Toasts } from './toasts';
import { formatAge, plain } from './words';

const keptMs = 7 * 24 * 3_600_000;
/** The monitor's word may come a moment after the answer to the command that found the same. */
const holdGraceMs = 2_000;
const endShownMs = 15_000;

export interface NotificationDeps {
  readonly clock: Clock;
  readonly log: Pick<vscode.LogOutputChannel, 'info' | 'warn'>;
  readonly memory: vscode.Memento;
  /** Shared by all windows: a file per word that somebody was told. */
  readonly claimsDirectory: string;
  readonly toasts: Toasts;
}

/** An incident that is over, and when this window saw that. */
interface Ended {
  readonly incident: IncidentStatus;
  readonly atMs: number;
}

/** A command that runs, and may tell of trouble itself. */
export interface Held {
  /**
   * Ends it. `hasTold`: it has told of trouble, so that incidents that opened meanwhile, or do so
   * within a moment, need no notification of their own.
   */
  release(hasTold: boolean): void;
}

/**
 * One notification per incident over all windows, and a quiet word in the status bar at its end:
 * the focused window shows it; if none is, the first that gets the focus while there is still
 * something to say.
 */
export class Notifications implements Disposable {
  private readonly book = new IncidentBook();
  private readonly said = new Set<string>();
  /** Incidents that a command of this window has told of by itself. */
  private readonly toldByCommand = new Set<string>();
  private readonly focus: vscode.Disposable;
  private ended: readonly Ended[] = [];
  private findings: readonly Finding[] = [];
  private isQuiet = false;
  private holders = 0;
  /** Incidents that opened while a command ran that may tell of them itself. */
  private readonly withheld = new Set<string>();
  private hasTold = false;

  constructor(private readonly deps: NotificationDeps) {
    this.focus = vscode.window.onDidChangeWindowState((state) => {
      if (state.focused) {
        this.flush();
      }
    });
  }

  /** Takes the present state. */
  update(
    incidents: readonly IncidentStatus[],
    findings: readonly Finding[],
    isQuiet: boolean,
  ): void {
    const { opened, closed } = this.book.update(incidents);
    this.findings = findings;
    this.isQuiet = isQuiet;
    if (this.holders > 0) {
      opened.forEach(({ key }) => this.withheld.add(key));
    }
    const atMs = this.deps.clock.now();
    const worthAWord = closed.filter(({ toldAt }) => toldAt !== null);
    this.ended = [...this.ended, ...worthAWord.map((incident) => ({ incident, atMs }))];
    this.flush();
  }

  /** While held, incidents that open wait for what the command says at its end. */
  hold(): Held {
    this.holders += 1;
    return {
      release: (hasTold) => {
        this.hasTold ||= hasTold;
        if (hasTold) {
          this.deps.clock.setTimer(holdGraceMs, () => {
            this.letGo();
          });
        } else {
          this.letGo();
        }
      },
    };
  }

  private letGo(): void {
    this.holders -= 1;
    if (this.holders === 0) {
      for (const key of this.hasTold ? this.withheld : []) {
        this.toldByCommand.add(key);
      }
      this.withheld.clear();
      this.hasTold = false;
      this.flush();
    }
  }

  dispose(): void {
    this.focus.dispose();
  }

  private flush(): void {
    if (this.isQuiet) {
      return;
    }
    const isFocused = vscode.window.state.focused;
    for (const incident of this.book.present.filter(({ key }) => !this.withheld.has(key))) {
      const isTold = this.toldByCommand.has(incident.key);
      if (incident.toldAt !== null && (isFocused || isTold) && this.isNews(wordKey(incident))) {
        // Once: when it grows worse, the command's word is no longer true.
        this.toldByCommand.delete(incident.key);
        this.attempt(this.tell(incident, isTold));
      }
    }
    if (isFocused) {
      this.ended.forEach((ended) => {
        this.attempt(this.tellEnd(ended));
      });
      this.ended = [];
    }
  }

  private isNews(word: string): boolean {
    const isNews = !this.said.has(word);
    this.said.add(word);
    return isNews;
  }

  private attempt(telling: Promise<void>): void {
    telling.catch((error: unknown) => {
      this.deps.log.warn(`Notification: ${errorText(error)}`);
    });
  }

  private async tell(incident: IncidentStatus, isTold: boolean): Promise<void> {
    const isFirst = await this.claim(wordKey(incident));
    const silenced = silenceKey(incident);
    if (!isFirst || isTold || this.deps.memory.get<boolean>(silenced) === true) {
      return;
    }
    const actions = actionsFor(incident);
    const never = vscode.l10n.t("Don't Show Again");
    const chosen = await this.deps.toasts.ask({
      importance: 'incident',
      isDue: () => this.isDue(incident),
      show: () =>
        showMessage(
          incident.severity === 'error' ? 'error' : 'warning',
          notificationText(incident, findingOf(incident, this.findings)),
          [...actions.map(({ title }) => title), never],
        ),
    });
    if (chosen === never) {
      await this.deps.memory.update(silenced, true);
    }
    const action = actions.find(({ title }) => title === chosen);
    if (action !== undefined) {
      await vscode.commands.executeCommand(action.command, ...action.arguments);
    }
  }

  /** What is over, worse, acknowledged or withheld by now needs this word no more. */
  private isDue({ key, toldAt }: IncidentStatus): boolean {
    const now = this.book.present.find((each) => each.key === key);
    return now?.acknowledgedAt === null && now.toldAt === toldAt && !this.isQuiet;
  }

  private async tellEnd({ incident, atMs }: Ended): Promise<void> {
    const isFirst = await this.claim(`${incident.key} end`);
    if (!isFirst || this.deps.memory.get<boolean>(silenceKey(incident)) === true) {
      return;
    }
    const text = endText(incident, atMs);
    this.deps.log.info(text);
    vscode.window.setStatusBarMessage(`$(check) ${text}`, endShownMs);
  }

  /** True for the first window that asks. */
  private async claim(key: string): Promise<boolean> {
    const directory = this.deps.claimsDirectory;
    const name = createHash('sha256').update(key).digest('hex').slice(0, 32);
    try {
      await mkdir(directory, { recursive: true });
      await writeFile(path.join(directory, name), '', { flag: 'wx' });
    } catch (error) {
      if (errorCode(error) === 'EEXIST') {
        return false;
      }
      // Better told twice than not at all.
      this.deps.log.warn(`Notification: ${errorText(error)}`);
      return true;
    }
    await this.forgetOld(directory);
    return true;
  }

  private async forgetOld(directory: string): Promise<void> {
    for (const name of await readdir(directory)) {
      const file = path.join(directory, name);
      const { mtimeMs } = await stat(file);
      if (this.deps.clock.now() - mtimeMs > keptMs) {
        await rm(file, { force: true });
      }
    }
  }
}

function silenceKey({ subject, cause }: IncidentStatus): string {
  return `robo.silenced/${subject.kind}/${cause ?? ''}`;
}

function notificationText(incident: IncidentStatus, finding: Finding | undefined): string {
  const { message } = finding ?? incident;
  if (finding !== undefined && finding.causes.length > 0) {
    const likely = causeWords(finding, vscode.l10n, 2);
    return plain(vscode.l10n.t('{0} Likely: {1}.', message, likely), 900);
  }
  return incident.cause === null
    ? plain(message, 900)
    : plain(vscode.l10n.t('{0} Likely: {1}.', message, causeTitles[incident.cause]), 900);
}

/** What is over, how long it lasted, and why it was. */
function endText({ subject, since, cause }: IncidentStatus, atMs: number): string {
  const { l10n } = vscode;
  const lasted = formatAge(atMs - Date.parse(since), l10n);
  const words =
    subject.kind === 'connection'
      ? l10n.t('The connection to IBKR works again after {0}.', lasted)
      : subject.kind === 'runner'
        ? l10n.t('The trouble of the runner is over after {0}.', lasted)
        : l10n.t('The trouble is over after {0}.', lasted);
  return plain(
    cause === null ? words : `${words} ${l10n.t('It was: {0}.', causeTitles[cause])}`,
    900,
  );
}

/** The one action that helps first, and the word that it is known. */
function actionsFor(incident: IncidentStatus): readonly ActionLink[] {
  return [
    firstCure(incident, vscode.l10n),
    {
      title: vscode.l10n.t('Acknowledge'),
      command: commandIds.acknowledge,
      arguments: [incident.key],
    },
  ];
}
