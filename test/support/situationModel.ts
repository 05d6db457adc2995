import { known, type Observed, unknown } from '../../src/core/observed';
import type { CauseId } from '../../src/diagnostics/causeIds';
import type { ConnectionSituation } from '../../src/diagnostics/situation';
import type {
  CloseWaitGroup,
  EstablishedClient,
  PortListener,
  PortObservation,
  TwsProcess,
} from '../../src/host/portObservation';
import type { ConnectionProgress } from '../../src/ibkr/connection';
import { ended, fin, notConnected, nowMs, oldTws, reset, twsProcess, waiting } from './situations';

/** A number in [0, 1) at each call; the same seed gives the same numbers (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** One drawn case: what was really wrong, and what a machine showed of it. */
export interface DrawnCase {
  /** `unlisted` for what no catalogue knows: the evidence then points astray. */
  readonly truth: CauseId | 'unlisted';
  readonly given: ConnectionSituation;
}

/**
 * How often a cause is met, in parts. Estimates from the failure catalogue: the number of threads
 * and incidents behind each cause, most for what every beginner meets (nobody listens, a dialog
 * waits) and for the outage that this project was started for (dead connections).
 */
const priors: readonly (readonly [CauseId, number, (draw: Draw) => ConnectionSituation])[] = [
  ['port_refused', 20, notRunning],
  ['port_mode_mismatch', 8, wrongPort],
  ['twofa_timeout', 7, atTheLogin],
  ['startup_window_reset', 12, starting],
  ['bad_host', 2, badHost],
  ['tcp_timeout_unreachable', 3, unreachableHost],
  ['silent_accept_dialog', 14, (draw) => dialog(draw, { young: 0.25, companion: 0.3 })],
  ['silent_modal_dialog', 8, notice],
  ['silent_api_not_enabled', 1.5, (draw) => dialog(draw, { young: 0.1, companion: 0 })],
  ['wedged_close_wait', 11, wedged],
  ['accept_queue_wedge', 4, notAccepting],
  ['gateway_frozen', 4, frozen],
  ['closed_at_once_untrusted', 6, untrusted],
  ['proxy_upstream_refused', 6, deadProxy],
  ['proxy_upstream_timeout', 3, stuckProxy],
  ['wrong_service', 6, foreign],
  ['wsl_docker_network', 3, fromContainer],
  ['client_id_in_use_326', 6, (draw) => rejected(draw, 326, 0.9)],
  ['paper_disclaimer_10141', 3, (draw) => rejected(draw, 10_141, 0.92)],
  ['partial_handshake_no_next_valid_id', 4, halfStarted],
  ['tws_daily_restart_drop', 6, restarted],
  ['half_open_zombie', 4, halfOpen],
  ['relogin_hang', 2, reloggedIn],
  ['port_refused', 4, closedByItsUser],
  ['jvm_killed_oom', 1.5, killed],
];

/** Draws `count` cases. */
export function drawCases(count: number, seed: number): readonly DrawnCase[] {
  const random = seededRandom(seed);
  const total = priors.reduce((sum, [, weight]) => sum + weight, 0);
  return Array.from({ length: count }, () => {
    let left = random() * total;
    for (const [truth, weight, build] of priors) {
      left -= weight;
      if (left < 0) {
        const given = build(new Draw(random));
        return { truth: random() < unlistedShare ? 'unlisted' : truth, given };
      }
    }
    throw new Error('the priors do not add up');
  });
}

/** Nobody's catalogue is complete: so many cases have another cause than the one they show. */
const unlistedShare = 0.04;

const hour = 3_600_000;

class Draw {
  constructor(private readonly random: () => number) {}

  chance(share: number): boolean {
    return this.random() < share;
  }

  pick<T>(...choices: readonly (readonly [number, T])[]): T {
    let left = this.random() * choices.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, value] of choices) {
      left -= weight;
      if (left < 0) {
        return value;
      }
    }
    throw new Error('nothing to pick from');
  }

  /** When TWS was started: in the last three minutes with this chance, else up to a day ago. */
  start(young: number): number {
    return (
      nowMs - (this.chance(young) ? 170_000 * this.random() : hour * (0.1 + 23 * this.random()))
    );
  }
}

interface Scene {
  readonly listener: Partial<PortListener> | 'none';
  /** Undefined: no TWS process on this machine. */
  readonly tws: Partial<TwsProcess> | undefined;
  readonly startedAtMs?: number;
  readonly companion?: number;
  readonly otherPorts?: readonly number[];
  /** Chance of dead connections that TWS holds. Stale ones of a healthy TWS are rare. */
  readonly zombies?: number;
  /** Chance of connections in the accept queue. One on its way in is seen now and then. */
  readonly queue?: number;
  readonly own?: Partial<EstablishedClient> | undefined;
  readonly remote?: number;
}

/** Systems that do not tell accept queues (Windows), and tools that may not see owners. */
const queueUnknown = 0.25;
const ownerHidden = 0.1;
const lookFails = 0.04;
const allBlind = 0.06;

function scene(
  draw: Draw,
  connection: ConnectionProgress | undefined,
  scene: Scene,
  change: Partial<ConnectionSituation> = {},
): ConnectionSituation {
  const isRemote = draw.chance(scene.remote ?? 0.05);
  // Private networks of the 172.16 kind are not all containers.
  const remoteHost = draw.chance(0.08) ? '172.20.0.9' : '10.0.0.9';
  const isBlind = draw.chance(allBlind);
  const seen = <T>(value: T): Observed<T> =>
    isBlind || draw.chance(lookFails) ? unknown('not seen') : known(value);
  const os: PortObservation = {
    port: 7497,
    listeners: seen(listenersOf(draw, scene)),
    otherUsualPortsListening: seen(scene.otherPorts ?? (draw.chance(0.08) ? [4002] : [])),
    closeWait: seen(deadOf(draw, scene)),
    established: seen(clientsOf(draw, scene)),
    twsProcesses: seen(processesOf(scene)),
    twsFiles: unknown('not read'),
    platform: 'linux',
  };
  const isSeenClosed = !isRemote && os.listeners.known && scene.listener === 'none';
  return {
    endpoint: { host: isRemote ? remoteHost : '127.0.0.1', port: 7497 },
    // Robo dials no port on which it sees that nobody listens.
    connection: connection === refused && isSeenClosed ? undefined : connection,
    messages: [],
    os,
    nowMs,
    ...change,
  };
}

function listenersOf(draw: Draw, { listener, startedAtMs, queue }: Scene): readonly PortListener[] {
  if (listener === 'none') {
    return [];
  }
  const base: PortListener = {
    ...oldTws,
    startedAtMs: startedAtMs ?? oldTws.startedAtMs,
    receiveQueue: draw.chance(queueUnknown)
      ? undefined
      : draw.chance(queue ?? 0.01)
        ? draw.pick([3, 1], [2, 4], [1, 40])
        : 0,
    ...listener,
  };
  return draw.chance(ownerHidden)
    ? [{ ...base, role: 'hidden', pid: undefined, product: undefined, argv: undefined }]
    : [base];
}

function processesOf({ tws, startedAtMs }: Scene): readonly TwsProcess[] {
  return tws === undefined
    ? []
    : [{ ...twsProcess, startedAtMs: startedAtMs ?? twsProcess.startedAtMs, ...tws }];
}

function deadOf(draw: Draw, { zombies, listener }: Scene): readonly CloseWaitGroup[] {
  const groups: CloseWaitGroup[] = [];
  const isTws = listener !== 'none' && (listener.role ?? 'tws') === 'tws';
  if (draw.chance(zombies ?? (isTws ? 0.02 : 0))) {
    groups.push({ side: 'server', ownerPid: 4711, role: 'tws', count: draw.pick([1, 1], [2, 7]) });
  }
  if (draw.chance(0.05)) {
    groups.push({ side: 'client', ownerPid: 77, role: 'runner', count: 2 });
  }
  return groups;
}

function clientsOf(draw: Draw, { companion, own }: Scene): readonly EstablishedClient[] {
  const other: EstablishedClient = {
    clientAddress: '127.0.0.1',
    clientPort: 40_000,
    clientPid: 77,
    clientRole: 'runner',
    clientProgram: 'python3 -m robo_trader.runner_async',
    serverOwned: true,
  };
  return [
    ...(draw.chance(companion ?? 0.1) ? [other] : []),
    ...(own === undefined
      ? []
      : [{ ...other, clientPort: 50_001, clientRole: 'robo' as const, ...own }]),
  ];
}

const silent = waiting('hello');
const refused = notConnected('ECONNREFUSED');
const tws: Pick<Scene, 'listener' | 'tws'> = { listener: {}, tws: {} };
const ours = { own: { serverOwned: true } };

function closed(draw: Draw, resets: number, late = 0): ConnectionProgress {
  return ended('hello', draw.chance(resets) ? reset : fin, draw.chance(late) ? 5000 : 4);
}

/** Not started, or started with its API switched off (one in five, tradingview#5, mvberg#25). */
function notRunning(draw: Draw): ConnectionSituation {
  const isUp = draw.chance(0.2);
  return scene(draw, refused, {
    listener: 'none',
    tws: isUp ? {} : undefined,
    startedAtMs: draw.start(0.15),
  });
}

/** The TWS that listens may be in a container, whose processes are not ours to see. */
function wrongPort(draw: Draw): ConnectionSituation {
  const isUsual = draw.chance(0.85);
  return scene(draw, refused, {
    listener: 'none',
    tws: draw.chance(0.15) ? undefined : {},
    startedAtMs: draw.start(0.08),
    otherPorts: isUsual ? [4002] : [],
  });
}

/** The port opens after the login: 180 s are allowed for the second factor (IBC#207, #182). */
function atTheLogin(draw: Draw): ConnectionSituation {
  return scene(draw, refused, { listener: 'none', tws: {}, startedAtMs: draw.start(0.4) });
}

/** Binds its port 60 to 180 s after its start; closes or resets for a while (Lean.IB PR#151). */
function starting(draw: Draw): ConnectionSituation {
  const isBound = draw.chance(0.5);
  const startedAtMs = draw.start(0.93);
  const connection = isBound ? closed(draw, 0.65) : refused;
  return scene(draw, connection, { listener: isBound ? {} : 'none', tws: {}, startedAtMs });
}

function badHost(draw: Draw): ConnectionSituation {
  if (draw.chance(0.2)) {
    const connection = draw.chance(0.5) ? waiting('tcp') : notConnected('EHOSTUNREACH');
    return scene(draw, connection, { ...tws, remote: 1 });
  }
  return draw.chance(0.6)
    ? scene(draw, notConnected('ENOTFOUND'), { ...tws, remote: 1 })
    : scene(draw, refused, { listener: { address: '192.168.1.4' }, tws: {} });
}

function unreachableHost(draw: Draw): ConnectionSituation {
  const connection = draw.chance(0.7) ? waiting('tcp') : notConnected('EHOSTUNREACH');
  return scene(draw, connection, { listener: 'none', tws: undefined, remote: 0.97 });
}

function dialog(
  draw: Draw,
  { young, companion }: { readonly young: number; readonly companion: number },
): ConnectionSituation {
  const startedAtMs = draw.start(young);
  const owner = draw.chance(behindProxy) ? { listener: socat, tws: undefined } : tws;
  return scene(draw, silent, { ...owner, ...ours, startedAtMs, companion, remote: 0.12 });
}

/** The gateways of the usual images stand behind socat; their faults do too. */
const behindProxy = 0.06;

/** Paper warnings and login messages: most before the hello, some after it (IBC#98, #119). */
function notice(draw: Draw): ConnectionSituation {
  return draw.chance(0.15)
    ? scene(draw, waiting('ready'), { ...tws, ...ours, startedAtMs: draw.start(0.4) })
    : dialog(draw, { young: 0.25, companion: 0.05 });
}

/** CLOSE_WAIT by the java process is its mark; the accept thread is often stuck with it. */
function wedged(draw: Draw): ConnectionSituation {
  const isAccepting = draw.chance(0.7);
  if (draw.chance(behindProxy)) {
    return scene(draw, silent, { listener: socat, tws: undefined, ...ours, companion: 0 });
  }
  return scene(draw, silent, {
    ...tws,
    own: { serverOwned: isAccepting },
    startedAtMs: draw.start(0.02),
    zombies: 0.93,
    queue: isAccepting ? 0.05 : 0.9,
    companion: 0.25,
  });
}

function notAccepting(draw: Draw): ConnectionSituation {
  const isFull = draw.chance(0.2);
  return scene(draw, isFull ? waiting('tcp') : silent, {
    ...tws,
    own: { serverOwned: false },
    startedAtMs: draw.start(0.05),
    queue: 0.97,
    zombies: 0.06,
    companion: 0.3,
  });
}

/** Stopped by a signal, or hung in its own window thread: then it may still accept. */
function frozen(draw: Draw): ConnectionSituation {
  const isStopped = draw.chance(0.2);
  const isAccepting = !isStopped && draw.chance(0.6);
  const own = { own: { serverOwned: isAccepting } };
  const listener = { listener: { isStopped }, tws: { isStopped } };
  const rest = { queue: isAccepting ? 0.02 : 0.9, startedAtMs: draw.start(0.03) };
  return draw.chance(0.4)
    ? scene(draw, silent, { ...listener, ...own, ...rest })
    : scene(draw, waiting('open'), { ...listener, ...ours, ...rest }, { unansweredForMs: 9000 });
}

/** Mostly clients of other machines; 127.0.0.1 is trusted unless the list was emptied. */
function untrusted(draw: Draw): ConnectionSituation {
  // Whoever mends its settings has just restarted it.
  const startedAtMs = draw.start(0.2);
  return scene(draw, closed(draw, 0.15), { ...tws, startedAtMs, remote: 0.55 });
}

const socat: Partial<PortListener> = {
  role: 'proxy',
  product: undefined,
  argv: ['socat'],
  pid: 500,
};
/** docker-proxy runs as root, so its owner is hidden from a trader. */
const rootProxy: Partial<PortListener> = {
  role: 'hidden',
  product: undefined,
  argv: undefined,
  pid: undefined,
};
const ownForwarder: Partial<PortListener> = {
  role: 'other',
  product: undefined,
  argv: ['/usr/local/bin/fwd'],
  pid: 501,
};

function deadProxy(draw: Draw): ConnectionSituation {
  const listener = draw.pick([6, socat], [3, rootProxy], [0.7, ownForwarder]);
  return scene(draw, closed(draw, 0.4), { listener, tws: undefined, companion: 0 });
}

function stuckProxy(draw: Draw): ConnectionSituation {
  const listener = draw.pick([6, socat], [3, rootProxy], [0.7, ownForwarder]);
  const connection = draw.chance(0.65) ? silent : closed(draw, 0.3, 1);
  return scene(draw, connection, { listener, ...ours, tws: undefined, companion: 0 });
}

/** By far most strange servers say who they are; TLS ones close, a few wait for more. */
function foreign(draw: Draw): ConnectionSituation {
  const argv = draw.pick(
    [3, ['/usr/lib/postgresql/bin/postgres']],
    [2, ['nginx']],
    [3, ['/opt/thing/thingd']],
    [3, ['node', 'server.js']],
    [1, ['python3', 'app.py']],
  );
  const bytes = ended('hello', {
    kind: 'not tws',
    firstBytes: Buffer.from('HTTP/1.1 400'),
    why: 'no frame',
  });
  const connection = draw.pick([5, bytes], [3, closed(draw, 0.3)], [2, silent]);
  const isTwsElsewhere = draw.chance(0.3);
  return scene(draw, connection, {
    listener: { role: 'other', product: undefined, argv, pid: 501 },
    tws: isTwsElsewhere ? {} : undefined,
    companion: 0.05,
    ...ours,
  });
}

function fromContainer(draw: Draw): ConnectionSituation {
  const connection = draw.pick([2, refused], [2, silent], [1, waiting('tcp')]);
  const host = draw.pick([3, '172.18.240.1'], [1, 'host.docker.internal'], [1, '192.168.65.2']);
  return scene(draw, connection, tws, { endpoint: { host, port: 7497 } });
}

/** The code comes before the close, except where TWS swallows it (ib_async#143, stoqey#162). */
function rejected(draw: Draw, code: number, told: number): ConnectionSituation {
  const startupMessages = draw.chance(told)
    ? [{ requestId: -1, code, text: '', atMs: nowMs }]
    : [{ requestId: -1, code: 2104, text: '', atMs: nowMs }];
  const startedAtMs = draw.start(code === 10_141 ? 0.3 : 0.08);
  return scene(draw, { ...ended('ready', fin), startupMessages }, { ...tws, startedAtMs });
}

function halfStarted(draw: Draw): ConnectionSituation {
  const accounts = draw.chance(0.6) ? ['DU1234567'] : [];
  const startedAtMs = draw.start(0.3);
  return scene(draw, waiting('ready', { accounts }), { ...tws, ...ours, startedAtMs });
}

function restarted(draw: Draw): ConnectionSituation {
  const isGone = draw.chance(0.5);
  const connection = ended('open', draw.chance(0.3) ? reset : fin, 60_000);
  return scene(draw, connection, { listener: isGone ? 'none' : {}, tws: isGone ? undefined : {} });
}

/** Sleep, NAT or a cut cable: mostly a TWS on another machine; locally one that was killed. */
function halfOpen(draw: Draw): ConnectionSituation {
  const isRemote = draw.chance(0.75);
  return draw.chance(0.75)
    ? scene(
        draw,
        waiting('open'),
        { listener: 'none', tws: undefined, remote: isRemote ? 1 : 0 },
        { unansweredForMs: 9000 },
      )
    : scene(draw, ended('open', reset, 60_000), { ...tws, remote: isRemote ? 1 : 0 });
}

function reloggedIn(draw: Draw): ConnectionSituation {
  return scene(draw, waiting('open'), { ...tws, ...ours }, { unansweredForMs: 9000 });
}

/** Somebody closed it, or shut the machine's session down. */
function closedByItsUser(draw: Draw): ConnectionSituation {
  const isGone = draw.chance(0.85);
  return scene(draw, ended('open', draw.chance(0.15) ? reset : fin, 60_000), {
    listener: 'none',
    tws: isGone ? undefined : {},
  });
}

/** The kernel ends it: its sockets are closed for it (IBC#4, gnzsnz#149). */
function killed(draw: Draw): ConnectionSituation {
  const connection = ended('open', draw.chance(0.4) ? reset : fin, 60_000);
  return scene(draw, connection, { listener: 'none', tws: undefined });
}
