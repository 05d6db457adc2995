import { win32 } from 'node:path';
import { defaultDataDirectory } from '../../core/paths';
import { known } from '../../core/observed';
import type { ToolCall } from '../../host/tool';
import {
  type ServiceSurroundings,
  type ServiceSystem,
  slowToolMs,
  type SystemLook,
} from './serviceSystem';
import { scheduledTask } from './taskText';

/**
 * Tasks of the Windows Task Scheduler. `schtasks /End` is never used: it ends everything that the
 * task has started, and that may be a runner. Tested as text, never yet on Windows.
 */
export function scheduledTasks(name: string, around: ServiceSurroundings): ServiceSystem {
  const { environment } = around;
  const systemRoot = environment['SystemRoot'] ?? 'C:\\Windows';
  const domain = environment['USERDOMAIN'] ?? '';
  const user = domain === '' ? around.userName : `${domain}\\${around.userName}`;
  const file = win32.join(defaultDataDirectory(around), 'services', name, 'task.xml');
  const call = (...args: string[]): ToolCall => ({
    file: around.tool ?? win32.join(systemRoot, 'System32', 'schtasks.exe'),
    args,
    encoding: 'latin1',
    deadlineMs: slowToolMs,
  });
  return {
    title: 'scheduled task',
    name,
    file,
    isUtf16: true,
    text: (spec) => scheduledTask(spec, { user, systemRoot }),
    check: { call: call('/Query', '/FO', 'CSV', '/NH') },
    whenUnreachable:
      'Start the service "Task Scheduler" of Windows, or let your own supervisor run "robo monitor".',
    register: [{ call: call('/Create', '/TN', name, '/XML', file, '/F') }],
    start: [{ call: call('/Run', '/TN', name) }],
    unregister: [{ call: call('/Delete', '/TN', name, '/F') }],
    forget: [],
    look: async () => {
      const ran = await around.run(call('/Query', '/TN', name, '/XML'));
      return ran.known ? known(parseTask(ran.value.exitCode === 0 ? ran.value.stdout : '')) : ran;
    },
    advice: () => undefined,
  };
}

/**
 * Reads the XML that `schtasks /Query /XML` prints. Whether the task runs stands only in tables
 * whose words are translated, so that it stays unsaid.
 * @param xml empty where Windows does not know the task
 */
export function parseTask(xml: string): SystemLook {
  // Read byte by byte, UTF-16 has a NUL behind each letter.
  const text = xml.replaceAll('\0', '');
  const [, settings] = /<Settings>([\s\S]*?)<\/Settings>/.exec(text) ?? [];
  const isDisabled = settings !== undefined && /<Enabled>\s*false\s*<\/Enabled>/.test(settings);
  const isThere = text.includes('<Task');
  return {
    isEnabled: isThere && !isDisabled,
    isActive: isThere ? undefined : false,
    pid: undefined,
    state: isThere ? (isDisabled ? 'disabled' : 'registered') : 'not registered',
  };
}
