import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnvFile } from '../core/envFile';
import { resolveConfiguration } from '../ibkr/configuration';

/**
 * The client ids that the runners of this endpoint use, so that Robo never takes one of them: from
 * the environment that a runner was started with, else from its workspace's `.env`.
 */
export class RunnerClientIds {
  private readonly environments = new Map<string, Readonly<Record<string, string>>>();

  /** A runner is about to be started in this environment. */
  note(workspace: string, environment: Readonly<Record<string, string>>): void {
    const id = environment['IBKR_CLIENT_ID'];
    this.environments.set(workspace, id === undefined ? {} : { IBKR_CLIENT_ID: id });
  }

  /** Undefined where neither says one that can be read. */
  of(workspace: string): number | undefined {
    return resolveConfiguration({
      flags: {},
      environment: this.environments.get(workspace) ?? {},
      settings: {},
      envFile: parseEnvFile(envText(workspace)),
    }).runnerClientId;
  }
}

function envText(workspace: string): string {
  try {
    return readFileSync(join(workspace, '.env'), 'utf8');
  } catch {
    // Most workspaces have none, and one that cannot be read names no id either.
    return '';
  }
}
