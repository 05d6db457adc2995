/** The text of `robo --help`. */
export function usageText(): string {
  return `robo: does TWS or IB Gateway really answer, why not, and may my runner start

  robo test [--symbol AAPL] [--mode paper|live] [--timeout S] [--no-data] [--json]
                                  test the connection layer by layer
  robo status [--json]            the present state
  robo run [--symbols A,B] [--bypass "REASON"] [-- COMMAND ...]
                                  pass the gate, then run your program under supervision
  robo ps [--json]                runners, helpers and TWS processes, and why
  robo kill-duplicates [--all] [--dry-run] [--yes] [--json]
                                  end duplicate runners, keep the rightful one
  robo log [-f] [--runner]        the monitor's or the runner's log
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
  robo monitor [--interval 30] [--ibc-command-port N --recovery-allow STEP,STEP]
                                  watch in the foreground, as a service does; with IBC:
                                  ENABLEAPI, RECONNECTDATA, RECONNECTACCOUNT, RESTART, RESTART_LIVE
  robo service install [--node PATH] [--interval 30] [--dry-run]
                                  let the system watch at each login, as a service of yours;
                                  --ibc-command-port and --recovery-allow as for monitor
  robo service status [--json]    is the service installed, enabled, running
  robo service uninstall          end the service and remove it
  robo shutdown                   end the monitor; a runner goes on
  robo drill [FAULT ...] [--json]
                                  rehearse outages with a simulated TWS, away from yours
  robo simulate [--fault NAME] [--port N] [--list]
                                  a TWS that fails on purpose
  robo report                     a redacted report for a bug report

About which endpoint: --host 127.0.0.1 --port 7497 --client-id 9000 --state-dir DIR
`;
}
