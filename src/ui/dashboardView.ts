import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';
import { DisposableStore, type Disposable } from '../core/disposables';
import { errorText } from '../core/errors';
import type { DaemonConnection } from './daemonConnection';
import { dashboardHtml } from './dashboardHtml';
import type { DashboardServices } from './dashboardPanel';
import type { WindowState } from './statusBarView';

/** Fills a panel with the dashboard and keeps it true while it is seen. */
export function fillDashboard(panel: vscode.WebviewPanel, services: DashboardServices): void {
  const { webview } = panel;
  const folder = vscode.Uri.joinPath(services.extensionUri, 'dist', 'dashboard');
  webview.options = { enableScripts: true, localResourceRoots: [folder] };
  const store = new DisposableStore();
  const link = store.add(new DashboardLink(panel, services));
  store.add(
    webview.onDidReceiveMessage(() => {
      // The page says one thing only: that it is there, and knows nothing yet.
      link.follow();
    }),
  );
  store.add(
    panel.onDidChangeViewState(() => {
      link.changed();
    }),
  );
  store.add(
    services.watch.onDidChange(() => {
      link.changed();
    }),
  );
  panel.onDidDispose(() => {
    store.dispose();
  });
  const file = (name: string): string =>
    webview.asWebviewUri(vscode.Uri.joinPath(folder, name)).toString();
  webview.html = dashboardHtml({
    script: file('dashboard.js'),
    style: file('dashboard.css'),
    source: webview.cspSource,
    nonce: randomBytes(16).toString('base64url'),
    title: vscode.l10n.t('Robo: Dashboard'),
    // Without translations its words are English ones, whatever the editor speaks.
    language: vscode.l10n.bundle === undefined ? 'en' : vscode.env.language,
    translations: vscode.l10n.bundle ?? {},
  });
}

/** Passes on what the monitor tells, while the panel is seen. */
class DashboardLink implements Disposable {
  private followed: { readonly connection: DaemonConnection; readonly end: Disposable } | undefined;
  private toldWhy = '';
  private queue: Promise<void> = Promise.resolve();
  private isDisposed = false;

  constructor(
    private readonly panel: vscode.WebviewPanel,
    private readonly services: DashboardServices,
  ) {}

  /** Begins anew: the page knows nothing. */
  follow(): void {
    this.enqueue(async () => {
      this.toldWhy = '';
      await this.end();
      await this.begin();
    });
  }

  /** The panel was shown or hidden, or the monitor came or went. */
  changed(): void {
    this.enqueue(async () => {
      if (!this.panel.visible) {
        await this.end();
      } else {
        await this.begin();
      }
    });
  }

  dispose(): void {
    this.isDisposed = true;
    void this.end();
  }

  private enqueue(work: () => Promise<void>): void {
    this.queue = this.queue.then(work).catch(this.services.onError);
  }

  private async begin(): Promise<void> {
    const { watch } = this.services;
    if (this.isDisposed || !this.panel.visible) {
      return;
    }
    if (watch.state.kind !== 'watching') {
      await this.end();
      this.tell(whyNot(watch.state));
      return;
    }
    const connection = await watch.requireConnection();
    if (this.followed?.connection === connection) {
      return;
    }
    await this.end();
    const end = connection.onDidChangeDashboard((message) => {
      this.toldWhy = '';
      void this.panel.webview.postMessage(message);
    });
    this.followed = { connection, end };
    try {
      await connection.followDashboard(true);
    } catch (error) {
      // An older monitor, a service for instance, knows no dashboard.
      await this.end();
      this.tell(errorText(error));
    }
  }

  private async end(): Promise<void> {
    const { followed } = this;
    this.followed = undefined;
    followed?.end.dispose();
    try {
      await followed?.connection.followDashboard(false);
    } catch {
      // Gone with its monitor.
    }
  }

  private tell(why: string): void {
    if (why !== this.toldWhy && !this.isDisposed) {
      this.toldWhy = why;
      void this.panel.webview.postMessage({ type: 'link', isOpen: false, why });
    }
  }
}

function whyNot(state: WindowState): string {
  switch (state.kind) {
    case 'restricted':
      return vscode.l10n.t('This workspace is not trusted, so that nothing is watched here.');
    case 'misconfigured':
      return state.sentences[0] ?? vscode.l10n.t('The settings could not be read.');
    case 'notWatched':
      return vscode.l10n.t('This window watches nothing yet; run Robo: Start Watching.');
    case 'noMonitor':
      return state.why;
    case 'reading':
    case 'starting':
    case 'watching':
      return vscode.l10n.t('The monitor is starting.');
  }
}
