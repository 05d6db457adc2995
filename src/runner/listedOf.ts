import { isoTime } from '../core/clock';
import { formatEndpoint, usualPort } from '../ibkr/endpoint';
import type { ListedProcess, ProcessRole, RespawnSource } from './listedProcess';
import type { ProcessGroup } from './processGroups';
import { type Entry, isEndpoint, type ProcessView } from './processView';
import { statedValue } from './statedIdentity';

/** A process as it is listed. */
export function listedOf(
  entry: Entry,
  role: ProcessRole,
  why: string,
  more: {
    readonly view: ProcessView;
    /** The runner or helper that it belongs to; undefined for what trades nothing. */
    readonly group?: ProcessGroup;
    readonly respawnedBy?: RespawnSource | null;
    readonly duplicateOf?: ProcessGroup;
  },
): ListedProcess {
  const { info, processClass } = entry;
  const { view, group } = more;
  const { sockets, endpoint } = view.input;
  return {
    pid: info.pid,
    startToken: info.startToken,
    argv: info.argv,
    role,
    why,
    startedAt: isoTime(info.startedAtMs),
    workingDirectory: info.workingDirectory ?? null,
    isRightful: role === 'runner',
    isHelper: processClass.kind === 'helper' && !view.isRunner(entry),
    parentPid: info.parentPid,
    isLive: group !== undefined && isLive(group, view),
    isBoundHere: group !== undefined && isBoundHere(group, view),
    sockets:
      sockets === undefined
        ? null
        : view
            .connections(new Set([info.pid]), (remote) => isEndpoint(remote, endpoint))
            .map(
              ({ local, state }) =>
                `${formatEndpoint({ host: local.address, port: local.port })} ${state}`,
            ),
    respawnedBy: more.respawnedBy ?? null,
    ...(more.duplicateOf === undefined ? {} : { duplicateOf: more.duplicateOf.root.info.pid }),
  };
}

/** By its own words, by where it is connected, else by the endpoint that it belongs to. */
function isLive(group: ProcessGroup, view: ProcessView): boolean {
  const { endpoint, mode } = view.input;
  const ports = view
    .connections(group.pids, ({ port }) => usualPort(port) !== undefined)
    .map(({ remote }) => remote.port);
  const stated = Number(statedValue(group, 'port', view) ?? endpoint.port);
  return (
    statedValue(group, 'mode', view) === 'live' ||
    [...ports, stated].some((port) => usualPort(port)?.mode === 'live') ||
    (stated === endpoint.port && mode === 'live')
  );
}

function isBoundHere(group: ProcessGroup, view: ProcessView): boolean {
  const { endpoint } = view.input;
  return (
    view.connections(group.pids, (remote) => isEndpoint(remote, endpoint)).length > 0 ||
    statedValue(group, 'port', view) === String(endpoint.port)
  );
}
