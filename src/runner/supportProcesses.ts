import type { ProcessClass } from '../host/processRoles';
import { describeProgram, isSameProgram, type Program } from '../host/program';
import { usualPort } from '../ibkr/endpoint';
import { listedOf } from './listedOf';
import type { ListedProcess } from './listedProcess';
import { groupsOf, type ProcessGroup } from './processGroups';
import { type Entry, otherFolderReason, type ProcessView, programWords } from './processView';
import { partition, rightfulFirst } from './rightful';
import { respawnerSource, respawnSource } from './respawnSource';
import { statedValue } from './statedIdentity';

/** What is listed beside the runners: helpers, and for orientation what is never ended with them. */
export function listSupport(
  view: ProcessView,
  runners: readonly ProcessGroup[],
): readonly ListedProcess[] {
  const runnerOf = (entry: Entry): ProcessGroup | undefined =>
    runners.find(({ pids }) => pids.has(entry.info.pid));
  return [
    ...listHelpers(view, runnerOf),
    ...view.all.flatMap((entry) => listOther(entry, view, runnerOf(entry))),
  ];
}

function listOther(
  entry: Entry,
  view: ProcessView,
  runner: ProcessGroup | undefined,
): readonly ListedProcess[] {
  const { info, processClass } = entry;
  switch (processClass.kind) {
    case 'tws':
      return [
        listedOf(entry, 'tws', `it is ${twsWords(processClass)}; Robo never ends it`, { view }),
      ];
    case 'monitor': {
      const respawnedBy = respawnerSource(entry) ?? null;
      return [listedOf(entry, 'monitor', monitorWhy, { view, respawnedBy })];
    }
    case 'worker':
      return runner !== undefined || !isInWorkspace(entry, view)
        ? []
        : [listedOf(entry, 'worker', 'it is a worker whose runner is gone', { view })];
    case 'proxy':
    case 'java': {
      const port = listeningPort(info.pid, view);
      const words = processClass.kind === 'java' ? 'a Java program' : programWords(entry);
      const role = processClass.kind === 'java' ? 'tws' : 'proxy';
      const why = `it is ${words} that listens on port ${port ?? ''}; Robo never ends it`;
      return port === undefined || runner !== undefined
        ? []
        : [listedOf(entry, role, why, { view })];
    }
    case 'helper':
    case 'runner':
    case 'robo':
      return [];
    case 'other':
      return runner === undefined && view.isLeft(entry)
        ? [listedOf(entry, 'worker', leftWhy, { view })]
        : [];
  }
}

/** The command may have brought it up on purpose; it is nobody's duplicate. */
export const leftWhy =
  'the last run of this folder has left it, and its command has ended; "robo stop" ends it';

const monitorWhy =
  'it is the old monitor, which ends your runner and starts another one with its own symbols; end it first';

function isInWorkspace(entry: Entry, view: ProcessView): boolean {
  const { workspace } = view.input;
  return workspace === null || otherFolderReason(entry, workspace) === undefined;
}

/**
 * Helpers of the workspace, by the rule for runners: of two of one program and one port the one is
 * kept that belongs to the rightful runner or to Robo, else the one that listens, else the oldest.
 */
function listHelpers(
  view: ProcessView,
  runnerOf: (entry: Entry) => ProcessGroup | undefined,
): readonly ListedProcess[] {
  const groups = groupsOf(
    view,
    (entry) =>
      entry.processClass.kind === 'helper' &&
      !view.isRunner(entry) &&
      !view.isIdleWrapper(entry) &&
      isInWorkspace(entry, view),
  ).map((group) => ranked(group, view, runnerOf(group.root)));
  const sets = partition([...groups].sort(rightfulFirst), (one, other) =>
    isSameHelper(one, other, view),
  );
  return sets.flatMap(([rightful, ...others]) =>
    rightful === undefined
      ? []
      : [
          listedOf(rightful.root, 'helper', helperWhy(rightful.root.processClass), {
            view,
            group: rightful,
            respawnedBy: respawnerSource(rightful.root) ?? null,
          }),
          ...others.map((group) => duplicateHelper(group, rightful, view)),
        ],
  );
}

/** For a helper, *supervised* means that Robo or Robo's runner started it, a session that it listens. */
function ranked(
  group: ProcessGroup,
  view: ProcessView,
  runner: ProcessGroup | undefined,
): ProcessGroup {
  const isOurs =
    runner?.isSupervised === true ||
    view.parentsOf(group.root).some(({ processClass }) => processClass.kind === 'robo');
  const listens = (view.input.sockets ?? []).some(
    ({ state, ownerPid }) =>
      state === 'LISTEN' && ownerPid !== undefined && group.pids.has(ownerPid),
  );
  return { ...group, isSupervised: isOurs, hasSession: listens };
}

function isSameHelper(one: ProcessGroup, other: ProcessGroup, view: ProcessView): boolean {
  const [first, second] = [one, other].map(({ root }) => root.processClass.program);
  const isSamePort = (['dashboard port', 'feed port'] as const).every((what) => {
    const ports = [statedValue(one, what, view), statedValue(other, what, view)];
    return ports.includes(undefined) || ports[0] === ports[1];
  });
  const isNamed = (program: Program | undefined): program is Program => program !== undefined;
  return isNamed(first) && isNamed(second) && isSameProgram(first, second) && isSamePort;
}

function duplicateHelper(
  group: ProcessGroup,
  rightful: ProcessGroup,
  view: ProcessView,
): ListedProcess {
  const { root } = group;
  const respawnedBy = respawnerSource(root) ?? respawnSource(group, view);
  const why = `${programWords(root)} is a helper that runs already as ${rightful.root.info.pid}`;
  return listedOf(root, 'duplicate', why, { view, group, respawnedBy, duplicateOf: rightful });
}

function helperWhy({ program, respawnsRunners }: ProcessClass): string {
  const name = program === undefined ? 'a helper' : describeProgram(program);
  return respawnsRunners
    ? `${name} starts a runner again when it ends; end it before you end runners`
    : `${name} is a helper of this system and does not trade`;
}

function twsWords({ product }: ProcessClass): string {
  return product === 'simulator' ? 'a simulated TWS' : (product ?? 'TWS');
}

function listeningPort(pid: number, view: ProcessView): number | undefined {
  return view.input.sockets?.find(
    (row) =>
      row.state === 'LISTEN' &&
      row.ownerPid === pid &&
      (row.local.port === view.input.endpoint.port || usualPort(row.local.port) !== undefined),
  )?.local.port;
}
