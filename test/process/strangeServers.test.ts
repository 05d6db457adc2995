import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { systemClock } from '../../src/core/clock';
import { known } from '../../src/core/observed';
import type { CauseId } from '../../src/diagnostics/causeIds';
import type { Machine } from '../../src/host/machine';
import { machineFor } from '../../src/host/thisMachine';
import { Monitor } from '../../src/monitor/monitor';
import { runPreflight } from '../../src/preflight/preflight';
import type { PreflightReport } from '../../src/preflight/report';
import { quickTimings } from '../support/monitorRig';
import {
  type Guise,
  startStrangeServer,
  type StrangeConduct,
  type StrangeServer,
} from '../support/strangeServers';

interface Case {
  readonly name: string;
  readonly conduct: StrangeConduct;
  readonly guise?: Guise;
  readonly isStopped?: boolean;
  readonly best: CauseId;
  /** Proved by the bytes, or by a process that is stopped. */
  readonly isConclusive?: true;
}

const tws: Guise = { argv0: '/opt/tws/jre/bin/java', args: ['jclient.LoginFrame'] };
const clientPortal: Guise = {
  argv0: '/usr/bin/java',
  args: ['ibgroup.web.core.clientportal.gw.GatewayStart'],
};
const socat: Guise = { argv0: 'socat', args: ['TCP-LISTEN:4002,fork', 'TCP:127.0.0.1:4000'] };

const cases: readonly Case[] = [
  { name: 'a web server', conduct: 'http', best: 'wrong_service', isConclusive: true },
  { name: 'an SSH server', conduct: 'ssh', best: 'wrong_service', isConclusive: true },
  { name: 'a Redis server', conduct: 'redis', best: 'wrong_service', isConclusive: true },
  { name: 'a PostgreSQL server', conduct: 'postgres', best: 'wrong_service', isConclusive: true },
  { name: 'a TLS server in node', conduct: 'tls', best: 'wrong_service' },
  {
    name: 'a TLS server that only closes',
    conduct: 'closes when spoken to',
    guise: { argv0: '/opt/thing/thingd' },
    best: 'wrong_service',
  },
  {
    name: 'a TLS server that resets',
    conduct: 'resets when spoken to',
    guise: { argv0: 'python3', args: ['server.py'] },
    best: 'wrong_service',
  },
  {
    name: 'a database that closes at once',
    conduct: 'closes at once',
    guise: { argv0: '/usr/lib/postgresql/16/bin/postgres' },
    best: 'wrong_service',
    isConclusive: true,
  },
  {
    name: 'a Client Portal gateway, which is java too, that closes',
    conduct: 'closes when spoken to',
    guise: clientPortal,
    best: 'wrong_service',
    isConclusive: true,
  },
  {
    name: 'nc -l, which says nothing',
    conduct: 'silent',
    guise: { argv0: 'nc', args: ['-l', '7497'] },
    best: 'wrong_service',
  },
  {
    name: 'an unknown native program that says nothing',
    conduct: 'silent',
    guise: { argv0: '/opt/thing/thingd' },
    best: 'wrong_service',
  },
  {
    name: 'a dead socat whose upstream refuses',
    conduct: 'closes at once',
    guise: socat,
    best: 'proxy_upstream_refused',
    isConclusive: true,
  },
  {
    name: 'a socat whose upstream resets',
    conduct: 'resets when spoken to',
    guise: socat,
    best: 'proxy_upstream_refused',
    isConclusive: true,
  },
  {
    name: 'a dead socat whose upstream is a black hole',
    conduct: 'silent',
    guise: socat,
    best: 'proxy_upstream_timeout',
  },
  {
    name: 'docker-proxy in front of nothing',
    conduct: 'closes at once',
    guise: { argv0: '/usr/bin/docker-proxy', args: ['-host-port', '4002'] },
    best: 'proxy_upstream_refused',
    isConclusive: true,
  },
  {
    name: 'ssh -L in front of nothing',
    conduct: 'closes when spoken to',
    guise: { argv0: 'ssh', args: ['-N', '-L', '7497:127.0.0.1:7497', 'box'] },
    best: 'proxy_upstream_refused',
    isConclusive: true,
  },
  { name: 'a TWS that says nothing', conduct: 'silent', guise: tws, best: 'silent_handshake' },
  {
    name: 'a TWS that has just started and closes',
    conduct: 'closes at once',
    guise: tws,
    best: 'startup_window_reset',
  },
  {
    name: 'a TWS stopped with SIGSTOP',
    conduct: 'silent',
    guise: tws,
    isStopped: true,
    best: 'gateway_frozen',
    isConclusive: true,
  },
  {
    name: 'a script in node that says nothing, which may be anything',
    conduct: 'silent',
    best: 'silent_handshake',
  },
];

/** This machine as if only the server under test and this process ran on it. */
function machineWith({ child, port }: StrangeServer): Machine {
  const machine = machineFor(process.platform);
  return {
    platform: machine.platform,
    process: async (pid) => machine.process(pid),
    sockets: async () => machine.sockets([port]),
    listeners: async (wanted) => machine.listeners(wanted),
    twsFiles: () => Promise.resolve(known({ settings: [], logs: [] })),
    processes: async () => {
      const all = await machine.processes();
      const ours = [process.pid, child.pid];
      return all.known ? known(all.value.filter(({ pid }) => ours.includes(pid))) : all;
    },
  };
}

async function preflightOf(server: StrangeServer): Promise<PreflightReport> {
  const machine = machineWith(server);
  const endpoint = { host: '127.0.0.1', port: server.port };
  const deps = { clock: systemClock, machine, timings: quickTimings, random: () => 0 };
  const monitor = new Monitor(endpoint, 9000, deps);
  try {
    return await runPreflight(
      { symbols: [], withData: false, mode: undefined, timeoutMs: 300, dataTimeoutMs: () => 0 },
      {
        clock: systemClock,
        machine,
        source: monitor,
        onLayer: () => undefined,
        signal: new AbortController().signal,
      },
    );
  } finally {
    await monitor.end();
  }
}

describe('a port that belongs to somebody else', function () {
  this.timeout(20_000);
  let server: StrangeServer | undefined;

  before(function () {
    // Elsewhere a child cannot take another name, so that it would look as what it is.
    if (process.platform !== 'linux') {
      this.skip();
    }
  });

  afterEach(async () => {
    await server?.end();
    server = undefined;
  });

  for (const { name, conduct, guise, isStopped, best, isConclusive } of cases) {
    it(`${name}: ${best}`, async () => {
      server = await startStrangeServer(conduct, guise);
      if (isStopped === true) {
        server.child.kill('SIGSTOP');
      }
      const report = await preflightOf(server);
      const causes = report.findings[0]?.causes ?? [];
      const ranked = causes.map(({ id, confidence }) => `${id} ${confidence}`).join(', ');
      assert.equal(report.failedLayer, 'hello', JSON.stringify(report.layers));
      assert.equal(causes[0]?.id, best, ranked);
      assert.equal(causes[0].confidence >= 0.7, isConclusive === true, ranked);
    });
  }
});
