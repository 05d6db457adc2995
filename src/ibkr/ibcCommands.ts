import { connect, type Socket } from 'node:net';
import type { Clock } from '../core/clock';
import { errorCode } from '../core/errors';
import { resetSocket } from '../core/resetSocket';

/**
 * The only words that may leave for IBC's command server. It also knows STOP and PAUSE, which end
 * TWS, and EXIT, which a closed connection replaces: none of them can be sent from here (law 9).
 */
export const ibcCommands = ['ENABLEAPI', 'RECONNECTDATA', 'RECONNECTACCOUNT', 'RESTART'] as const;

export type IbcCommand = (typeof ibcCommands)[number];

/** A word that is not on the list was about to be sent: a bug, never a user's mistake. */
export class ForbiddenIbcCommandError extends Error {
  override readonly name = 'ForbiddenIbcCommandError';
}

/**
 * The bytes of one command.
 * @throws ForbiddenIbcCommandError when it is not on the list, letter by letter.
 */
export function ibcCommandLine(command: string): Buffer {
  if (!ibcCommands.some((allowed) => allowed === command)) {
    throw new ForbiddenIbcCommandError(
      `${JSON.stringify(command.slice(0, 20))} is not on the list of commands that Robo may send to IBC.`,
    );
  }
  return Buffer.from(`${command}\n`, 'latin1');
}

/** What became of a command. Only `done` means that IBC has taken it. */
export type IbcReply =
  /** `OK …`: taken; whether it helped is seen on the connection. */
  | { readonly kind: 'done'; readonly text: string }
  /** `ERROR …`: not taken. */
  | { readonly kind: 'refused'; readonly text: string }
  /** Nothing was sent. `code` is the system's (`ECONNREFUSED` …). */
  | { readonly kind: 'not connected'; readonly code: string }
  /** Sent; whether it was taken is unknown. */
  | { readonly kind: 'no answer'; readonly afterMs: number }
  /** Sent, and closed without an answer: so does a server whose ControlFrom does not name us. */
  | { readonly kind: 'closed' }
  /** Sent, and answered by something that is not IBC. */
  | { readonly kind: 'not understood'; readonly text: string };

export interface IbcDependencies {
  readonly clock: Clock;
  /** For connection and answer together, in milliseconds. */
  readonly deadlineMs?: number;
}

/** ENABLEAPI opens a dialog of TWS and works in it, which takes seconds. */
const defaultDeadlineMs = 20_000;
/** IBC's own lines stay far below. Bytes. */
const maxReplyBytes = 4096;
const maxTextLength = 200;
/** How long the server may take to answer our end of the connection, in milliseconds. */
const closeDeadlineMs = 1000;

/**
 * Sends one command to the command server of the IBC on this machine, over loopback only, and
 * waits for its reply. A greeting is not waited for: by default the server sends neither one nor
 * a prompt.
 * @param port CommandServerPort in IBC's config.ini; never an API port
 * @returns what happened; rejects never but for a command that is not on the list.
 * @throws ForbiddenIbcCommandError
 */
export async function sendIbcCommand(
  port: number,
  command: IbcCommand,
  deps: IbcDependencies,
): Promise<IbcReply> {
  const line = ibcCommandLine(command);
  const deadlineMs = deps.deadlineMs ?? defaultDeadlineMs;
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    const replies = new ReplyReader();
    let isSent = false;
    let isSettled = false;
    const settle = (reply: IbcReply): void => {
      if (!isSettled) {
        isSettled = true;
        deadline.cancel();
        leave(socket, reply, deps.clock);
        resolve(reply);
      }
    };
    const deadline = deps.clock.setTimer(deadlineMs, () => {
      settle(
        isSent
          ? { kind: 'no answer', afterMs: deadlineMs }
          : { kind: 'not connected', code: 'ETIMEDOUT' },
      );
    });
    socket.on('connect', () => {
      isSent = true;
      socket.write(line);
    });
    socket.on('data', (chunk) => {
      const reply = replies.add(chunk);
      if (reply !== undefined) {
        settle(reply);
      }
    });
    socket.on('end', () => {
      settle(replies.end());
    });
    socket.on('error', (error) => {
      const code = errorCode(error) ?? 'unknown';
      settle(isSent ? replies.end() : { kind: 'not connected', code });
    });
  });
}

/** An answered connection ends in order, every other by reset, so that nothing stays behind. */
function leave(socket: Socket, reply: IbcReply, clock: Clock): void {
  if (reply.kind === 'not connected') {
    socket.destroy();
    return;
  }
  if (reply.kind === 'no answer' || reply.kind === 'not understood') {
    resetSocket(socket);
    return;
  }
  socket.end();
  const timer = clock.setTimer(closeDeadlineMs, () => {
    resetSocket(socket);
  });
  socket.once('close', () => {
    timer.cancel();
  });
}

/** Finds the reply in what comes: perhaps a greeting, prompts without an end of line, the reply. */
class ReplyReader {
  private text = '';

  /** The reply, once it is there. */
  add(chunk: Buffer): IbcReply | undefined {
    this.text += chunk.toString('latin1');
    const lines = this.text.split(/\r?\n/);
    // The last one is not complete yet.
    const reply = lines.slice(0, -1).map(readReply).find(Boolean);
    if (reply !== undefined) {
      return reply;
    }
    return this.text.length > maxReplyBytes ? this.notUnderstood() : undefined;
  }

  /** What came at all, when the server has closed. */
  end(): IbcReply {
    const reply = this.text.split(/\r?\n/).map(readReply).find(Boolean);
    if (reply !== undefined) {
      return reply;
    }
    return this.text.trim() === '' ? { kind: 'closed' } : this.notUnderstood();
  }

  private notUnderstood(): IbcReply {
    return { kind: 'not understood', text: readable(this.text) };
  }
}

/**
 * A line as IBC writes it, with its prompt perhaps in front of it, which ends in a sign
 * (`IBC>OK configured`). Words before OK, as in the first line of a web server, are no prompt.
 */
function readReply(line: string): IbcReply | undefined {
  const [, word, text = ''] =
    /^(?:[^\n]{0,40}?[>:$#%?\])]\s?)?(OK|ERROR)(?:\s(.*))?$/.exec(line) ?? [];
  switch (word) {
    case 'OK':
      return { kind: 'done', text: readable(text) };
    case 'ERROR':
      return { kind: 'refused', text: readable(text) };
    default:
      return undefined;
  }
}

/** Fit for a record: one line, without control characters, at most 200 characters. */
function readable(text: string): string {
  return text
    .replace(/[^\x20-\x7e\xa0-\xff]+/g, ' ')
    .trim()
    .slice(0, maxTextLength);
}

/** The reply in a few words, for the log and the status. */
export function describeIbcReply(reply: IbcReply): string {
  switch (reply.kind) {
    case 'done':
      return reply.text === '' ? 'IBC has taken it' : `IBC has taken it: ${reply.text}`;
    case 'refused':
      return reply.text === '' ? 'IBC refused it' : `IBC refused it: ${reply.text}`;
    case 'not connected':
      return `not sent: IBC's command server cannot be reached (${reply.code})`;
    case 'no answer':
      return `no answer from IBC within ${reply.afterMs / 1000} s; whether it was taken is unknown`;
    case 'closed':
      return "IBC's command server closed without an answer (ControlFrom must name 127.0.0.1, or be empty)";
    case 'not understood':
      return `what answers there is not IBC: ${JSON.stringify(reply.text.slice(0, 60))}`;
  }
}
