import { recordLine, restartPolicy, type ServiceSpec, stopTimeoutSec } from './serviceSpec';
import { xmlText } from './xmlText';

/**
 * The property list of a launchd agent. launchd knows no limit of starts and cannot tell exit
 * codes apart, so that only a crash by signal starts it again, as rarely as the limit would allow;
 * an exit with a code is left to the human. `AbandonProcessGroup` spares what the monitor started.
 */
export function launchAgent(name: string, spec: ServiceSpec): string {
  const command = [spec.node, spec.daemonScript, ...spec.args]
    .map((arg) => `    <string>${xmlText(arg)}</string>`)
    .join('\n');
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<!-- ${recordLine(spec)} -->
<!-- Written by "robo service install", removed by "robo service uninstall". -->
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>${xmlText(name)}</string>
  <key>ProgramArguments</key>
  <array>
${command}
  </array>
  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <dict>
    <key>Crashed</key>
    <true/>
  </dict>
  <key>ThrottleInterval</key>
  <integer>${restartPolicy.windowSec / restartPolicy.starts}</integer>
  <key>ExitTimeOut</key>
  <integer>${stopTimeoutSec}</integer>
  <key>AbandonProcessGroup</key>
  <true/>
</dict>
</plist>
`;
}
