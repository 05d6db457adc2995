import { win32 } from 'node:path';
import { type Observed, known, unknown } from '../core/observed';
import type { Machine, ProcessInfo, SocketRow } from './machine';
import { SharedLook } from './sharedLook';
import { type RunTool, type ToolCall, successfulOutput } from './tool';
import type { TwsFiles } from './twsFiles';
import { TwsFilesMemory, type TwsSurroundings, readTwsFiles } from './twsFilesReader';
import {
  type WindowsNetstat,
  connectionsCommand,
  parseConnections,
  parseProcesses,
  parseWindowsNetstat,
  processesCommand,
} from './windowsText';

/** PowerShell loads .NET and its modules first; a busy or freshly booted machine takes long. */
const powershellDeadlineMs = 10_000;

export interface WindowsDeps {
  readonly run: RunTool;
  /** `%SystemRoot%`, where Windows lies. */
  readonly systemRoot: string | undefined;
  readonly surroundings: TwsSurroundings;
}

/**
 * Reads Windows through its own tools, without rights. What a look costs, roughly: netstat 50 ms,
 * PowerShell 0.5 to 1.5 s; `listeners` is one netstat, `processes` and `process` one PowerShell,
 * and sockets need it only where netstat speaks a language that we do not know. Tested on
 * captured text of the tools, never yet on Windows.
 */
export class WindowsMachine implements Machine {
  readonly platform = 'win32';
  private readonly allProcesses = new SharedLook(() => this.lookAtProcesses());
  private readonly netstatText = new SharedLook(() => this.netstat());
  private readonly twsMemory = new TwsFilesMemory();

  constructor(private readonly deps: WindowsDeps) {}

  processes(): Promise<Observed<readonly ProcessInfo[]>> {
    return this.allProcesses.ask();
  }

  async process(pid: number): Promise<Observed<ProcessInfo | undefined>> {
    if (!Number.isInteger(pid) || pid <= 0) {
      return known(undefined);
    }
    // The whole table: most of the time goes into starting PowerShell, and only beside its
    // parent can the parent be told from a stranger with the same number.
    const all = await this.allProcesses.ask();
    return all.known ? known(all.value.find((info) => info.pid === pid)) : all;
  }

  async sockets(ports: readonly number[]): Promise<Observed<readonly SocketRow[]>> {
    const table = await this.table(new Set(ports));
    if (!table.known || !table.value.isIncomplete) {
      return table.known ? known(table.value.rows) : table;
    }
    const text = await this.powershell(connectionsCommand(ports));
    const rows = text.known ? parseConnections(text.value) : undefined;
    const why = text.known ? 'the list of PowerShell has an unknown form' : text.why;
    return rows === undefined ? unknown(`the TCP table could not be read: ${why}`) : known(rows);
  }

  async listeners(port: number): Promise<Observed<readonly string[]>> {
    const table = await this.table(new Set([port]));
    const isListener = (row: SocketRow): boolean =>
      row.state === 'LISTEN' && row.local.port === port;
    return table.known
      ? known(table.value.rows.filter(isListener).map((row) => row.socketId))
      : table;
  }

  twsFiles(running: readonly ProcessInfo[]): Promise<Observed<TwsFiles>> {
    return readTwsFiles(running, this.deps.surroundings, this.twsMemory);
  }

  private async table(ports: ReadonlySet<number>): Promise<Observed<WindowsNetstat>> {
    const text = await this.netstatText.ask();
    const parsed = text.known ? parseWindowsNetstat(text.value, ports) : undefined;
    const why = text.known ? 'the output of netstat has an unknown form' : text.why;
    return parsed === undefined
      ? unknown(`the TCP table could not be read: ${why}`)
      : known(parsed);
  }

  private async lookAtProcesses(): Promise<Observed<readonly ProcessInfo[]>> {
    const text = await this.powershell(processesCommand);
    const found = text.known ? parseProcesses(text.value) : undefined;
    if (found === undefined || found.length === 0) {
      const why = text.known ? 'the list of PowerShell has an unknown form' : text.why;
      return unknown(`the process table could not be read: ${why}`);
    }
    return known(found);
  }

  private netstat(): Promise<Observed<string>> {
    return this.output({ file: this.system32('netstat.exe'), args: ['-ano'], encoding: 'latin1' });
  }

  private powershell(command: string): Promise<Observed<string>> {
    return this.output({
      file: this.system32('WindowsPowerShell', 'v1.0', 'powershell.exe'),
      args: ['-NoLogo', '-NoProfile', '-NonInteractive', '-Command', command],
      deadlineMs: powershellDeadlineMs,
    });
  }

  private async output(call: ToolCall): Promise<Observed<string>> {
    return successfulOutput(call, await this.deps.run(call));
  }

  private system32(...names: readonly string[]): string {
    const { systemRoot = '' } = this.deps;
    const root = win32.isAbsolute(systemRoot) ? systemRoot : 'C:\\Windows';
    return win32.join(root, 'System32', ...names);
  }
}
