import type { CauseText, VariedStep } from '../cause';
import type { CauseId } from '../causeIds';
import { lockAndExit } from '../steps';

const reconnectFarms: VariedStep = {
  text: 'If it stays away for minutes, reconnect its data with this key in the window of TWS or IB Gateway:',
  bySystem: { macOS: 'Control-Option-F', Windows: 'Ctrl-Alt-F', Linux: 'Ctrl-Alt-F' },
};

/** Group D of the catalogue: between TWS and IBKR, and the streams. */
export const upstreamCauses = {
  upstream_lost_1100: {
    layer: 'data',
    severity: 'error',
    looksLike: 'Message 1100; the API stays up, no data and no order goes through.',
    tellsApart:
      'The API answers. Inside a reset window it is expected; outside it is the internet, IBKR, or a login elsewhere.',
    remedy: [
      'Look at TWS or IB Gateway for a "Re-login is required" or "Existing session" dialog.',
      'Check the internet connection of the machine that runs it.',
      'Check the IBKR system status page. TWS reconnects by itself; restarting it costs a login and seldom helps.',
      'After it is back, compare executions, orders and positions with TWS.',
    ],
    prevent: 'A wired connection, no sleep, and one login for each user name.',
  },
  restored_data_lost_1101: {
    layer: 'data',
    severity: 'warning',
    looksLike: 'Message 1101.',
    tellsApart: 'The code says it; 1102 is the same without the loss.',
    remedy: [
      'Subscribe to all market data again (restart the runner if it does not do so itself).',
      'Check positions and orders before going on.',
    ],
    prevent: 'Let the program subscribe again whenever 1101 comes.',
  },
  restored_1102: {
    layer: 'data',
    severity: 'info',
    looksLike: 'Message 1102 with all data farms connected.',
    tellsApart: 'The list in the message says "All data farms are connected".',
    remedy: ['Nothing to do. Check that fresh bars arrive before calling it healthy.'],
  },
  restored_partial_farms: {
    layer: 'data',
    severity: 'warning',
    looksLike: 'Message 1102 that lists farms as not connected.',
    tellsApart: 'The list after "not connected:" is not empty.',
    remedy: ['Wait for 2104 or 2106 of the named farms.', reconnectFarms],
  },
  tws_server_broken_2110: {
    layer: 'data',
    severity: 'error',
    looksLike: 'Message 2110, sometimes as the first message after connecting.',
    tellsApart: 'The code says it; it is restored automatically. As a first message: not ready.',
    remedy: [
      'Wait: TWS reconnects by itself.',
      'If it lasts beyond the nightly reset, check the internet connection and the login.',
    ],
    prevent: 'As for 1100: a wired connection, no sleep, one login.',
  },
  nightly_reset: {
    layer: 'data',
    severity: 'info',
    looksLike: '1100 and then 1102 within minutes, at the known time of the region.',
    tellsApart: 'It falls into the reset window and is short.',
    remedy: ['Nothing to do unless it outlives the window.'],
    prevent: 'It cannot be prevented; send no orders around it.',
  },
  outage_outlives_reset_window: {
    layer: 'data',
    severity: 'error',
    looksLike: 'Down since a reset, and still down after the window ended.',
    tellsApart: 'Its length: resets last minutes.',
    remedy: [
      'Look at TWS or IB Gateway: a login or second factor is probably waiting.',
      'Log in again; a restart needs the second factor.',
      'If it is logged in and shows no data either, check the IBKR system status page.',
    ],
    prevent: 'Use Auto restart in Lock and Exit, and keep the phone with IBKR Mobile at hand.',
  },
  outage_terminated: {
    layer: 'data',
    severity: 'warning',
    looksLike: 'The link is back after 1100; fills and updates in between may be missing.',
    tellsApart: 'The socket lived on; whether every message was processed cannot be seen.',
    remedy: ['Compare executions, orders and positions with TWS before trading on.'],
    prevent: 'Let the program reconcile executions and positions after every 1100.',
  },
  fills_dropped_during_1100: {
    layer: 'data',
    severity: 'error',
    looksLike: '"Not connected; update dropped" while the socket is alive.',
    tellsApart: 'Executions arrive, and the client throws them away.',
    remedy: [
      'Compare executions and positions with TWS now, and after every 1100.',
      'Update the client, or let it take in updates as long as its socket lives.',
    ],
    prevent: 'Reconcile after every 1100, whatever the client says.',
  },
  farm_broken_2103: {
    layer: 'data',
    severity: 'warning',
    looksLike: 'Message 2103 with the name of the farm; its quotes stand still.',
    tellsApart: 'It is about one farm; no 2104 for it follows.',
    remedy: ['Wait a few minutes; TWS reconnects by itself.', reconnectFarms],
  },
  farm_flap: {
    layer: 'data',
    severity: 'info',
    looksLike: '2103 and 2104 within seconds.',
    tellsApart: 'Seconds, not minutes.',
    remedy: ['Check that streams go on: they sometimes stay dead after such a blip.'],
  },
  hmds_broken_2105: {
    layer: 'data',
    severity: 'warning',
    looksLike: 'Message 2105; bars fail while live quotes are fine.',
    tellsApart: 'It is about history only; it can last until TWS is restarted.',
    remedy: [
      'Wait a few minutes for 2106.',
      reconnectFarms,
      'If bars keep failing, restart TWS or IB Gateway by hand (it has lasted days until then).',
    ],
  },
  secdef_broken_2157: {
    layer: 'data',
    severity: 'warning',
    looksLike: 'Message 2157; known symbols get message 200.',
    tellsApart: 'Good symbols fail too.',
    remedy: ['Wait for 2158; do not drop symbols because of a 200 meanwhile.'],
    prevent: 'Keep contract details once they were found, instead of asking each time.',
  },
  silent_stream_death: {
    layer: 'data',
    severity: 'error',
    looksLike: 'The session answers, but no bars arrive during market hours.',
    tellsApart: 'The server time is answered and the age of the data grows.',
    remedy: [
      'Cancel the subscription and ask for it again (restart the runner if it cannot).',
      'Look for a 2103 or 1102 shortly before: streams often die in such a blip.',
    ],
    prevent: 'Watch the age of the last bar in market hours, not only the connection.',
  },
  live_updates_10182: {
    layer: 'data',
    severity: 'warning',
    looksLike: 'Message 10182 per request.',
    tellsApart: 'The code says it.',
    remedy: ['Ask for the bars again once the link is back.'],
    prevent: 'Let the program ask again whenever 10182 comes.',
  },
  bust_10225: {
    layer: 'data',
    severity: 'warning',
    looksLike: 'Message 10225.',
    tellsApart: 'The code says it.',
    remedy: ['Subscribe to the real-time bars again at once.'],
    prevent: 'Let the program subscribe again whenever 10225 comes.',
  },
  half_open_zombie: {
    layer: 'clock',
    severity: 'error',
    looksLike: 'The program says connected; nothing is answered any more.',
    tellsApart:
      'The server time is not answered; sleep, NAT or the end of TWS came before. A frozen TWS looks the same, but its process is there.',
    remedy: [
      'Drop the connection and open a new one (Robo: Reconnect, or restart the runner).',
      {
        text: 'Keep the machine from sleeping:',
        bySystem: {
          macOS: '`caffeinate -is` while trading, or System Settings > Energy',
          Windows: '`powercfg /change standby-timeout-ac 0`',
          Linux:
            '`systemd-inhibit --what=sleep COMMAND`, or `sudo systemctl mask sleep.target suspend.target`',
        },
      },
    ],
    prevent: 'No sleep while trading; ask for the server time each half minute, as Robo does.',
  },
  tws_daily_restart_drop: {
    layer: 'tcp',
    severity: 'warning',
    looksLike: '"Peer closed connection", broken pipe, at the same time each day.',
    tellsApart:
      'The time of day: the auto-restart time (11:45 PM unless changed). At another time someone closed it, or it fell.',
    remedy: [
      'Wait two or three minutes; Robo connects again by itself. If the port stays closed, look at the window: a login may be waiting.',
      { text: 'Set the time of the restart in {}.', byProduct: lockAndExit },
      'Send no orders around it: those of that moment are lost.',
    ],
    prevent: 'Choose a time at which nothing trades; let the runner connect again on a backoff.',
  },
  competing_session_10197: {
    layer: 'data',
    severity: 'error',
    looksLike: 'Message 10197: orders work, data does not.',
    tellsApart: 'The same user is logged in live, on the phone or in the portal.',
    remedy: [
      'Log out elsewhere (TWS, IBKR Mobile, Client Portal).',
      'Or use a separate user for the program; share market data with the paper account in Client Portal > Settings > Paper Trading Account.',
    ],
    prevent: 'A user name of its own for the program.',
  },
  different_ip_session: {
    layer: 'data',
    severity: 'error',
    looksLike: '162, 10189 or 420 with "connected from a different IP address".',
    tellsApart: 'The text of the 162 names the address: this is not pacing.',
    remedy: [
      'Use the user in one place only: log out of TWS, IB Gateway, phone or portal on the other machine.',
    ],
    prevent: 'A user name of its own for each machine.',
  },
} as const satisfies Partial<Record<CauseId, CauseText>>;
