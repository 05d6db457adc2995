import { catalogue } from '../diagnostics/catalogue';
import { describeDuration } from '../diagnostics/notices';
import { remedyFor } from '../diagnostics/remedy';
import { describeEndpoint, type Endpoint, usualPort } from '../ibkr/endpoint';
import type { Telling } from './alertPolicy';

/** An alert for a person: one line each. */
export interface AlertWords {
  readonly title: string;
  readonly body: string;
}

const maxTitleLength = 100;
const maxBodyLength = 400;

/** What a notification says: what, why, what to do; at the end how long it lasted. */
export function alertWords(
  { what, incident }: Telling,
  endpoint: Endpoint,
  redact: (text: string) => string,
): AlertWords {
  const cause = incident.cause === null ? undefined : catalogue[incident.cause];
  const about = subjectWords(incident.subject, endpoint);
  const likely =
    cause === undefined ? [] : [`${what === 'end' ? 'Cause' : 'Likely'}: ${cause.title}.`];
  if (what === 'end') {
    const lasted = `It lasted ${describeDuration(incident.end?.durationMs ?? 0)}.`;
    return cut({ title: `Over: ${about}`, body: [lasted, ...likely].join(' ') }, redact);
  }
  const state = incident.gravity > 1 ? 'down' : 'in trouble';
  const setup = {
    platform: process.platform,
    product: usualPort(endpoint.port)?.product,
    port: endpoint.port,
  };
  const [step] = cause === undefined ? [] : remedyFor(cause.id, setup);
  return cut(
    {
      title: `${what === 'worse' ? 'Worse' : 'Robo'}: ${about} ${state}`,
      body: [incident.message, ...likely, ...(step === undefined ? [] : [step])].join(' '),
    },
    redact,
  );
}

/** The incident for a program: one JSON document, schema 1. */
export function alertJson(
  { what, incident }: Telling,
  endpoint: Endpoint,
  words: AlertWords,
  redact: (text: string) => string,
): string {
  const { key, subject, severity, cause, layer, message, since, end } = incident;
  return `${JSON.stringify({
    schema: 1,
    event: what,
    endpoint: { host: endpoint.host, port: endpoint.port },
    incident: {
      ...{ key, subject, severity, cause, layer, message: redact(message), since },
      until: end?.until ?? null,
      durationMs: end?.durationMs ?? null,
    },
    title: words.title,
    body: words.body,
  })}\n`;
}

function subjectWords({ kind, name }: Telling['incident']['subject'], endpoint: Endpoint): string {
  switch (kind) {
    case 'connection':
      return describeEndpoint(endpoint);
    case 'runner':
      return `runner ${lastPart(name)}`;
    case 'process':
      return `process ${name ?? ''}`.trim();
    case 'symbol':
      return name ?? 'a symbol';
  }
}

function lastPart(workspace: string | undefined): string {
  return workspace?.split(/[\\/]/).findLast((part) => part !== '') ?? '';
}

function cut(words: AlertWords, redact: (text: string) => string): AlertWords {
  return {
    title: line(redact(words.title), maxTitleLength),
    body: line(redact(words.body), maxBodyLength),
  };
}

/** One line without control characters and without the ones that hide or turn text. */
function line(text: string, maxLength: number): string {
  const flat = text
    // eslint-disable-next-line no-control-regex -- these are exactly what must not get through
    .replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+/g, ' ')
    .trim();
  return flat.length <= maxLength ? flat : `${flat.slice(0, maxLength - 1)}…`;
}
