import { systemClock } from '../../src/core/clock';
import {
  type ConnectionProgress,
  type ServerTime,
  TwsConnection,
  type TwsMessage,
} from '../../src/ibkr/connection';
import type { Answer, Bar, StockContract } from '../../src/ibkr/marketData';
import { Session } from '../../src/ibkr/session';
import { type Behaviour, faultNamed } from '../../src/simulator/faults';
import { Simulator } from '../../src/simulator/simulator';
import { until } from './until';

/** What a client meets under one fault of the simulator, met once over a real socket. */
export interface FaultRecording {
  readonly fault: string;
  /** When the session is first looked at: open where it ever was. */
  readonly first: ConnectionProgress;
  /** What has become of it. */
  readonly last: ConnectionProgress;
  readonly messages: readonly TwsMessage[];
  readonly time: ServerTime | undefined;
  readonly contract: Answer<StockContract> | undefined;
  readonly bars: Answer<readonly Bar[]> | undefined;
}

/** How far a client comes, so that the recording knows what to wait for. */
export type Reach =
  'refused' | 'connected' | 'version' | 'accounts' | 'next id' | 'open' | 'ended' | 'dropped';

/** How long an answer is waited for that a fault withholds, and one that does come. Milliseconds. */
const withheldMs = 60;
const comingMs = 5000;

/** Meets one fault. Its real time is bounded: nothing is waited for that will not come. */
export async function recordFault(fault: string, reach: Reach): Promise<FaultRecording> {
  const isLate = reach === 'dropped';
  const simulator = new Simulator({ fault: isLate ? 'none' : fault });
  const endpoint = await simulator.start();
  const connection = new TwsConnection(endpoint, 9000, systemClock);
  const messages: TwsMessage[] = [];
  connection.onMessage((message) => messages.push(message));
  try {
    await reached(connection, isLate ? 'open' : reach);
    const first = connection.progress;
    if (isLate) {
      await simulator.setFault(fault);
      await reached(connection, 'ended');
    }
    const answers = connection.isOpen
      ? await ask(connection, faultNamed(fault).behaviour)
      : noAnswers;
    return { fault, first, last: connection.progress, messages, ...answers };
  } finally {
    connection.close('recorded');
    await simulator.stop();
  }
}

async function reached(connection: TwsConnection, reach: Reach): Promise<void> {
  const holds = (): boolean => {
    const { stage, accounts, nextValidId } = connection.progress;
    switch (reach) {
      case 'refused':
      case 'ended':
      case 'dropped':
        return stage === 'ended';
      case 'connected':
        return stage === 'hello';
      case 'version':
        return stage === 'ready';
      case 'accounts':
        return accounts.length > 0;
      case 'next id':
        return nextValidId !== undefined;
      case 'open':
        return stage === 'open';
    }
  };
  if (!holds()) {
    await until(connection.onDidProgress, holds);
  }
}

type Answers = Pick<FaultRecording, 'time' | 'contract' | 'bars'>;
const noAnswers: Answers = { time: undefined, contract: undefined, bars: undefined };

async function ask(
  connection: TwsConnection,
  { frozen, contracts, history }: Behaviour,
): Promise<Answers> {
  const patience = (isWithheld: boolean): number => (isWithheld ? withheldMs : comingMs);
  const session = new Session(connection, systemClock);
  try {
    const time = await connection.askTime(patience(frozen !== 'never'));
    if (time === undefined) {
      return noAnswers;
    }
    const contract = await session.stockContract('AAPL', patience(contracts === 'silence'));
    const request = { duration: '1 D', barSize: '5 mins', regularHoursOnly: true } as const;
    const bars = contract.ok
      ? await session.bars(contract.value, request, patience(history === 'silence'))
      : undefined;
    return { time, contract, bars };
  } finally {
    session.dispose();
  }
}
