import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * What the real one does with a unit of the user, as far as Robo asks for it. Units lie below HOME,
 * the memory lies beside the script.
 */
const script = String.raw`
const fs = require('node:fs');
const path = require('node:path');
const { spawn } = require('node:child_process');

const [flag, verb, ...rest] = process.argv.slice(2);
const file = path.join(__dirname, 'memory.json');
const memory = fs.existsSync(file)
  ? JSON.parse(fs.readFileSync(file, 'utf8'))
  : { calls: [], enabled: [], pids: {}, refuse: {} };
const unit = rest.at(-1);
const unitFile = path.join(process.env.HOME, '.config', 'systemd', 'user', String(unit));
memory.calls.push([verb, ...rest].join(' '));

function alive(pid) {
  try {
    process.kill(pid, 0);
    return !fs.readFileSync('/proc/' + pid + '/stat', 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}

async function stop() {
  const pid = memory.pids[unit];
  if (pid === undefined || !alive(pid)) return;
  process.kill(pid, 'SIGTERM');
  while (alive(pid)) await new Promise((resolve) => setTimeout(resolve, 10));
}

function words(line) {
  const found = [...line.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, text]) =>
    text
      .replace(/\\(?:x([0-9a-f]{2})|(.))/g, (_, hex, plain) =>
        hex === undefined ? plain : String.fromCharCode(parseInt(hex, 16)),
      )
      .replaceAll('%%', '%'),
  );
  return found.map((text, index) => (index === 0 ? text : text.replaceAll('$$', '$')));
}

function start() {
  const [, line] = /^ExecStart=(.*)$/m.exec(fs.readFileSync(unitFile, 'utf8'));
  const [program, ...args] = words(line);
  const child = spawn(program, args, { detached: true, stdio: 'ignore' });
  memory.pids[unit] = child.pid;
  child.unref();
}

function show() {
  if (!fs.existsSync(unitFile)) return 'LoadState=not-found\nActiveState=inactive\n';
  const pid = memory.pids[unit];
  const runs = pid !== undefined && alive(pid);
  return [
    'LoadState=loaded',
    'UnitFileState=' + (memory.enabled.includes(unit) ? 'enabled' : 'disabled'),
    'ActiveState=' + (runs ? 'active' : 'failed'),
    'SubState=' + (runs ? 'running' : 'failed'),
    'Result=' + (runs ? 'success' : 'signal'),
    'MainPID=' + (runs ? pid : 0),
    'ExecMainStatus=' + (runs ? 0 : 9),
    '',
  ].join('\n');
}

async function main() {
  if (memory.refuse[verb] > 0) {
    memory.refuse[verb] -= 1;
    process.stderr.write('Failed to connect to bus: No medium found\n');
    return 1;
  }
  if (verb === 'show') process.stdout.write(unit.includes('.service') ? show() : 'Version=252\n');
  if (verb === 'enable') memory.enabled.push(unit);
  if (verb === 'restart') {
    await stop();
    start();
  }
  if (verb === 'disable') {
    await stop();
    memory.enabled = memory.enabled.filter((name) => name !== unit);
  }
  return flag === '--user' ? 0 : 64;
}

main().then((code) => {
  fs.writeFileSync(file, JSON.stringify(memory));
  process.exitCode = code;
});
`;

interface Memory {
  readonly calls: readonly string[];
  readonly enabled: readonly string[];
  readonly pids: Readonly<Record<string, number>>;
  readonly refuse: Readonly<Record<string, number>>;
}

const nothingYet: Memory = { calls: [], enabled: [], pids: {}, refuse: {} };

/** An executable that stands in for `systemctl --user`. */
export class FakeSystemctl {
  readonly file: string;
  private readonly memoryFile: string;

  constructor(folder: string) {
    mkdirSync(folder, { recursive: true });
    this.file = join(folder, 'systemctl');
    this.memoryFile = join(folder, 'memory.json');
    writeFileSync(this.file, `#!${process.execPath}\n${script}`);
    chmodSync(this.file, 0o755);
  }

  get memory(): Memory {
    return existsSync(this.memoryFile)
      ? (JSON.parse(readFileSync(this.memoryFile, 'utf8')) as Memory)
      : nothingYet;
  }

  /** The next `times` calls with this verb fail. */
  refuse(verb: string, times = 1): void {
    const { memory } = this;
    const refuse = { ...memory.refuse, [verb]: times };
    writeFileSync(this.memoryFile, JSON.stringify({ ...memory, refuse }));
  }

  /** How often a verb was called. */
  count(verb: string): number {
    return this.memory.calls.filter((call) => call.startsWith(`${verb} `) || call === verb).length;
  }
}
