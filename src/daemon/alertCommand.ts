import { type ChildProcess, spawn } from 'node:child_process';
import { posix, win32 } from 'node:path';
import { type Clock, delay } from '../core/clock';
import type { Disposable } from '../core/disposables';
import { errorCode, errorText } from '../core/errors';
import { withoutEditorVariables } from '../runner/environment';

/** A pager behind a slow network answers within this; then it is killed. Milliseconds. */
const deadlineMs = 30_000;
/** More than this many wait only behind a command that hangs; the oldest go first. */
const maxWaiting = 50;
const maxComplaint = 200;
/** Between two reads of what nobody keeps, in milliseconds: about a megabyte a second. */
const chatterMs = 50;
/** For the rest of what an ended program has said, in milliseconds. */
const lastWordsMs = 500;

interface Errand {
  readonly command: readonly string[];
  readonly input: string;
}

export interface AlertCommandDependencies {
  readonly clock: Clock;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** How a run ended; undefined when it went well. */
  readonly onDone: (why: string | undefined) => void;
}

/** Runs the trader's own program for each alert: one at a time, so that an end follows its begin. */
export class AlertCommand implements Disposable {
  private waiting: readonly Errand[] = [];
  private child: ChildProcess | undefined;
  private whenIdle: () => void = () => undefined;

  constructor(private readonly deps: AlertCommandDependencies) {}

  /**
   * @param command argument array that begins with an absolute path; no shell reads it
   * @param input goes to its stdin
   */
  run(command: readonly string[], input: string): void {
    this.waiting = [...this.waiting, { command, input }].slice(-maxWaiting);
    this.next();
  }

  /** Lets what runs and waits come to its end for so long; the rest is as with `dispose`. */
  async end(waitMs: number): Promise<void> {
    const isOver = new AbortController();
    this.whenIdle = () => {
      isOver.abort();
    };
    if (this.isBusy) {
      await delay(this.deps.clock, waitMs, isOver.signal);
    }
    this.dispose();
  }

  /** Forgets what waits and kills what runs: nobody could end it later. */
  dispose(): void {
    this.waiting = [];
    this.child?.kill('SIGKILL');
  }

  private get isBusy(): boolean {
    return this.child !== undefined;
  }

  private next(): void {
    const [errand, ...rest] = this.waiting;
    if (this.child !== undefined || errand === undefined) {
      return;
    }
    this.waiting = rest;
    try {
      this.start(errand);
    } catch (error) {
      this.done(`could not be started (${errorCode(error) ?? errorText(error)})`);
    }
  }

  private start({ command, input }: Errand): void {
    const [file = '', ...args] = command;
    const child = spawn(file, args, {
      cwd: (process.platform === 'win32' ? win32 : posix).dirname(file),
      env: withoutEditorVariables(this.deps.environment),
      stdio: ['pipe', 'ignore', 'pipe'],
      windowsHide: true,
    });
    this.child = child;
    let complaint = '';
    let why: string | undefined;
    let isOver = false;
    const end = (reason: string | undefined): void => {
      if (!isOver) {
        isOver = true;
        timer.cancel();
        this.done(reason);
      }
    };
    const timer = this.deps.clock.setTimer(deadlineMs, () => {
      why = `did not end within ${deadlineMs / 1000} s and was killed`;
      child.kill('SIGKILL');
      // Whoever it has started may hold its ends open.
      child.stderr.destroy();
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (complaint.length === maxComplaint) {
        // It is read on, because a full pipe would stop the program, but not as fast as it comes.
        child.stderr.pause();
        this.deps.clock.setTimer(chatterMs, () => child.stderr.resume());
      }
      complaint = (complaint + text).slice(0, maxComplaint);
    });
    child.once('error', (error) => {
      end(`could not be started (${errorCode(error) ?? errorText(error)})`);
    });
    child.once('exit', () => {
      // What it has said is on its way; what it has started may hold that way open for ever.
      this.deps.clock.setTimer(lastWordsMs, () => {
        child.stderr.destroy();
      });
    });
    child.once('close', (code, signal) => {
      end(why ?? (code === 0 ? undefined : failure(code, signal, complaint)));
    });
    // A program that does not read breaks the pipe, and may do well all the same.
    child.stdin.on('error', () => undefined).end(input);
  }

  private done(why: string | undefined): void {
    this.child = undefined;
    this.deps.onDone(why);
    this.next();
    if (!this.isBusy) {
      this.whenIdle();
    }
  }
}

function failure(code: number | null, signal: string | null, complaint: string): string {
  const [line = ''] = complaint.trim().split('\n');
  const how =
    code === null ? `was ended by ${signal ?? 'a signal'}` : `ended with exit code ${code}`;
  return line === '' ? how : `${how}: ${line}`;
}
