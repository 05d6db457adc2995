import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const dist = join(__dirname, '..', '..', 'dist');

describe('the code that robo has compiled', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'robo-compiled-'));
    for (const name of ['cli.cjs', 'commandLine.cjs']) {
      cpSync(join(dist, name), join(folder, name));
    }
  });

  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  const file = (command: string): string => join(folder, 'compiled', `${command}.bin`);
  const log = 'ERROR -1 502 Couldn\'t connect to TWS. Confirm that "Enable ActiveX" is checked.\n';

  /** What `robo diagnose -` says of that log. */
  function diagnose(): string {
    const args = [join(folder, 'cli.cjs'), 'diagnose', '-', '--json'];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, {
      input: log,
      encoding: 'utf8',
    });
    assert.deepEqual([status, stderr], [1, '']);
    return stdout;
  }

  /** A cache that was taken is not written again. */
  function identity(): string {
    const { ino, mtimeMs } = statSync(file('diagnose'));
    return `${ino} ${mtimeMs}`;
  }

  it('is kept for the next time, and says the same', () => {
    const first = diagnose();
    assert.match(first, /"port_refused"/);
    const written = identity();
    assert.equal(diagnose(), first);
    assert.equal(identity(), written);
    assert.deepEqual(readdirSync(join(folder, 'compiled')), ['diagnose.bin']);
  });

  it('is made anew where it is damaged, cut, or nothing at all', () => {
    const first = diagnose();
    const whole = readFileSync(file('diagnose'));
    const damaged = Buffer.from(whole);
    damaged.writeUInt8(damaged.readUInt8(5000) ^ 255, 5000);
    for (const bytes of [damaged, whole.subarray(0, 5000), Buffer.alloc(0)]) {
      writeFileSync(file('diagnose'), bytes);
      assert.equal(diagnose(), first);
      const written = identity();
      assert.ok(statSync(file('diagnose')).size > 5000, 'it is whole again');
      assert.equal(diagnose(), first);
      assert.equal(identity(), written);
    }
  });

  it('is never run for another program, not even one of the same length', () => {
    const first = diagnose();
    const bundle = join(folder, 'commandLine.cjs');
    const source = readFileSync(bundle, 'utf8');
    writeFileSync(
      bundle,
      source.replaceAll('Nothing wrong was found.', 'Nothing WRONG was found.'),
    );
    const args = [join(folder, 'cli.cjs'), 'diagnose', '-'];
    const { stdout } = spawnSync(process.execPath, args, { input: 'hello\n', encoding: 'utf8' });
    assert.equal(stdout, 'Nothing WRONG was found.\n');
    writeFileSync(bundle, source);
    assert.equal(diagnose(), first);
  });

  it('is done without where it cannot be written', () => {
    // A file where the folder should be refuses the superuser too.
    writeFileSync(join(folder, 'compiled'), '');
    assert.match(diagnose(), /"port_refused"/);
    assert.equal(statSync(join(folder, 'compiled')).size, 0);
  });

  it('is kept under the name of a command, whatever was typed', () => {
    mkdirSync(join(folder, 'elsewhere'));
    for (const word of ['--version', 'nonsense', '../elsewhere/x', '']) {
      spawnSync(process.execPath, [join(folder, 'cli.cjs'), word]);
    }
    assert.deepEqual(readdirSync(join(folder, 'compiled')), ['usage.bin']);
    assert.deepEqual(readdirSync(join(folder, 'elsewhere')), []);
    assert.ok(!existsSync(file('nonsense')));
  });
});
