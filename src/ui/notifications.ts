import { createHash } from 'node:crypto';
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import * as vscode from 'vscode';
import type { Clock, Timer } from '../core/clock';
import { type Disposable, toDisposable } from '../core/disposables';
import { errorCode, errorText } from '../core/errors';
import { catalogue } from '../diagnostics/catalogue';
import type { Finding } from '../diagnostics/finding';
import type { Health } from '../diagnostics/status';
import { commandIds } from './ids';
import { type Incident, IncidentBook } from './incidents';
import { causeWords } from './statusBarView';
import { plain } from './words';

const keptMs = 7 * 24 * 3_600_000;
const recoveryShownMs = 8_000;
/** The monitor's word may come a moment after the answer to the command that found the same. */
const holdGraceMs = 2_000;
/** A session that ended is often back at once, and the verdict on a silent one takes 3 s. */
const settleMs = 5_000;

export interface NotificationDeps {
  readonly clock: Clock;
  readonly log: Pick<vscode.LogOutputChannel, 'info' | 'warn'>;
  readonly memory: vscode.Memento;
  /** Shared by all windows: a file per incident that somebody was told about. */
  readonly claimsDirectory: string;
}

/**
 * One notification per incident over all windows: the focused window shows it; if none is, the
 * first that gets the focus while the incident is still open. Recovery is said in the status bar.
 */
export class Notifications implements Disposable {
  private readonly book = new IncidentBook();
  private readonly pending = new Set<Incident>();
  private readonly focus: vscode.Disposable;
  private readonly timers = new Set<Timer>();
  private holders = 0;

  constructor(private readonly deps: NotificationDeps) {
    this.focus = vscode.window.onDidChangeWindowState((state) => {
      if (state.focused) {
        this.flush();
      }
    });
  }

  /** Takes the present state. */
  update(findings: readonly Finding[], health: Health): void {
    const change = this.book.update(findings, health);
    for (const incident of change.opened) {
      this.settle(incident);
    }
    if (change.closed.some((incident) => incident.finding.subject.kind === 'connection')) {
      const words = vscode.l10n.t('{0} The connection to IBKR works again.', '$(pass)');
      vscode.window.setStatusBarMessage(words, recoveryShownMs);
      this.deps.log.info('The connection works again.');
    }
    this.flush();
  }

  /** While held, a command tells the person itself: incidents that open meanwhile count as told. */
  hold(): Disposable {
    this.holders += 1;
    return toDisposable(() => {
      this.deps.clock.setTimer(holdGraceMs, () => {
        this.holders -= 1;
      });
    });
  }

  dispose(): void {
    this.focus.dispose();
    for (const timer of this.timers) {
      timer.cancel();
    }
  }

  private settle(incident: Incident): void {
    if (this.holders > 0) {
      this.pending.add(incident);
      return;
    }
    const timer = this.deps.clock.setTimer(settleMs, () => {
      this.timers.delete(timer);
      this.pending.add(incident);
      this.flush();
    });
    this.timers.add(timer);
  }

  private flush(): void {
    if (this.holders === 0 && !vscode.window.state.focused) {
      return;
    }
    const isTold = this.holders > 0;
    for (const incident of this.pending) {
      this.pending.delete(incident);
      const finding = this.book.present(incident);
      if (finding !== undefined) {
        this.tell({ key: incident.key, finding }, isTold).catch((error: unknown) => {
          this.deps.log.warn(`Notification: ${errorText(error)}`);
        });
      }
    }
  }

  private async tell(incident: Incident, isTold: boolean): Promise<void> {
    const isFirst = await this.claim(incident.key);
    const silenced = silenceKey(incident.finding);
    if (!isFirst || isTold || this.deps.memory.get<boolean>(silenced) === true) {
      return;
    }
    const actions = actionsFor(incident.finding);
    const never = vscode.l10n.t("Don't Show Again");
    const chosen = await vscode.window.showErrorMessage(
      notificationText(incident.finding),
      ...actions.map((action) => action.title),
      never,
    );
    if (chosen === never) {
      await this.deps.memory.update(silenced, true);
    }
    await actions.find((action) => action.title === chosen)?.run();
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

function silenceKey(finding: Finding): string {
  return `robo.silenced/${finding.subject.kind}/${finding.guide}`;
}

function notificationText(finding: Finding): string {
  const likely =
    finding.causes.length > 0
      ? causeWords(finding, vscode.l10n, 2)
      : catalogue[finding.guide].title;
  return plain(vscode.l10n.t('{0} Likely: {1}.', finding.message, likely), 900);
}

function actionsFor(finding: Finding): readonly { title: string; run: () => Thenable<unknown> }[] {
  const action = (title: string, command: string, ...args: string[]) => ({
    title,
    run: () => vscode.commands.executeCommand(command, ...args),
  });
  const guide = action(vscode.l10n.t('Open Guide'), commandIds.openGuide, finding.guide);
  switch (finding.subject.kind) {
    case 'process':
      return [action(vscode.l10n.t('Kill Duplicates'), commandIds.killDuplicates), guide];
    case 'runner':
      return [guide, action(vscode.l10n.t('Runner Log'), commandIds.openRunnerLog)];
    case 'connection':
    case 'symbol':
      return [guide, action(vscode.l10n.t('Test Connection'), commandIds.test)];
  }
}
