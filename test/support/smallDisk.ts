import { execFileSync } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  realpathSync,
  rmSync,
  statfsSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { errorCode } from '../../src/core/errors';

/** A disk of its own that can be filled and made read-only, which bind root too. */
export class SmallDisk {
  private isReadOnly = false;

  private constructor(
    private readonly root: string,
    /** A folder on it. */
    readonly folder: string,
  ) {}

  /**
   * Mounts one of some megabytes.
   * @returns why there is none where the system or the rights do not allow it
   */
  static mount(megabytes: number): SmallDisk | string {
    if (process.platform !== 'linux' || process.getuid?.() !== 0) {
      return 'only root of a Linux can mount a small disk';
    }
    const root = realpathSync(mkdtempSync(join(tmpdir(), 'robo-disk-')));
    try {
      const options = ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=0755`];
      execFileSync('mount', [...options, 'robo-test', root], { stdio: 'ignore' });
    } catch {
      rmSync(root, { recursive: true, force: true });
      return 'this system lets nobody mount a small disk';
    }
    const folder = join(root, 'folder');
    mkdirSync(folder, { mode: 0o700 });
    return new SmallDisk(root, folder);
  }

  /** Leaves no byte free. */
  fill(): void {
    const file = openSync(join(this.root, 'ballast'), 'a');
    try {
      for (let size = 65_536; size >= 1;) {
        try {
          writeSync(file, Buffer.alloc(size));
        } catch (error) {
          if (errorCode(error) !== 'ENOSPC') {
            throw error;
          }
          size = Math.floor(size / 2);
        }
      }
    } finally {
      closeSync(file);
    }
    if (statfsSync(this.root).bfree !== 0) {
      throw new Error('the small disk could not be filled');
    }
  }

  free(): void {
    rmSync(join(this.root, 'ballast'), { force: true });
  }

  /** By a mount on top: one with files open for writing cannot be made read-only itself. */
  setReadOnly(isReadOnly: boolean): void {
    if (isReadOnly) {
      execFileSync('mount', ['--bind', this.folder, this.folder]);
      execFileSync('mount', ['-o', 'remount,bind,ro', this.folder]);
    } else {
      execFileSync('umount', ['-l', this.folder]);
    }
    this.isReadOnly = isReadOnly;
  }

  unmount(): void {
    if (this.isReadOnly) {
      this.setReadOnly(false);
    }
    // Lazily: a process that is about to end may still have a file open there.
    execFileSync('umount', ['-l', this.root]);
    rmSync(this.root, { recursive: true, force: true });
  }
}
