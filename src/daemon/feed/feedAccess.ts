import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** The one subprotocol of the feed's WebSockets. */
export const feedProtocol = 'robo.feed.1';
/** A browser cannot send an Authorization header with a WebSocket: it offers the token as a second
 * subprotocol with this prefix, which the server never selects. */
const tokenProtocolPrefix = 'robo.token.';

/** How long a ticket may be exchanged for the token, in milliseconds: a browser has to start. */
const ticketMs = 60_000;

/** Refuses a request, with the status of HTTP and a sentence for who looks at it. */
export interface Refusal {
  readonly status: 400 | 401 | 403 | 404 | 405 | 429 | 503;
  readonly words: string;
}

/** 256 random bits, as what may stand in a header, an address and a subprotocol. */
export function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** Equal in a time that tells nothing of how much of it is equal. */
export function isEqualSecret(one: string, other: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}

/**
 * Refuses what does not come from a page of our own or a program on this machine: a name that leads
 * here by a hostile DNS, or a page of somebody else in the trader's browser.
 */
export function refuseStranger(headers: IncomingHttpHeaders, port: number): Refusal | undefined {
  const ours = [`127.0.0.1:${port}`, `localhost:${port}`];
  if (headers.host === undefined || !ours.includes(headers.host.toLowerCase())) {
    return {
      status: 403,
      words: `This server answers to http://127.0.0.1:${port} only. A forwarded port must have the same number on both sides.`,
    };
  }
  const { origin } = headers;
  if (origin !== undefined && !ours.some((name) => origin === `http://${name}`)) {
    return { status: 403, words: 'Pages of other origins get nothing from this server.' };
  }
  return undefined;
}

/** The token of `Authorization: Bearer`, or of the second subprotocol; empty where there is none. */
export function tokenOf(headers: IncomingHttpHeaders): string {
  const [, bearer] = /^Bearer ([\w-]+)$/.exec(headers.authorization ?? '') ?? [];
  const offered = (headers['sec-websocket-protocol'] ?? '')
    .split(',')
    .map((name) => name.trim())
    .find((name) => name.startsWith(tokenProtocolPrefix));
  return bearer ?? offered?.slice(tokenProtocolPrefix.length) ?? '';
}

/** A ticket stands for the token once, for a minute: what a browser is started with, all can read. */
export class Tickets {
  private readonly tickets = new Map<string, number>();

  /** @param now milliseconds of a monotonic clock */
  issue(now: number): string {
    this.forgetOld(now);
    const ticket = newSecret();
    this.tickets.set(ticket, now + ticketMs);
    return ticket;
  }

  /** True once. */
  redeem(offered: string, now: number): boolean {
    this.forgetOld(now);
    const found = [...this.tickets.keys()].find((ticket) => isEqualSecret(ticket, offered));
    return found !== undefined && this.tickets.delete(found);
  }

  private forgetOld(now: number): void {
    for (const [ticket, untilMs] of this.tickets) {
      if (untilMs <= now) {
        this.tickets.delete(ticket);
      }
    }
  }
}
