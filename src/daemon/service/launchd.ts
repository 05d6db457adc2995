import { posix } from 'node:path';
import { known } from '../../core/observed';
import type { ToolCall } from '../../host/tool';
import { launchAgent } from './launchdText';
import {
  type ServiceSurroundings,
  type ServiceSystem,
  slowToolMs,
  type SystemLook,
} from './serviceSystem';

/** `bootout` answers before the old job has ended; `bootstrap` refuses until then. */
const bootstrapAttempts = 60;

/** Agents of launchd in the user's graphical session. Tested as text, never yet on a Mac. */
export function launchdServices(name: string, around: ServiceSurroundings): ServiceSystem {
  const domain = `gui/${around.userId ?? 0}`;
  const target = `${domain}/${name}`;
  const file = posix.join(around.homeDirectory, 'Library/LaunchAgents', `${name}.plist`);
  const call = (...args: string[]): ToolCall => ({
    file: around.tool ?? '/bin/launchctl',
    args,
    deadlineMs: slowToolMs,
  });
  return {
    title: 'launchd agent',
    name,
    file,
    isUtf16: false,
    text: (spec) => launchAgent(name, spec),
    check: { call: call('print', domain) },
    whenUnreachable:
      'Run it while you are logged in at the screen of this Mac, or let your own supervisor run "robo monitor".',
    register: [{ call: call('bootout', target), mayFail: true }, { call: call('enable', target) }],
    start: [{ call: call('bootstrap', domain, file), attempts: bootstrapAttempts }],
    unregister: [{ call: call('bootout', target), mayFail: true }],
    forget: [],
    look: async () => {
      const [job, disabled] = await Promise.all([
        around.run(call('print', target)),
        around.run(call('print-disabled', domain)),
      ]);
      if (!job.known) {
        return job;
      }
      if (!disabled.known) {
        return disabled;
      }
      return known(
        parsePrint(name, job.value.exitCode === 0 ? job.value.stdout : '', disabled.value.stdout),
      );
    },
    advice: () => undefined,
  };
}

/**
 * Reads `launchctl print TARGET` and `launchctl print-disabled DOMAIN`. Both are made for people;
 * only lines that have kept their form since OS X 10.10 are read.
 * @param job empty where launchd does not know the job
 */
export function parsePrint(name: string, job: string, disabled: string): SystemLook {
  const field = (key: string): string | undefined =>
    new RegExp(`^\\s*${key} = (.+)$`, 'm').exec(job)?.[1]?.trim();
  const pid = Number(field('pid') ?? 0);
  const state = field('state');
  const exit = field('last exit code');
  const isDisabled = disabled
    .split('\n')
    .some((line) => line.includes(`"${name}"`) && /=> (true|disabled)/.test(line));
  return {
    // An agent that lies in LaunchAgents is loaded at each login unless it is disabled.
    isEnabled: !isDisabled,
    isActive: pid > 0,
    pid: pid > 0 ? pid : undefined,
    state:
      state === undefined
        ? 'not loaded'
        : [state, ...(pid > 0 || exit === undefined ? [] : [`last exit code ${exit}`])].join(', '),
  };
}
