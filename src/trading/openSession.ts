import type { Clock } from '../core/clock';
import { Emitter } from '../core/emitter';
import {
  type ConnectionEnd,
  type ConnectionProgress,
  type ConnectionStage,
  TwsConnection,
} from '../ibkr/connection';
import { describeEndpoint, type Endpoint } from '../ibkr/endpoint';
import { classify } from '../ibkr/messageCodes';
import { Session } from '../ibkr/session';
import type { OpenedSession, TradingSession } from './tradingLoop';

/** A refusal takes as long as the gate's (house, law 8). */
const openDeadlineMs = 15_000;
/** Below the 5 s in which the runner has to end when it is asked to. */
const answerDeadlineMs = 3_000;

/** The connection to IBKR is back, but data was lost meanwhile. */
const dataLost = 1101;

/** Opens the runner's own session: hello, accounts, next id, and an answered server time. */
export async function openSession(
  target: { readonly endpoint: Endpoint; readonly clientId: number },
  clock: Clock,
  signal: AbortSignal,
): Promise<OpenedSession> {
  const connection = new TwsConnection(target.endpoint, target.clientId, clock);
  const progress = await openedOrNot(connection, clock, signal);
  if (progress.stage === 'open' && (await connection.askTime(answerDeadlineMs)) !== undefined) {
    return { ok: true, session: tradingSession(connection, clock) };
  }
  const reached = connection.progress;
  connection.close('the runner gave up');
  const where = describeEndpoint(target.endpoint);
  const sentence = `No session with ${where} as client ${target.clientId}: ${failure(reached)}. Run robo test to see the likely cause.`;
  return { ok: false, sentence };
}

/** The connection when it is open or has ended, or as far as it came within the deadline. */
async function openedOrNot(
  connection: TwsConnection,
  clock: Clock,
  signal: AbortSignal,
): Promise<ConnectionProgress> {
  return await new Promise((resolve) => {
    const settle = (): void => {
      timer.cancel();
      subscription.dispose();
      signal.removeEventListener('abort', settle);
      resolve(connection.progress);
    };
    const timer = clock.setTimer(openDeadlineMs, settle);
    const subscription = connection.onDidProgress(({ stage }) => {
      if (stage === 'open' || stage === 'ended') {
        settle();
      }
    });
    signal.addEventListener('abort', settle, { once: true });
    if (signal.aborted) {
      settle();
    }
  });
}

function tradingSession(connection: TwsConnection, clock: Clock): TradingSession {
  const marketData = new Session(connection, clock);
  const closed = new Emitter<string>();
  const lostData = new Emitter<void>();
  connection.onDidProgress(({ stage, end }) => {
    if (stage === 'ended') {
      closed.fire(end === undefined ? 'closed' : describeEnd(end));
    }
  });
  connection.onMessage(({ code }) => {
    if (code === dataLost) {
      lostData.fire();
    }
  });
  return {
    marketData,
    onDidClose: closed.event,
    onDidLoseData: lostData.event,
    answers: async () => (await connection.askTime(answerDeadlineMs)) !== undefined,
    close: () => {
      closed.dispose();
      lostData.dispose();
      marketData.dispose();
      connection.close('the runner is done');
    },
  };
}

const silences: Record<Exclude<ConnectionStage, 'ended'>, string> = {
  tcp: `TCP did not connect within ${openDeadlineMs / 1000} s`,
  hello: `TCP was accepted, but the API hello was not answered within ${openDeadlineMs / 1000} s`,
  ready: 'the hello was answered, but accounts or the next order id did not come',
  open: 'it was ready, but did not answer a request for its time',
};

function failure({ stage, end, startupMessages }: ConnectionProgress): string {
  const what =
    stage === 'ended'
      ? `the connection ended (${end === undefined ? 'closed' : describeEnd(end)})`
      : silences[stage];
  // A client id in use, and others that TWS names before it closes.
  const said = startupMessages.findLast(({ code }) =>
    ['error', 'fatal'].includes(classify(code).class),
  );
  return said === undefined ? what : `${what} after it said ${said.code}: ${said.text.trim()}`;
}

function describeEnd(end: ConnectionEnd): string {
  switch (end.kind) {
    case 'not connected':
      return end.code === '' ? end.text : end.code;
    case 'fin':
      return 'closed by the other side';
    case 'reset':
      return 'reset by the other side';
    case 'not tws':
      return `it is not TWS: ${end.why}`;
    case 'malformed':
      return `it sent bytes that cannot be read: ${end.why}`;
    case 'unsupported version':
      return `it speaks version ${end.serverVersion}, which Robo does not`;
    case 'by us':
      return end.why;
    default:
      return end satisfies never;
  }
}
