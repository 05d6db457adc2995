import type { CauseText } from '../cause';
import type { CauseId } from '../causeIds';
import { lockAndExit, restartContainer, restartTws, twsProcesses } from '../steps';

/** Group E of the catalogue: login and processes. */
export const processCauses = {
  twofa_timeout: {
    layer: 'process',
    severity: 'error',
    looksLike:
      'A TWS or IB Gateway process, and no listener on any API port; IBC ends with exit code 1111.',
    tellsApart:
      'The process lives and listens on none of the usual ports. Only its window or the log of IBC tells a missed second factor from another login message.',
    remedy: [
      'Look at the TWS or IB Gateway window and at IBKR Mobile on your phone; confirm the login.',
      'If the time ran out (180 s), log in again, once. Do not restart it in a loop: repeated logins get locked.',
      'With IBC: ReloginAfterSecondFactorAuthenticationTimeout=yes in its config.ini asks again by itself.',
    ],
    prevent: 'Let it restart itself (Auto restart), so that a login is due on Sunday only.',
  },
  weekly_2fa_reauth: {
    layer: 'process',
    severity: 'error',
    looksLike: 'The port is closed since Sunday, after the weekly restart.',
    tellsApart:
      'Sunday, about 01:00 US Eastern; automatic restarts carry on from Monday to Saturday only.',
    remedy: [
      'Log in to TWS or IB Gateway with password and second factor once; it lasts for the week.',
    ],
    prevent: 'Log in by hand on Sunday, before the markets open.',
  },
  autorestart_broken: {
    layer: 'process',
    severity: 'error',
    looksLike: '"autorestart file not found", or a rejected login after the restart time.',
    tellsApart: 'It happened at the restart time; the restart token was not accepted.',
    remedy: [
      'Log in again with user name, password and second factor.',
      { text: 'Check that "Auto restart" is chosen in {}.', byProduct: lockAndExit },
      'With IBC: AutoRestartTime in its config.ini must name the same time, and IBC must be the one that started it.',
    ],
    prevent: 'Keep the machine awake and online at the time of the restart.',
  },
  existing_session_relogin: {
    layer: 'process',
    severity: 'error',
    looksLike: '"Existing session detected" or "Re-login is required" in TWS.',
    tellsApart: 'The dialog in TWS, or the line in the log of IBC.',
    remedy: [
      'Decide which login should hold the session, and log in there.',
      'With IBC: ExistingSessionDetectedAction=primary in one place only; two primaries fight.',
    ],
    prevent: 'A user name of its own for the program.',
  },
  login_failed: {
    layer: 'process',
    severity: 'error',
    looksLike: '"Login failed", "Unrecognized Username or Password", "PassKey is not supported".',
    tellsApart: 'The line in the log of IBC or the login window.',
    remedy: [
      'Log in by hand once and read what the window says. Live and paper have different user names.',
      'If it asks for an upgrade or a passkey, install the current TWS or IB Gateway.',
      'Do not retry in a loop: the account gets locked.',
    ],
    prevent: 'Change the password in the configuration of IBC whenever it changes at IBKR.',
  },
  version_desupported_2172: {
    layer: 'hello',
    severity: 'warning',
    looksLike: 'Message 2172 with a date.',
    tellsApart: 'The code says it; until the date everything works.',
    remedy: [
      'Install the current TWS or IB Gateway before the date in the message, on a day without trading.',
      'Run `robo test` after it: settings of the API stay, dialogs may come anew.',
    ],
    prevent: 'Install the stable version twice a year.',
  },
  ccp_lockout: {
    layer: 'process',
    severity: 'error',
    looksLike: 'The login hangs; "CCP LOCKOUT" in the log of the gateway controller.',
    tellsApart: 'It follows a hard end of TWS or many logins.',
    remedy: [
      'Wait one minute, then longer each time, up to ten minutes, before the next login.',
      'Log in and out on IBKR Mobile: that often frees the slot.',
    ],
    prevent: 'Close TWS and IB Gateway through their menu, and do not log in again and again.',
  },
  jvm_killed_oom: {
    layer: 'process',
    severity: 'error',
    looksLike: 'The process is gone; "Killed", exit code 137, or java.lang.OutOfMemoryError.',
    tellsApart:
      '"Killed" and 137: the machine had no memory left. OutOfMemoryError: TWS had used up its own share.',
    remedy: [
      {
        text: 'See whether the system ended it:',
        bySystem: {
          macOS: 'Console > Crash Reports, entries named JetsamEvent',
          Windows: 'Event Viewer > Windows Logs > System, source Resource-Exhaustion-Detector',
          Linux: "`journalctl -k | grep -i 'out of memory'`",
        },
      },
      {
        text: 'If it did, free memory or give TWS less of it; at OutOfMemoryError give it more: {}.',
        byProduct: {
          TWS: 'File (or Edit) > Global Configuration > General > Memory Allocation',
          'IB Gateway': 'Configure > Settings > Memory Allocation',
        },
      },
      'Start it again and log in. In Docker, raise the memory limit of the container.',
    ],
    prevent: 'Two gigabytes for IB Gateway, four for TWS, beside what the runner needs.',
  },
  gateway_frozen: {
    layer: 'process',
    severity: 'error',
    looksLike: 'It listens and answers nothing; its window does not react.',
    tellsApart:
      'The process is stopped (state T), or uses no processor time or all of it; its log has stood still. Without such evidence it is only a guess.',
    remedy: [
      'If someone stopped it (Ctrl-Z in a terminal, a debugger), let it continue there: `fg` in that terminal.',
      { text: 'See its state and age:', bySystem: twsProcesses },
      restartTws,
      restartContainer,
    ],
    prevent: 'Start it outside of terminals, and give it enough memory.',
  },
  duplicate_gateway: {
    layer: 'process',
    severity: 'warning',
    looksLike: 'Odd answers; two processes, one session; "process is already running".',
    tellsApart: 'Two TWS or IB Gateway processes on this machine. Two of different users are fine.',
    remedy: [
      { text: 'See both:', bySystem: twsProcesses },
      'Close the one that you do not need through its own menu.',
      'With IBC: start it from one place only (a service or a shortcut, not both).',
    ],
    prevent: 'One place that starts it.',
  },
  duplicate_runner: {
    layer: 'process',
    severity: 'error',
    looksLike: 'Message 326, double orders, or duplicate order ids.',
    tellsApart: 'Two processes of the same program, workspace and endpoint.',
    remedy: [
      '`robo ps` shows them and which one is the rightful; `robo kill-duplicates` ends all but that one.',
      'Look for what starts the other: a scheduler, a terminal of the editor, a watchdog.',
    ],
    prevent: 'Start the runner through Robo only: it refuses a second one.',
  },
} as const satisfies Partial<Record<CauseId, CauseText>>;
