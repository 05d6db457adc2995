import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import * as vscode from 'vscode';
import { parseEnvFile } from '../core/envFile';
import { errorCode, HumanError } from '../core/errors';
import { defaultStateDirectory } from '../core/paths';
import {
  type Configuration,
  type RawConfiguration,
  remoteHostInEnvFile,
  resolveConfiguration,
} from '../ibkr/configuration';
import { type Endpoint, isLoopback } from '../ibkr/endpoint';
import {
  parseRecoverySettings,
  recoveryOff,
  type RecoverySettings,
} from '../monitor/recoverySettings';
import { settingKeys, settingsSection } from './ids';
import type { PlacementFiles } from './placeFinding';

/** What this window's folder and settings say; read anew whenever one of them changes. */
export interface WorkspaceSetup {
  readonly folder: vscode.WorkspaceFolder | undefined;
  readonly configuration: Configuration;
  readonly files: PlacementFiles;
  readonly runnerCommand: readonly string[];
  readonly refuseAfterMs: number;
  readonly stateDirectory: string;
  /** The explicit settings of alerts, unchecked: only those of this machine and user count. */
  readonly alerts: Readonly<Record<'desktop' | 'command' | 'heartbeatUrl', unknown>>;
  /** For a daemon that this window starts. */
  readonly recovery: RecoverySettings;
  /** Empty: the editor's own Node. */
  readonly nodePath: string;
  /** The folder has settings or a `.env` that name an endpoint. */
  readonly isTradingFolder: boolean;
}

const maxEnvFileBytes = 1_000_000;

/** Reads settings and `.env`; for trusted workspaces only, because `.env` holds secrets. */
export async function readWorkspaceSetup(): Promise<WorkspaceSetup> {
  const candidates = vscode.workspace.workspaceFolders ?? [];
  const setups: WorkspaceSetup[] = [];
  for (const folder of candidates) {
    const setup = await readFolder(folder);
    if (setup.isTradingFolder) {
      return setup;
    }
    setups.push(setup);
  }
  return setups[0] ?? readFolder(undefined);
}

async function readFolder(folder: vscode.WorkspaceFolder | undefined): Promise<WorkspaceSetup> {
  const envText = await readText(folder, '.env');
  const settingsText = await readText(folder, path.join('.vscode', 'settings.json'));
  const env = parseEnvFile(envText ?? '');
  const section = vscode.workspace.getConfiguration(settingsSection, folder?.uri);
  const settings = explicitSettings(section);
  const remote = remoteHostInEnvFile(env);
  const settingHost = settings.host ?? process.env['IBKR_HOST'];
  const resolved = resolveConfiguration({
    // A remote host in `.env` is not replaced by this machine behind the trader's back: it is
    // taken as written, and Watch dials no such host without consent.
    flags: remote !== undefined && settingHost === undefined ? { host: remote } : {},
    environment: process.env,
    settings,
    envFile: env,
  });
  const origins = { ...resolved.origins };
  if (origins.host === 'flag') {
    origins.host = 'envFile';
  }
  const namesEndpoint = env.has('IBKR_PORT') || Object.keys(settings).length > 0;
  return {
    folder,
    configuration: { ...resolved, origins },
    files: { folderPath: folder?.uri.fsPath, env, settings: settingsText, origins },
    runnerCommand: stringList(section.get<unknown>(settingKeys.runnerCommand)) ?? [],
    refuseAfterMs: section.get<number>(settingKeys.refuseAfterSeconds, 15) * 1000,
    stateDirectory: stateDirectory(section.get<string>(settingKeys.stateDirectory, '')),
    nodePath: section.get<string>(settingKeys.nodePath, ''),
    alerts: {
      desktop: section.inspect(settingKeys.alertsDesktop)?.globalValue,
      command: section.inspect(settingKeys.alertsCommand)?.globalValue,
      heartbeatUrl: section.inspect(settingKeys.alertsHeartbeatUrl)?.globalValue,
    },
    recovery: recoverySettings(section, resolved.endpoint),
    isTradingFolder: folder !== undefined && namesEndpoint,
  };
}

/** Settings of the machine, which also has endpoints without an IBC: those get none. */
function recoverySettings(
  section: vscode.WorkspaceConfiguration,
  endpoint: Endpoint,
): RecoverySettings {
  const port = section.get<number>(settingKeys.recoveryIbcCommandPort, 0);
  const allow = stringList(section.get<unknown>(settingKeys.recoveryAllow)) ?? [];
  if (port === 0 || !isLoopback(endpoint.host)) {
    return recoveryOff;
  }
  const raw = { ibcCommandPort: String(port), allow: allow.join(',') };
  return parseRecoverySettings(raw, endpoint, {
    port: `${settingsSection}.${settingKeys.recoveryIbcCommandPort}`,
    allow: `${settingsSection}.${settingKeys.recoveryAllow}`,
  });
}

/** Where the files of a folder are that Problems are placed in. */
export function placementUri(folder: vscode.WorkspaceFolder, file: 'env' | 'settings'): vscode.Uri {
  return file === 'env'
    ? vscode.Uri.joinPath(folder.uri, '.env')
    : vscode.Uri.joinPath(folder.uri, '.vscode', 'settings.json');
}

function explicitSettings(section: vscode.WorkspaceConfiguration): RawConfiguration {
  const explicit = (key: string): unknown => {
    const found = section.inspect<unknown>(key);
    return found?.workspaceFolderValue ?? found?.workspaceValue ?? found?.globalValue;
  };
  const text = (key: string): string | undefined => {
    const value = explicit(key);
    return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
  };
  const result: { -readonly [K in keyof RawConfiguration]: string } = {};
  for (const key of [settingKeys.host, settingKeys.port, settingKeys.clientId] as const) {
    const value = text(key);
    if (value !== undefined && value !== '') {
      result[key] = value;
    }
  }
  const symbols = stringList(explicit(settingKeys.symbols));
  if (symbols !== undefined && symbols.length > 0) {
    result.symbols = symbols.join(',');
  }
  return result;
}

function stringList(value: unknown): readonly string[] | undefined {
  return Array.isArray(value) ? value.map(String) : undefined;
}

function stateDirectory(setting: string): string {
  return setting === ''
    ? defaultStateDirectory({
        platform: process.platform,
        environment: process.env,
        homeDirectory: homedir(),
        userId: process.getuid?.(),
      })
    : setting;
}

async function readText(
  folder: vscode.WorkspaceFolder | undefined,
  name: string,
): Promise<string | undefined> {
  if (folder?.uri.scheme !== 'file') {
    return undefined;
  }
  try {
    const bytes = await readFile(path.join(folder.uri.fsPath, name));
    if (bytes.length > maxEnvFileBytes) {
      throw new HumanError(
        `${name} is larger than 1 MB, so it is no file of settings; it is not read.`,
      );
    }
    return bytes.toString('utf8');
  } catch (error) {
    // A folder without the file is the usual case; one that cannot be read says so by its code.
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') {
      return undefined;
    }
    throw error;
  }
}
