import { systemClock } from '../../src/core/clock';
import type { Clock } from '../../src/core/clock';
import {
  type ConnectionProgress,
  type ConnectionStage,
  TwsConnection,
} from '../../src/ibkr/connection';
import { until } from './until';

export function connectTo(
  port: number,
  clock: Clock = systemClock,
  clientId = 9000,
): TwsConnection {
  return new TwsConnection({ host: '127.0.0.1', port }, clientId, clock);
}

/** Waits for a stage; the present one counts. */
export async function reaches(
  connection: TwsConnection,
  stage: ConnectionStage,
): Promise<ConnectionProgress> {
  return connection.progress.stage === stage
    ? connection.progress
    : until(connection.onDidProgress, (progress) => progress.stage === stage);
}
