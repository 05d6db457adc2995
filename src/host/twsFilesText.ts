import type { TwsLogKind, TwsSettingsFile } from './twsFiles';

/** Bounds of what is kept of one log. */
const maxLines = 400;
const maxLineLength = 2000;

const utf8 = new TextDecoder('utf-8', { fatal: true });
const utf16 = new TextDecoder('utf-16le');

/** Share of NUL bytes above which a text is not one: none of the encodings below has so many. */
const maxNulShare = 0.01;

/**
 * The text of a file's end: UTF-8, else Latin-1; UTF-16 as Windows' shells write it. Undefined
 * for a binary file.
 * @param startsInside the bytes begin in the middle of the file, at an even offset
 */
export function decodeEnd(end: Uint8Array, startsInside: boolean): string | undefined {
  // A log that was cut while its writer went on begins with a hole, which reads as NUL bytes.
  const hole = Math.max(
    0,
    end.findIndex((byte) => byte !== 0),
  );
  const bytes = end.subarray(hole);
  const isCut = startsInside && hole === 0;
  const nuls = countNuls(bytes);
  // Latin letters in UTF-16LE: every second byte is NUL, and hardly any other.
  if (nuls.odd > bytes.length * 0.3 && nuls.even < bytes.length * 0.05) {
    return fromWholeLine(utf16.decode(bytes), isCut);
  }
  if (nuls.odd + nuls.even > bytes.length * maxNulShare) {
    return undefined;
  }
  // The first line is cut off before decoding, because the cut may go through a character.
  const lineBreak = isCut ? bytes.indexOf(10) : -1;
  const whole = bytes.subarray(lineBreak + 1);
  try {
    return utf8.decode(whole);
  } catch {
    return Buffer.from(whole).toString('latin1');
  }
}

/** NUL bytes by their place. */
function countNuls(bytes: Uint8Array): { readonly odd: number; readonly even: number } {
  let odd = 0;
  let even = 0;
  for (let at = bytes.indexOf(0); at >= 0; at = bytes.indexOf(0, at + 1)) {
    odd += at % 2;
    even += 1 - (at % 2);
  }
  return { odd, even };
}

function fromWholeLine(text: string, startsInside: boolean): string {
  return startsInside ? text.slice(text.indexOf('\n') + 1) : text.replace(/^\uFEFF/, '');
}

/** The last lines of a text, cut to a bounded length; empty ones say nothing and are left out. */
export function lastLines(text: string): readonly string[] {
  return text
    .split(/\r\n|\n|\r/)
    .filter((line) => line.trim() !== '')
    .slice(-maxLines)
    .map((line) => line.slice(0, maxLineLength));
}

const kindByName: readonly (readonly [RegExp, TwsLogKind])[] = [
  // api.<client id>.<day>.log
  [/^api\b/i, 'api'],
  // ibc-3.23.0_GATEWAY-10.37_Saturday.txt, IBC-3.24.2_GATEWAY-1050_MONDAY.txt
  [/^ibc(?:ontroller)?\b/i, 'ibc'],
  // launcher.log, tws.<day>.log, ibgateway.<day>.log; log.<day>.txt of old versions
  [/^(?:launcher|tws|ibgateway|log)\b/i, 'launcher'],
];

const kindByContent: readonly (readonly [RegExp, TwsLogKind])[] = [
  [/\b(?:IBC|IBController): |Starting IBC version/, 'ibc'],
  [/\bJTS-[A-Z]|IB GATEWAY RESTART|\bjextend\./, 'launcher'],
  [/^\d\d:\d\d:\d\d:\d{3} (?:->|<-) /m, 'api'],
];

/** Who writes a log: by the usual names, else by what stands in it; undefined for a stranger's. */
export function logKind(name: string, text: string): TwsLogKind | undefined {
  const kind = kindByName.find(([pattern]) => pattern.test(name))?.[1];
  // The name alone does not make a log: another program may call its own `log.txt`.
  return kind !== undefined && kind !== 'launcher'
    ? kind
    : (kindByContent.find(([pattern]) => pattern.test(text))?.[1] ??
        (/^launcher\b/i.test(name) ? kind : undefined));
}

type Settings = Pick<TwsSettingsFile, 'port' | 'trustedIps' | 'timeZone' | 'mode'>;

/**
 * The port of the tunnel to IBKR, which IB Gateway writes under the name `LocalServerPort` into
 * nearly every `jts.ini`. It is never the API port.
 */
const tunnelPort = 4000;

/**
 * Reads a `jts.ini`. Its keys differ by version: TWS and newer IB Gateways keep API port and
 * trusted addresses in encrypted files, and then the keys are absent, which says nothing.
 */
export function parseJtsIni(text: string): Settings {
  const values = new Map<string, string>();
  let section = '';
  for (const line of text.split(/\r\n|\n|\r/)) {
    const header = /^\s*\[([^\]]*)\]/.exec(line)?.[1];
    if (header !== undefined) {
      section = header.trim().toLowerCase();
      continue;
    }
    const [, key, value] = /^\s*([\w.]+)\s*=(.*)$/.exec(line) ?? [];
    // Sections of single users (`[u:…]`) do not hold these keys; a stray key is not believed.
    if (key !== undefined && value !== undefined && /^(?:ibgateway|logon|)$/.test(section)) {
      values.set(key.toLowerCase(), value.trim());
    }
  }
  const port = Number(values.get('localserverport'));
  const mode = modes.get(values.get('tradingmode')?.toLowerCase().charAt(0) ?? '');
  return {
    port:
      Number.isInteger(port) && port > 0 && port < 65_536 && port !== tunnelPort ? port : undefined,
    trustedIps: values
      .get('trustedips')
      ?.split(/[,;\s]+/)
      .filter((address) => address !== ''),
    timeZone: values.get('timezone') === '' ? undefined : values.get('timezone'),
    ...(mode === undefined ? {} : { mode }),
  };
}

const modes: ReadonlyMap<string, 'paper' | 'live'> = new Map([
  ['p', 'paper'],
  ['l', 'live'],
]);
