import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** The addresses of the two ends; they exist in namespaces of their own and nowhere else. */
export const nearAddress = '10.231.77.1';
export const farAddress = '10.231.77.2';

/**
 * Two network namespaces with a cable in between (Linux). What runs `far` reaches what runs
 * `near` and nothing else; a cut cable takes every packet away without a word, FIN and RST too.
 */
export class CutLink {
  private constructor(
    private readonly nearHolder: ChildProcess,
    private readonly farHolder: ChildProcess,
  ) {}

  /** @returns a sentence where this machine has no namespaces for us */
  static async lay(): Promise<CutLink | string> {
    const isRoot = process.getuid?.() === 0;
    // Without rights of our own, a namespace of users gives them within it.
    const near = await hold(['unshare', ...(isRoot ? ['-n'] : ['-Urn'])]);
    if (typeof near === 'string') {
      return near;
    }
    const far = await hold([...enter(near), 'unshare', '-n']);
    if (typeof far === 'string') {
      near.stdin?.end();
      return far;
    }
    const link = new CutLink(near, far);
    try {
      await link.connect();
      return link;
    } catch (error) {
      link.end();
      return `no cable between two network namespaces: ${String(error)}`;
    }
  }

  /** Put before a command, it runs on that side. */
  on(side: 'near' | 'far'): readonly string[] {
    return enter(side === 'near' ? this.nearHolder : this.farHolder);
  }

  /** A process of that side, whose `/proc/<pid>/net` is the side's own table. */
  pidOn(side: 'near' | 'far'): number {
    return (side === 'near' ? this.nearHolder : this.farHolder).pid ?? 0;
  }

  async cut(): Promise<void> {
    await this.run('far', ['ip', 'link', 'set', 'far', 'down']);
  }

  async mend(): Promise<void> {
    await this.run('far', ['ip', 'link', 'set', 'far', 'up']);
  }

  /** The namespaces go with the last process in them. */
  end(): void {
    this.nearHolder.stdin?.end();
    this.farHolder.stdin?.end();
  }

  private async connect(): Promise<void> {
    const far = String(this.pidOn('far'));
    const cable = ['ip', 'link', 'add', 'near', 'type', 'veth', 'peer', 'name', 'far'];
    await this.run('near', [...cable, 'netns', far]);
    for (const [side, address] of [
      ['near', nearAddress],
      ['far', farAddress],
    ] as const) {
      await this.run(side, ['ip', 'address', 'add', `${address}/30`, 'dev', side]);
      await this.run(side, ['ip', 'link', 'set', 'lo', 'up']);
      await this.run(side, ['ip', 'link', 'set', side, 'up']);
    }
  }

  private async run(side: 'near' | 'far', command: readonly string[]): Promise<void> {
    const [file = '', ...args] = [...this.on(side), ...command];
    await execute(file, args);
  }
}

/** The command that runs another one where this process is. */
function enter({ pid }: ChildProcess): readonly string[] {
  const isRoot = process.getuid?.() === 0;
  const users = isRoot ? [] : ['--user', '--preserve-credentials'];
  return ['nsenter', '--target', String(pid ?? 0), '--net', ...users, '--'];
}

/** A process that keeps a new namespace until its input ends, and so no longer than we live. */
async function hold(command: readonly string[]): Promise<ChildProcess | string> {
  const argv: readonly string[] = [...command, 'sh', '-c', 'echo held; exec cat'];
  const [file = '', ...args] = argv;
  const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.on('error', () => undefined);
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  try {
    const isHeld = await Promise.race([
      once(child.stdout, 'data').then(() => true),
      once(child, 'close').then(() => false),
    ]);
    return isHeld ? child : `no network namespace: ${said.trim()}`;
  } catch (error) {
    return `no network namespace: ${String(error)}`;
  }
}
