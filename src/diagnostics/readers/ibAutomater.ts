import type { LogLine } from '../logLine';
import { shorten } from '../notices';
import type { RunnerFact } from '../runnerFacts';
import { causesOfWindow } from './ibc';
import { quiet } from './quiet';
import type { LinePattern } from './reader';
import { type Guesses, one, process, sign } from './sign';

/** The error codes of IBAutomater, which Lean prints in several wrappings. */
const codes: Readonly<Record<string, Guesses>> = {
  TwoFactorConfirmationTimeout: one('twofa_timeout'),
  ExistingSessionDetected: one('existing_session_relogin'),
  LoginFailedAccountTasksRequired: one('login_failed'),
  LoginFailed: one('login_failed'),
  SecurityDialogDetected: [
    { id: 'twofa_timeout', confidence: 0.45 },
    { id: 'login_failed', confidence: 0.35 },
  ],
  SoftRestartTimeout: one('autorestart_broken', 0.7),
  RestartedProcessNotFound: one('autorestart_broken', 0.6),
  UnsupportedVersion: one('version_desupported_2172', 0.75),
  ApiSupportNotAvailable: one('login_failed', 0.6),
  UnknownMessageWindowDetected: one('silent_modal_dialog', 0.6),
  IbGatewayVersionNotInstalled: one('bad_configuration', 0.75),
  JavaNotFound: one('bad_configuration', 0.6),
  ProcessStartFailed: one('port_refused', 0.5),
  JavaException: one('port_refused', 0.45),
};

/** IBAutomater, alone and through Lean's brokerage (`OnIbAutomaterOutputDataReceived(): …`). */
export const ibAutomaterPatterns: readonly LinePattern[] = [
  {
    has: 'window event: [window_',
    pattern: /\bWindow event: \[(WINDOW_\w{1,20})\] - Window title: \[(.{0,200}?)\]/,
    read: readWindow,
  },
  sign(
    'auto-restart timed out',
    /\bAuto-restart timed out\b/i,
    process,
    one('autorestart_broken', 0.7),
  ),
  sign('initializationtimeout', /\bInitializationTimeout\b/, process, [
    { id: 'twofa_timeout', confidence: 0.35 },
    { id: 'login_failed', confidence: 0.25 },
    { id: 'gateway_frozen', confidence: 0.15 },
  ]),
  ...Object.entries(codes).map(([code, causes]) =>
    sign(code.toLowerCase(), new RegExp(`\\b${code}\\b`), process, causes),
  ),
  quiet('2fa confirmation success', /\b2FA confirmation success/i),
  sign(
    '2fa ',
    /\b2FA (?:confirmation timeout|maximum attempts reached)/i,
    process,
    one('twofa_timeout'),
  ),
  sign(
    'auto-restart',
    /\bAuto-restart token expired|auto-restart could not be completed/i,
    process,
    one('autorestart_broken', 0.8),
  ),
  sign(
    'soft restart timed out',
    /\bSoft restart timed out/i,
    process,
    one('autorestart_broken', 0.6),
  ),
  sign(
    'unknown message window',
    /\bUnknown message window detected/i,
    process,
    one('silent_modal_dialog', 0.6),
  ),
  sign(
    'desupported',
    /\bIBGateway message: .{0,300}\b(?:will be desupported on|minimum supported version)/i,
    process,
    one('version_desupported_2172', 0.75),
  ),
  sign(
    'no longer supported',
    /\b(?:IB ?Gateway|TWS|Trader Workstation|version)\b.{0,80}\bis no longer supported/i,
    process,
    one('version_desupported_2172', 0.7),
  ),
  sign(
    'server disconnection detected',
    /Server disconnection detected, closing/i,
    process,
    one('nightly_reset', 0.4),
  ),
];

function readWindow(
  [, event, title = '']: RegExpExecArray,
  { text }: LogLine,
): readonly RunnerFact[] {
  const causes = event === 'WINDOW_OPENED' ? causesOfWindow(title) : undefined;
  return causes === undefined
    ? []
    : [{ kind: 'sign', subject: process, causes, text: shorten(text) }];
}
