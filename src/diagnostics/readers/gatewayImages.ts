import { shorten } from '../notices';
import type { RunnerFact } from '../runnerFacts';
import { isAboutOther } from './clientFacts';
import type { GatewayStart } from './gatewayStart';
import { causesOfGatewayExit } from './ibc';
import { quiet } from './quiet';
import type { LinePattern } from './reader';
import { connection, one, process, runner, sign } from './sign';

/**
 * What stands around a gateway in a container or on a server: forwarders (socat, nginx, HAProxy,
 * ssh, Docker's own), start scripts, supervisord, s6, the kernel and the Java machine.
 */
export function gatewayImagePatterns(start: GatewayStart): readonly LinePattern[] {
  return [...forwarderPatterns(start), ...endPatterns, ...signs];
}

const refusedWords = /refused|abgelehnt|refus[ée]e|rehusada|recusada|rifiutata|отказано|拒绝/i;
const timeoutWords = /timed out|zeit.{0,5}berschritt|d[ée]lai|agotado|esgotado|超时/i;

function forwarderPatterns(start: GatewayStart): readonly LinePattern[] {
  return [
    {
      // socat[119] E connect(5, AF=2 127.0.0.1:4001, 16): Connection refused; 1.8 has {AF=2 …}
      has: 'socat[',
      pattern: /\bsocat\[\d{1,10}\](?:\.\w{1,20})? [EWF] (\w{1,20})\(.{0,200}\): (.{1,120})/,
      read: ([, call = '', reason = ''], line) => {
        const { at } = line;
        const text = shorten(line.text);
        return isAboutOther(line)
          ? []
          : socatFacts(call, reason, text, () => start.refused(text, at));
      },
    },
    quiet('socat[', /\bsocat\[\d{1,10}\]/),
    {
      has: 'connecting to upstream',
      // With a scheme before the address it forwards pages, not the API.
      pattern:
        /\((\d{1,5}): .{1,60}\) while connecting to upstream(?!.{0,800}upstream: "\w{2,10}:)/,
      read: ([, errno], { text, at }) =>
        Number(errno) === 111
          ? start.refused(shorten(text), at)
          : [
              {
                kind: 'sign',
                subject: connection,
                causes: one('proxy_upstream_timeout', 0.7),
                text: shorten(text),
              },
            ],
    },
    {
      has: 'open failed: connect failed',
      pattern: /\bchannel \d{1,6}: open failed: connect failed: (.{1,60})/,
      read: ([, reason = ''], { text, at }) =>
        refusedWords.test(reason) ? start.refused(shorten(text), at) : [],
    },
    {
      has: 'api server listening',
      pattern: /\bAPI server (?:sarting to |starting to )?listening on port \d{2,5}/i,
      read: () => start.complete(),
    },
    quiet('forking :::', /^Forking :::\d/),
  ];
}

function socatFacts(
  call: string,
  reason: string,
  text: string,
  refused: () => readonly RunnerFact[],
): readonly RunnerFact[] {
  if (call === 'bind' || /address already in use/i.test(reason)) {
    return [{ kind: 'sign', subject: process, causes: one('proxy_bind_failed'), text }];
  }
  if (call === 'getaddrinfo' || /name or service|name resolution/i.test(reason)) {
    return [{ kind: 'sign', subject: connection, causes: one('bad_host', 0.8), text }];
  }
  if (!call.startsWith('connect')) {
    // Broken pipes and resets of single clients.
    return [];
  }
  if (refusedWords.test(reason)) {
    return refused();
  }
  const causes = timeoutWords.test(reason)
    ? one('proxy_upstream_timeout')
    : one('tcp_timeout_unreachable', 0.6);
  return [{ kind: 'sign', subject: connection, causes, text }];
}

/** The programs of a gateway by the names that supervisors and containers give them. */
const gatewayName = /gateway|ibc|ibg|\bib\b|\bib[-_]|tws|java|jts/i;
/** Helpers and neighbours whose end stops no trading. */
const sideName =
  /vnc|xvfb|websock|noise|cron|socat|nginx|traefik|caddy|redis|postgres|mysql|maria|mongo|influx|grafana|prometheus|loki|kafka|zookeeper|rabbit|adminer|watchtower/i;
/** Programs that a runner is written in. */
const runnerName = /python|node\b|runner/i;

/** Ends of processes as shells, supervisors, containers and the kernel report them. */
const endPatterns: readonly LinePattern[] = [
  {
    // ibcstart.sh: line 428:  6258 Killed    "$java_path/java" …
    has: ': line ',
    pattern:
      /^(.{0,200}): line \d{1,6}:\s{1,8}\d{1,8} (Killed|Terminated|Bus error|Segmentation fault|Illegal instruction|Abort(?:ed| trap))\b(?:: \d{1,3})?(.{0,300})/,
    read: ([, script = '', how = '', command = ''], { text }) =>
      endedBy(how, `${script} ${command}`, shorten(text)),
  },
  {
    has: 'killed process',
    pattern: /\bKilled process \d{1,10} \(([^)]{1,60})\)/i,
    // The system kills whatever is big; what it killed has to be ours.
    read: ([, name = ''], { text }) =>
      gatewayName.test(name) || runnerName.test(name)
        ? endedBy('Killed', name, shorten(text), 0.9)
        : [],
  },
  {
    // docker compose: ib-gateway-1 exited with code 137
    has: 'exited with code',
    pattern: /(?:^|\s)(\S{1,100}) exited with code (\d{1,5})\b/,
    read: ([, name = '', code], { text }) => exited(name, Number(code), shorten(text)),
  },
  {
    // supervisord: exited: ibc (exit status 1; not expected)
    has: 'not expected)',
    // The parser of prefixes may have taken `exited:` for a logger.
    pattern:
      /(\S{1,60}) \((?:exit status (\d{1,5})|terminated by (SIG\w{1,10}))[^)]{0,60}; not expected\)/,
    read: ([, name = '', code, signal], { text }) =>
      signal === 'SIGKILL'
        ? endedBy('Killed', name, shorten(text))
        : exited(name, Number(code ?? 1), shorten(text)),
  },
  // Keepers that start a program no more: supervisord, systemd, pm2, Kubernetes.
  gaveUp('entered fatal state', /\bgave up: (\S{1,60}) entered FATAL state/),
  gaveUp('repeated too quickly', /^(\S{1,80})\.service: Start request repeated too quickly/),
  gaveUp('unstable restarts', /\bScript (\S{1,300}) had too many unstable restarts/),
  gaveUp('back-off restarting', /\bBack-off restarting failed container (\S{1,80})/),
  {
    has: 'unable to start service',
    pattern: /\bs6-rc: \w{1,10}: unable to start service (\S{1,60})/,
    read: ([, name = ''], { text }) => exited(name, 1, shorten(text)),
  },
];

/** The program ended again and again. Whether it is the runner, its name does not tell for sure. */
function gaveUp(has: string, pattern: RegExp): LinePattern {
  return {
    has,
    pattern,
    read: ([, name = ''], { text }) =>
      gatewayName.test(name) || sideName.test(name)
        ? exited(name, 1, shorten(text))
        : [
            {
              kind: 'sign',
              subject: runner,
              causes: one('runner_crash_loop', 0.6),
              text: shorten(text),
            },
          ],
  };
}

function endedBy(how: string, name: string, text: string, confidence = 0.8): readonly RunnerFact[] {
  if (how.startsWith('Terminated') || (sideName.test(name) && !gatewayName.test(name))) {
    return [];
  }
  if (!runnerName.test(name)) {
    return how.startsWith('Killed')
      ? [{ kind: 'sign', subject: process, causes: one('jvm_killed_oom', confidence), text }]
      : [{ kind: 'sign', subject: process, causes: one('port_refused', 0.5), text }];
  }
  const causes = how.startsWith('Killed')
    ? one('runner_exited', 0.7)
    : one('wrong_interpreter', 0.5);
  return [{ kind: 'sign', subject: runner, causes, text }];
}

/** An end with a code: 0 and 143 are asked for. */
function exited(name: string, code: number, text: string): readonly RunnerFact[] {
  if (code === 0 || code === 143 || code === 130 || sideName.test(name)) {
    return [];
  }
  if (gatewayName.test(name)) {
    const causes = causesOfGatewayExit(code) ?? one('port_refused', 0.5);
    return [{ kind: 'sign', subject: process, causes, text }];
  }
  return [{ kind: 'sign', subject: runner, causes: one('runner_exited', 0.6), text }];
}

/** What the Java machine says when it goes down. */
export const javaEnds: readonly LinePattern[] = [
  sign('outofmemoryerror', /java\.lang\.OutOfMemoryError/, process, one('jvm_killed_oom', 0.8)),
  sign('java heap space', /\bJava heap space\b/, process, one('jvm_killed_oom', 0.8)),
  sign('gc overhead limit', /\bGC overhead limit exceeded\b/, process, one('jvm_killed_oom', 0.8)),
  sign(
    'java runtime environment',
    /insufficient memory for the Java Runtime Environment/i,
    process,
    one('jvm_killed_oom'),
  ),
  sign(
    'java runtime environment',
    /fatal error has been detected by the Java Runtime Environment/i,
    process,
    one('port_refused', 0.5),
  ),
  sign(
    'os::commit_memory',
    /os::commit_memory\(.{0,200}Cannot allocate memory/,
    process,
    one('jvm_killed_oom', 0.8),
  ),
];

const signs: readonly LinePattern[] = [
  ...javaEnds,
  sign(
    'bind for',
    /\bBind for \S{1,60}:\d{1,5} failed: port is already allocated|userland proxy: listen tcp.{0,80}address already in use/i,
    process,
    one('proxy_bind_failed', 0.8),
  ),
  sign(
    'userland proxy',
    /userland proxy: listen tcp.{0,80}address already in use/i,
    process,
    one('proxy_bind_failed', 0.8),
  ),
  sign(
    'x11 window server',
    /Can't connect to X11 window server/i,
    process,
    one('port_refused', 0.6),
  ),
  sign('_port not set', /\b(?:API|SOCAT)_PORT not set\b/, process, one('bad_configuration')),
  sign('invalid trading_mode', /Invalid TRADING_MODE\b/i, process, one('bad_configuration')),
  sign(
    'are exclusive',
    /^error: both \S{1,60} and \S{1,60} are set/,
    process,
    one('bad_configuration'),
  ),
  // ibga
  sign(
    'waiting for two-factor',
    /is waiting for two-factor authentication/i,
    process,
    one('twofa_timeout', 0.7),
  ),
  sign('login failed: ', /^-? ?login failed: /i, process, one('login_failed', 0.8)),
  sign(
    'token expired detected',
    /\btoken expired detected/i,
    process,
    one('autorestart_broken', 0.6),
  ),
  sign(
    'handle relogin',
    /\bhandle relogin warning\b/i,
    process,
    one('existing_session_relogin', 0.6),
  ),
  sign('has freezed', /IB Gateway has (?:freezed|frozen)/i, process, one('gateway_frozen', 0.7)),
  sign('no longer running', /IB Gateway is no longer running/i, process, one('port_refused', 0.5)),
  sign('due to fatal error', /\bdue to fatal error: /i, process, one('port_refused', 0.5)),
  sign('heartbeat', /not received heartbeat/i, process, one('gateway_frozen', 0.5)),
];
