import * as vscode from 'vscode';
import type { Clock } from '../core/clock';
import { type Disposable, DisposableStore } from '../core/disposables';
import type { ProcessListing } from '../daemon/protocol';
import { viewIds } from './ids';
import {
  badgeOf,
  processesNodeId,
  servicesTree,
  type Tone,
  type TreeModel,
  type TreeNode,
} from './servicesTree';
import type { StatusModel } from './statusBarView';
import { newlyOpen, treeChanges } from './treeChanges';

const colours: Record<Tone, vscode.ThemeColor | undefined> = {
  good: new vscode.ThemeColor('testing.iconPassed'),
  warning: new vscode.ThemeColor('list.warningForeground'),
  bad: new vscode.ThemeColor('list.errorForeground'),
  plain: undefined,
};

export interface ServicesViewDeps {
  readonly clock: Clock;
  /** Looks at the machine; undefined where no monitor is connected. */
  readonly listProcesses: () => Promise<ProcessListing | undefined>;
  readonly onError: (error: unknown) => void;
}

/**
 * One row, the same object as long as its thing lives: the editor knows a row by it, and can draw
 * it anew without the others. Menus hand it to commands.
 */
class Row {
  constructor(public node: TreeNode) {}

  get contextValue(): string {
    return this.node.contextValue;
  }

  get argument(): string | undefined {
    return this.node.argument;
  }
}

/** The services tree. Nothing is drawn and no process is looked at while nobody sees it. */
export class ServicesView implements vscode.TreeDataProvider<Row>, Disposable {
  private readonly store = new DisposableStore();
  private readonly changeEmitter = this.store.add(new vscode.EventEmitter<Row[] | undefined>());
  private readonly view: vscode.TreeView<Row>;
  private model: Omit<TreeModel, 'nowMs' | 'processes'> = {
    state: { kind: 'reading' },
    workspace: undefined,
  };
  private processes: ProcessListing | undefined;
  private rows: ReadonlyMap<string, Row> = new Map();
  private shown: readonly TreeNode[] = [];

  readonly onDidChangeTreeData = this.changeEmitter.event;

  constructor(private readonly deps: ServicesViewDeps) {
    this.view = this.store.add(
      vscode.window.createTreeView(viewIds.services, { treeDataProvider: this }),
    );
    this.store.add(
      this.view.onDidChangeVisibility(() => {
        this.draw();
      }),
    );
    this.store.add(
      this.view.onDidExpandElement(({ element }) => {
        if (element.node.id === processesNodeId) {
          this.lookAtProcesses();
        }
      }),
    );
  }

  /** Takes the present state. */
  update(model: Omit<StatusModel, 'nowMs'>): void {
    this.model = model;
    this.view.badge = badgeOf({ ...model, nowMs: this.deps.clock.now() }, vscode.l10n);
    this.draw();
  }

  /** Looks again, also at the processes. */
  refresh(): void {
    this.lookAtProcesses();
  }

  getTreeItem({ node }: Row): vscode.TreeItem {
    const { None, Collapsed, Expanded } = vscode.TreeItemCollapsibleState;
    const isBranch = node.children.length > 0 || node.id === processesNodeId;
    const item = new vscode.TreeItem(
      node.label,
      isBranch ? (node.opensAtFirst ? Expanded : Collapsed) : None,
    );
    item.id = node.id;
    item.description = node.description;
    item.tooltip = node.tooltip === '' ? undefined : node.tooltip;
    item.iconPath = new vscode.ThemeIcon(node.icon, colours[node.tone]);
    item.contextValue = node.contextValue;
    item.accessibilityInformation = { label: `${node.label}: ${node.description}` };
    if (node.command !== undefined) {
      item.command = { ...node.command, arguments: [...node.command.arguments] };
    }
    return item;
  }

  getChildren(row?: Row): Row[] {
    if (row === undefined) {
      this.take(this.roots());
    }
    const nodes = row === undefined ? this.shown : row.node.children;
    return nodes.flatMap(({ id }) => this.rows.get(id) ?? []);
  }

  /** For `reveal`, which is asked for roots only. */
  getParent(): undefined {
    return undefined;
  }

  dispose(): void {
    this.store.dispose();
  }

  private roots(): readonly TreeNode[] {
    const model = { ...this.model, nowMs: this.deps.clock.now(), processes: this.processes };
    return servicesTree(model, vscode.l10n);
  }

  /** Only rows that say something else are drawn, so that nothing flickers under the pointer. */
  private draw(): void {
    if (!this.view.visible) {
      return;
    }
    const roots = this.roots();
    const changed = treeChanges(this.shown, roots);
    if (changed.length > 0) {
      const opened = newlyOpen(this.shown, roots);
      this.take(roots);
      this.changeEmitter.fire(
        changed === 'all' ? undefined : changed.flatMap((id) => this.rows.get(id) ?? []),
      );
      this.open(opened.flatMap((id) => this.rows.get(id) ?? []));
    }
  }

  /** The editor keeps a row as it was when it came; one that has trouble to show now is opened. */
  private open(rows: readonly Row[]): void {
    for (const row of rows) {
      this.view
        .reveal(row, { expand: true, select: false, focus: false })
        .then(undefined, this.deps.onError);
    }
  }

  private take(roots: readonly TreeNode[]): void {
    const rows = new Map<string, Row>();
    const add = (node: TreeNode): void => {
      const row = this.rows.get(node.id) ?? new Row(node);
      row.node = node;
      rows.set(node.id, row);
      node.children.forEach(add);
    };
    roots.forEach(add);
    this.rows = rows;
    this.shown = roots;
  }

  private lookAtProcesses(): void {
    this.deps.listProcesses().then((listing) => {
      this.processes = listing;
      this.draw();
    }, this.deps.onError);
  }
}
