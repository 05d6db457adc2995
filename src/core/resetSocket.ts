/** What of a socket of Node.js matters here; this room itself does no input or output. */
interface Resettable {
  readonly destroyed: boolean;
  readonly writableEnded: boolean;
  readonly writableFinished: boolean;
  readonly writableLength: number;
  once(event: 'finish', listener: () => void): unknown;
  resetAndDestroy(): unknown;
}

/**
 * Ends a connection by reset. While its end in order is just on its way, the system's library
 * refuses that (EINVAL), and Node.js would keep the socket for ever: then the reset follows the
 * end, a turn later.
 */
export function resetSocket(socket: Resettable): void {
  const isEnding = socket.writableEnded && !socket.writableFinished && socket.writableLength === 0;
  if (isEnding && !socket.destroyed) {
    socket.once('finish', () => {
      socket.resetAndDestroy();
    });
  } else {
    socket.resetAndDestroy();
  }
}
