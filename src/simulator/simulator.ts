import { once } from 'node:events';
import { type AddressInfo, type Server, type Socket, createServer } from 'node:net';
import { type Clock, type Timer, systemClock } from '../core/clock';
import { type Event, Emitter } from '../core/emitter';
import { HumanError, errorCode, errorText } from '../core/errors';
import { Answers } from './answers';
import { Connection, type ConnectionEvent } from './connection';
import { type Behaviour, type Fault, faultNamed } from './faults';
import { TradingCalendar, type TradingHours } from './history';
import { type Position, servedVersions } from './messages';
import { type Zone, usEastern } from './zone';

export interface SimulatorOptions {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** 0, the default, takes a free port. */
  readonly port?: number;
  /** Highest server version offered, 100 to 193; default 178. The client's highest may be lower. */
  readonly serverVersion?: number;
  /** Default one paper account, DU1234567. */
  readonly accounts?: readonly string[];
  /** Default the machine's own; bars run up to its present. */
  readonly clock?: Clock;
  /** Default `always`: bars at any hour of any day. */
  readonly tradingHours?: TradingHours;
  /** Symbols answered with error 200, beside all that begin with `ZZ`. */
  readonly unknownSymbols?: readonly string[];
  /** Symbols with delayed quotes only: 354, or with market data type 3 or 4 notice 10167 and delayed ticks. */
  readonly delayedSymbols?: readonly string[];
  readonly positions?: readonly Position[];
  /** Default 1. */
  readonly nextValidId?: number;
  /** What stands behind the time in the answer to the hello: a display name of the system. */
  readonly timeZoneLabel?: string;
  /** The fault to begin with; default none. */
  readonly fault?: string;
}

export interface SimulatorAddress {
  readonly host: string;
  readonly port: number;
}

/** What the simulator has seen since its start. */
export interface SimulatorStatistics {
  readonly connectionsAccepted: number;
  readonly connectionsOpen: number;
  readonly hellos: number;
  /** Sessions that became ready. */
  readonly readySessions: number;
  /** How often each client message came, by message id, START_API (71) included. */
  readonly requestsById: Readonly<Record<number, number>>;
  /** Ids of the client messages in the order they came; the newest 10 000. */
  readonly requestIds: readonly number[];
}

export type SimulatorEvent =
  | { readonly kind: 'accepted'; readonly connection: number }
  | ({ readonly connection: number } & ConnectionEvent)
  | { readonly kind: 'fault'; readonly fault: string };

const requestIdsKept = 10_000;
const defaultPositions: readonly Position[] = [
  { symbol: 'AAPL', quantity: 100, averageCost: 150.25 },
  { symbol: 'NVDA', quantity: 50, averageCost: 90.5 },
];

/**
 * A TWS that fails on purpose. It speaks the text protocol to any client, and each fault can
 * be switched on and off while it runs. It takes no orders.
 */
export class Simulator {
  readonly onEvent: Event<SimulatorEvent>;
  private readonly events = new Emitter<SimulatorEvent>();
  private readonly clock: Clock;
  private readonly zone: Zone = usEastern();
  private readonly answers: Answers;
  private readonly connections = new Set<Connection>();
  private readonly requestIds: number[] = [];
  private readonly requestsById = new Map<number, number>();
  private server: Server | undefined;
  private address: SimulatorAddress | undefined;
  private fault: Fault;
  private repeat: Timer | undefined;
  private counts = { accepted: 0, hellos: 0, ready: 0 };
  /** Starts, stops and changes of fault happen one after the other. */
  private pending: Promise<unknown> = Promise.resolve();

  /** @throws HumanError for an unknown fault or a server version it cannot speak. */
  constructor(private readonly options: SimulatorOptions = {}) {
    this.onEvent = this.events.event;
    this.clock = options.clock ?? systemClock;
    this.fault = faultNamed(options.fault ?? 'none');
    const { serverVersion = 178 } = options;
    const { min, max } = servedVersions;
    if (!Number.isInteger(serverVersion) || serverVersion < min || serverVersion > max) {
      throw new HumanError(
        `The simulator cannot speak server version ${serverVersion}; use a whole number from ${min} to ${max}.`,
      );
    }
    this.answers = new Answers({
      clock: this.clock,
      calendar: new TradingCalendar(this.zone, options.tradingHours ?? 'always'),
      unknownSymbols: new Set(options.unknownSymbols),
      delayedSymbols: new Set(options.delayedSymbols),
      positions: options.positions ?? defaultPositions,
      nextValidId: options.nextValidId ?? 1,
      behaviour: () => this.behaviour,
      accounts: () => this.accounts,
    });
  }

  /** The present fault's name, `none` when all is well. */
  get faultName(): string {
    return this.fault.name;
  }

  get statistics(): SimulatorStatistics {
    return {
      connectionsAccepted: this.counts.accepted,
      connectionsOpen: this.connections.size,
      hellos: this.counts.hellos,
      readySessions: this.counts.ready,
      requestsById: Object.fromEntries(this.requestsById),
      requestIds: [...this.requestIds],
    };
  }

  /**
   * Listens, and says where. With a fault that refuses connections the port is only reserved:
   * it was free a moment ago and is taken when the fault ends.
   * @throws HumanError when the port cannot be had.
   */
  start(): Promise<SimulatorAddress> {
    return this.inTurn(async () => {
      if (this.address !== undefined) {
        return this.address;
      }
      const { host = '127.0.0.1', port = 0 } = this.options;
      this.address = await this.listen({ host, port });
      if (!this.behaviour.listens) {
        this.stopListening();
      }
      this.scheduleRepeat();
      return this.address;
    });
  }

  /** Stops listening and resets what is still open. */
  stop(): Promise<void> {
    return this.inTurn(async () => {
      const { server } = this;
      this.repeat?.cancel();
      this.stopListening();
      for (const connection of [...this.connections]) {
        connection.reset();
      }
      this.address = undefined;
      if (server !== undefined) {
        await once(server, 'close');
      }
    });
  }

  /**
   * Switches to a fault, by its name or a cause it stands for; `none` restores everything.
   * Resolves when the port and all open connections have taken the change.
   * @throws HumanError for an unknown fault, or when the port cannot be had again.
   */
  setFault(name: string): Promise<void> {
    const fault = faultNamed(name);
    return this.inTurn(async () => {
      const before = this.fault;
      this.fault = fault;
      if (programOf(before.behaviour) !== programOf(fault.behaviour)) {
        this.stopListening();
      }
      if (this.address !== undefined && fault.behaviour.listens && this.server === undefined) {
        await this.listen(this.address);
      }
      if (!fault.behaviour.listens) {
        this.stopListening();
      }
      if (before !== fault || fault.behaviour.living !== 'keep') {
        for (const connection of [...this.connections]) {
          connection.faultChanged(before.behaviour);
        }
      }
      this.scheduleRepeat();
      this.events.fire({ kind: 'fault', fault: fault.name });
    });
  }

  private get behaviour(): Behaviour {
    return this.fault.behaviour;
  }

  private get accounts(): readonly string[] {
    return this.behaviour.accounts ?? this.options.accounts ?? ['DU1234567'];
  }

  private inTurn<T>(action: () => Promise<T>): Promise<T> {
    const result = this.pending.then(action);
    this.pending = result.catch(() => undefined);
    return result;
  }

  private async listen(where: SimulatorAddress): Promise<SimulatorAddress> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      this.accepted(socket);
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => {
        reject(new HumanError(listenFailure(where, error), { cause: error }));
      });
      server.listen(where.port, where.host, resolve);
    });
    this.server = server;
    const { address, port } = server.address() as AddressInfo;
    return { host: address, port };
  }

  private stopListening(): void {
    // Node calls back only when the last connection is gone; the port itself is free at once.
    this.server?.close();
    this.server = undefined;
  }

  private accepted(socket: Socket): void {
    this.counts.accepted += 1;
    const connection = new Connection(this.counts.accepted, socket, {
      clock: this.clock,
      serverVersion: this.options.serverVersion ?? 178,
      nextValidId: this.options.nextValidId ?? 1,
      timeZoneLabel: this.options.timeZoneLabel ?? 'EST',
      behaviour: () => this.behaviour,
      accounts: () => this.accounts,
      helloTime: () => this.helloTime(),
      claimClientId: (clientId, claimant) => this.claimClientId(clientId, claimant),
      answer: (asking, fields) => {
        this.answers.answer(asking, fields);
      },
      report: (reporting, event) => {
        this.reported(reporting, event);
      },
    });
    this.connections.add(connection);
    this.events.fire({ kind: 'accepted', connection: connection.id });
    connection.open();
  }

  private helloTime(): string {
    const now = this.answers.serverTimeMs();
    return `${this.zone.date(now)} ${this.zone.time(now)}`;
  }

  private claimClientId(clientId: number, claimant: Connection): boolean {
    return ![...this.connections].some(
      (other) => other !== claimant && other.clientId === clientId && other.isClaiming,
    );
  }

  private reported(connection: Connection, event: ConnectionEvent): void {
    if (event.kind === 'closed') {
      this.connections.delete(connection);
    } else if (event.kind === 'hello') {
      this.counts.hellos += 1;
    } else if (event.kind === 'ready') {
      this.counts.ready += 1;
    } else if (event.kind === 'request') {
      this.count(Number(event.fields[0]));
    }
    this.events.fire({ connection: connection.id, ...event });
  }

  private count(requestId: number): void {
    this.requestsById.set(requestId, (this.requestsById.get(requestId) ?? 0) + 1);
    this.requestIds.push(requestId);
    if (this.requestIds.length > requestIdsKept) {
      this.requestIds.shift();
    }
  }

  private scheduleRepeat(): void {
    this.repeat?.cancel();
    const { repeatMs } = this.behaviour;
    if (repeatMs === undefined) {
      return;
    }
    this.repeat = this.clock.setTimer(repeatMs, () => {
      for (const connection of this.connections) {
        connection.sendNotices();
      }
      this.scheduleRepeat();
    });
  }
}

/**
 * What listens: TWS, an older TWS or a stranger. Another program is another listening socket, and
 * by that a client that has given up on the one before knows that it is worth another try.
 */
function programOf({ accept, versionText }: Behaviour): unknown {
  return typeof accept === 'object' ? accept : versionText;
}

function listenFailure({ host, port }: SimulatorAddress, error: Error): string {
  const address = `${host}:${port}`;
  switch (errorCode(error)) {
    case 'EADDRINUSE':
      return `The simulator cannot listen on ${address}: another program does already. Choose another --port, or leave it out for a free one.`;
    case 'EACCES':
      return `The simulator may not listen on ${address}: ports below 1024 are the system's. Choose another --port.`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `The simulator cannot listen on ${address}: this machine has no such address. Use --host 127.0.0.1.`;
    default:
      return `The simulator cannot listen on ${address}: ${errorText(error)}. Choose another --port.`;
  }
}
