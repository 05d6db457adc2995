import type { Observed } from '../../core/observed';
import type { RunTool, ToolCall } from '../../host/tool';
import type { ServiceSpec } from './serviceSpec';

/** One call of the system's own tool. */
export interface ServiceStep {
  readonly call: ToolCall;
  /** A refusal means that there was nothing to do. */
  readonly mayFail?: boolean;
  /** How often it is tried, half a second apart: some tools answer before their work is done. */
  readonly attempts?: number;
}

/** What the system says of a service. */
export interface SystemLook {
  /** Whether the system starts it by itself. */
  readonly isEnabled: boolean;
  /** Undefined where the system does not tell. */
  readonly isActive: boolean | undefined;
  readonly pid: number | undefined;
  /** The system's own words for the state, with the last exit where it tells. */
  readonly state: string;
}

/** How one system runs services of a user: files and calls as data, so that they can be shown. */
export interface ServiceSystem {
  /** `systemd user service` and the like. */
  readonly title: string;
  readonly name: string;
  /** Absolute path of the definition. */
  readonly file: string;
  /** The definition's bytes are UTF-16 with a byte order mark. */
  readonly isUtf16: boolean;
  /**
   * The definition.
   * @throws HumanError when a value cannot be written in the system's format
   */
  text(spec: ServiceSpec): string;
  /** Asks whether the system can be spoken to at all; changes nothing. */
  readonly check: ServiceStep;
  /** What to do where it cannot. */
  readonly whenUnreachable: string;
  /** Makes the system know the definition. */
  readonly register: readonly ServiceStep[];
  readonly start: readonly ServiceStep[];
  /** Stops the service and makes the system forget it; the definition is still there. */
  readonly unregister: readonly ServiceStep[];
  /** After the definition has gone. */
  readonly forget: readonly ServiceStep[];
  look(): Promise<Observed<SystemLook>>;
  /** What the trader should know to keep the service alive; never done by us. */
  advice(): string | undefined;
}

/** What the three systems are built from; tests put other tools in. */
export interface ServiceSurroundings {
  readonly platform: NodeJS.Platform;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly homeDirectory: string;
  /** Undefined on Windows. */
  readonly userId: number | undefined;
  readonly userName: string;
  readonly run: RunTool;
  /** Absolute path of `systemctl`, `launchctl` or `schtasks`, instead of the system's own places. */
  readonly tool?: string;
}

/** Milliseconds that a tool may take: a manager answers when a service has started or ended. */
export const slowToolMs = 60_000;
