import { baseName, executableName, type Program } from '../host/program';
import type { RespawnSource } from './listedProcess';
import type { ProcessGroup } from './processGroups';
import { type Entry, otherFolderReason, type ProcessView, programWords } from './processView';

/**
 * What would start a runner or helper again once it is ended: a process above it that does so, a
 * unit, a job or a container that it lies in, or else the old monitor or a watchdog that runs in
 * its workspace. Null where nothing of that is seen, which does not prove that there is nothing.
 */
export function respawnSource(group: ProcessGroup, view: ProcessView): RespawnSource | null {
  if (group.isSupervised) {
    return null;
  }
  const parents = view.parentsOf(group.root);
  for (const [index, parent] of parents.entries()) {
    const isParent = index === 0;
    const source =
      respawnerSource(parent) ??
      keeperSource(parent, isParent) ??
      (isParent ? loopSource(parent, group, view) : undefined);
    if (source !== undefined) {
      return source;
    }
  }
  return keptSource(group.root, parents, view) ?? beside(group.root, view) ?? null;
}

/** A process that starts runners itself: the old monitor or a watchdog; undefined for any other. */
export function respawnerSource(entry: Entry): RespawnSource | undefined {
  if (!entry.processClass.respawnsRunners) {
    return undefined;
  }
  const { pid } = entry.info;
  const name = `${programWords(entry)} (pid ${pid})`;
  const remedy =
    entry.processClass.kind === 'monitor'
      ? `End the old monitor ${name} first: it ends your runner and starts another one with its own symbols.`
      : `End ${name} first: it starts a runner again when one ends.`;
  return { name, pid, remedy };
}

function beside(root: Entry, view: ProcessView): RespawnSource | undefined {
  const { workspace } = view.input;
  const near = view.all.find(
    (entry) =>
      entry !== root &&
      entry.processClass.respawnsRunners &&
      workspace !== null &&
      otherFolderReason(entry, workspace) === undefined,
  );
  return near === undefined ? undefined : respawnerSource(near);
}

/** Programs that start what ends again, by their manuals, with the word that stops a job of them. */
const keepers: readonly (readonly [RegExp, string, string])[] = [
  [/^supervisord$/, 'supervisord', 'supervisorctl stop NAME'],
  [/^circusd$/, 'circusd', 'circusctl stop NAME'],
  [/^runsv$/, 'runit', 'sv down NAME'],
  [/^s6-supervise$/, 's6', 's6-svc -d SERVICE'],
  [/^supervise$/, 'daemontools', 'svc -d SERVICE'],
  [/^immortal$/, 'immortal', 'immortalctl stop NAME'],
  [/^(?:nodemon|watchexec|entr|watchmedo)(?:\.[cm]?js)?$/, 'a file watcher', ''],
  [/^forever(?:-monitor)?(?:\.js)?$/, 'forever', 'forever stop SCRIPT'],
  [/^(?:nssm|winsw|winsw-x64|srvany)$/, 'a Windows service', 'sc stop NAME'],
  [/^(?:cron|crond|anacron|atd|fcron)$/, 'cron', 'crontab -e'],
  [/^(?:taskeng|taskhostw)$/, 'the Task Scheduler', 'schtasks /end /tn NAME'],
  [/^services$/, 'a Windows service', 'sc stop NAME'],
];

function keeperSource(entry: Entry, isParent: boolean): RespawnSource | undefined {
  const { info, processClass } = entry;
  const title = info.argv[0] ?? info.name;
  if (/^PM2 v[^:]*: God Daemon/.test(title)) {
    return keeper('pm2', 'pm2 stop NAME', info.pid);
  }
  const { program } = processClass;
  const isScript = program?.kind === 'script' && program.runtime !== 'shell';
  const names = [
    executableName(title),
    executableName(info.name),
    ...(isScript ? [baseName(program.name).toLowerCase()] : []),
  ];
  const known = keepers.find(([pattern]) => names.some((name) => pattern.test(name)));
  if (known !== undefined) {
    return keeper(known[1], known[2], info.pid);
  }
  // Only the shell that started it: a loop further up may be about anything.
  const isLoop =
    isParent &&
    program?.kind === 'inline' &&
    program.runtime === 'shell' &&
    /(?:^|[\s;&|({])(?:while|until|for)\s/.test(program.name);
  return isLoop || isRestartScript(entry)
    ? scriptSource(isLoop ? 'a shell loop' : programWords(entry), entry)
    : undefined;
}

function scriptSource(words: string, { info: { pid } }: Entry): RespawnSource {
  return {
    name: `${words} (pid ${pid})`,
    pid,
    remedy: `End the script with pid ${pid} first: it seems to start the runner again when it ends.`,
  };
}

/** A script of the shell in which a loop starts the program, whatever the script is called. */
function loopSource(
  parent: Entry,
  group: ProcessGroup,
  view: ProcessView,
): RespawnSource | undefined {
  const text = view.input.scripts?.get(parent.info.pid) ?? '';
  const names = group.members.flatMap(({ processClass: { program } }) =>
    program === undefined || program.kind === 'inline' ? [] : [lastPart(program)],
  );
  return startsInLoop(text, names) ? scriptSource(programWords(parent), parent) : undefined;
}

/** `runner_async` of `robo_trader.runner_async` and of `robo_trader/runner_async.py`. */
function lastPart({ kind, name }: Program): string {
  return kind === 'module'
    ? (name.split('.').at(-1) ?? name)
    : baseName(name).replace(/\.\w+$/, '');
}

/** True where a line between `while` or `until` and its `done` names one of the programs, or "$@". */
export function startsInLoop(script: string, names: readonly string[]): boolean {
  let depth = 0;
  for (const line of script.split('\n')) {
    const code = line.replace(/(?:^|\s)#.*$/, '');
    depth += [...code.matchAll(/(?:^|[\s;&|({])(?:while|until)\s/g)].length;
    if (depth > 0 && (code.includes('"$@"') || names.some((name) => hasWord(code, name)))) {
      return true;
    }
    depth = Math.max(0, depth - [...code.matchAll(/(?:^|[\s;])done\b/g)].length);
  }
  return false;
}

/** Looking for a program is not starting it. */
function hasWord(code: string, name: string): boolean {
  const isLook = /\b(?:pgrep|pkill|grep|ps|tail|kill|echo|printf)\b/.test(code);
  return name.length > 2 && code.includes(name) && !isLook;
}

function isRestartScript({ processClass: { program } }: Entry): boolean {
  const restarts = /(?:keep[-_]?alive|respawn|forever|auto[-_]?restart|restart[-_]?loop|supervis)/i;
  return program?.kind === 'script' && restarts.test(baseName(program.name));
}

function keeper(name: string, command: string, pid: number): RespawnSource {
  const how = command === '' ? `end it (pid ${pid})` : `stop it there (${command})`;
  return {
    name: `${name} (pid ${pid})`,
    pid,
    remedy: `First ${how}: ${name} started it and will start another one.`,
  };
}

/** A container, a unit of systemd or a job of launchd, where Robo itself lies in another one. */
function keptSource(
  root: Entry,
  parents: readonly Entry[],
  view: ProcessView,
): RespawnSource | undefined {
  const { background, ownPid } = view.input;
  const ownGroup = background?.get(ownPid)?.controlGroup;
  const group = background?.get(root.info.pid)?.controlGroup;
  if (group !== undefined && group !== ownGroup) {
    const source = containerSource(group, ownGroup) ?? unitSource(group, parents);
    if (source !== undefined) {
      return source;
    }
  }
  const label = [root, ...parents]
    .map(({ info }) => background?.get(info.pid)?.launchdLabel)
    .find((one) => one !== undefined && !/^(?:application\.|com\.apple\.)/.test(one));
  return label === undefined
    ? undefined
    : {
        name: `the launchd job ${label}`,
        pid: null,
        remedy: `First stop its launchd job: launchctl bootout gui/$(id -u)/${label}.`,
      };
}

function containerSource(group: string, ownGroup: string | undefined): RespawnSource | undefined {
  const pattern =
    /(?:\/docker[/-]|\/libpod-|\/lxc\/|cri-containerd-|crio-)([0-9a-f]{12})[0-9a-f]*(?:\.scope)?(?:\/|$)/;
  const id = pattern.exec(group)?.[1];
  return id === undefined || ownGroup?.includes(id) === true
    ? undefined
    : {
        name: `the container ${id}`,
        pid: null,
        remedy: `First stop its container: docker stop ${id}; its restart policy may start the runner again.`,
      };
}

/** People and their tools: what they start in a unit of theirs, the unit does not start again. */
const peoplesTools =
  /^(?:sshd|login|tmux.*|screen|su|sudo|code|code-server|codium|cursor|node|gnome-terminal-.*|konsole|xterm|jupyter.*)$/;

function unitSource(group: string, parents: readonly Entry[]): RespawnSource | undefined {
  const unit = group.split('/').findLast((part) => part !== '');
  const isPeoples = parents.some(
    ({ info, processClass }) =>
      processClass.kind === 'robo' || peoplesTools.test(executableName(info.name)),
  );
  // `user@1000.service` holds a whole session, `….scope` what somebody started in it.
  if (unit === undefined || !/^(?!user@).+\.service$/.test(unit) || isPeoples) {
    return undefined;
  }
  const user = /\/user@\d+\.service\//.test(group) ? '--user ' : '';
  return {
    name: `the systemd unit ${unit}`,
    pid: null,
    remedy: `First stop its systemd unit: systemctl ${user}stop ${unit}.`,
  };
}
