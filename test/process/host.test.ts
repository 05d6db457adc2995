import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { systemClock } from '../../src/core/clock';
import { type EndProcessDeps, endProcess, endProcessTree } from '../../src/host/endProcess';
import { LinuxMachine } from '../../src/host/linux';
import type { ProcessInfo } from '../../src/host/machine';
import { type PortObservation, observePort } from '../../src/host/portObservation';
import { classifyProcess } from '../../src/host/processRoles';
import { listRunners } from '../../src/runner/duplicates';

const machine = new LinuxMachine();
const deps: EndProcessDeps = {
  machine,
  clock: systemClock,
  ownPid: process.pid,
  signal: (pid, signal) => {
    process.kill(pid, signal);
  },
};

/** Looks again and again, for at most five seconds, until `look` gives a value. */
async function eventually<T>(look: () => Promise<T | undefined>, what: string): Promise<T> {
  for (let round = 0; round < 250; round += 1) {
    const value = await look();
    if (value !== undefined) {
      return value;
    }
    await wait(20);
  }
  assert.fail(`not seen within 5 s: ${what}`);
}

async function see(pid: number | undefined): Promise<ProcessInfo> {
  const seen = await machine.process(pid ?? 0);
  assert.ok(seen.known && seen.value !== undefined);
  return seen.value;
}

async function isGone(pid: number): Promise<boolean> {
  const seen = await machine.process(pid);
  return seen.known && seen.value === undefined;
}

describe('the processes and sockets of this machine', function () {
  this.timeout(20_000);
  let folder: string;
  let children: ChildProcess[];
  let sockets: (Socket | Server)[];

  before(function () {
    if (process.platform !== 'linux') {
      this.skip();
    }
  });
  beforeEach(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'robo host) ')));
    children = [];
    sockets = [];
  });
  afterEach(async () => {
    for (const socket of sockets) {
      if ('destroy' in socket) {
        socket.destroy();
      } else {
        socket.close();
      }
    }
    // Grandchildren of a test that failed half-way too: all of them work in its folder.
    const all = await machine.processes();
    for (const { pid, workingDirectory } of all.known ? all.value : []) {
      if (workingDirectory === folder && !(await isGone(pid))) {
        process.kill(pid, 'SIGKILL');
      }
    }
    for (const child of children) {
      child.kill('SIGKILL');
    }
    for (const child of children) {
      if (child.exitCode === null && child.signalCode === null) {
        await once(child, 'exit');
      }
    }
    rmSync(folder, { recursive: true });
  });

  /** Starts `argv` with the first word as it shall appear in the process table. */
  async function start(file: string, argv: readonly string[]): Promise<ChildProcess> {
    const [argv0 = file, ...args] = argv;
    const child = spawn(file, args, { argv0, cwd: folder, stdio: ['ignore', 'pipe', 'ignore'] });
    children.push(child);
    await once(child, 'spawn');
    return child;
  }

  /** A Node.js program that says `ready …` first. It dies with the test that started it. */
  async function startScript(
    name: string,
    code: string,
    argv0 = 'node',
  ): Promise<[ChildProcess, string]> {
    const file = join(folder, name);
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, `setTimeout(() => process.exit(9), 30000); ${code}`);
    const child = await start(process.execPath, [argv0, name]);
    const [data] = (await once(child.stdout ?? child, 'data')) as [Buffer];
    return [child, data.toString().trim()];
  }

  const sayReady = `process.stdout.write('ready\\n');`;
  const ignoreTerm = `process.on('SIGTERM', () => {});`;

  async function listenHere(onSocket: (socket: Socket) => void = () => undefined): Promise<number> {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      sockets.push(socket);
      onSocket(socket);
    });
    sockets.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }

  async function dial(port: number): Promise<Socket> {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    sockets.push(socket);
    await once(socket, 'connect');
    return socket;
  }

  async function observe(
    port: number,
    holds: (seen: PortObservation) => boolean,
  ): Promise<PortObservation> {
    return eventually(async () => {
      const seen = await observePort(machine, port, true);
      return holds(seen) ? seen : undefined;
    }, `port ${port}`);
  }

  it('sees a child as it is: arguments, folder, parent, age, stopped or not', async () => {
    const [child] = await startScript('a) b (c.js', sayReady);
    const info = await see(child.pid);
    assert.deepEqual(info.argv, ['node', 'a) b (c.js']);
    assert.equal(info.workingDirectory, folder);
    assert.equal(info.parentPid, process.pid);
    assert.equal(info.userId, process.getuid?.());
    assert.ok(Math.abs(Date.now() - info.startedAtMs) < 15_000);
    assert.equal(info.isStopped, false);
    child.kill('SIGSTOP');
    const stopped = await eventually(async () => {
      const now = await see(child.pid);
      return now.isStopped ? now : undefined;
    }, 'stopped');
    assert.equal(stopped.startToken, info.startToken);
    const all = await machine.processes();
    assert.ok(all.known && all.value.some((one) => one.startToken === info.startToken));
  });

  it('counts a zombie as gone', async () => {
    // Bash replaces itself by a program that never asks for its dead child.
    const child = await start('bash', [
      'bash',
      '-c',
      'sleep 0.01 & echo $!; exec -a keeper sleep 30',
    ]);
    const [data] = (await once(child.stdout ?? child, 'data')) as [Buffer];
    const zombie = Number(data.toString());
    await eventually(async () => ((await isGone(zombie)) ? true : undefined), 'zombie');
    process.kill(zombie, 0);
  });

  it('sees listener, both ends of a connection and its owners, on IPv4 and IPv6', async () => {
    const port = await listenHere();
    await dial(port);
    const seen = await observe(
      port,
      ({ established }) => established.known && established.value[0]?.serverOwned === true,
    );
    assert.ok(seen.listeners.known && seen.established.known);
    assert.equal(seen.listeners.value[0]?.pid, process.pid);
    assert.equal(seen.established.value.length, 1);
    assert.equal(seen.established.value[0]?.clientPid, process.pid);
    const listeners = await machine.listeners(port);
    assert.deepEqual(listeners.known && listeners.value, [seen.listeners.value[0].socketId]);
  });

  it('finds a listener on IPv6 and shows its IPv4 clients as IPv4', async function () {
    const server = createServer((socket) => sockets.push(socket));
    sockets.push(server);
    server.listen({ port: 0, host: '::' });
    try {
      await once(server, 'listening');
    } catch {
      // A kernel without IPv6 has no such table to read.
      this.skip();
    }
    const { port } = server.address() as AddressInfo;
    await dial(port);
    const seen = await observe(
      port,
      ({ established }) => established.known && established.value[0]?.serverOwned === true,
    );
    assert.ok(seen.listeners.known && seen.established.known);
    assert.equal(seen.listeners.value[0]?.address, '::');
    assert.equal(seen.established.value[0]?.clientAddress, '127.0.0.1');
  });

  it('counts CLOSE_WAIT by side and owner', async () => {
    const port = await listenHere();
    (await dial(port)).end();
    const seen = await observe(
      port,
      ({ closeWait }) => closeWait.known && closeWait.value.length > 0,
    );
    assert.ok(seen.closeWait.known);
    assert.deepEqual(
      seen.closeWait.value.map(({ side, ownerPid, count }) => ({ side, ownerPid, count })),
      [{ side: 'server', ownerPid: process.pid, count: 1 }],
    );
  });

  it('sees the queue of a stopped listener, and that nobody has accepted', async () => {
    const code = `require('net').createServer(() => {}).listen(0, '127.0.0.1', function () {
      process.stdout.write('ready ' + this.address().port + '\\n'); });`;
    const [child, words] = await startScript('silent.js', code);
    const port = Number(words.split(' ')[1]);
    child.kill('SIGSTOP');
    await eventually(async () => ((await see(child.pid)).isStopped ? true : undefined), 'stop');
    await dial(port);
    await dial(port);
    const seen = await observe(
      port,
      ({ listeners }) => listeners.known && listeners.value[0]?.receiveQueue === 2,
    );
    assert.ok(seen.listeners.known && seen.established.known);
    assert.equal(seen.listeners.value[0]?.isStopped, true);
    assert.equal(seen.listeners.value[0].pid, child.pid);
    assert.deepEqual(
      seen.established.value.map((one) => [one.clientPid, one.serverOwned]),
      [
        [process.pid, false],
        [process.pid, false],
      ],
    );
  });

  it('ends a child by TERM, kills one that ignores it, and verifies', async () => {
    const [mild] = await startScript('mild.js', sayReady);
    const [stubborn] = await startScript('stubborn.js', ignoreTerm + sayReady);
    const ended = await endProcess(await see(mild.pid), deps, { graceMs: 5000 });
    assert.equal(ended.outcome, 'ended');
    const killed = await endProcess(await see(stubborn.pid), deps, { graceMs: 200 });
    assert.equal(killed.outcome, 'killed');
    assert.ok((await isGone(mild.pid ?? 0)) && (await isGone(stubborn.pid ?? 0)));
  });

  it('kills a stopped process', async () => {
    const [child] = await startScript('stopped.js', sayReady);
    child.kill('SIGSTOP');
    const outcome = await endProcess(await see(child.pid), deps, { graceMs: 200 });
    assert.equal(outcome.outcome, 'killed');
  });

  it('never signals a process that has only the pid of the listed one', async () => {
    const [child] = await startScript('innocent.js', sayReady);
    const info = await see(child.pid);
    const others = [
      { ...info, startToken: `${info.startToken}0` },
      { ...info, argv: ['node', 'victim.js'] },
    ];
    for (const other of others) {
      assert.equal((await endProcess(other, deps)).outcome, 'refused');
    }
    assert.deepEqual(await see(child.pid), info);
  });

  it('never signals the process that really got the pid of an ended one', async function () {
    const lastPid = '/proc/sys/kernel/ns_last_pid';
    for (let round = 0; round < 50; round += 1) {
      const first = await start('sleep', ['sleep', '30']);
      const listed = await see(first.pid);
      first.kill('SIGKILL');
      await once(first, 'exit');
      // The kernel states the start in steps of 10 ms; a list is older than that when it is used.
      await wait(20);
      try {
        writeFileSync(lastPid, String(listed.pid - 1));
      } catch {
        // Only root may choose the next pid; the test above covers the rule without it.
        this.skip();
      }
      const second = await start('sleep', ['sleep', '30']);
      if (second.pid === listed.pid) {
        const outcome = await endProcess(listed, deps);
        assert.equal(outcome.outcome, 'refused');
        assert.match(outcome.why, /belongs to another one/);
        assert.equal((await see(second.pid)).isStopped, false);
        return;
      }
      second.kill('SIGKILL');
    }
    assert.fail('the system never gave the pid again');
  });

  it('refuses itself and its parent', async () => {
    for (const pid of [process.pid, process.ppid]) {
      assert.equal((await endProcess(await see(pid), deps)).outcome, 'refused');
    }
  });

  it('ends children and grandchildren too', async () => {
    const code = `const { spawn } = require('child_process');
      const depth = Number(process.env.DEPTH ?? 2);
      if (depth === 0) { ${ignoreTerm} process.stdout.write('ready\\n'); } else {
        spawn(process.execPath, [__filename], { detached: depth === 1,
          env: { ...process.env, DEPTH: depth - 1 }, stdio: ['ignore', 'inherit', 'inherit'] }); }`;
    const [child] = await startScript('tree.js', code);
    const all = await machine.processes();
    assert.ok(all.known);
    const family = all.value.filter((info) => info.workingDirectory === folder);
    assert.equal(family.length, 3);
    const outcomes = await endProcessTree(await see(child.pid), deps, { graceMs: 300 });
    assert.deepEqual(outcomes.map(({ outcome }) => outcome).sort(), ['ended', 'ended', 'killed']);
    for (const { pid } of family) {
      assert.ok(await isGone(pid));
    }
  });

  it('finds the duplicate among real processes, keeps the one with a session', async () => {
    const port = await listenHere();
    const runner = 'robo_trader/runner_async.py';
    // Python's name on another interpreter: what counts is the table, not the language.
    const [old] = await startScript(runner, sayReady, 'python3');
    const [connected] = await startScript(
      runner,
      `require('net').connect(${port}, '127.0.0.1', () => { ${sayReady} });`,
      'python3',
    );
    const module = join(folder, 'robo_trader.runner_async');
    writeFileSync(module, 'sleep 30\n');
    // `bash -m FILE` runs FILE; the table shows `python3 -m robo_trader.runner_async`.
    const asModule = await start('bash', ['python3', '-m', 'robo_trader.runner_async']);
    const [editor] = await startScript('vim.js', sayReady, 'vim');
    const processes = await machine.processes();
    const rows = await eventually(async () => {
      const seen = await machine.sockets([port]);
      const isThere = seen.known && seen.value.some((row) => row.ownerPid === connected.pid);
      return isThere ? seen.value : undefined;
    }, 'the session');
    assert.ok(processes.known);
    const listed = listRunners({
      processes: processes.value,
      sockets: rows,
      workspace: folder,
      endpoint: { host: '127.0.0.1', port },
      runnerCommand: [],
      supervised: undefined,
      ownPid: process.pid,
    });
    const roleOf = (child: ChildProcess): string | undefined =>
      listed.find((entry) => entry.pid === child.pid)?.role;
    assert.deepEqual([old, connected, asModule, editor].map(roleOf), [
      'duplicate',
      'runner',
      'duplicate',
      undefined,
    ]);
    const duplicates = listed.filter((entry) => entry.role === 'duplicate');
    for (const duplicate of duplicates) {
      const [outcome] = await endProcessTree(duplicate, deps, { graceMs: 5000 });
      assert.equal(outcome?.outcome, 'ended');
    }
    assert.equal(classifyProcess(await see(connected.pid)).kind, 'runner');
  });
});
