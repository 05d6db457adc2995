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
import { editorCommands, settingKeys, settingsSection } from './ids';
import type { PlacementFiles } from './placeFinding';
import { Refusal } from './refusal';

/** What this window's folder and settings say; read anew whenever one of them changes. */
export interface WorkspaceSetup {
  readonly folder: vscode.WorkspaceFolder | undefined;
  readonly configuration: Configuration;
  readonly files: PlacementFiles;
  readonly runnerCommand: readonly string[];
  /** Undefined: as the monitor decides, on for paper and off for live. */
  readonly restartsByItself: boolean | undefined;
  /** Whether the helpers of a recognised program are started with it. */
  readonly withHelpers: boolean;
  /** Absolute path of the strategy of the built-in runner; empty: its own. */
  readonly strategyFile: string;
  readonly refuseAfterMs: number;
  readonly stateDirectory: string;
  /** The explicit settings of alerts, unchecked: only those of this machine and user count. */
  readonly alerts: Readonly<Record<'desktop' | 'command' | 'heartbeatUrl', unknown>>;
  readonly recovery: RecoverySettings;
  /** How the endpoint is watched, unchecked, explicit settings of this machine and user only. */
  readonly watch: Readonly<
    Record<'intervalSeconds' | 'twsZone' | 'twsRestart' | 'alsoAt' | 'feed', unknown>
  >;
  /** Ids of the causes that are no Problems in this folder. */
  readonly silenced: readonly string[];
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

/** The same of one folder; without one, what counts for the window. */
export async function readFolder(
  folder: vscode.WorkspaceFolder | undefined,
): Promise<WorkspaceSetup> {
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
    restartsByItself: restartWish(section.get<unknown>(settingKeys.runnerRestart)),
    withHelpers: section.get<unknown>(settingKeys.runnerHelpers) !== false,
    strategyFile: strategyFile(folder, section.get<unknown>(settingKeys.runnerStrategy)),
    refuseAfterMs: section.get<number>(settingKeys.refuseAfterSeconds, 15) * 1000,
    stateDirectory: stateDirectory(section.get<string>(settingKeys.stateDirectory, '')),
    silenced: stringList(section.get<unknown>(settingKeys.problemsSilenced)) ?? [],
    nodePath: section.get<string>(settingKeys.nodePath, ''),
    alerts: {
      desktop: section.inspect(settingKeys.alertsDesktop)?.globalValue,
      command: section.inspect(settingKeys.alertsCommand)?.globalValue,
      heartbeatUrl: section.inspect(settingKeys.alertsHeartbeatUrl)?.globalValue,
    },
    recovery: recoverySettings(section, resolved.endpoint),
    watch: {
      intervalSeconds: section.inspect(settingKeys.monitorIntervalSeconds)?.globalValue,
      twsZone: section.inspect(settingKeys.twsTimeZone)?.globalValue,
      twsRestart: section.inspect(settingKeys.twsRestartTime)?.globalValue,
      alsoAt: section.inspect(settingKeys.recordsAlsoAt)?.globalValue,
      feed: feedSettings(section),
    },
    isTradingFolder: folder !== undefined && namesEndpoint,
  };
}

/** The folder that a runner belongs to. */
export function requireFolder(setup: WorkspaceSetup): vscode.WorkspaceFolder {
  if (setup.folder?.uri.scheme !== 'file') {
    throw new Refusal(
      vscode.l10n.t('A runner belongs to a folder on disk: open your trading folder first.'),
      [
        {
          title: vscode.l10n.t('Open Folder'),
          command: editorCommands.openFolder,
          arguments: [],
        },
      ],
    );
  }
  return setup.folder;
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

/** Undefined where nothing is said of it. */
function feedSettings(section: vscode.WorkspaceConfiguration): object | undefined {
  const isEnabled = section.inspect<unknown>(settingKeys.feedEnabled)?.globalValue;
  const port = section.inspect<unknown>(settingKeys.feedPort)?.globalValue;
  return isEnabled === undefined && port === undefined
    ? undefined
    : { isEnabled: isEnabled ?? false, port: port ?? 0 };
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

/** Relative to the folder, as the setting says. */
function strategyFile(folder: vscode.WorkspaceFolder | undefined, setting: unknown): string {
  return typeof setting === 'string' && setting !== ''
    ? path.resolve(folder?.uri.fsPath ?? '', setting)
    : '';
}

/** `auto`, and what is no word of this setting, leave it to the monitor. */
function restartWish(value: unknown): boolean | undefined {
  return value === 'on' ? true : value === 'off' ? false : undefined;
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
