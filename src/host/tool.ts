import { type ChildProcess, spawn } from 'node:child_process';
import { posix, win32 } from 'node:path';
import type { Clock } from '../core/clock';
import { errorCode, errorText } from '../core/errors';
import { type Observed, known, unknown } from '../core/observed';

/** One run of a system tool. No shell is between us and it. */
export interface ToolCall {
  /** Absolute: a service's PATH is not a shell's, and a workspace may put a tool of its own there. */
  readonly file: string;
  readonly args: readonly string[];
  /** Added to the few variables that a tool gets; ours are not handed on. */
  readonly environment?: Readonly<Record<string, string>>;
  /** How stdout is read; `latin1` keeps every byte apart where the code page is not known. */
  readonly encoding?: 'utf8' | 'latin1';
  /** Milliseconds until it is killed. Default 5,000: such tools answer within 0.1 s. */
  readonly deadlineMs?: number;
  /** Bytes of stdout after which it is killed. Default 16 MiB: 50,000 sockets are 10 MiB. */
  readonly maxBytes?: number;
}

export interface ToolOutput {
  readonly exitCode: number;
  readonly stdout: string;
  /** The first 4 KiB or so. */
  readonly stderr: string;
}

/** Runs a tool. Unknown where it is missing, too slow, too loud or killed; never rejects. */
export type RunTool = (call: ToolCall) => Promise<Observed<ToolOutput>>;

const defaultDeadlineMs = 5_000;
const defaultMaxBytes = 16 * 1024 * 1024;
const maxErrorBytes = 4_096;

/** Runs tools on this machine, their deadlines kept by `clock`. */
export function toolRunner(clock: Clock): RunTool {
  return (call) =>
    new Promise((resolve) => {
      try {
        new Run(call, resolve).start(clock);
      } catch (error) {
        // Arguments that no process can have, such as one with a NUL in it.
        resolve(notStarted(call, error));
      }
    });
}

/** The stdout of a run that ended well; any other exit code is unknown, with the tool's words. */
export function successfulOutput(call: ToolCall, ran: Observed<ToolOutput>): Observed<string> {
  if (!ran.known) {
    return ran;
  }
  const { exitCode, stdout, stderr } = ran.value;
  return exitCode === 0
    ? known(stdout)
    : unknown(`${call.file} ended with exit code ${exitCode}${quoted(stderr)}`);
}

/** The first line of a tool's complaint, short enough for a sentence. */
function quoted(stderr: string): string {
  const lines = stderr.split('\n').map((line) => line.trim());
  // PowerShell puts this before a stream that it has packed into XML.
  const line = lines.find((text) => text !== '' && !text.startsWith('#< CLIXML'));
  return line === undefined ? '' : `: ${line.slice(0, 200)}`;
}

function notStarted(call: ToolCall, error: unknown): ReturnType<typeof unknown> {
  const code = errorCode(error);
  return unknown(
    code === 'ENOENT'
      ? `${call.file} is not on this machine`
      : `${call.file} could not be started (${code ?? errorText(error)})`,
  );
}

/** Collects what one child prints and says once what became of it. */
class Run {
  private readonly stdout: Buffer[] = [];
  private readonly stderr: Buffer[] = [];
  private stdoutBytes = 0;
  private stderrBytes = 0;

  constructor(
    private readonly call: ToolCall,
    private readonly resolve: (outcome: Observed<ToolOutput>) => void,
  ) {}

  start(clock: Clock): void {
    const { call } = this;
    const deadlineMs = call.deadlineMs ?? defaultDeadlineMs;
    const child = spawn(call.file, call.args, {
      // Never the workspace: Windows looks for libraries in the working directory too.
      cwd: (process.platform === 'win32' ? win32 : posix).dirname(call.file),
      env: { ...toolEnvironment(process.env), ...call.environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      windowsHide: true,
    });
    const timer = clock.setTimer(deadlineMs, () => {
      giveUp(child);
      this.resolve(unknown(`${call.file} did not answer within ${deadlineMs / 1000} s`));
    });
    child.once('error', (error) => {
      timer.cancel();
      this.resolve(notStarted(call, error));
    });
    child.once('close', (exitCode, signal) => {
      timer.cancel();
      this.ended(exitCode, signal);
    });
    child.stdout.on('data', (chunk: Buffer) => {
      this.stdoutBytes += chunk.length;
      if (this.stdoutBytes > (call.maxBytes ?? defaultMaxBytes)) {
        timer.cancel();
        giveUp(child);
        this.resolve(unknown(`${call.file} printed more than can be read`));
        return;
      }
      this.stdout.push(chunk);
    });
    child.stderr.on('data', (chunk: Buffer) => {
      if (this.stderrBytes < maxErrorBytes) {
        this.stderrBytes += chunk.length;
        this.stderr.push(chunk);
      }
    });
  }

  private ended(exitCode: number | null, signal: NodeJS.Signals | null): void {
    const { file, encoding } = this.call;
    this.resolve(
      exitCode === null
        ? unknown(`${file} was ended by ${signal ?? 'a signal'}`)
        : known({
            exitCode,
            stdout: Buffer.concat(this.stdout).toString(encoding ?? 'utf8'),
            stderr: Buffer.concat(this.stderr).toString('utf8'),
          }),
    );
  }
}

/** Kills our own child and waits for nothing: one that hangs in the kernel never closes its ends. */
function giveUp(child: ChildProcess): void {
  child.kill('SIGKILL');
  child.stdout?.destroy();
  child.stderr?.destroy();
  child.unref();
}

/** What Windows' own programs need to start. */
const windowsVariables: ReadonlySet<string> = new Set(
  'systemroot windir systemdrive temp tmp userprofile appdata localappdata programdata programfiles comspec pathext number_of_processors processor_architecture'.split(
    ' ',
  ),
);

/**
 * A fixed language and time zone, and nothing that changes how a tool prints. PSModulePath stays
 * out above all: inherited from PowerShell 7 it keeps Windows PowerShell from loading its own
 * modules (PowerShell/PowerShell#27774).
 */
export function toolEnvironment(environment: NodeJS.ProcessEnv): Readonly<Record<string, string>> {
  const kept = Object.entries(environment).flatMap(([name, value]) =>
    value !== undefined && windowsVariables.has(name.toLowerCase()) ? [[name, value] as const] : [],
  );
  return {
    ...Object.fromEntries(kept),
    LC_ALL: 'C',
    LANG: 'C',
    TZ: 'UTC0',
  };
}
