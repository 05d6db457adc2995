import {
  cannotHold,
  recordLine,
  restartPolicy,
  serviceDescription,
  type ServiceSpec,
} from './serviceSpec';
import { xmlText } from './xmlText';

/** For whom the task runs, and where Windows lies. */
export interface TaskContext {
  /** `DOMAIN\name`. */
  readonly user: string;
  /** `%SystemRoot%`, for example `C:\Windows`. */
  readonly systemRoot: string;
}

/**
 * The definition of a Windows scheduled task: at logon, with the user's own rights, without a time
 * limit. Node is a console program and would open a window that somebody closes; `conhost
 * --headless` (Windows 10 1809) gives it a console without one.
 */
export function scheduledTask(spec: ServiceSpec, context: TaskContext): string {
  const command = literal(`${context.systemRoot}\\System32\\conhost.exe`);
  const args = ['--headless', spec.node, spec.daemonScript, ...spec.args]
    .map((arg) => windowsArgument(literal(arg)))
    .join(' ');
  const user = xmlText(context.user);
  return `<?xml version="1.0" encoding="UTF-16"?>
<!-- ${recordLine(spec)} -->
<!-- Written by "robo service install", removed by "robo service uninstall". -->
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Description>${xmlText(serviceDescription(spec))}</Description>
  </RegistrationInfo>
  <Triggers>
    <LogonTrigger>
      <Enabled>true</Enabled>
      <UserId>${user}</UserId>
    </LogonTrigger>
  </Triggers>
  <Principals>
    <Principal id="Author">
      <UserId>${user}</UserId>
      <LogonType>InteractiveToken</LogonType>
      <RunLevel>LeastPrivilege</RunLevel>
    </Principal>
  </Principals>
${taskSettings()}  <Actions Context="Author">
    <Exec>
      <Command>${xmlText(command)}</Command>
      <Arguments>${xmlText(args)}</Arguments>
    </Exec>
  </Actions>
</Task>
`;
}

/** Without a limit of time, on batteries too, and started again after a failure, but not for ever. */
function taskSettings(): string {
  const intervalMin = Math.ceil(restartPolicy.windowSec / restartPolicy.starts / 60);
  return `  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <AllowHardTerminate>true</AllowHardTerminate>
    <StartWhenAvailable>true</StartWhenAvailable>
    <AllowStartOnDemand>true</AllowStartOnDemand>
    <Enabled>true</Enabled>
    <Hidden>false</Hidden>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <Priority>5</Priority>
    <RestartOnFailure>
      <Interval>PT${intervalMin}M</Interval>
      <Count>${restartPolicy.starts - 1}</Count>
    </RestartOnFailure>
  </Settings>
`;
}

/**
 * An argument as the C runtime of Windows reads it back: quoted where it must be, backslashes
 * doubled only in front of a quote.
 */
export function windowsArgument(text: string): string {
  return text !== '' && !/[\s"]/.test(text)
    ? text
    : `"${text.replace(/(\\*)"/g, '$1$1\\"').replace(/(\\+)$/, '$1$1')}"`;
}

/** The Task Scheduler replaces `%NAME%` and `$(Arg0)`, and knows no way to write them as text. */
function literal(text: string): string {
  if (/%[^%]+%|\$\(/.test(text)) {
    throw cannotHold('A scheduled task', text, 'Windows would put a variable in its place');
  }
  return text;
}
