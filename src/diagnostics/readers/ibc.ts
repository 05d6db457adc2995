import type { CauseId } from '../causeIds';
import { shorten } from '../notices';
import type { GatewayStart } from './gatewayStart';
import { quiet } from './quiet';
import type { LinePattern } from './reader';
import { connection, type Guesses, one, process, sign } from './sign';

/** Windows of TWS by their titles, as IBC and IBAutomater report them. Others are ordinary. */
const windows: readonly (readonly [RegExp, Guesses])[] = [
  [/existing session detected/i, one('existing_session_relogin', 0.75)],
  [/re-?login is required/i, one('existing_session_relogin', 0.6)],
  [/login failed|login error|unrecognized username|password notice/i, one('login_failed', 0.8)],
  [/too many failed login/i, one('login_failed', 0.8)],
  [/incoming connection/i, one('silent_accept_dialog', 0.6)],
  [/login messages|resume login/i, one('silent_modal_dialog', 0.45)],
];

/** What a window of TWS that has just opened points to. */
export function causesOfWindow(title: string): Guesses | undefined {
  return windows.find(([pattern]) => pattern.test(title))?.[1];
}

/** Exit codes of IBC; a shell shows the remainder of 256. */
const exitCauses: Readonly<Record<number, Guesses>> = {
  // An exception, a control that was not found, no entry point: the gateway is gone.
  1100: one('port_refused', 0.5),
  1101: one('port_refused', 0.5),
  1107: one('port_refused', 0.5),
  1102: one('bad_configuration', 0.7),
  1103: one('bad_configuration', 0.85),
  1104: one('bad_configuration', 0.85),
  1105: one('bad_configuration', 0.85),
  1106: one('bad_configuration', 0.7),
  1108: one('bad_configuration', 0.7),
  1109: one('bad_configuration', 0.6),
  1110: [
    { id: 'bad_configuration', confidence: 0.4 },
    { id: 'existing_session_relogin', confidence: 0.3 },
  ],
  1111: one('twofa_timeout', 0.8),
  1112: one('gateway_frozen', 0.5),
};

/** What the end of the gateway or of IBC with this code points to; undefined for an ordinary end. */
export function causesOfGatewayExit(code: number): Guesses | undefined {
  if (code === 137) {
    return one('jvm_killed_oom', 0.6);
  }
  const known = code < 256 ? Math.floor(1100 / 256) * 256 + code : code;
  return exitCauses[known];
}

/** IBC (and IBController before it): its log, and the scripts around it. */
export function ibcPatterns(start: GatewayStart): readonly LinePattern[] {
  return [...startPatterns(start), ...windowPatterns(start), ...exitPatterns(start), ...signs];
}

function startPatterns(start: GatewayStart): readonly LinePattern[] {
  const begins: readonly (readonly [string, RegExp])[] = [
    ['starting ibc', /^(?:\.> )?Starting IBC\b/],
    ['ibc version', /^\+ IBC version\b/],
    // The first line of IBC's own log, whatever started it.
    ['default settings provider', /\bUsing default settings provider\b/i],
    ['with this command', /^Starting (?:TWS|Gateway|IBC) with this command/i],
  ];
  return [
    ...begins.map(([has, pattern]) => ({
      has,
      pattern,
      read: (_match: RegExpExecArray, { at }: { readonly at?: string }) => start.begin(at),
    })),
    {
      has: 'login has',
      pattern: /\bLogin has (?:already )?completed\b/i,
      read: () => start.complete(),
    },
    {
      has: 'second factor authentication initiated',
      pattern: /\bSecond Factor Authentication initiated/i,
      read: () => start.secondFactor(),
    },
    {
      has: 'autorestart file not found',
      pattern: /\bautorestart file not found/i,
      read: (_match, { text }) => start.withoutToken(shorten(text)),
    },
    quiet('autorestart file found', /autorestart file found at/i),
  ];
}

function windowPatterns(start: GatewayStart): readonly LinePattern[] {
  return [
    {
      has: ' entitled: ',
      pattern: /\b(?:frame|dialog|window) entitled: (.{0,200}); ?event=([\w ]{1,30})$/i,
      read: ([, title = '', event = ''], { text }) => {
        const causes = event === 'Opened' ? causesOfWindow(title) : undefined;
        if (causes === undefined) {
          return [];
        }
        start.fail();
        const subject = layerOfConnection.has(causes[0]?.id) ? connection : process;
        return [{ kind: 'sign', subject, causes, text: shorten(text) }];
      },
    },
  ];
}

const layerOfConnection: ReadonlySet<CauseId | undefined> = new Set<CauseId | undefined>([
  'silent_accept_dialog',
  'silent_modal_dialog',
]);

function exitPatterns(start: GatewayStart): readonly LinePattern[] {
  const forms: readonly (readonly [string, RegExp])[] = [
    ['exit code', /\bExiting (?:after error )?with exit ?code ?= ?(\d{1,5})/i],
    ['exit status', /\bIBC returned exit status (\d{1,5})/i],
    ['errorlevel =', /^(?:\+ )?ERRORLEVEL = (\d{1,5})$/i],
    ['error level is', /^Error level is (\d{1,5})$/i],
  ];
  return forms.map(([has, pattern]) => ({
    has,
    pattern,
    read: ([, code], { text }) => {
      start.fail();
      const causes = causesOfGatewayExit(Number(code));
      return causes === undefined
        ? []
        : [{ kind: 'sign', subject: process, causes, text: shorten(text) }];
    },
  }));
}

const signs: readonly LinePattern[] = [
  quiet('authentication timeout', /second factor authentication timeout not required/i),
  sign(
    'second factor authentication',
    /login has not completed after Second Factor|Re-login after second factor authentication timeout|Second factor authentication dialog has timed out/i,
    process,
    one('twofa_timeout'),
  ),
  sign(
    '2fa ',
    /\b2FA (?:completion|dialog|confirmation) timed?[ -]?out/i,
    process,
    one('twofa_timeout'),
  ),
  sign(
    'second factor device',
    /could not (?:find|select) second factor device|specify the required second factor device/i,
    process,
    one('twofa_timeout', 0.7),
  ),
  sign('login error message', /\bLogin error message:/i, process, one('login_failed', 0.6)),
  sign('login failed', /\b(?:IBC|IBController): Login failed/i, process, one('login_failed')),
  sign('too many failed login', /Too many failed login attempts/i, process, one('login_failed')),
  sign('will re-login at', /\bWill re-login at\b/i, process, one('login_failed', 0.5)),
  sign(
    'unrecognized username',
    /Unrecognized Username or Password/i,
    process,
    one('login_failed', 0.8),
  ),
  sign('passkey', /PassKey is not supported/i, process, one('login_failed', 0.8)),
  sign(
    'not currently available',
    /\bThe system is not currently available/i,
    process,
    one('nightly_reset', 0.5),
  ),
  sign('server disconnected', /Server disconnected, please try again/i, process, [
    { id: 'nightly_reset', confidence: 0.35 },
    { id: 'login_failed', confidence: 0.3 },
  ]),
  sign(
    'existing session',
    /Existing session detected|end the other session and continue/i,
    process,
    one('existing_session_relogin', 0.75),
  ),
  sign(
    'other session',
    /\bOther session (?:must|may) be primary\b/i,
    process,
    one('existing_session_relogin', 0.8),
  ),
  sign(
    're-login is required',
    /Re-login is required/i,
    process,
    one('existing_session_relogin', 0.6),
  ),
  sign(
    'more than one autorestart',
    /More than one autorestart file was found/i,
    process,
    one('autorestart_broken'),
  ),
  sign(
    'display login dialog',
    /failed to display login dialog/i,
    process,
    one('gateway_frozen', 0.5),
  ),
  sign(
    'incoming connection',
    /could not accept incoming connection/i,
    connection,
    one('silent_accept_dialog', 0.8),
  ),
  sign(
    'setting is invalid',
    /\b(?:IBC|IBController): .{0,200}\bsetting is invalid/i,
    process,
    one('bad_configuration', 0.7),
  ),
  sign('ini file', /\bini file .{0,300}does not exist/i, process, one('bad_configuration')),
  sign('invalid trading mode', /Invalid Trading Mode argument/i, process, one('bad_configuration')),
  sign(
    'failed to create socket',
    /CommandServer failed to create socket/i,
    process,
    one('helper_port_taken', 0.7),
  ),
  sign('ccp lockout', /CCP LOCKOUT/i, process, one('ccp_lockout')),
  sign(
    'process is already running',
    /Error: process is already running/i,
    process,
    one('duplicate_gateway', 0.7),
  ),
];
