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
 * Checks an outgoing frame: exactly one message, whose id is on the list.
 * @throws ForbiddenMessageError when it is not on the list or cannot be read.
 */
export function assertAllowed(frame: Buffer): void {
  // A length that ends early would let a second message pass behind the first.
  if (frame.length < 4 || frame.readUInt32BE(0) !== frame.length - 4) {
    throw new ForbiddenMessageError(
      `${frame.length} bytes that are not exactly one message were about to be sent to TWS.`,
    );
  }
  const body = frame.subarray(4);
  const end = body.indexOf(0);
  const text = body.subarray(0, end === -1 ? body.length : end).toString('latin1');
  const id = /^\d{1,3}$/.test(text) ? Number(text) : Number.NaN;
  if (!allowedMessages.has(id)) {
    throw new ForbiddenMessageError(
      `Message ${JSON.stringify(text.slice(0, 20))} is not on the list of messages that Robo may send to TWS.`,
    );
  }
}
