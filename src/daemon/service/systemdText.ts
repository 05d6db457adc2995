import { daemonExit } from '../daemonExit';
import {
  cannotHold,
  recordLine,
  restartPolicy,
  serviceDescription,
  type ServiceSpec,
  stopTimeoutSec,
} from './serviceSpec';

/**
 * The unit file of a systemd user service.
 *
 * - `Restart` with a delay and a limit; an endpoint that another monitor holds and wrong arguments
 *   are no failures that a repetition mends.
 * - `KillMode=process` and `OOMPolicy=continue`: a runner lies in the service's control group and
 *   must outlive the monitor.
 * - `Type=exec` (systemd 240): a Node that is not there fails the start instead of the service.
 */
export function systemdUnit(spec: ServiceSpec): string {
  const command = [
    systemdProgram(spec.node),
    ...[spec.daemonScript, ...spec.args].map((arg) => systemdArgument(arg)),
  ].join(' ');
  return `# ${recordLine(spec)}
# Written by "robo service install", removed by "robo service uninstall". Changes of your own
# belong into a drop-in ("systemctl --user edit"), which Robo leaves alone.
[Unit]
Description=${serviceDescription(spec).replaceAll('%', '%%')}
StartLimitIntervalSec=${restartPolicy.windowSec}
StartLimitBurst=${restartPolicy.starts}

[Service]
Type=exec
ExecStart=${command}
Restart=on-failure
RestartSec=${restartPolicy.delaySec}
RestartPreventExitStatus=${daemonExit.usage} ${daemonExit.alreadyHeld}
KillMode=process
TimeoutStopSec=${stopTimeoutSec}
OOMPolicy=continue
UnsetEnvironment=NODE_OPTIONS ELECTRON_RUN_AS_NODE

[Install]
WantedBy=default.target
`;
}

/** An argument of ExecStart: as a word, with variables taken as text. */
function systemdArgument(text: string): string {
  return systemdWord(text).replaceAll('$', '$$$$');
}

/**
 * The program of ExecStart: a `$` stands for itself there.
 * @throws HumanError for characters that systemd refuses in a program's path
 */
function systemdProgram(path: string): string {
  // eslint-disable-next-line no-control-regex -- exactly these are refused ("special characters")
  if (/["'\\\u0001-\u001f\u007f]/.test(path)) {
    throw cannotHold('A unit file', path, 'systemd takes no program with a quote or a backslash');
  }
  return systemdWord(path);
}

/**
 * A quoted word with C escapes, `%` doubled.
 * @throws HumanError for what no argument of a process can hold
 */
function systemdWord(text: string): string {
  if (text.includes('\0') || /\p{Surrogate}/u.test(text)) {
    throw cannotHold('A unit file', text, 'it contains a character that no file name can have');
  }
  // eslint-disable-next-line no-control-regex -- a unit file holds none of these as they are
  const escaped = text.replace(/[\\"\u0001-\u001f\u007f]/g, (character) =>
    character === '\\' || character === '"'
      ? `\\${character}`
      : `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
  return `"${escaped.replaceAll('%', '%%')}"`;
}
