import { existsSync } from 'node:fs';
import { posix } from 'node:path';
import { xdgDirectory } from '../../core/paths';
import { known } from '../../core/observed';
import { successfulOutput, type ToolCall } from '../../host/tool';
import {
  type ServiceSurroundings,
  type ServiceSystem,
  slowToolMs,
  type SystemLook,
} from './serviceSystem';
import { systemdUnit } from './systemdText';

const places = ['/usr/bin/systemctl', '/bin/systemctl', '/run/current-system/sw/bin/systemctl'];

/** User services of systemd. */
export function systemdServices(name: string, around: ServiceSurroundings): ServiceSystem {
  const unit = `${name}.service`;
  const file = posix.join(xdgDirectory(around, 'XDG_CONFIG_HOME', '.config'), 'systemd/user', unit);
  const tool = around.tool ?? places.find((place) => existsSync(place)) ?? places[0] ?? '';
  const call = (...args: string[]): ToolCall => ({
    file: tool,
    args: ['--user', ...args],
    environment: busEnvironment(around),
    deadlineMs: slowToolMs,
  });
  const show = call('show', ...shown.map((property) => `--property=${property}`), unit);
  return {
    title: 'systemd user service',
    name,
    file,
    isUtf16: false,
    text: systemdUnit,
    check: { call: call('show', '--property=Version') },
    whenUnreachable:
      'Run it in a login session of your own (a desktop or ssh, not su, sudo or a bare container), or let your own supervisor run "robo monitor".',
    register: [
      { call: call('daemon-reload') },
      // A service that had used up its starts may start again: somebody has changed something.
      { call: call('reset-failed', unit), mayFail: true },
      { call: call('enable', unit) },
    ],
    start: [{ call: call('restart', unit) }],
    unregister: [{ call: call('disable', '--now', unit) }],
    forget: [{ call: call('daemon-reload') }, { call: call('reset-failed', unit), mayFail: true }],
    look: async () => {
      const output = successfulOutput(show, await around.run(show));
      return output.known ? known(parseShow(output.value)) : output;
    },
    advice: () => (isLingering(around) ? undefined : lingerAdvice),
  };
}

const lingerAdvice =
  'It ends when you log out for the last time; "loginctl enable-linger" would keep it.';

/** Where systemd notes users whose services outlive their sessions. */
function isLingering({ userName }: ServiceSurroundings): boolean {
  return existsSync(posix.join('/var/lib/systemd/linger', userName));
}

/** How the user's manager is reached; a tool gets nothing else of our environment. */
function busEnvironment({
  environment,
  homeDirectory,
  userId,
}: ServiceSurroundings): Record<string, string> {
  // Cron and su do not set it, although the manager may be there.
  const named = environment['XDG_RUNTIME_DIR'] ?? '';
  const runtime = named === '' ? `/run/user/${userId ?? 0}` : named;
  const bus = environment['DBUS_SESSION_BUS_ADDRESS'];
  return {
    HOME: homeDirectory,
    XDG_RUNTIME_DIR: runtime,
    ...(bus === undefined ? {} : { DBUS_SESSION_BUS_ADDRESS: bus }),
  };
}

const shown = [
  'LoadState',
  'UnitFileState',
  'ActiveState',
  'SubState',
  'Result',
  'MainPID',
  'ExecMainStatus',
] as const;

/** Reads the properties that `systemctl show` prints, one `Name=value` a line. */
export function parseShow(text: string): SystemLook {
  const values = new Map(
    text.split('\n').map((line) => {
      const at = line.indexOf('=');
      return [line.slice(0, at), line.slice(at + 1).trim()] as const;
    }),
  );
  const value = (name: (typeof shown)[number]): string => values.get(name) ?? '';
  const pid = Number(value('MainPID'));
  const active = value('ActiveState');
  const result = value('Result');
  const substate = active === 'failed' ? [] : [value('SubState')];
  // `exit-code 75`, `signal 9`; of a service that runs it is the ending of the run before.
  const ending = pid > 0 || result === 'success' ? [] : [`${result} ${value('ExecMainStatus')}`];
  return {
    isEnabled: ['enabled', 'enabled-runtime', 'linked'].includes(value('UnitFileState')),
    isActive: active === 'active' || active === 'reloading',
    pid: pid > 0 ? pid : undefined,
    state:
      value('LoadState') === 'loaded'
        ? `${active} (${[...substate, ...ending].join(', ')})`
        : `the unit is ${value('LoadState')}`,
  };
}
