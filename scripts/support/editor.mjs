import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { addressOf, startServer, writeUserSettings } from '../../test/host/workbench.mjs';
import { ensureHost } from '../host.mjs';
import { packageExtension } from '../package.mjs';
import { endTree, mustRun, onPath } from './processes.mjs';
import { HumanError } from './project.mjs';

function hasDisplay() {
  const { DISPLAY, WAYLAND_DISPLAY } = process.env;
  return process.platform !== 'linux' || Boolean(DISPLAY) || Boolean(WAYLAND_DISPLAY);
}

/** Processes with a text in their arguments, such as our own user-data folder. Linux only. */
function processesNaming(text) {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(text);
      } catch {
        return false;
      }
    })
    .map(Number);
}

/** The desktop editor with folders of its own, so that nothing of the user's editor is touched. */
async function openDesktop(code, vsix, { editorFolder, workspace, environment }, ending) {
  const userData = path.join(editorFolder, 'desktop-user-data');
  writeUserSettings(userData);
  const own = ['--user-data-dir', userData, '--extensions-dir', path.join(editorFolder, 'desktop')];
  if (process.getuid?.() === 0) own.push('--no-sandbox');
  const options = { env: environment, shell: process.platform === 'win32' };
  await mustRun(
    'Installing the extension',
    code,
    [...own, '--install-extension', vsix, '--force'],
    options,
  );
  const child = spawn(code, [...own, '--disable-workspace-trust', '--new-window', workspace], {
    ...options,
    stdio: 'ignore',
  });
  child.once('error', (error) => console.error(`${code} could not be opened: ${error.message}.`));
  ending.add(async () => {
    // The launcher leaves at once; the window is known by its user-data folder, ours alone.
    for (const pid of processesNaming(userData)) {
      try {
        process.kill(pid, 'SIGTERM');
      } catch (error) {
        if (error.code !== 'ESRCH') throw error;
      }
    }
    await endTree(child);
  });
  console.log('\nThe desktop editor opens the sample workspace.');
}

async function openServer(vsix, { editorFolder, workspace, environment }, ending) {
  const host = await ensureHost({ browser: false });
  const server = await startServer({
    host,
    home: path.join(editorFolder, 'server'),
    extensions: [vsix],
    // Window and terminal must agree where the daemon's socket lies.
    env: { ...environment, XDG_RUNTIME_DIR: process.env.XDG_RUNTIME_DIR },
  });
  ending.add(() => server.close());
  console.log(`\nThe workbench with the extension: ${addressOf(server, workspace)}`);
}

/**
 * Opens a real editor with the extension installed on the workspace: the desktop editor when
 * `code` is on PATH and there is a display, else code-server on 127.0.0.1.
 * Only what needs a missing system package waits: that is said, and everything else goes on.
 */
export async function openEditor(options, ending) {
  mkdirSync(options.editorFolder, { recursive: true });
  const vsix = path.join(options.editorFolder, 'robo.vsix');
  await packageExtension(vsix);
  const code = hasDisplay() ? onPath('code') : undefined;
  if (code !== undefined) return openDesktop(code, vsix, options, ending);
  try {
    await openServer(vsix, options, ending);
  } catch (error) {
    if (!(error instanceof HumanError)) throw error;
    console.error(`\nThe workbench waits; the rest runs on. ${error.message}`);
  }
}
