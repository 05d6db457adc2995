import type { CommandName } from './commandNames';

const usage = `robo: does TWS or IB Gateway really answer, why not, and may my runner start

  robo test [--symbol AAPL] [--mode paper|live] [--timeout S] [--no-data] [--json | --format problem]
                                  test the connection layer by layer
  robo status [--json]            the present state
  robo run [--preset NAME] [--symbols A,B] [--bypass "REASON"] [--no-helpers]
           [--restart on|off|auto] [-- COMMAND ...]
                                  pass the gate, then run a program under supervision:
                                  COMMAND, what --presets found here (NAME, or auto for the
                                  best), or without both the built-in paper runner
  robo run [--once] [--strategy FILE]
                                  the built-in runner: one cycle only; a strategy of yours
  robo run --presets [--json]     the programs of this folder that can be run
  robo stop [--json]              end the runner of this folder and its helpers; it is not
                                  started again
  robo watch [PID] [--log FILE] [--json]
                                  watch a runner that was started elsewhere; it is never
                                  stopped. Without PID: the only one that is found
  robo unwatch PID                watch it no more
  robo ps [--json]                runners, helpers and TWS processes, and why
  robo kill-duplicates [--all] [--dry-run] [--yes] [--pid N,N] [--json]
                                  end duplicate runners, keep the rightful one; on a live
                                  account only those that you confirm or name with --pid;
                                  exit 1 where one is left or is started again at once
  robo log [-f] [--runner] [-n LINES] [--level all|warning|error]
                                  the end of the monitor's or the runner's log; -f follows it
  robo dashboard [--no-open] [--feed-port N] [--json]
                                  the dashboard in a browser of this computer, served by the
                                  monitor until it ends
  robo diagnose [FILE|-] [--json | --format problem]
                                  say what went wrong in a log
  robo guide [CAUSE]              the TWS setup guide
  robo reconnect                  try to connect now
  robo acknowledge [--json]       the open incidents are known: no more alerts of them
                                  until they end or grow worse
  robo quiet [2h | until 17:00 | off] [--json]
                                  raise no alerts until then
  robo alerts [--desktop on|off] [--heartbeat URL|off] [--no-command] [--default]
              [--json] [-- PROGRAM ...]
                                  how alerts are raised: on the desktop while no window
                                  is open, by a program of yours, by a heartbeat
  robo monitor [--interval 30] [--tws-zone ZONE] [--tws-restart 23:45]
               [--records-also-at FOLDER] [--ibc-command-port N --recovery-allow STEP,STEP]
                                  watch in the foreground, as a service does; with copies
                                  of status and alert in a folder where scripts look; with IBC:
                                  ENABLEAPI, RECONNECTDATA, RECONNECTACCOUNT, RESTART, RESTART_LIVE
  robo service install [--node PATH] [--interval 30] [--dry-run]
                                  let the system watch at each login, as a service of yours;
                                  the other flags of monitor as well
  robo service status [--json]    is the service installed, enabled, running
  robo service uninstall          end the service and remove it
  robo shutdown                   end the monitor; a runner goes on
  robo uninstall                  end all monitors, remove services and the installed command;
                                  runners go on, records stay
  robo drill [FAULT ...] [--json]
                                  rehearse outages with a simulated TWS, away from yours
  robo simulate [--fault NAME] [--port N] [--list]
                                  a TWS that fails on purpose
  robo report                     a redacted report for a bug report

About which endpoint: --host 127.0.0.1 --port 7497 --client-id 9000 --state-dir DIR
`;

/** The text of `robo --help`, or only what it says of one command. */
export function usageText(command?: CommandName): string {
  if (command === undefined) {
    return usage;
  }
  const [title = '', ...sections] = usage.split(/\n(?=\n| {2}robo )/);
  const own = sections.filter((section) =>
    new RegExp(`^ {2}robo ${command}(?![a-z-])`).test(section),
  );
  const endpoint = sections.slice(-1);
  return [title, '', ...own, ...endpoint].join('\n');
}

/** Whether a command is asked what it can do; behind `--` stands the command line of another. */
export function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf('--');
  const own = end === -1 ? args : args.slice(0, end);
  return own.includes('--help') || own.includes('-h');
}
