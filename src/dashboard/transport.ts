import type { Clock, Timer } from '../core/clock';
import type { DashboardMessage } from '../diagnostics/dashboard';
import type { L10n } from './l10n';

/** How this page hears of the monitor. */
export type LinkState =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'open' }
  /** `atMs` is this machine's time. */
  | {
      readonly kind: 'lost';
      readonly atMs: number;
      readonly why: string;
      readonly isForGood: boolean;
    };

export interface TransportListener {
  readonly onMessage: (message: DashboardMessage) => void;
  readonly onLink: (state: LinkState) => void;
}

/** What the window says to its page, beside the messages of the monitor. */
export type WindowMessage =
  DashboardMessage | { readonly type: 'link'; readonly isOpen: boolean; readonly why: string };

const protocol = 'robo.feed.1';
const retryDelaysMs = [1000, 2000, 5000] as const;
const tokenKey = 'robo.token';

/**
 * Takes the token out of the address, where it would stay in the history and on the screen, and
 * keeps it for this tab. A ticket is exchanged for it, once.
 */
export async function takeToken(): Promise<string> {
  const parts = new URLSearchParams(location.hash.slice(1));
  const [token, ticket] = [parts.get('token'), parts.get('ticket')];
  if (token !== null || ticket !== null) {
    history.replaceState(null, '', location.pathname);
  }
  const fresh = token ?? (ticket === null ? null : await redeem(ticket));
  if (fresh !== null) {
    sessionStorage.setItem(tokenKey, fresh);
  }
  return fresh ?? sessionStorage.getItem(tokenKey) ?? '';
}

async function redeem(ticket: string): Promise<string | null> {
  const answer = await fetch('/token', { headers: { Authorization: `Bearer ${ticket}` } });
  return answer.ok ? answer.text() : null;
}

/** Listens to the feed of the server that this page comes from, and comes back when it is lost. */
export function listenToFeed(
  token: string,
  { clock, l10n }: { readonly clock: Clock; readonly l10n: L10n },
  listener: TransportListener,
): void {
  let failures = 0;
  let timer: Timer | undefined;
  const connect = (): void => {
    timer?.cancel();
    const address = new URL('/dashboard', location.href.replace(/^http/, 'ws'));
    const socket = new WebSocket(address, [protocol, `robo.token.${token}`]);
    socket.addEventListener('message', ({ data }: MessageEvent<string>) => {
      failures = 0;
      listener.onLink({ kind: 'open' });
      listener.onMessage(JSON.parse(data) as DashboardMessage);
    });
    socket.addEventListener('close', () => {
      const delayMs = retryDelaysMs[Math.min(failures, retryDelaysMs.length - 1)] ?? 5000;
      failures += 1;
      void whyLost(token, l10n).then(({ why, isForGood }) => {
        listener.onLink({ kind: 'lost', atMs: clock.now(), why, isForGood });
        if (!isForGood) {
          timer = clock.setTimer(delayMs, connect);
        }
      });
    });
  };
  connect();
}

/** A browser does not tell a page why a WebSocket was refused; an ordinary request does. */
async function whyLost(
  token: string,
  l10n: L10n,
): Promise<{ readonly why: string; readonly isForGood: boolean }> {
  try {
    const headers = token === '' ? {} : { Authorization: `Bearer ${token}` };
    const { status } = await fetch('/status.json', { headers });
    return status === 401
      ? {
          why: l10n.t(
            'This page has no valid key, because the monitor was started anew or the address was opened before. Run "robo dashboard" again.',
          ),
          isForGood: true,
        }
      : {
          why: l10n.t('The monitor is there and does not take this page now.'),
          isForGood: false,
        };
  } catch {
    return {
      why: l10n.t('The monitor does not answer: it has ended, or this machine was asleep.'),
      isForGood: false,
    };
  }
}

/** Listens to the window that this page is a panel of. */
export function listenToWindow(
  clock: Clock,
  post: (message: unknown) => void,
  listener: TransportListener,
): void {
  window.addEventListener('message', ({ data }: MessageEvent<WindowMessage>) => {
    if (data.type === 'link') {
      listener.onLink(
        data.isOpen
          ? { kind: 'open' }
          : { kind: 'lost', atMs: clock.now(), why: data.why, isForGood: false },
      );
    } else {
      listener.onLink({ kind: 'open' });
      listener.onMessage(data);
    }
  });
  post({ type: 'ready' });
}
