import type { RunnerFact } from '../runnerFacts';
import type { LinePattern } from './reader';
import { connection, type Guesses, process } from './sign';

/**
 * Rows of `lsof`, `lsof -F`, `netstat` (Linux, macOS, Windows), `netstat -Lan`, `ss` and
 * `Get-NetTCPConnection` that somebody pasted into a log. Only rows with an API port count, and
 * only what a healthy table never shows is said. Rows of one kind say the same words, so that
 * they become one incident.
 */

type State = 'listen' | 'established' | 'close-wait' | 'syn-sent' | 'syn-received' | 'fin-wait-2';

/** States as the tools write them, in the languages of net-tools and of Windows. */
const words: Readonly<Record<State, readonly string[]>> = {
  listen: ['LISTEN', 'ESCOLTA', 'NASLOUCHÁ', 'OUÇA', 'LYSSNAR'],
  established: [
    'ESTABLISHED',
    'Established',
    'ESTAB',
    'HERGESTELLT',
    'VERBUNDEN',
    'ESTABLERT',
    'ESTABELECIDA',
    'SPOJENO',
    'ETABLERAD',
  ],
  'close-wait': [
    'CLOSE_WAIT',
    'CLOSE-WAIT',
    'CloseWait',
    'CLOSEWAIT',
    'SCHLIESSEN_WARTEN',
    'ESPERANDO_FECHAR',
    'STÄNG_VÄNTA',
  ],
  'syn-sent': ['SYN_SENT', 'SYN-SENT', 'SynSent', 'SYNSENT', 'SYN_GESENDET', 'SYN_ENVIADO'],
  'syn-received': ['SYN_RECV', 'SYN-RECV', 'SYN_RCVD', 'SYN_RECEIVED', 'SynReceived'],
  'fin-wait-2': ['FIN_WAIT_2', 'FIN_WAIT2', 'FIN-WAIT-2', 'FinWait2', 'FIN_WARTEN_2'],
};

/** The usual API ports, and the names that tools without `-n` give them. */
const apiPortNumbers: readonly number[] = [7496, 7497, 4001, 4002, 4003, 4004];
const portNames: ReadonlyMap<string, number> = new Map([
  ['newoak', 4001],
  ['mlchat-proxy', 4002],
  ['pxc-spvr-ft', 4002],
  ['pxc-splr-ft', 4003],
  ['pxc-roid', 4004],
]);

/** TWS takes so many clients at once. */
const maxClients = 32;

type Field = 'queue' | 'local' | 'peer' | 'localPort' | 'peerPort' | 'command' | 'pid' | 'rest';

const end = String.raw`(\S{1,90}[.:](?:\d{1,5}|\*|[a-z][\w-]{2,15}))`;

/** The shapes of a row with the state `word`, and what their groups are. */
function shapes(word: string): readonly (readonly [string, readonly Field[]])[] {
  return [
    // ss: state, queues, both ends
    [
      String.raw`(?:^|\s)${word}\s{1,20}(\d{1,9})\s{1,20}\d{1,9}\s{1,30}${end}\s{1,60}${end}(.{0,300})`,
      ['queue', 'local', 'peer', 'rest'],
    ],
    // netstat of Linux and macOS: queues, both ends, state
    [
      String.raw`(?:^|\s)(\d{1,9})\s{1,20}\d{1,9}\s{1,30}${end}\s{1,60}${end}\s{1,30}${word}(?![\w-])(.{0,300})`,
      ['queue', 'local', 'peer', 'rest'],
    ],
    // Windows: TCP, both ends, state
    [
      String.raw`(?:^|\s)TCP\s{1,20}${end}\s{1,60}${end}\s{1,30}${word}(?![\w-])`,
      ['local', 'peer'],
    ],
    // lsof: command, pid … TCP ends (state)
    [
      String.raw`^\s{0,8}(?:[\w./-]{1,40}:\s{1,4})?(\S{1,60})\s{1,20}(\d{1,9})\s.{0,200}?\bTCP\s{1,4}(\S{1,90}?)(?:->(\S{1,90}))?\s{1,4}\(${word}\)`,
      ['command', 'pid', 'local', 'peer'],
    ],
    // PowerShell: address, port, address, port, state
    [
      String.raw`^\s{0,8}(?:[\w./-]{1,40}:\s{1,4})?([\da-fA-F.:%]{2,60})\s{1,40}(\d{1,5})\s{1,40}([\da-fA-F.:%]{2,60})\s{1,40}(\d{1,5})\s{1,40}${word}(?![\w-])`,
      ['local', 'localPort', 'peer', 'peerPort'],
    ],
    // lsof -F: the ends stand in the line before
    [String.raw`^TST=${word}$`, []],
  ];
}

interface End {
  readonly host: string;
  readonly port: number;
}

interface Row {
  readonly state: State;
  readonly local: End;
  readonly peer: End | undefined;
  readonly queue: number;
  readonly owner: Owner;
  readonly pid: string | undefined;
}

type Owner =
  | { readonly kind: 'java' | 'proxy' | 'program'; readonly name: string }
  | { readonly kind: 'unknown' };

interface Verdict {
  readonly causes: Guesses;
  readonly text: string;
}

/**
 * The patterns for one text: they remember the rows above, so that each reader of a text needs
 * its own. `has` and `pattern` are the same in every set.
 * @param isApiPort tells of a port beside the usual ones that the text has named
 */
export function createSocketTablePatterns(
  isApiPort: (port: number) => boolean = () => false,
): readonly LinePattern[] {
  const table = new SocketTable((port) => apiPortNumbers.includes(port) || isApiPort(port));
  return [
    ...headers.map(([has, pattern]) => ({ has, pattern, read: () => table.begin() })),
    ...(Object.entries(words) as [State, readonly string[]][]).flatMap(([state, spellings]) =>
      spellings.map((word) => rowPattern(table, state, word)),
    ),
    ...[...apiPortNumbers, ...portNames.keys()].map((port) => ({
      has: `:${port}`,
      pattern: /^n(\S{1,90}?)(?:->(\S{1,90}))?$/,
      read: ([, local, peer]: RegExpExecArray) => table.name(local, peer),
    })),
    // netstat -Lan of macOS: complete / incomplete / allowed, and the listener.
    ...apiPortNumbers.map((port) => ({
      has: `.${port}`,
      pattern: /^(?:tcp\S{0,4}\s{1,10})?(\d{1,6})\/(\d{1,6})\/\d{1,6}\s{1,20}(\S{1,90})$/,
      read: ([, all, incomplete, local]: RegExpExecArray) =>
        table.take({ queue: String(Number(all) - Number(incomplete)), local }, 'listen'),
    })),
  ];
}

const headers: readonly (readonly [string, RegExp])[] = [
  ['recv-q', /\bRecv-Q\b.{0,80}\b(?:Send-Q|State|Local)/],
  ['command  ', /^COMMAND\s{1,20}PID\b/],
  ['proto  ', /^\s{0,4}Proto\s{1,10}\S/],
];

function rowPattern(table: SocketTable, state: State, word: string): LinePattern {
  const forms = shapes(word);
  const names = forms.flatMap(([, fields]) => fields);
  return {
    has: word.toLowerCase(),
    pattern: new RegExp(forms.map(([source]) => `(?:${source})`).join('|')),
    read: (match) => {
      const fields: Partial<Record<Field, string>> = {};
      names.forEach((name, index) => {
        const value = match[index + 1];
        if (value !== undefined) {
          fields[name] = value;
        }
      });
      return match[0].startsWith('TST=') ? table.state(state) : table.take(fields, state);
    },
  };
}

class SocketTable {
  private readonly clients = new Set<string>();
  private readonly listeners = new Map<number, Row>();
  private named: { readonly local: string; readonly peer: string | undefined } | undefined;

  constructor(private readonly isApiPort: (port: number) => boolean) {}

  /** A new table: rows of an older one count no longer. */
  begin(): readonly RunnerFact[] {
    this.clients.clear();
    this.listeners.clear();
    this.named = undefined;
    return [];
  }

  /** `lsof -F` writes the ends first, and the state in the next line. */
  name(local = '', peer?: string): readonly RunnerFact[] {
    this.named = { local, peer };
    return [];
  }

  state(state: State): readonly RunnerFact[] {
    const { named } = this;
    this.named = undefined;
    return named === undefined ? [] : this.take({ local: named.local, peer: named.peer }, state);
  }

  take(
    fields: Readonly<Partial<Record<Field, string | undefined>>>,
    state: State,
  ): readonly RunnerFact[] {
    const local = endOf(fields.local, fields.localPort);
    const peer = endOf(fields.peer, fields.peerPort);
    if (local === undefined) {
      return [];
    }
    const { owner, pid } = ownerOf(fields);
    const row = { state, local, peer, queue: Number(fields.queue ?? 0), owner, pid };
    if (this.isApiPort(local.port)) {
      return this.ofServer(row);
    }
    // TWS itself is a client of IBKR's servers, on ports 4000 and 4001.
    return peer !== undefined && this.isApiPort(peer.port) && isNear(peer.host)
      ? facts(judgeClient(row, peer))
      : [];
  }

  private ofServer(row: Row): readonly RunnerFact[] {
    switch (row.state) {
      case 'listen':
        return [...this.otherListener(row), ...facts(judgeListener(row))];
      case 'established':
        return this.countClient(row);
      default:
        return facts(judgeServer(row));
    }
  }

  private countClient({ local, peer }: Row): readonly RunnerFact[] {
    if (this.clients.size <= maxClients) {
      this.clients.add(`${local.port}<${peer?.host ?? ''}:${peer?.port ?? ''}`);
    }
    return this.clients.size <= maxClients
      ? []
      : facts({
          causes: [{ id: 'max_clients_32', confidence: 0.6 }],
          text: `More than ${maxClients} clients are connected to port ${local.port}.`,
        });
  }

  /** Two programs that listen on one port: two gateways, or TWS and a stranger. */
  private otherListener(row: Row): readonly RunnerFact[] {
    const { local, owner, pid } = row;
    const first = this.listeners.get(local.port) ?? row;
    this.listeners.set(local.port, first);
    const kinds = new Set([first.owner.kind, owner.kind]);
    if (pid === undefined || pid === first.pid || kinds.has('unknown') || kinds.has('proxy')) {
      return [];
    }
    if (!kinds.has('java')) {
      return [];
    }
    const text = `Two processes listen on port ${local.port}.`;
    const isPair = kinds.size === 1;
    const causes: Guesses = isPair
      ? [{ id: 'duplicate_gateway', confidence: 0.6 }]
      : [{ id: 'wrong_service', confidence: 0.4 }];
    return [{ kind: 'sign', subject: isPair ? process : connection, causes, text }];
  }
}

function facts(verdict: Verdict | undefined): readonly RunnerFact[] {
  return verdict === undefined ? [] : [{ kind: 'sign', subject: connection, ...verdict }];
}

/** A socket on the side of TWS. */
function judgeServer({ state, local, owner }: Row): Verdict | undefined {
  const where = `port ${local.port}${ownerWords(owner)}`;
  if (state === 'syn-received') {
    return {
      causes: [{ id: 'accept_queue_wedge', confidence: 0.4 }],
      text: `A connection in the making hangs (SYN_RECV) on ${where}.`,
    };
  }
  if (state !== 'close-wait') {
    return undefined;
  }
  const text = `Connections that the client has closed linger (CLOSE_WAIT) on ${where}.`;
  switch (owner.kind) {
    case 'java':
      return { causes: [{ id: 'wedged_close_wait', confidence: 0.8 }], text };
    case 'program':
      return { causes: [{ id: 'self_inflicted_probe_zombies', confidence: 0.6 }], text };
    case 'proxy':
      // The forwarder waits for the gateway behind it.
      return {
        causes: [
          { id: 'silent_handshake', confidence: 0.4 },
          { id: 'wedged_close_wait', confidence: 0.3 },
        ],
        text,
      };
    case 'unknown':
      return {
        causes: [
          { id: 'wedged_close_wait', confidence: 0.6 },
          { id: 'self_inflicted_probe_zombies', confidence: 0.15 },
        ],
        text,
      };
  }
}

/** A listener whose finished connections nobody fetches. One may just have come. */
function judgeListener({ local, queue, owner }: Row): Verdict | undefined {
  if (!(queue > 0)) {
    return undefined;
  }
  const text = `Connections wait unaccepted (Recv-Q) on port ${local.port}${ownerWords(owner)}.`;
  return owner.kind === 'proxy'
    ? { causes: [{ id: 'silent_handshake', confidence: 0.4 }], text }
    : { causes: [{ id: 'accept_queue_wedge', confidence: queue === 1 ? 0.6 : 0.8 }], text };
}

/** A socket on the side of a client of TWS. */
function judgeClient({ state, owner }: Row, peer: End): Verdict | undefined {
  const where = `port ${peer.port}${ownerWords(owner)}`;
  switch (state) {
    case 'close-wait':
      return owner.kind === 'proxy'
        ? undefined
        : {
            causes: [
              {
                id: 'self_inflicted_probe_zombies',
                confidence: owner.kind === 'program' ? 0.65 : 0.5,
              },
            ],
            text: `A client has not closed connections that TWS has ended (CLOSE_WAIT), to ${where}.`,
          };
    case 'fin-wait-2':
      return {
        causes: [
          { id: 'wedged_close_wait', confidence: 0.5 },
          { id: 'silent_handshake', confidence: 0.2 },
        ],
        text: `Connections that the client has closed are not closed by TWS (FIN_WAIT_2), to ${where}.`,
      };
    case 'syn-sent':
      return {
        causes: isLoopbackHost(peer.host)
          ? [
              { id: 'accept_queue_wedge', confidence: 0.6 },
              { id: 'wedged_close_wait', confidence: 0.15 },
            ]
          : [
              { id: 'tcp_timeout_unreachable', confidence: 0.6 },
              { id: 'wsl_docker_network', confidence: 0.15 },
            ],
        text: `A connection is not answered (SYN_SENT), to ${where}.`,
      };
    default:
      return undefined;
  }
}

function ownerWords(owner: Owner): string {
  return owner.kind === 'unknown' ? '' : `, owned by ${owner.name}`;
}

/** `127.0.0.1:7497`, `[::1]:7497`, `*.7497`, `localhost:newoak`; `*` as a port is none. */
function endOf(text: string | undefined, port: string | undefined): End | undefined {
  if (text === undefined) {
    return undefined;
  }
  if (port !== undefined) {
    return { host: text, port: Number(port) };
  }
  const match = /^(\S{1,90})[.:]([^.:\s]{1,20})$/.exec(text);
  const [, host = '', name = ''] = match ?? [];
  const number = portNames.get(name) ?? Number(name === '*' ? 0 : name);
  return match === null || !Number.isInteger(number)
    ? undefined
    : { host: host.replace(/^\[|\]$/g, ''), port: number };
}

function ownerOf(fields: Readonly<Partial<Record<Field, string | undefined>>>): {
  readonly owner: Owner;
  readonly pid: string | undefined;
} {
  const rest = fields.rest ?? '';
  const found = /"([^"]{1,60})",pid=(\d{1,9})/.exec(rest) ?? /\s(\d{1,9})\/(\S{1,60})/.exec(rest);
  const isSwapped = found !== null && /^\d+$/.test(found[1] ?? '');
  const named = isSwapped ? found[2] : found?.[1];
  const process = /\s([A-Za-z][^\s:]{0,60}):(\d{1,9})\s/.exec(rest);
  const name = fields.command ?? named ?? process?.[1];
  const pid = fields.pid ?? (isSwapped ? found[1] : found?.[2]) ?? process?.[2];
  return { owner: name === undefined ? { kind: 'unknown' } : ownerNamed(name), pid };
}

function ownerNamed(name: string): Owner {
  if (/^(?:java|ibgateway|tws\b|i4j|IB(?:\\x20|\s)?Gate)/i.test(name)) {
    return { kind: 'java', name };
  }
  return /^(?:socat|docker|com\.docke|rootless|slirp|pasta|gvproxy|vpnkit|wslrelay|haproxy|nginx|envoy|traefik|stunnel|rinetd|redir|simplepro|frpc|autossh|sshd?\b|kubectl)/i.test(
    name,
  )
    ? { kind: 'proxy', name }
    : { kind: 'program', name };
}

function isLoopbackHost(host: string): boolean {
  return /^(?:(?:::ffff:)?127\.|::1$|localhost$|ip6-localhost$|\*$|0\.0\.0\.0$)/i.test(host);
}

/** Loopback, private and link-local addresses, and names without a domain. */
function isNear(host: string): boolean {
  return (
    isLoopbackHost(host) ||
    /^(?:::ffff:)?(?:10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|169\.254\.)/.test(host) ||
    /^(?:fe80:|fd|[a-z][\w-]*(?:\.local|\.lan|\.internal)?$)/i.test(host)
  );
}
