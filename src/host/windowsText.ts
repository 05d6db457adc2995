import * as v from 'valibot';
import { splitCommandLine } from './commandLine';
import type { ProcessInfo, SocketRow, TcpState } from './machine';
import { parseColonEnd, stateOfWord } from './socketText';

/**
 * The words of a German Windows; public code and reports show no other translation. ABHÖREN is
 * not here: its letters come in a code page that nobody tells, and a listener is known by its
 * remote end.
 */
const germanStates: ReadonlyMap<string, TcpState> = new Map([
  ['HERGESTELLT', 'ESTABLISHED'],
  ['SCHLIESSEN_WARTEN', 'CLOSE_WAIT'],
  ['WARTEND', 'TIME_WAIT'],
  ['SYN_GESENDET', 'SYN_SENT'],
  ['FIN_WARTEN_1', 'FIN_WAIT1'],
  ['FIN_WARTEN_2', 'FIN_WAIT2'],
]);

export interface WindowsNetstat {
  /** Every listener is among them, whatever the language. */
  readonly rows: readonly SocketRow[];
  /** True where a connection is left out, because its state is a word that we do not know. */
  readonly isIncomplete: boolean;
}

/**
 * Reads `netstat -ano`; the TCP rows with one of `ports` at either end. Nothing is taken from
 * the titles, which are translated. It is asked without `-p`, which would leave out IPv6.
 * @returns undefined when the text is no such table
 */
export function parseWindowsNetstat(
  text: string,
  ports: ReadonlySet<number>,
): WindowsNetstat | undefined {
  const rows: SocketRow[] = [];
  let hasRows = false;
  let isIncomplete = false;
  for (const line of text.split(/\r?\n/)) {
    if (!/^\s*TCP\s/.test(line)) {
      continue;
    }
    const match = /^\s*TCP\s+(\S+)\s+(\S+)\s+(?:(\S.*?)\s+)?(\d+)\s*$/.exec(line);
    const local = parseColonEnd(match?.[1] ?? '', '0.0.0.0');
    const remote = parseColonEnd(match?.[2] ?? '', '0.0.0.0');
    if (local === undefined || remote === undefined) {
      return undefined;
    }
    hasRows = true;
    const state = windowsState(match?.[3], remote.port);
    if (state === 'none' || (!ports.has(local.port) && !ports.has(remote.port))) {
      continue;
    }
    isIncomplete ||= state === undefined;
    if (state !== undefined) {
      rows.push(socketRow(Number(match?.[4]), { local, remote, state }));
    }
  }
  return hasRows ? { rows, isIncomplete } : undefined;
}

function windowsState(word: string | undefined, remotePort: number): TcpState | 'none' | undefined {
  // A socket that is bound and nothing else is no listener and no connection.
  if (word === undefined || word === 'BOUND') {
    return 'none';
  }
  return stateOfWord(word) ?? germanStates.get(word) ?? (remotePort === 0 ? 'LISTEN' : undefined);
}

/**
 * Windows numbers no sockets: a listener that the same process has opened anew looks like the
 * old one. A connection not yet accepted belongs to its listener here.
 */
function socketRow(pid: number, seen: Pick<SocketRow, 'local' | 'remote' | 'state'>): SocketRow {
  const { local, remote } = seen;
  const isHeld = pid > 0 || seen.state === 'LISTEN';
  return {
    ...seen,
    ownerPid: pid > 0 ? pid : undefined,
    receiveQueue: undefined,
    socketId: isHeld
      ? `${pid} ${local.address} ${local.port} ${remote.address} ${remote.port}`
      : '0',
  };
}

/** MSFT_NetTCPConnection.State: the numbers are the same in every language. */
const numberedStates: ReadonlyMap<number, TcpState | 'none'> = new Map([
  [1, 'CLOSE'],
  [2, 'LISTEN'],
  [3, 'SYN_SENT'],
  [4, 'SYN_RECV'],
  [5, 'ESTABLISHED'],
  [6, 'FIN_WAIT1'],
  [7, 'FIN_WAIT2'],
  [8, 'CLOSE_WAIT'],
  [9, 'CLOSING'],
  [10, 'LAST_ACK'],
  [11, 'TIME_WAIT'],
  [12, 'none'],
  [100, 'none'],
]);

const connectionSchema = v.object({
  LocalAddress: v.string(),
  LocalPort: v.number(),
  RemoteAddress: v.string(),
  RemotePort: v.number(),
  State: v.number(),
  OwningProcess: v.number(),
});

/** The command that `parseConnections` reads; `ports` are numbers and nothing else. */
export function connectionsCommand(ports: readonly number[]): string {
  const list = ports.map((port) => Math.trunc(port)).join(',');
  return jsonCommand(
    `Get-NetTCPConnection | Where-Object { @(${list}) -contains $_.LocalPort -or @(${list}) -contains $_.RemotePort } | ` +
      "Select-Object LocalAddress,LocalPort,RemoteAddress,RemotePort,@{n='State';e={[int]$_.State}},OwningProcess",
  );
}

/** @returns undefined when the text is something else */
export function parseConnections(text: string): readonly SocketRow[] | undefined {
  const items = parseItems(connectionSchema, text);
  const rows: SocketRow[] = [];
  for (const item of items ?? []) {
    const state = numberedStates.get(item.State);
    const local = connectionEnd(item.LocalAddress, item.LocalPort);
    const remote = connectionEnd(item.RemoteAddress, item.RemotePort);
    if (state === undefined || local === undefined || remote === undefined) {
      return undefined;
    }
    if (state !== 'none') {
      rows.push(socketRow(item.OwningProcess, { local, remote, state }));
    }
  }
  return items === undefined ? undefined : rows;
}

function connectionEnd(address: string, port: number): SocketRow['local'] | undefined {
  return parseColonEnd(address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`, '');
}

const processSchema = v.object({
  ProcessId: v.number(),
  ParentProcessId: v.number(),
  Name: v.nullable(v.string()),
  CommandLine: v.nullable(v.string()),
  /** 100 ns since 1601, as text: too many digits for a number of JSON. Empty where there is none. */
  Start: v.pipe(v.string(), v.regex(/^\d*$/)),
});

/** The command that `parseProcesses` reads. */
export const processesCommand = jsonCommand(
  'Get-CimInstance -ClassName Win32_Process -Property ProcessId,ParentProcessId,Name,CommandLine,CreationDate | ' +
    'Select-Object ProcessId,ParentProcessId,Name,CommandLine,' +
    "@{n='Start';e={if ($_.CreationDate) { $_.CreationDate.ToFileTimeUtc().ToString() } else { '' }}}",
);

/**
 * One line of JSON in UTF-8, whatever the code page of the console; an error ends it with exit
 * code 1. No double quotes in it: they would have to be escaped for the command line. Where a
 * policy forbids to set the encoding, letters outside ASCII are lost and the rest is fine.
 */
function jsonCommand(pipeline: string): string {
  return [
    "$ErrorActionPreference = 'Stop'",
    "$ProgressPreference = 'SilentlyContinue'",
    'try { [Console]::OutputEncoding = New-Object System.Text.UTF8Encoding $false } catch { }',
    `ConvertTo-Json -Compress -InputObject @(${pipeline})`,
  ].join('; ');
}

/** Between 1601, from which Windows counts, and 1970. Milliseconds. */
const epochOffsetMs = 11_644_473_600_000;

/**
 * Reads the processes. A hidden command line (another user's, or a protected process) gives an
 * empty argv: nothing is invented from the name. What has no start time is no process that can
 * be told from another one (the idle process) and stays out. A parent that is younger than its
 * child has only inherited the number of the real one, which Windows gives out again at once;
 * the parent is 0 then, so that no stranger is taken for a descendant.
 * @returns undefined when the text is something else
 */
export function parseProcesses(text: string): readonly ProcessInfo[] | undefined {
  const items = parseItems(processSchema, text);
  if (items === undefined) {
    return undefined;
  }
  const starts = new Map(
    items.flatMap((item) => (item.Start === '' ? [] : [[item.ProcessId, BigInt(item.Start)]])),
  );
  return items.flatMap((item) => {
    const { ProcessId: pid, ParentProcessId: parentPid, Start: start } = item;
    if (start === '' || pid === 0) {
      return [];
    }
    const parentStart = starts.get(parentPid);
    const isParent = parentStart !== undefined && parentStart <= BigInt(start);
    return [
      {
        pid,
        startToken: start,
        argv: splitCommandLine(item.CommandLine ?? ''),
        parentPid: isParent ? parentPid : 0,
        processGroup: 0,
        startedAtMs: Number(BigInt(start) / 10_000n) - epochOffsetMs,
        workingDirectory: undefined,
        name: item.Name ?? '',
        userId: undefined,
        isStopped: false,
      },
    ];
  });
}

/**
 * The items of a JSON list. Windows PowerShell writes a list of one as the item alone, and some
 * lists as `{"value":[…],"Count":2}`.
 */
function parseItems<T>(
  schema: v.GenericSchema<unknown, T>,
  text: string,
): readonly T[] | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    return undefined;
  }
  const wrapped = v.safeParse(v.object({ value: v.array(v.unknown()), Count: v.number() }), json);
  const list = wrapped.success ? wrapped.output.value : Array.isArray(json) ? json : [json];
  const parsed = v.safeParse(v.array(schema), list);
  return parsed.success ? parsed.output : undefined;
}
