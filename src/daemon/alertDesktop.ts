import { posix, win32 } from 'node:path';
import type { RunTool, ToolCall } from '../host/tool';
import type { AlertWords } from './alertWords';

export interface DesktopDependencies {
  readonly platform: NodeJS.Platform;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly run: RunTool;
  /** Where `notify-send` may lie. */
  readonly notifySend?: readonly string[];
}

/** Distributions, FreeBSD-like prefixes and NixOS. */
const notifySendPlaces = [
  '/usr/bin/notify-send',
  '/usr/local/bin/notify-send',
  '/run/current-system/sw/bin/notify-send',
];

/** What `notify-send` needs of the session to find its notification service. */
const sessionVariables = [
  'DBUS_SESSION_BUS_ADDRESS',
  'XDG_RUNTIME_DIR',
  'DISPLAY',
  'WAYLAND_DISPLAY',
  'XAUTHORITY',
  'HOME',
];

/** The words come as arguments of the script, never as a part of it. */
const appleScript = [
  'on run argv',
  'display notification (item 2 of argv) with title (item 1 of argv)',
  'end run',
];

/** The words come in variables, never as a part of the script. PowerShell's own id may show toasts. */
const powershellScript = [
  "$ErrorActionPreference='Stop'",
  '$null=[Windows.UI.Notifications.ToastNotificationManager,Windows.UI.Notifications,ContentType=WindowsRuntime]',
  '$x=[Windows.UI.Notifications.ToastNotificationManager]::GetTemplateContent([Windows.UI.Notifications.ToastTemplateType]::ToastText02)',
  "$t=$x.GetElementsByTagName('text')",
  '$null=$t.Item(0).AppendChild($x.CreateTextNode($env:ROBO_TITLE))',
  '$null=$t.Item(1).AppendChild($x.CreateTextNode($env:ROBO_BODY))',
  "$id='{1AC14E77-02E7-4E5D-B744-2EB1AE5198B7}\\WindowsPowerShell\\v1.0\\powershell.exe'",
  '[Windows.UI.Notifications.ToastNotificationManager]::CreateToastNotifier($id).Show([Windows.UI.Notifications.ToastNotification]::new($x))',
].join(';');

/**
 * The runs that would show the words on this desktop; the first one whose program is there counts.
 * None where there is no session that could show anything.
 */
export function desktopCalls(words: AlertWords, deps: DesktopDependencies): readonly ToolCall[] {
  switch (deps.platform) {
    case 'linux':
      return linuxCalls(words, deps);
    case 'darwin':
      return [
        {
          file: '/usr/bin/osascript',
          args: [...appleScript.flatMap((each) => ['-e', each]), words.title, words.body],
          environment: { LC_ALL: 'en_US.UTF-8' },
        },
      ];
    case 'win32':
      return [windowsCall(words, deps.environment)];
    default:
      return [];
  }
}

/** Shows the words. Resolves with why that failed; undefined when it worked or nothing can show it. */
export async function showOnDesktop(
  words: AlertWords,
  deps: DesktopDependencies,
): Promise<string | undefined> {
  let why: string | undefined;
  for (const call of desktopCalls(words, deps)) {
    const ran = await deps.run(call);
    if (ran.known && ran.value.exitCode === 0) {
      return undefined;
    }
    if (ran.known) {
      const [complaint = ''] = ran.value.stderr.trim().split('\n');
      return `${call.file} ended with exit code ${ran.value.exitCode} ${complaint}`.trim();
    }
    why ??= ran.why;
  }
  return why;
}

function linuxCalls(
  { title, body }: AlertWords,
  { environment, notifySend = notifySendPlaces }: DesktopDependencies,
): readonly ToolCall[] {
  const has = (name: string): boolean => (environment[name] ?? '') !== '';
  if (!has('DBUS_SESSION_BUS_ADDRESS') && !(has('DISPLAY') || has('WAYLAND_DISPLAY'))) {
    return [];
  }
  const session = sessionVariables.flatMap((name) => {
    const value = environment[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  // The body is markup for many notification services, the title for none.
  const markup = body.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
  return notifySend
    .filter((file) => posix.isAbsolute(file))
    .map((file) => ({
      file,
      args: ['--app-name=Robo', '--urgency=critical', '--', title, markup],
      environment: { ...Object.fromEntries(session), LC_ALL: 'C.UTF-8' },
    }));
}

function windowsCall(
  { title, body }: AlertWords,
  environment: Readonly<Record<string, string | undefined>>,
): ToolCall {
  const named = environment['SystemRoot'] ?? '';
  const root = win32.isAbsolute(named) ? named : 'C:\\Windows';
  return {
    file: win32.join(root, 'System32', 'WindowsPowerShell', 'v1.0', 'powershell.exe'),
    args: ['-NoLogo', '-NoProfile', '-NonInteractive', '-Command', powershellScript],
    environment: { ROBO_TITLE: title, ROBO_BODY: body },
    deadlineMs: 10_000,
  };
}
