import * as vscode from 'vscode';
import type { Disposable } from '../core/disposables';
import { dashboardViewType } from './ids';
import type { Watch } from './watch';

/** What a dashboard of this window needs of it. */
export interface DashboardServices {
  readonly watch: Watch;
  readonly extensionUri: vscode.Uri;
  readonly onDemand: () => Promise<{
    readonly fillDashboard: (panel: vscode.WebviewPanel, services: DashboardServices) => void;
  }>;
  readonly onError: (error: unknown) => void;
}

/** The one dashboard of this window; what is in it is loaded with it. */
export class DashboardPanel implements Disposable {
  private panel: vscode.WebviewPanel | undefined;

  /** Shows the dashboard, or brings the one that is open to the front. */
  async open(services: DashboardServices): Promise<void> {
    await services.watch.requireConnection();
    if (this.panel !== undefined) {
      this.panel.reveal();
      return;
    }
    const panel = vscode.window.createWebviewPanel(
      dashboardViewType,
      vscode.l10n.t('Robo: Dashboard'),
      vscode.ViewColumn.Active,
    );
    await this.fill(panel, services);
  }

  /** Fills the panels that the editor brings back after a reload. */
  restoring(services: () => DashboardServices): Disposable {
    return vscode.window.registerWebviewPanelSerializer(dashboardViewType, {
      deserializeWebviewPanel: async (panel) => {
        if (this.panel === undefined) {
          await this.fill(panel, services());
        } else {
          panel.dispose();
        }
      },
    });
  }

  dispose(): void {
    this.panel = undefined;
  }

  private async fill(panel: vscode.WebviewPanel, services: DashboardServices): Promise<void> {
    this.panel = panel;
    panel.onDidDispose(() => {
      this.panel = undefined;
    });
    const { fillDashboard } = await services.onDemand();
    fillDashboard(panel, services);
  }
}
