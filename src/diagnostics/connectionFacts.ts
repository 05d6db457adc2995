import { basename } from 'node:path/posix';
import { isoTime } from '../core/clock';
import type { Observed } from '../core/observed';
import type {
  CloseWaitGroup,
  EstablishedClient,
  PortListener,
  TwsProcess,
} from '../host/portObservation';
import { isLoopback } from '../ibkr/endpoint';
import type { TwsMessage } from '../ibkr/connection';
import type { ResetWindow } from '../ibkr/resetWindows';
import type { Evidence } from './finding';
import { describeDuration } from './notices';
import { type ConnectionSituation, type Stage, plannedStages, stageOf } from './situation';

/**
 * A situation as the rules read it. A list is undefined where it could not be seen: a rule
 * that wants "there is none" must ask for an empty list, never for a falsy one (law 4).
 */
export interface ConnectionFacts {
  readonly situation: ConnectionSituation;
  readonly stage: Stage;
  /** The endpoint is on this machine, so that its socket and process tables speak about it. */
  readonly isLocal: boolean;
  readonly listeners: readonly PortListener[] | undefined;
  readonly otherPorts: readonly number[] | undefined;
  readonly closeWait: readonly CloseWaitGroup[] | undefined;
  readonly established: readonly EstablishedClient[] | undefined;
  readonly twsProcesses: readonly TwsProcess[] | undefined;
  readonly messages: readonly TwsMessage[];
  /** Planned interruptions that touch the time of the trouble. */
  readonly windows: readonly ResetWindow[];
}

/** Processes younger than this are taken to be starting or at their login. Milliseconds. */
export const youngMs = 180_000;

export function factsOf(situation: ConnectionSituation): ConnectionFacts {
  const isLocal = isLoopback(situation.endpoint.host);
  const seen = <T>(look: Observed<T>): T | undefined =>
    isLocal && look.known ? look.value : undefined;
  const { os } = situation;
  return {
    situation,
    stage: stageOf(situation),
    isLocal,
    listeners: seen(os.listeners),
    otherPorts: seen(os.otherUsualPortsListening),
    closeWait: seen(os.closeWait),
    established: seen(os.established),
    twsProcesses: seen(os.twsProcesses),
    messages: [...(situation.connection?.startupMessages ?? []), ...situation.messages],
    windows: situation.windows ?? [],
  };
}

/** Programs whose name alone says that they do not speak the TWS API. */
const foreignServers =
  /^(?:nginx|apache2?|httpd|lighttpd|caddy|traefik|h2o|sshd|dropbear|postgres|postmaster|mysqld|mariadbd|redis-server|valkey-server|mongod|memcached|rabbitmq-server|beam\.smp|dnsmasq|named|smbd|cupsd|rpcbind|in\.telnetd|vsftpd|proftpd|dovecot|exim4?|openssl|s_server|ncat|netcat|nc|nc\.openbsd|nc\.traditional|grafana(?:-server)?|prometheus|dockerd|containerd|etcd|consul|minio|vite|jupyter(?:-.+)?|php-fpm.*|uvicorn|gunicorn|uwsgi|hypercorn|streamlit|puma|unicorn|X(?:org|vnc|tightvnc)?|x11vnc|vncserver)$/i;

/** Of those, the ones that can pass a connection on: they may stand before a TWS after all. */
const mayForward =
  /^(?:nginx|caddy|traefik|h2o|sshd|dropbear|ncat|netcat|nc|nc\.openbsd|nc\.traditional|openssl|dockerd|containerd)$/i;

/** Modules and scripts of known servers, where an interpreter runs them. */
const foreignScripts =
  /(?:^|[\\/])(?:http\.server|http-server|SimpleHTTPServer|live-server|vite|next|webpack-dev-server|webpack|serve|nodemon|jupyter(?:-.+)?|notebook|jupyterlab|uvicorn|gunicorn|flask|streamlit|django|manage\.py|puma|rails|http\.client)(?:\.js|\.py)?$/;

/** A program on the command line itself (`-c`, `-e`) that makes a web server. */
const foreignCode =
  /\bhttp\.server\b|\bHTTPServer\b|\bWEBrick\b|\b(?:require\(|from |import )\s*['"](?:node:)?(?:https?|express|fastify|koa)['"]/;

/** Forwarders that an interpreter runs, such as a wrapper that bears the name of the program. */
const forwarderScripts = /(?:^|[\\/])(?:socat|docker-proxy|rinetd|redir|simpleproxy|portforward)$/;

/**
 * Java servers by main class or archive. The Client Portal gateway of IBKR is one of them: it
 * speaks HTTPS on port 5000, and no TWS API.
 */
const foreignJava =
  /clientportal|ibgroup\.web\.core|org\.apache\.(?:catalina|kafka|zookeeper|cassandra|activemq|solr)|kafka\.Kafka|org\.elasticsearch|org\.opensearch|jenkins|sonatype|keycloak|spring-boot|org\.eclipse\.jetty|start\.jar|QuorumPeerMain|minecraft/i;

/** Programs that run what others wrote: their own name says nothing about what listens. */
const interpreters =
  /^(?:node|nodejs|bun|deno|electron|code|code-server|python\d*(?:\.\d+)*w?|pypy\d*|ruby|perl|php\d*(?:\.\d+)*|lua|tclsh|sh|bash|zsh|dash|pwsh|powershell|dotnet|mono|beam|erl|Rscript|R|julia)$/i;

/** The name of a program from its arguments, without path and extension. */
export function programName(argv: readonly string[] | undefined): string | undefined {
  const first = argv?.[0]?.replaceAll('\\', '/').split(/[\s:]/)[0];
  return first === undefined || first === '' ? undefined : basename(first, '.exe');
}

/**
 * What listens, decided by what the process is: `stranger` where its name or script proves a
 * server of another kind, `interpreter` where it runs somebody's script, `native` for any other
 * program that is seen, `unknown` where the owner is hidden or an unknown Java program.
 */
export type ListenerKind =
  'none' | 'tws' | 'proxy' | 'stranger' | 'interpreter' | 'native' | 'unknown';

export function listenerKind({ listeners }: Pick<ConnectionFacts, 'listeners'>): ListenerKind {
  if (listeners === undefined) {
    return 'unknown';
  }
  const kinds = new Set(listeners.map(kindOf));
  const strongest = kindsByWeight.find((kind) => kinds.has(kind));
  return strongest ?? 'none';
}

/** Where several listen, the first of these decides. */
const kindsByWeight: readonly ListenerKind[] = [
  'tws',
  'unknown',
  'interpreter',
  'native',
  'proxy',
  'stranger',
];

/** Robo's own helpers and the trader's: a dashboard, a websocket server. None speaks for TWS. */
const strangerRoles: ReadonlySet<PortListener['role']> = new Set([
  'runner',
  'worker',
  'helper',
  'monitor',
]);

/** True where every listener is a program that neither is TWS nor passes connections on. */
export function isProvenStranger(facts: Pick<ConnectionFacts, 'listeners'>): boolean {
  return (
    listenerKind(facts) === 'stranger' &&
    (facts.listeners ?? []).every(({ argv }) => !mayForward.test(programName(argv) ?? ''))
  );
}

function kindOf({ role, argv }: PortListener): ListenerKind {
  if (role === 'tws' || role === 'proxy') {
    return role;
  }
  if (role === 'hidden' || role === 'nobody' || argv === undefined || argv.length === 0) {
    return 'unknown';
  }
  if (role === 'java') {
    return argv.some((arg) => foreignJava.test(arg)) ? 'stranger' : 'unknown';
  }
  const name = programName(argv) ?? '';
  if (name === 'sshd' || name === 'sshd-session') {
    // The process of one login listens only for the forwards that its client asked for; the
    // daemon itself is `sshd -D` or, as it renames itself, `sshd: … [listener] …`.
    const isLogin = name === 'sshd-session' || /^sshd: (?!.*\[listener\])/.test(argv[0] ?? '');
    return isLogin ? 'proxy' : 'stranger';
  }
  if (strangerRoles.has(role) || foreignServers.test(name)) {
    return 'stranger';
  }
  if (!interpreters.test(name)) {
    return 'native';
  }
  const [script = ''] = argv.slice(1);
  if (forwarderScripts.test(script)) {
    return 'proxy';
  }
  const isServer = argv
    .slice(1, 4)
    .some((arg) => foreignScripts.test(arg) || foreignCode.test(arg));
  return isServer ? 'stranger' : 'interpreter';
}

/** `java (pid 4711)` */
export function describeListener(listener: PortListener): string {
  const name = listener.product ?? programName(listener.argv) ?? 'a process that is hidden from us';
  return listener.pid === undefined ? name : `${name} (pid ${listener.pid})`;
}

/**
 * Age in milliseconds of the youngest TWS that may own the port; undefined if none is seen, or
 * where another program owns it. Robo's simulator binds its port at once, so one that does not
 * listen on this port has nothing to do with it.
 */
export function twsAgeMs(facts: ConnectionFacts): number | undefined {
  const kind = listenerKind(facts);
  if (kind === 'stranger' || kind === 'interpreter' || kind === 'native') {
    return undefined;
  }
  const listening = (facts.listeners ?? [])
    .filter(({ role }) => role === 'tws' || role === 'java')
    .map(({ startedAtMs }) => startedAtMs);
  const running = (facts.twsProcesses ?? [])
    .filter(({ product }) => product !== 'simulator')
    .map(({ startedAtMs }) => startedAtMs);
  const starts = (listening.length > 0 ? listening : running).filter(
    (start) => start !== undefined,
  );
  return starts.length === 0 ? undefined : facts.situation.nowMs - Math.max(...starts);
}

/**
 * Dead connections on TWS's side of the port. Where their owner is hidden they are taken for the
 * listener's if that is hidden too, and for unknown, never for none, if it is not.
 */
export function serverZombies(facts: ConnectionFacts): number | undefined {
  const ofServer = facts.closeWait?.filter(({ side }) => side === 'server');
  const listenerPids = new Set((facts.listeners ?? []).map(({ pid }) => pid));
  const isListenerHidden = facts.listeners?.some(({ role }) => role === 'hidden') ?? false;
  const count = ofServer
    ?.filter(
      ({ role, ownerPid }) =>
        role === 'tws' ||
        role === 'java' ||
        (role === 'hidden' && isListenerHidden) ||
        (ownerPid !== undefined && listenerPids.has(ownerPid)),
    )
    .reduce((sum, group) => sum + group.count, 0);
  const isHiddenElse = count === 0 && ofServer?.some(({ role }) => role === 'hidden') === true;
  return isHiddenElse ? undefined : count;
}

/** Connections that the kernel completed and that no process has accepted. */
export function unaccepted(facts: ConnectionFacts): number | undefined {
  const queued = sumOrUnknown(facts.listeners?.map(({ receiveQueue }) => receiveQueue));
  const ours = facts.situation.connection?.localPort;
  const isOursUnowned = facts.established?.some(
    ({ clientPort, serverOwned }) => clientPort === ours && serverOwned === false,
  );
  if (queued === undefined) {
    return isOursUnowned === true ? 1 : undefined;
  }
  return Math.max(queued, isOursUnowned === true ? 1 : 0);
}

/** The sum, or undefined as soon as one part is. */
function sumOrUnknown(parts: readonly (number | undefined)[] | undefined): number | undefined {
  return parts?.reduce<number | undefined>(
    (sum, part) => (sum === undefined || part === undefined ? undefined : sum + part),
    0,
  );
}

/** Our own connection in the TCP table; undefined where it is not there, or was not looked for. */
export function ownConnection(facts: ConnectionFacts): EstablishedClient | undefined {
  const ours = facts.situation.connection?.localPort;
  return facts.established?.find(({ clientPort }) => clientPort === ours);
}

/** Clients other than ours whose connection TWS has accepted. */
export function otherClients(facts: ConnectionFacts): readonly EstablishedClient[] | undefined {
  const ours = facts.situation.connection?.localPort;
  return facts.established?.filter(
    ({ clientPort, clientRole, serverOwned }) =>
      clientPort !== ours && clientRole !== 'robo' && serverOwned !== false,
  );
}

/** False for a client whose bytes lie unread at TWS's end: it is no better off than we are. */
export function isHeard({ unreadAtServer }: EstablishedClient): boolean {
  return (unreadAtServer ?? 0) === 0;
}

/** What was seen, and what could not be looked at. */
export function gatherEvidence(facts: ConnectionFacts): readonly Evidence[] {
  const at = isoTime(facts.situation.nowMs);
  const evidence: Evidence[] = [];
  const note = (kind: Evidence['kind'], source: string, text: string): void => {
    evidence.push({ kind, source, at, text });
  };
  for (const listener of facts.listeners ?? []) {
    const stopped = listener.isStopped ? ', stopped by a signal' : '';
    const queue =
      (listener.receiveQueue ?? 0) > 0 ? `, ${listener.receiveQueue} connections not accepted` : '';
    note('socket', 'TCP table', `${describeListener(listener)} listens${stopped}${queue}`);
  }
  if (facts.listeners?.length === 0) {
    note('socket', 'TCP table', `nobody listens on port ${facts.situation.endpoint.port}`);
  }
  if (facts.listeners?.length === 0 && (facts.otherPorts ?? []).length > 0) {
    note('socket', 'TCP table', `listening instead: ${(facts.otherPorts ?? []).join(', ')}`);
  }
  for (const group of facts.closeWait ?? []) {
    const owner = group.ownerPid === undefined ? group.role : `${group.role} pid ${group.ownerPid}`;
    note('socket', 'TCP table', `${group.count} in CLOSE_WAIT, ${group.side} side, owner ${owner}`);
  }
  for (const client of otherClients(facts) ?? []) {
    const who = client.clientProgram ?? client.clientAddress;
    const unread = isHeard(client) ? '' : `, and ${client.unreadAtServer} bytes of it are not read`;
    note('socket', 'TCP table', `another client is connected: ${who}${unread}`);
  }
  for (const process of facts.twsProcesses ?? []) {
    const age = describeDuration(facts.situation.nowMs - process.startedAtMs);
    const stopped = process.isStopped ? ', stopped by a signal' : '';
    note(
      'process',
      'process table',
      `${process.product} pid ${process.pid}, running for ${age}${stopped}`,
    );
  }
  if (facts.twsProcesses?.length === 0) {
    note('process', 'process table', 'no TWS or IB Gateway process on this machine');
  }
  const planned = plannedStages.includes(facts.stage) ? facts.windows : [];
  for (const { name, fromMs, untilMs } of planned) {
    const open = `${isoTime(fromMs)} to ${isoTime(untilMs)}`;
    note('timing', 'IBKR and TWS schedules', `${name}: ${open}`);
  }
  for (const { code, text, atMs } of facts.messages.slice(-10)) {
    evidence.push({ kind: 'notice', source: 'TWS', at: isoTime(atMs), text: `${code} ${text}` });
  }
  return [...attemptEvidence(facts), ...evidence, ...unknownLooks(facts, at)];
}

/** What our own connection has met, step by step. */
function attemptEvidence({ situation }: ConnectionFacts): readonly Evidence[] {
  const { connection, nowMs } = situation;
  if (connection === undefined) {
    return [];
  }
  const { startedAtMs, connectedAtMs, helloAtMs, openAtMs, end, endedAtMs } = connection;
  const step = (atMs: number, text: string): Evidence => ({
    kind: 'timing',
    source: "Robo's connection",
    at: isoTime(atMs),
    text,
  });
  const steps: Evidence[] = [];
  if (connectedAtMs !== undefined) {
    steps.push(
      step(connectedAtMs, `TCP connected after ${connectedAtMs - startedAtMs} ms, hello sent`),
    );
  }
  if (helloAtMs !== undefined) {
    steps.push(step(helloAtMs, `hello answered: server version ${connection.serverVersion ?? 0}`));
  }
  if (openAtMs !== undefined) {
    steps.push(step(openAtMs, 'accounts and next valid id received'));
  }
  if (end !== undefined) {
    const code = 'code' in end && end.code !== undefined ? ` (${end.code})` : '';
    steps.push(step(endedAtMs ?? nowMs, `ended: ${end.kind}${code}`));
  } else if (openAtMs === undefined) {
    const last = helloAtMs ?? connectedAtMs ?? startedAtMs;
    steps.push(step(nowMs, `nothing more came for ${describeDuration(nowMs - last)}`));
  }
  return steps;
}

function unknownLooks(facts: ConnectionFacts, at: string): readonly Evidence[] {
  if (!facts.isLocal) {
    const { host } = facts.situation.endpoint;
    const text = `${host} is no loopback address: the sockets and processes behind it cannot be seen from here`;
    return [{ kind: 'unknown', source: 'this machine', at, text }];
  }
  const { os } = facts.situation;
  const looks: readonly (readonly [string, Observed<unknown>])[] = [
    ['listeners', os.listeners],
    ['other ports', os.otherUsualPortsListening],
    ['dead connections', os.closeWait],
    ['connected clients', os.established],
    ['TWS processes', os.twsProcesses],
  ];
  return looks.flatMap(([name, look]): readonly Evidence[] =>
    look.known ? [] : [{ kind: 'unknown', source: name, at, text: look.why }],
  );
}
