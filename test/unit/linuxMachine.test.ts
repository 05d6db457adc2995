import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LinuxMachine } from '../../src/host/linux';
import { machineFor } from '../../src/host/thisMachine';

const header =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';

/** A procfs written by hand. */
class Tree {
  readonly root = mkdtempSync(join(tmpdir(), 'robo-proc-'));

  constructor() {
    this.write('stat', 'cpu 1\nbtime 1795333413\n');
    this.write('sys/kernel/random/boot_id', 'b00t\n');
  }

  write(path: string, text: string): void {
    const file = join(this.root, path);
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, text);
  }

  process(pid: number, commandLine: string, state = 'S', sockets: readonly number[] = []): void {
    this.write(`${pid}/stat`, `${pid} (a) b) ${state} 1 ${pid} 1${' 0'.repeat(15)} 4242 0 0\n`);
    this.write(`${pid}/cmdline`, commandLine);
    symlinkSync('/ws', join(this.root, String(pid), 'cwd'));
    mkdirSync(join(this.root, String(pid), 'fd'));
    sockets.forEach((inode, fd) => {
      symlinkSync(`socket:[${inode}]`, join(this.root, String(pid), 'fd', String(fd)));
    });
  }
}

describe('reading a procfs', () => {
  let tree: Tree;
  let machine: LinuxMachine;
  beforeEach(() => {
    tree = new Tree();
    machine = new LinuxMachine(tree.root);
  });
  afterEach(() => {
    rmSync(tree.root, { recursive: true });
  });

  it('reads a process whole', async () => {
    tree.process(7, 'python3\0-m\0x y\0', 'T');
    const seen = await machine.process(7);
    assert.ok(seen.known && seen.value !== undefined);
    const { userId, ...rest } = seen.value;
    assert.equal(userId, process.getuid?.());
    assert.deepEqual(rest, {
      pid: 7,
      startToken: 'b00t:4242',
      argv: ['python3', '-m', 'x y'],
      parentPid: 1,
      processGroup: 7,
      startedAtMs: 1795333413000 + 42_420,
      workingDirectory: '/ws',
      name: 'a) b',
      isStopped: true,
    });
  });

  it('leaves out zombies and what vanishes while it looks', async () => {
    tree.process(7, 'a\0');
    tree.process(8, '', 'Z');
    mkdirSync(join(tree.root, '9'));
    const seen = await machine.processes();
    assert.deepEqual(seen.known && seen.value.map((info) => info.pid), [7]);
    for (const pid of [8, 9, 10, -1, 0, 1.5]) {
      assert.deepEqual(await machine.process(pid), { known: true, value: undefined });
    }
  });

  it('reads long command lines whole', async () => {
    tree.process(7, `java\0${'x'.repeat(40_000)}\0end\0`);
    const seen = await machine.process(7);
    assert.deepEqual(seen.known && seen.value?.argv.map((arg) => arg.length), [4, 40_000, 3]);
  });

  it('is unknown where there is no procfs, and where it has another form', async () => {
    const nowhere = new LinuxMachine('/nowhere/at/all');
    const looks = [
      await nowhere.processes(),
      await nowhere.process(7),
      await nowhere.sockets([7497]),
      await nowhere.listeners(7497),
      await machine.processes(),
      await machine.sockets([7497]),
    ];
    assert.ok(looks.every((look) => !look.known && look.why.includes('could not be read')));
    tree.process(7, 'a\0');
    tree.write('7/stat', 'something else');
    assert.equal((await machine.process(7)).known, false);
  });

  it('takes a read that failed for unknown, not for a process that is absent', async () => {
    tree.process(7, 'a\0');
    mkdirSync(join(tree.root, '8', 'stat'), { recursive: true });
    assert.equal((await machine.processes()).known, false);
    assert.equal((await machine.process(8)).known, false);
  });

  it('finds owners in both tables, and lives without IPv6', async () => {
    const row = (local: string, remote: string, state: string, inode: number): string =>
      `   0: ${local} ${remote} ${state} 00000000:00000000 00:00000000 00000000  0  0 ${inode} 1 0\n`;
    tree.process(7, 'a\0', 'S', [51, 99]);
    tree.write(
      'net/tcp',
      header +
        row('0100007F:1D49', '00000000:0000', '0A', 50) +
        row('0100007F:1D49', '0100007F:9000', '01', 0),
    );
    assert.deepEqual(await machine.listeners(7497), { known: true, value: ['50'] });
    tree.write(
      'net/tcp6',
      header + row(`${'0'.repeat(32)}:1D49`, `${'0'.repeat(32)}:0000`, '0A', 51),
    );
    assert.deepEqual(await machine.listeners(7497), { known: true, value: ['50', '51'] });
    const seen = await machine.sockets([7497]);
    assert.deepEqual(
      seen.known && seen.value.map((one) => [one.local.address, one.state, one.ownerPid]),
      [
        ['127.0.0.1', 'LISTEN', undefined],
        ['127.0.0.1', 'ESTABLISHED', undefined],
        ['::', 'LISTEN', 7],
      ],
    );
    assert.deepEqual(await machine.sockets([1]), { known: true, value: [] });
  });

  it('notices that the programs of others are hidden: process 1 does not show', () => {
    tree.process(7, 'a\0');
    assert.match(machine.hiddenProcesses() ?? '', /hidden/);
    tree.process(1, 'init\0');
    assert.equal(machine.hiddenProcesses(), undefined);
  });

  it('reads what a few processes were told and lie in, and only of those that they still are', async () => {
    for (const pid of [7, 8, 9]) {
      tree.process(pid, 'a\0');
    }
    tree.write('7/environ', 'SECRET=x\0IBKR_PORT=7497\0');
    tree.write('7/cgroup', '0::/system.slice/trader.service\n');
    tree.write('8/environ', 'IBKR_PORT=4002\0');
    const seen = await machine.background(
      [
        { pid: 7, startToken: 'b00t:4242' },
        { pid: 8, startToken: 'b00t:4241' },
        { pid: 9, startToken: 'b00t:4242' },
        { pid: 10, startToken: 'b00t:4242' },
      ],
      ['IBKR_PORT'],
    );
    assert.deepEqual([...seen.keys()], [7, 9]);
    assert.deepEqual([...(seen.get(7)?.environment ?? [])], [['IBKR_PORT', '7497']]);
    assert.equal(seen.get(7)?.controlGroup, '/system.slice/trader.service');
    assert.deepEqual(seen.get(9), {
      environment: undefined,
      controlGroup: undefined,
      launchdLabel: undefined,
    });
  });

  it('is the machine of linux', () => {
    assert.ok(machineFor('linux') instanceof LinuxMachine);
  });
});
