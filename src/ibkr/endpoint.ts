import { isIPv4 } from 'node:net';
import { HumanError } from '../core/errors';

/** Which program listens, and whether orders there move real money. */
export type Product = 'TWS' | 'IB Gateway';
export type Mode = 'paper' | 'live';

/** Where TWS or IB Gateway listens. Host and port are the identity of a daemon. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

interface UsualPort {
  readonly port: number;
  readonly product: Product;
  readonly mode: Mode;
}

/** The default API ports of TWS and IB Gateway (IBKR's documentation; convention only). */
export const usualPorts: readonly UsualPort[] = [
  { port: 7497, product: 'TWS', mode: 'paper' },
  { port: 7496, product: 'TWS', mode: 'live' },
  { port: 4002, product: 'IB Gateway', mode: 'paper' },
  { port: 4001, product: 'IB Gateway', mode: 'live' },
];

/** Robo's own client id, from a range that no runner is likely to use. */
export const defaultClientId = 9000;
export const defaultEndpoint: Endpoint = { host: '127.0.0.1', port: 7497 };

/** What the port number says by convention; undefined for any other port. */
export function usualPort(port: number): UsualPort | undefined {
  return usualPorts.find((entry) => entry.port === port);
}

/**
 * Reads a port from user input.
 * @throws HumanError when it is not a whole number from 1 to 65535.
 */
export function parsePort(text: string, where: string): number {
  const port = /^\d{1,5}$/.test(text.trim()) ? Number(text) : Number.NaN;
  if (!(port >= 1 && port <= 65535)) {
    throw new HumanError(
      `${where} is "${text}", which is no port. Use a number from 1 to 65535; TWS paper listens on 7497, IB Gateway paper on 4002.`,
    );
  }
  return port;
}

/**
 * Reads a client id from user input.
 * @throws HumanError when it is not a whole number from 0 to 2147483647 (a signed 32-bit int in TWS).
 */
export function parseClientId(text: string, where: string): number {
  const id = /^\d{1,10}$/.test(text.trim()) ? Number(text) : Number.NaN;
  if (!(id >= 0 && id <= 2_147_483_647)) {
    throw new HumanError(
      `${where} is "${text}", which is no client id. Use a whole number from 0 to 2147483647, different from your runner's.`,
    );
  }
  return id;
}

/** True for hosts that stay on this machine. */
export function isLoopback(host: string): boolean {
  const name = host.trim().toLowerCase();
  // 127.0.0.999 is no address but a name, which a DNS server may place anywhere.
  return name === 'localhost' || name === '::1' || (isIPv4(name) && name.startsWith('127.'));
}

/** Other names of this machine: what every system calls it, and where a listener on all addresses is. */
const here: ReadonlySet<string> = new Set([
  'localhost',
  'localhost.localdomain',
  'ip6-localhost',
  '::1',
  '::',
  '::ffff:127.0.0.1',
  '0.0.0.0',
]);

/**
 * One spelling per endpoint: two would be two monitors with two connections (law 2). `localhost`,
 * `::1` and `0.0.0.0` become 127.0.0.1: TWS trusts the IPv4 address by default and stays silent
 * towards the IPv6 one (ib_insync#381).
 */
export function canonicalEndpoint(host: string, port: number): Endpoint {
  const name = fullAddress(host.trim().toLowerCase().replace(/\.$/, ''));
  return { host: here.has(name) ? '127.0.0.1' : name, port };
}

/** `127.1` is 127.0.0.1, as every resolver reads it; a name stays what it is. */
function fullAddress(name: string): string {
  const isNumeric = /^[\d.]+$/.test(name) && URL.canParse(`http://${name}`);
  return isNumeric ? new URL(`http://${name}`).hostname : name;
}

/** `127.0.0.1:7497` */
export function formatEndpoint(endpoint: Endpoint): string {
  return endpoint.host.includes(':')
    ? `[${endpoint.host}]:${endpoint.port}`
    : `${endpoint.host}:${endpoint.port}`;
}

/** `TWS paper at 127.0.0.1:7497`, or only the address where the port is none of the usual ones. */
export function describeEndpoint(endpoint: Endpoint): string {
  const usual = usualPort(endpoint.port);
  const address = formatEndpoint(endpoint);
  return usual === undefined ? address : `${usual.product} ${usual.mode} at ${address}`;
}
