import * as v from 'valibot';
import { HumanError } from '../../core/errors';
import { endpointFolder } from '../../core/paths';
import { describeEndpoint, type Endpoint } from '../../ibkr/endpoint';

/** A service as one of the three systems is to run it. */
export interface ServiceSpec {
  readonly endpoint: Endpoint;
  readonly stateDirectory: string;
  /** Absolute path of a Node of the service's own. */
  readonly node: string;
  /** Absolute path of the copied bundle. */
  readonly daemonScript: string;
  /** What the daemon is told: host, port, client id, state directory, `--service`. */
  readonly args: readonly string[];
  /** The product's version. */
  readonly version: string;
}

/** How a system may start the monitor again (law 10): with a delay, and not for ever. */
export const restartPolicy = {
  delaySec: 10,
  /** Starts within `windowSec`, the first one included; after that a human is needed. */
  starts: 3,
  windowSec: 900,
} as const;

/** Seconds that the monitor may take to end in order. */
export const stopTimeoutSec = 30;

/** One service per endpoint; the name is the same on every system. */
export function serviceName(endpoint: Endpoint): string {
  return `robo-monitor-${endpointFolder(endpoint)}`;
}

/** The words by which a person knows the service in the system's own lists. */
export function serviceDescription(spec: Pick<ServiceSpec, 'endpoint'>): string {
  return `Robo monitor of ${describeEndpoint(spec.endpoint)}`;
}

const recordSchema = v.object({
  schema: v.literal(1),
  version: v.string(),
  stateDirectory: v.string(),
  node: v.string(),
  daemonScript: v.string(),
});

/** What a definition says of itself, so that a later command need not understand its format. */
export type ServiceRecord = Readonly<v.InferOutput<typeof recordSchema>>;

const recordWord = 'robo-service';

/**
 * The line by which Robo knows a definition as its own. Fit for a comment of every format: one
 * line of ASCII without two hyphens in a row, `<`, `>` or `&`.
 */
export function recordLine(spec: ServiceSpec): string {
  const { version, stateDirectory, node, daemonScript } = spec;
  const record: ServiceRecord = { schema: 1, version, stateDirectory, node, daemonScript };
  const json = JSON.stringify(record).replace(
    /[^ -~]|[-<>&]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return `${recordWord} ${json}`;
}

/** The record in a definition; undefined in a file that Robo has not written. */
export function parseRecord(text: string): ServiceRecord | undefined {
  const [, json] = /robo-service (\{[^\r\n]*\})/.exec(text) ?? [];
  try {
    const parsed = v.safeParse(recordSchema, JSON.parse(json ?? ''));
    return parsed.success ? parsed.output : undefined;
  } catch {
    return undefined;
  }
}

/** A value cannot be written in a system's format. */
export function cannotHold(what: string, value: string, why: string): HumanError {
  return new HumanError(
    `${what} cannot hold ${JSON.stringify(value)}: ${why}. Choose other folders, with --state-dir and --node.`,
  );
}
