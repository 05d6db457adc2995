import { shorten } from '../notices';
import { javaEnds } from './gatewayImages';
import { quiet } from './quiet';
import type { LinePattern } from './reader';
import { type Guesses, one, process, runner, sign } from './sign';

/** Lines of runners about themselves, and of the shell and the system about them. */
export const runnerSigns: readonly LinePattern[] = [
  ...killSwitch(),
  ...interpreter(),
  ...missingProgram(),
  ...javaEnds,
  sign('database is locked', /\bdatabase (?:table )?is locked\b/i, runner, one('database_locked')),
  sign('no space left', /\bNo space left on device\b/i, runner, one('disk_full', 0.9)),
  sign('enospc', /\bENOSPC\b/, runner, one('disk_full', 0.9)),
  sign('disk is full', /\b(?:database or )?disk is full\b/i, runner, one('disk_full', 0.85)),
  sign('not enough space', /\bnot enough space on the disk\b/i, runner, one('disk_full', 0.85)),
  ...[
    'address already in use',
    'eaddrinuse',
    'port is already in use',
    'winerror 10048',
    'errno 10048',
    'normally permitted',
  ].map(takenPort),
  ...['stale process', 'stale runner', 'stale code', 'is stale'].map((has) =>
    sign(
      has,
      /\b(?:stale (?:process|runner|code)|(?:process|runner|pid \d{1,9}) is stale)\b/i,
      runner,
      one('runner_older_than_source', 0.6),
    ),
  ),
  ...['older than', 'started before', 'predates'].map((has) =>
    sign(
      has,
      /\b(?:process|runner|pid \d{1,9})\b.{0,80}\b(?:older than|started before|predates)\b.{0,60}\b(?:source|code|commit|HEAD|files?|change|fix)\b/i,
      runner,
      one('runner_older_than_source', 0.75),
    ),
  ),
];

function killSwitch(): readonly LinePattern[] {
  return [
    // Good news about the switch stays unsaid.
    quiet(
      'kill',
      /\bkill[ _-]?switch.{0,40}\b(?:auto_)?(?:force-)?(?:reset|clear(?:ed)?|inactive|not (?:active|triggered)|disarmed|ok|enabled|initiali[sz]ed)\b/i,
    ),
    sign(
      'kill',
      /\bkill[ _-]?switch\b.{0,60}\b(?:trigger(?:ed)?|activat(?:ed|ion)|engaged|active|tripped|on)\b|\bKILL SWITCH\b|\bblocked by kill switch\b|\bkill[ _-]?switch (?:lock file present|state)\b.{0,80}\bfailing closed\b/i,
      runner,
      one('kill_switch_triggered'),
    ),
    sign(
      'kill_switch_',
      /\bkill_switch_(?:state|lock)\b.{0,80}(?:triggered=True|lock file present|state file unreadable)/i,
      runner,
      one('kill_switch_triggered'),
    ),
    sign(
      'limit exceeded',
      /(?:^|\s)(?:Position|Daily|Portfolio|Consecutive) (?:loss|drawdown) limit exceeded/i,
      runner,
      one('kill_switch_triggered', 0.7),
    ),
    sign(
      'drawdown exceeded',
      /(?:^|\s)Maximum drawdown exceeded/i,
      runner,
      one('kill_switch_triggered', 0.7),
    ),
    sign('emergency shutdown', /\bEMERGENCY SHUTDOWN\b/, runner, one('kill_switch_triggered', 0.6)),
  ];
}

/** The interpreter that is wrong, missing, or breaks before the first line of the program. */
function interpreter(): readonly LinePattern[] {
  const broken: Guesses = [
    { id: 'wrong_interpreter', confidence: 0.6 },
    { id: 'runner_exited', confidence: 0.2 },
  ];
  return [
    ...['bus error', 'illegal instruction', 'illegal hardware instruction'].map((has) =>
      sign(has, /(?:^|\s)(?:Bus error|Illegal (?:hardware )?instruction)\b/i, runner, broken),
    ),
    sign('segmentation fault', /(?:^|\s)Segmentation fault\b/i, runner, [
      { id: 'wrong_interpreter', confidence: 0.4 },
      { id: 'runner_exited', confidence: 0.35 },
    ]),
    sign(
      'no module named',
      /\bNo module named '?[\w.]{1,100}/,
      runner,
      one('wrong_interpreter', 0.8),
    ),
    sign(
      'not installed. run: pip',
      /\bnot installed\. Run: pip3? install\b/i,
      runner,
      one('wrong_interpreter', 0.8),
    ),
    sign('requires python', /\brequires Python ?[<>=]/i, runner, one('wrong_interpreter', 0.8)),
    sign(
      'requires a different python',
      /\brequires a different Python\b/i,
      runner,
      one('wrong_interpreter', 0.8),
    ),
    sign(
      'incompatible architecture',
      /\bincompatible architecture\b/i,
      runner,
      one('wrong_interpreter', 0.75),
    ),
    sign('library not loaded', /\bLibrary not loaded: /, runner, one('wrong_interpreter', 0.7)),
    sign('bad interpreter', /: bad interpreter: /, runner, one('wrong_interpreter', 0.75)),
  ];
}

/** A command that does not exist. */
function missingProgram(): readonly LinePattern[] {
  return [
    sign(
      'command not found',
      /: command not found(?:: \S{1,100})?$/,
      runner,
      one('command_not_found'),
    ),
    sign('enoent', /\bspawn \S{1,200} ENOENT\b/, runner, one('command_not_found')),
    sign(
      'no such file or directory: ',
      /\bNo such file or directory: '[^'/]{0,40}python[^'/]{0,20}'/,
      runner,
      one('command_not_found'),
    ),
    sign(
      ': no such file or directory',
      /^(?:\/usr\/bin\/)?env: ['‘]?\S{1,100}?['’]?: No such file or directory/,
      runner,
      one('command_not_found'),
    ),
    sign(
      'is not recognized as',
      /\bis not recognized as (?:an internal or external command|the name of a cmdlet)/i,
      runner,
      one('command_not_found'),
    ),
    sign('python was not found', /^Python was not found;/, runner, one('command_not_found')),
    sign(
      "can't open file",
      /can't open file '.{1,300}': \[Errno 2\]/,
      runner,
      one('command_not_found', 0.7),
    ),
  ];
}

/** A port that another program has. The API port is TWS's; others belong to helpers. */
function takenPort(has: string): LinePattern {
  return {
    has,
    pattern:
      /\b(?:address already in use|EADDRINUSE|port is already in use|(?:WinError|Errno) 10048|normally permitted)\b/i,
    read: (_match, { text }) => {
      const port = Number(/(?:[:.]|', ?|\bport )(\d{4,5})\b/i.exec(text)?.[1]);
      const isApi = [7496, 7497, 4001, 4002].includes(port);
      const causes: Guesses = isApi
        ? [
            { id: 'duplicate_gateway', confidence: 0.35 },
            { id: 'wrong_service', confidence: 0.3 },
          ]
        : one('helper_port_taken', 0.8);
      return [{ kind: 'sign', subject: isApi ? process : runner, causes, text: shorten(text) }];
    },
  };
}
