import { errorClassIn, tableReader } from './reader';

/** ib_insync and ib_async, logged as they do by default. */
export const readIbAsync = tableReader([
  {
    has: 'connecting to',
    pattern: /^Connecting to ([\w.:-]{1,253}?):(\d{1,5})(?: with clientId \d+)?/,
    read: ([, host = '', port]) => [{ kind: 'connecting', host, port: Number(port) }],
  },
  { has: 'connected', pattern: /^Connected$/, read: () => [{ kind: 'tcp connected' }] },
  {
    has: 'logged on to server version',
    pattern: /^Logged on to server version (\d+)/,
    read: ([, version]) => [{ kind: 'hello', serverVersion: Number(version) }],
  },
  {
    has: 'api connection ready',
    pattern: /^API connection ready/,
    read: () => [{ kind: 'connected' }],
  },
  {
    has: 'api connection failed',
    pattern: /^API connection failed: ?(.*)/,
    read: ([text, cause = '']) => [
      { kind: 'connection failed', errorClass: errorClassIn(cause), text },
    ],
  },
  {
    has: 'peer closed connection',
    pattern: /^Peer closed connection.*/,
    read: ([text]) => [{ kind: 'connection lost', text }],
  },
  {
    has: 'disconnected',
    pattern: /^Disconnected\.?$/,
    read: ([text]) => [{ kind: 'connection lost', text }],
  },
  {
    has: 'timeout for',
    pattern: /^reqHistoricalData: Timeout for .{0,40}?symbol='([A-Z0-9. ]{1,20})'/,
    read: ([text, symbol = '']) => [
      { kind: 'fetch failed', symbol, errorClass: 'TimeoutError', text },
    ],
  },
  // Consequences, explained by the lines around them.
  { has: 'make sure api port', pattern: /^Make sure API port/, read: () => [] },
  { has: 'disconnecting', pattern: /^Disconnecting$/, read: () => [] },
  { has: 'synchronization complete', pattern: /^Synchronization complete/, read: () => [] },
]);
