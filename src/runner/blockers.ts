import { lstat, stat } from 'node:fs/promises';
import path from 'node:path';
import { isoTime } from '../core/clock';
import { errorCode } from '../core/errors';
import type { Evidence, Finding } from '../diagnostics/finding';
import { makeFinding } from '../diagnostics/makeFinding';
import { describeDuration, shorten } from '../diagnostics/notices';
import { runnerFamily } from '../host/processRoles';
import { baseName, programOf } from '../host/program';
import { variable } from './preset';
import { lookAt, readRegularFile, type WorkspaceLook } from './workspaceLook';

/** What stands in the way of a runner in its own workspace. Robo shows it and never clears it. */
export interface Blocker {
  /** `kill switch`: the trader's own word to stop; `pre-flight`: the program's own gate. */
  readonly kind: 'kill switch' | 'pre-flight';
  readonly finding: Finding;
}

/** Where and for what blockers are looked for. */
export interface BlockerLook {
  /** Absolute; also the folder that the program works in. */
  readonly workspace: string;
  /** What is to be started, placeholders replaced; empty for the built-in runner. */
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly envFile: Parameters<typeof variable>[0]['envFile'];
  readonly nowMs: number;
}

const stateFile = 'data/kill_switch_state.json';
const lockFile = 'data/kill_switch.lock';
const preflightFile = 'data/.preflight_last_ok';
const maxStateBytes = 65_536;
/** How old a pass of the program's own pre-flight may be at its start (origin system, 4.3). */
const maxPreflightAgeMs = 300_000;

/** Everything in the workspace that will keep the program from trading. */
export async function findBlockers(look: BlockerLook): Promise<readonly Blocker[]> {
  const killSwitch = await findKillSwitch(look.workspace, look.nowMs, look.command);
  const preflight = await stalePreflight(look);
  return [
    ...(killSwitch === undefined
      ? []
      : [{ kind: 'kill switch', finding: killSwitch } satisfies Blocker]),
    ...(preflight === undefined
      ? []
      : [{ kind: 'pre-flight', finding: preflight } satisfies Blocker]),
  ];
}

interface SwitchState {
  /** What the state means, to follow "The kill switch of this workspace". */
  readonly words: string;
  readonly why: string;
  readonly file: string;
  readonly line: number;
}

/**
 * The kill switch of a workspace, where it is set: by its state file, by its lock, or by a state
 * file that cannot be read, which its program takes for set, too. Undefined where it is not set.
 * @param command what is to be started, where that is known; empty for the built-in runner
 */
export async function findKillSwitch(
  workspace: string,
  nowMs: number,
  command?: readonly string[],
): Promise<Finding | undefined> {
  const states = await readKillSwitch(workspace);
  const [first] = states;
  if (first === undefined) {
    return undefined;
  }
  const at = isoTime(nowMs);
  return {
    ...makeFinding({
      subject: { kind: 'runner', name: workspace },
      causes: [{ id: 'kill_switch_triggered', confidence: 0.95, why: first.why }],
      message: `The kill switch of this workspace ${first.words}. ${meaning(command)} Robo never clears it.`,
      evidence: states.map(({ file, words }) => evidence(file, words, at)),
      nowMs,
    }),
    source: { file: path.join(workspace, first.file), line: first.line },
  };
}

/** Why the kill switch counts as set, in words after "The kill switch of this workspace". */
export async function killSwitchWords(workspace: string): Promise<string | null> {
  const states = await readKillSwitch(workspace);
  return states.length === 0 ? null : states.map(({ words }) => words).join('; it ');
}

async function readKillSwitch(workspace: string): Promise<readonly SwitchState[]> {
  return [await readState(workspace), await readLock(workspace)].filter(
    (state) => state !== undefined,
  );
}

function meaning(command: readonly string[] | undefined): string {
  return command?.length === 0
    ? 'The built-in runner does not read it and goes on, on paper only.'
    : 'A program that reads it refuses to trade or ends within seconds while it is set, however often it is started.';
}

function evidence(source: string, text: string, at: string): Evidence {
  return { kind: 'file', source, at, text };
}

async function readState(workspace: string): Promise<SwitchState | undefined> {
  const read = await readRegularFile(path.join(workspace, stateFile), maxStateBytes);
  if (read.kind === 'absent') {
    return undefined;
  }
  const unusable = (why: string): SwitchState => ({
    words: `counts as set: ${stateFile} cannot be used (${why}), and its program takes such a file for set`,
    why: `${stateFile} cannot be used: ${why}`,
    file: stateFile,
    line: 1,
  });
  if (read.kind === 'unreadable') {
    return unusable(read.why);
  }
  const state = parseState(read.text);
  if (state === undefined) {
    return unusable(read.text.trim() === '' ? 'it is empty' : 'it is no JSON object');
  }
  if (!isTrue(state['triggered'])) {
    return undefined;
  }
  return {
    words: `is set${since(state['trigger_time'])}: ${reasonOf(state)}`,
    why: reasonKind(reasonOf(state)),
    file: stateFile,
    line: lineOf(read.text, 'triggered'),
  };
}

/** The object of a state file; undefined where it holds none. Python also writes NaN. */
function parseState(text: string): Readonly<Record<string, unknown>> | undefined {
  for (const candidate of [text, text.replace(/\bNaN\b|-?\bInfinity\b/g, 'null')]) {
    try {
      const value: unknown = JSON.parse(candidate);
      return typeof value === 'object' && value !== null && !Array.isArray(value)
        ? (value as Readonly<Record<string, unknown>>)
        : undefined;
    } catch {
      // The second candidate, or none: then it is no JSON.
    }
  }
  return undefined;
}

/** What Python takes for true. */
function isTrue(value: unknown): boolean {
  return Array.isArray(value)
    ? value.length > 0
    : typeof value === 'object' && value !== null
      ? Object.keys(value).length > 0
      : Boolean(value);
}

function since(time: unknown): string {
  return typeof time === 'string' && time.trim() !== ''
    ? ` since ${shorten(time).slice(0, 40)}`
    : '';
}

function reasonOf(state: Readonly<Record<string, unknown>>): string {
  const reason = state['trigger_reason'];
  const losses = state['consecutive_losses'];
  const words =
    typeof reason === 'string' && reason.trim() !== '' ? shorten(reason) : 'no reason is given';
  return typeof losses === 'number' && losses > 0
    ? `${words} (${losses} consecutive ${losses === 1 ? 'loss' : 'losses'})`
    : words;
}

/** Whether the reason speaks of a loss or of the connection (origin system, incident 52). */
function reasonKind(reason: string): string {
  return /connect|handshake|gateway|timeout|subprocess|ibkr/i.test(reason)
    ? 'its reason names the connection: newer versions of its program reset it themselves when they are connected again'
    : 'its own state file says so, with the reason';
}

function lineOf(text: string, key: string): number {
  const at = text.indexOf(`"${key}"`);
  return at === -1 ? 1 : text.slice(0, at).split('\n').length;
}

/** Its presence alone counts, whatever it is: a link to nothing, too. */
async function readLock(workspace: string): Promise<SwitchState | undefined> {
  try {
    await lstat(path.join(workspace, lockFile));
  } catch (error) {
    const code = errorCode(error);
    return code === 'ENOENT' || code === 'ENOTDIR'
      ? undefined
      : lockState(`counts as set: ${lockFile} cannot be looked at (${code ?? 'unknown error'})`);
  }
  return lockState(`is set: ${lockFile} is there`);
}

function lockState(words: string): SwitchState {
  return { words, why: `${lockFile} alone sets it, without a reason`, file: lockFile, line: 1 };
}

/** A program with a gate of its own that has passed too long ago: it will refuse to start. */
async function stalePreflight(look: BlockerLook): Promise<Finding | undefined> {
  const program = programOf(look.command, look.workspace);
  // The built-in runner has no other gate than Robo's, and the script runs the pre-flight itself.
  if (program === undefined || baseName(program.name) === 'START_TRADER.sh') {
    return undefined;
  }
  if (variable(look, 'PREFLIGHT_ENFORCEMENT').toLowerCase() === 'off') {
    return undefined;
  }
  const file = path.join(look.workspace, preflightFile);
  const entry = await stat(file).catch(() => undefined);
  const isSystem = runnerFamily(program) === 'robo_trader';
  if (entry === undefined) {
    return isSystem && (await wantsPreflight(lookAt(look.workspace), look))
      ? preflightFinding(look, 'has never passed', 4)
      : undefined;
  }
  const ageMs = look.nowMs - entry.mtimeMs;
  return ageMs > maxPreflightAgeMs
    ? preflightFinding(look, `has passed ${describeDuration(ageMs)} ago`, 5)
    : undefined;
}

/** True where the runner of a workspace refuses to start without a fresh pre-flight. */
export async function wantsPreflight(
  workspace: WorkspaceLook,
  variables: Parameters<typeof variable>[0],
): Promise<boolean> {
  return (
    variable(variables, 'PREFLIGHT_ENFORCEMENT').toLowerCase() !== 'off' &&
    (await workspace.read('robo_trader/runner_async.py'))?.includes(
      path.basename(preflightFile),
    ) === true
  );
}

function preflightFinding(look: BlockerLook, words: string, code: number): Finding {
  const message = `The pre-flight of this workspace's own system ${words} (${preflightFile}): its runner starts only within five minutes after one, and ends at once with code ${code} otherwise. Run scripts/preflight_check.py, or start by ./START_TRADER.sh, which runs it.`;
  return {
    ...makeFinding({
      subject: { kind: 'runner', name: look.workspace },
      severity: 'warning',
      causes: [{ id: 'bad_configuration', confidence: 0.8, why: `its own pre-flight ${words}` }],
      message,
      evidence: [evidence(preflightFile, words, isoTime(look.nowMs))],
      nowMs: look.nowMs,
    }),
    source: { file: path.join(look.workspace, preflightFile), line: 1 },
  };
}
