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
  robo monitor [--interval 30]    watch in the foreground, as a service does
  robo shutdown                   end the monitor; a runner goes on
  robo simulate [--fault NAME] [--port N] [--list]
                                  a TWS that fails on purpose
  robo report                     a redacted report for a bug report

About which endpoint: --host 127.0.0.1 --port 7497 --client-id 9000 --state-dir DIR
`;
}
