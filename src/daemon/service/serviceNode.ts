import { existsSync, realpathSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { HumanError } from '../../core/errors';
import { type NodeFacts, probeNode } from '../nodeProbe';
import { type Observed, unknown } from '../../core/observed';

/** Where a Node for a service is looked for. */
export interface NodeSearch {
  /** The trader's own choice (`--node`, `robo.nodePath`), absolute; nothing else is tried then. */
  readonly asked: string | undefined;
  /** The Node that runs us. */
  readonly running: string;
  /** The variable PATH. */
  readonly path: string;
  readonly platform: NodeJS.Platform;
}

type Probe = (execPath: string) => Promise<Observed<NodeFacts>>;

/**
 * A Node that stays when an editor or a project is updated: the asked one, else the one that runs
 * us, else the first on PATH. Each is probed.
 * @throws HumanError that names every candidate with the reason when none serves
 */
export async function findServiceNode(
  search: NodeSearch,
  probe: Probe = probePlain,
): Promise<string> {
  const candidates =
    search.asked === undefined
      ? [...new Set([stableSpelling(search.running), ...onPath(search)])]
      : [search.asked];
  const reasons: string[] = [];
  for (const file of candidates) {
    const passing = search.asked === undefined ? whyPassing(file) : undefined;
    const found = passing === undefined ? await probe(file) : unknown(passing);
    if (found.known && !found.value.isEditors) {
      return file;
    }
    reasons.push(`${file}: ${found.known ? "it is an editor's own" : found.why}`);
  }
  throw new HumanError(
    `A service needs a Node.js of its own, and there is none (${reasons.join('; ')}); ` +
      'install Node.js 22.13 or newer, or name one with --node.',
  );
}

/** An editor's program answers as a Node instead of opening a window. */
async function probePlain(execPath: string): Promise<Observed<NodeFacts>> {
  return probeNode({ execPath, environment: { ELECTRON_RUN_AS_NODE: '1', NODE_OPTIONS: '' } });
}

function onPath({ path, platform }: NodeSearch): readonly string[] {
  const name = platform === 'win32' ? 'node.exe' : 'node';
  return path
    .split(delimiter)
    .filter((directory) => isAbsolute(directory))
    .map((directory) => join(directory, name))
    .filter((file) => existsSync(file))
    .map((file) => stableSpelling(file));
}

/**
 * Why a path will not stay: a project's dependencies, the folder of one shell (fnm), or an editor's
 * server, which brings a plain Node along and is replaced with each update.
 */
function whyPassing(file: string): string | undefined {
  const parts = [file, realPath(file)].flatMap((path) => path.split(/[\\/]/));
  if (parts.includes('node_modules')) {
    return "it lies in a project's node_modules, which an update deletes";
  }
  if (parts.includes('fnm_multishells')) {
    return 'it lasts only as long as one shell';
  }
  return parts.some((part) => /^\.?[\w-]*(code|codium|cursor|windsurf)[\w-]*server/i.test(part))
    ? 'it belongs to an editor, which deletes it at its next update'
    : undefined;
}

/** Homebrew deletes the folder of a version with each upgrade and keeps `opt/<formula>`. */
function stableSpelling(file: string): string {
  const [, prefix, formula, rest] = /^(.*)\/Cellar\/([^/]+)\/[^/]+\/(.+)$/.exec(file) ?? [];
  if (prefix === undefined || formula === undefined || rest === undefined) {
    return file;
  }
  const stable = `${prefix}/opt/${formula}/${rest}`;
  return existsSync(stable) ? stable : file;
}

function realPath(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    // The probe says what is wrong with it.
    return file;
  }
}
