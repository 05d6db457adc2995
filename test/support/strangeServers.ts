import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/** What a server that is no TWS does with a connection. */
export type StrangeConduct =
  | 'http'
  | 'tls'
  | 'ssh'
  | 'redis'
  | 'postgres'
  | 'closes at once'
  | 'closes when spoken to'
  | 'resets when spoken to'
  | 'silent';

/** How the process looks in the process table. */
export interface Guise {
  /** Stands for the name of the program. */
  readonly argv0?: string;
  /** Arguments that the program does not read; they only show. */
  readonly args?: readonly string[];
}

/** A server in a process of its own. */
export interface StrangeServer {
  readonly child: ChildProcess;
  readonly port: number;
  end(): Promise<void>;
}

/** Plain JavaScript, because it runs in a bare child. */
const conducts: Readonly<Record<StrangeConduct, string>> = {
  http: `server = require('node:http').createServer((request, response) => response.end('hi'));`,
  // No certificate is needed: a hello that is not TLS fails before one is asked for.
  tls: `server = require('node:tls').createServer({}); server.on('tlsClientError', () => {});`,
  ssh: `server = net.createServer((socket) => hold(socket).write('SSH-2.0-OpenSSH_9.2p1\\r\\n'));`,
  redis: `server = net.createServer((socket) => hold(socket).once('data', () => socket.write("-ERR unknown command 'API'\\r\\n")));`,
  postgres: `server = net.createServer((socket) => hold(socket).once('data', () => socket.end(Buffer.from('4500000044534641', 'hex'))));`,
  'closes at once': `server = net.createServer((socket) => hold(socket).end());`,
  'closes when spoken to': `server = net.createServer((socket) => hold(socket).once('data', () => socket.end()));`,
  'resets when spoken to': `server = net.createServer((socket) => hold(socket).once('data', () => socket.resetAndDestroy()));`,
  silent: `server = net.createServer((socket) => hold(socket));`,
};

function program(conduct: StrangeConduct): string {
  return `
    const net = require('node:net');
    const hold = (socket) => socket.on('error', () => {}).resume();
    let server;
    ${conducts[conduct]}
    server.listen(0, '127.0.0.1', () => console.log(server.address().port));
    process.stdin.on('end', () => process.exit()).resume();
  `;
}

/** Starts one on a free port of 127.0.0.1. It ends with its starter too. */
export async function startStrangeServer(
  conduct: StrangeConduct,
  { argv0, args = [] }: Guise = {},
): Promise<StrangeServer> {
  const child = spawn(process.execPath, ['-e', program(conduct), '--', ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
    ...(argv0 === undefined ? {} : { argv0 }),
  });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return {
    child,
    port: Number(line.toString()),
    end: async () => {
      if (child.exitCode === null && child.signalCode === null) {
        const gone = once(child, 'exit');
        child.kill('SIGKILL');
        await gone;
      }
    },
  };
}
