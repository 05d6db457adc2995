import type { TreeNode } from './servicesTree';
import { withoutAges } from './words';

/**
 * What has to be drawn anew to come from one tree to the next: the ids of rows that look another
 * way or have other rows below them; `all` where the roots are others. A row that is drawn anew
 * takes those below it along. Ages in a tooltip do not count: a hover that is read stays open.
 */
export function treeChanges(
  before: readonly TreeNode[],
  after: readonly TreeNode[],
): readonly string[] | 'all' {
  return idsOf(before) === idsOf(after) ? changesBelow(before, after) : 'all';
}

/**
 * The ids of roots that are to stand open now and were not before: trouble has come. One that was
 * closed by hand while it lasts stays closed.
 */
export function newlyOpen(
  before: readonly TreeNode[],
  after: readonly TreeNode[],
): readonly string[] {
  const isOpen = ({ opensAtFirst, children }: TreeNode): boolean =>
    opensAtFirst && children.length > 0;
  const known = new Map(before.map((node) => [node.id, isOpen(node)]));
  return after.filter((node) => isOpen(node) && known.get(node.id) === false).map(({ id }) => id);
}

function changesBelow(before: readonly TreeNode[], after: readonly TreeNode[]): readonly string[] {
  return after.flatMap((node, at) => {
    const old = before[at];
    return old === undefined || lookOf(old) !== lookOf(node)
      ? [node.id]
      : changesBelow(old.children, node.children);
  });
}

function lookOf({ children, tooltip, ...rest }: TreeNode): string {
  return JSON.stringify([rest, withoutAges(tooltip), idsOf(children)]);
}

function idsOf(nodes: readonly TreeNode[]): string {
  return JSON.stringify(nodes.map(({ id }) => id));
}
