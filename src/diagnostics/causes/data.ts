import type { CauseText } from '../cause';
import type { CauseId } from '../causeIds';
import { apiSettings } from '../steps';

const subscriptions = 'Client Portal > Settings > Market Data Subscriptions';

/** Group F of the catalogue: data and requests. */
export const dataCauses = {
  pacing_162: {
    layer: 'data',
    severity: 'warning',
    looksLike: 'Message 162 with "pacing violation".',
    tellsApart: 'The text of the 162; "returned no data" and "different IP" are other causes.',
    remedy: ['Pause for a minute, then ask more slowly, one request after another.'],
    prevent: 'At most 60 requests in ten minutes for small bars, none twice within 15 s.',
  },
  hist_no_data_162: {
    layer: 'data',
    severity: 'warning',
    looksLike: 'Message 162 "HMDS query returned no data".',
    tellsApart: 'The connection is fine: closed market, expired contract or wrong period.',
    remedy: ['Check symbol, exchange, period and market hours.'],
  },
  hist_timeout: {
    layer: 'data',
    severity: 'error',
    looksLike: 'Requests for bars time out; "API historical data query cancelled".',
    tellsApart:
      'The server time is still answered: then the data path is at fault, not the connection. If it is not, the session is dead.',
    remedy: [
      'Run `robo test`: it tells whether the session or only its data is silent.',
      'Look for 2105 or 1100 near it, and wait for their end.',
      'If the session answers and bars never come, restart TWS or IB Gateway by hand.',
    ],
    prevent: 'Ask for shorter periods, one request after another.',
  },
  hist_concurrency_322: {
    layer: 'data',
    severity: 'warning',
    looksLike: 'Message 322: "Only 50 simultaneous", "Duplicate ticker ID".',
    tellsApart: 'The code and its text.',
    remedy: ['Ask for fewer things at once (50 is the limit), and use a new id each time.'],
    prevent: 'Count open requests in the program, and cancel those that timed out.',
  },
  ticker_limit: {
    layer: 'data',
    severity: 'warning',
    looksLike: 'Messages 101, 10190, 309: the maximum has been reached.',
    tellsApart: 'The code says it; usually 100 lines, 5 tick-by-tick streams.',
    remedy: [
      'Cancel subscriptions that you do not need; watch lists in TWS count too.',
      'More lines come with quote booster packs (Client Portal).',
    ],
    prevent: 'Cancel each subscription when its symbol is no longer traded.',
  },
  not_subscribed: {
    layer: 'data',
    severity: 'warning',
    looksLike: 'Messages 354, 10168, 10186, 10090.',
    tellsApart: 'A permission, not the connection: other symbols work.',
    remedy: [
      `Subscribe in ${subscriptions}; a paper account shares those of the live one.`,
      'Or let the program ask for delayed data (market data type 3).',
    ],
  },
  api_entitlement_10089: {
    layer: 'data',
    severity: 'warning',
    looksLike: 'Messages 10089, 10091.',
    tellsApart: 'The same symbol shows quotes inside TWS.',
    remedy: [
      `Add the subscription that the message names in ${subscriptions}.`,
      'Or use delayed data (market data type 3).',
    ],
  },
  delayed_data_advisory: {
    layer: 'data',
    severity: 'warning',
    looksLike: 'Message 10167; prices flow, but late.',
    tellsApart: 'The code says it. Never trade live on it unknowingly.',
    remedy: [
      `Subscribe to real-time data in ${subscriptions}, or make sure that delay is what you want.`,
    ],
  },
  depth_reset_317: {
    layer: 'data',
    severity: 'info',
    looksLike: 'Message 317.',
    tellsApart: 'Normal; the book is sent anew.',
    remedy: ['The program must empty its book and fill it again.'],
  },
  depth_not_supported_10092: {
    layer: 'data',
    severity: 'warning',
    looksLike: 'Message 10092.',
    tellsApart: 'The code says it; other data works.',
    remedy: ['Ask another exchange (SMART has no deep book everywhere), or do without depth.'],
  },
  no_secdef_200: {
    layer: 'data',
    severity: 'warning',
    looksLike: 'Message 200 for one symbol; a RuntimeError in the fetch of one symbol.',
    tellsApart: 'Other symbols work. If all fail with 200, the definition farm is away.',
    remedy: [
      'Check the spelling in SYMBOLS; remove symbols that are no US stocks.',
      'Look the contract up in TWS (right click > Financial Instrument Info) or in the contract search of IBKR.',
    ],
  },
  false_200_during_outage: {
    layer: 'data',
    severity: 'warning',
    looksLike: 'Message 200 for good symbols, with 1100 or 2157 near it.',
    tellsApart: 'All symbols at once, or at the time of a reset.',
    remedy: ['Do not change SYMBOLS; wait until the link is back.'],
    prevent: 'Do not drop a symbol for a 200 that comes near a 1100 or 2157.',
  },
  msg_rate_100: {
    layer: 'data',
    severity: 'error',
    looksLike: 'Message 100, or the warning 0 before it; TWS may close the connection.',
    tellsApart: 'The code says it.',
    remedy: ['Slow down to 45 messages per second or fewer; 50 is the limit.'],
    prevent: 'One place in the program that sends, with a pause between messages.',
  },
  read_only_321: {
    layer: 'account',
    severity: 'warning',
    looksLike: 'Message 321 with "Read-Only mode", also from start-up requests for open orders.',
    tellsApart: 'The text of the 321. Data works; writing requests do not.',
    remedy: [
      'Leave it so if the program sends no orders to TWS.',
      {
        text: 'Otherwise untick "Read-Only API" in {}, for a live account only if you mean it.',
        byProduct: apiSettings,
      },
    ],
    prevent: 'A program that sends no orders need not ask for open orders at its start.',
  },
  validation_321: {
    layer: 'data',
    severity: 'warning',
    looksLike: 'Message 321 with another reason.',
    tellsApart: 'The text behind "cause" says which field; some are harmless.',
    remedy: ['Read the cause in the message and correct the request.'],
  },
  malformed_request_320: {
    layer: 'data',
    severity: 'error',
    looksLike: 'Message 320, NumberFormatException; then the socket closes.',
    tellsApart: 'It looks like a random disconnect, always after the same request.',
    remedy: ['Correct the field named in the message (often a blank in a number).'],
    prevent: 'Check what goes into a request; trim texts that become numbers.',
  },
  duplicate_order_id_103: {
    layer: 'data',
    severity: 'error',
    looksLike: 'Message 103.',
    tellsApart: 'Two runners, or ids that are not taken from the next valid id.',
    remedy: [
      'Look for a second runner: `robo ps`; end it with `robo kill-duplicates`.',
      'Use ids from the next valid id only, each once.',
    ],
    prevent: 'One runner, and ids that only grow.',
  },
  localized_messages: {
    layer: 'data',
    severity: 'info',
    looksLike: 'Messages in Spanish, Chinese or another language, or with broken letters.',
    tellsApart: 'The codes are the same; only texts differ.',
    remedy: [{ text: 'Tick "Show API error messages in English" in {}.', byProduct: apiSettings }],
    prevent: 'Let the program judge by codes, never by texts.',
  },
  order_rejected_201: {
    layer: 'data',
    severity: 'warning',
    looksLike: 'Message 201 with the reason.',
    tellsApart: 'The content of the order; the connection is fine.',
    remedy: ['Read the reason in the message and correct the order in the program.'],
  },
} as const satisfies Partial<Record<CauseId, CauseText>>;
