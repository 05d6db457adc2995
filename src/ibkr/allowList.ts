/**
 * The only messages that may leave for TWS, by id (law 12). No order message is among
 * them; `TwsConnection.send` refuses everything else, whoever asks.
 */
export const allowedMessages: ReadonlyMap<number, string> = new Map([
  [71, 'START_API'],
  [49, 'REQ_CURRENT_TIME'],
  [9, 'REQ_CONTRACT_DATA'],
  [20, 'REQ_HISTORICAL_DATA'],
  [25, 'CANCEL_HISTORICAL_DATA'],
]);

/** A message that is not on the list was about to be sent: a bug, never a user's mistake. */
export class ForbiddenMessageError extends Error {
  override readonly name = 'ForbiddenMessageError';
}

/**
 * Checks the id at the start of an outgoing frame's body.
 * @throws ForbiddenMessageError when it is not on the list or cannot be read.
 */
export function assertAllowed(body: Buffer): void {
  const end = body.indexOf(0);
  const text = body.subarray(0, end === -1 ? body.length : end).toString('latin1');
  const id = /^\d{1,3}$/.test(text) ? Number(text) : Number.NaN;
  if (!allowedMessages.has(id)) {
    throw new ForbiddenMessageError(
      `Message ${JSON.stringify(text.slice(0, 20))} is not on the list of messages that Robo may send to TWS.`,
    );
  }
}
