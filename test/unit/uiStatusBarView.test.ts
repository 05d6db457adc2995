import assert from 'node:assert/strict';
import type { IncidentStatus } from '../../src/diagnostics/status';
import { commandIds } from '../../src/ui/ids';
import {
  otherActions,
  type StatusModel,
  statusBarView,
  statusFacts,
  type WindowState,
} from '../../src/ui/statusBarView';
import { timeOfDay } from '../../src/ui/words';
import { ago, english, findingWith, runnerWith, startMs, statusWith } from '../support/uiFixtures';

const endpoint = { host: '127.0.0.1', port: 7497 };

function view(state: WindowState, workspace: string | undefined = '/work/trading') {
  const model: StatusModel = { state, workspace, nowMs: startMs };
  return statusBarView(model, english);
}

function timeAt(at: string): string {
  return timeOfDay(Date.parse(at), 'en');
}

function watching(status: ReturnType<typeof statusWith>): WindowState {
  return { kind: 'watching', endpoint, status };
}

describe('The status bar', () => {
  const nextDialAt = ago(-30 * 60);
  for (const [what, changes] of [
    ['a healthy day', { runner: [runnerWith()] }],
    [
      'a long outage',
      {
        health: 'down',
        findings: [findingWith()],
        session: { ...statusWith().session, state: 'waiting', lastAnswerAt: ago(600), nextDialAt },
        nextWindow: { name: 'the restart', from: ago(-7200), until: ago(-7800) },
      },
    ],
  ] as const) {
    it(`stands still while it is read: ${what}`, () => {
      // Only what is asked again and again has come nearer, and the round trip is another one.
      const after = (seconds: number): string => {
        const status = statusWith(changes);
        const fresh = new Date(startMs + seconds * 1000 - 20_000).toISOString();
        const { session, runner } = status;
        const state = watching({
          ...status,
          timestamp: fresh,
          session: {
            ...session,
            roundTripMs: seconds,
            lastAnswerAt: status.health === 'down' ? session.lastAnswerAt : fresh,
          },
          runner: runner.map((one) => ({ ...one, lastFetchAt: fresh, lastCycleAt: fresh })),
        });
        const nowMs = startMs + seconds * 1000;
        return JSON.stringify(statusBarView({ state, workspace: '/work/trading', nowMs }, english));
      };
      for (const seconds of [15, 30, 45, 60, 300, 900]) {
        assert.equal(after(seconds), after(0), `${seconds} s later`);
      }
    });
  }

  it('says that answers have become rare, and the day where a weekday says too little', () => {
    const since = ago(8 * 24 * 3600);
    const session = { ...statusWith().session, lastAnswerAt: ago(200) };
    const { label } = view(watching(statusWith({ since, session })));
    assert.match(label, /Last good answer: less than 5 minutes ago/);
    assert.match(label, /Since: Thu, Nov 12/);
  });

  it('tells ages to the second where it is a list that is read once', () => {
    const state = watching(statusWith({ runner: [runnerWith()] }));
    const model = { state, workspace: '/work/trading', nowMs: startMs };
    const facts = new Map(statusFacts(model, english).map(({ label, value }) => [label, value]));
    assert.equal(facts.get('Since'), '2 min ago');
    assert.equal(facts.get('Last good answer'), '2 s ago');
    assert.match(facts.get('Session') ?? '', /^ready, opened 2 min ago, .*answers in 1 ms/);
    assert.match(facts.get('Runner') ?? '', /last data 12 s ago$/);
  });

  it('is calm when all is well and names mode, ages and runner', () => {
    const shown = view(watching(statusWith({ runner: [runnerWith()] })));
    assert.equal(shown.text, '$(pass) TWS paper: healthy');
    assert.equal(shown.background, 'none');
    assert.equal(shown.command.command, commandIds.showStatus);
    assert.match(shown.label, /Last good answer: less than a minute ago/);
    assert.ok(shown.label.includes(`Since: ${timeAt(ago(125))}.`), shown.label);
    assert.match(
      shown.label,
      /Runner: running \(pid 4711\), working, last data less than a minute ago/,
    );
    assert.match(shown.tooltip, /\(command:robo\.runner\.stop\)/);
  });

  it('shows that runners run twice, and offers to end them with one click', () => {
    const duplicates = [
      { workspace: '/work/trading', runners: [20, 30], helpers: [] },
      { workspace: '/work/other', runners: [40, 50, 60], helpers: [] },
    ];
    const shown = view(watching(statusWith({ duplicates })));
    assert.equal(shown.text, '$(pass) TWS paper: healthy, 2 runners');
    assert.equal(shown.background, 'warning');
    assert.equal(shown.command.command, commandIds.killDuplicates);
    assert.match(shown.tooltip, /\(command:robo\.duplicates\.kill\)/);
    const down = view(watching(statusWith({ health: 'down', duplicates })));
    assert.equal(down.background, 'error');
    const helpers = [{ workspace: '/work/trading', runners: [], helpers: [30] }];
    for (const calm of [helpers, duplicates.slice(1)]) {
      assert.equal(
        view(watching(statusWith({ duplicates: calm }))).text,
        '$(pass) TWS paper: healthy',
      );
    }
  });

  it('is unmistakable when the connection is down: layer, cause, remedy, guide', () => {
    const shown = view(
      watching(statusWith({ health: 'down', layer: 'tcp', findings: [findingWith()] })),
    );
    assert.equal(shown.text, '$(error) TWS paper: down');
    assert.equal(shown.background, 'error');
    assert.match(shown.label, /Layer reached: tcp/);
    assert.match(shown.label, /TWS waits for someone to accept the connection \(55%\)/);
    assert.match(shown.label, /What to do: Click Yes/);
    assert.doesNotMatch(shown.label, /\.\./);
    assert.match(shown.tooltip, /command:robo\.guide\.open\?%5B%22silent_accept_dialog%22%5D/);
  });

  it('shows the worst connection finding, not the first', () => {
    const notice = findingWith({ severity: 'info', message: 'Only a notice.' });
    const findings = [notice, findingWith({ message: 'The real one.' })];
    assert.match(view(watching(statusWith({ health: 'down', findings }))).label, /The real one/);
  });

  it('writes LIVE in capitals, and believes the session over the port', () => {
    const session = { ...statusWith().session, mode: 'live' as const };
    assert.match(view(watching(statusWith({ session }))).text, /TWS LIVE: healthy/);
    assert.match(
      view({ kind: 'notWatched', endpoint: { ...endpoint, port: 4001 }, record: undefined }).text,
      /IB Gateway LIVE: not watched/,
    );
  });

  it('says so where nobody can know whether orders are real', () => {
    const session = { ...statusWith().session, port: 5555, product: null, mode: null };
    const state: WindowState = {
      kind: 'watching',
      endpoint: { ...endpoint, port: 5555 },
      status: statusWith({ session, health: 'unknown' }),
    };
    assert.equal(view(state).text, '$(question) IBKR (paper or live unknown): unknown');
  });

  it('does not call a reset window an error', () => {
    const shown = view(watching(statusWith({ health: 'expected' })));
    assert.equal(shown.background, 'none');
    assert.match(shown.text, /down, in its reset window/);
  });

  it('offers to acknowledge what is new, and says what is acknowledged and quiet', () => {
    const incident = {
      key: 'connection/@1',
      subject: { kind: 'connection' },
      severity: 'error',
      cause: null,
      layer: null,
      message: 'Down.',
      since: ago(300),
      toldAt: ago(290),
      acknowledgedAt: null,
    } as const;
    const down = { health: 'down', findings: [findingWith()] } as const;
    const fresh = view(watching(statusWith({ ...down, incidents: [incident] })));
    const others = (incidents: readonly IncidentStatus[]): readonly string[] =>
      otherActions(
        {
          state: watching(statusWith({ ...down, incidents })),
          workspace: undefined,
          nowMs: startMs,
        },
        english,
      ).map(({ command }) => command);
    assert.ok(others([incident]).includes(commandIds.acknowledge));
    assert.ok(!others([]).includes(commandIds.acknowledge));
    assert.ok(others([]).includes(commandIds.doNotDisturb));
    assert.doesNotMatch(fresh.label, /Acknowledged|Do not disturb/);
    const known = view(
      watching(
        statusWith({
          ...down,
          incidents: [{ ...incident, acknowledgedAt: ago(60) }],
          alerts: { quietUntil: ago(-3600), problem: 'The heartbeat does not arrive.' },
        }),
      ),
    );
    const acknowledged = `Acknowledged: ${timeAt(ago(60))}; nothing is raised until it ends`;
    assert.ok(known.label.includes(acknowledged), known.label);
    assert.ok(known.label.includes(`Do not disturb: until ${timeAt(ago(-3600))}`), known.label);
    assert.match(known.label, /Alerts: The heartbeat does not arrive/);
  });

  it('does not take an old record for the present', () => {
    const record = statusWith({ timestamp: ago(7200) });
    const shown = view({ kind: 'notWatched', endpoint, record });
    assert.equal(shown.text, '$(eye-closed) TWS paper: not watched');
    assert.ok(
      shown.label.includes(`Last record: healthy, ${timeAt(record.timestamp)}`),
      shown.label,
    );
    assert.equal(shown.command.command, commandIds.startWatching);
  });

  it('says unknown, not down, without a monitor, and why', () => {
    const shown = view({ kind: 'noMonitor', endpoint, why: 'it ended at once.' });
    assert.match(shown.text, /unknown, no monitor/);
    assert.match(shown.label, /Monitor: it ended at once/);
  });

  it('offers trust in Restricted Mode, and what needs none', () => {
    const shown = view({ kind: 'restricted' });
    assert.equal(shown.command.command, 'workbench.trust.manage');
    assert.deepEqual(
      [...shown.tooltip.matchAll(/\(command:([\w.]+)/g)].map((match) => match[1]),
      ['workbench.trust.manage', commandIds.openGuide, commandIds.showStatus],
    );
  });

  const everyState: readonly WindowState[] = [
    { kind: 'reading' },
    { kind: 'restricted' },
    { kind: 'misconfigured', sentences: ['robo.port is "x".'] },
    { kind: 'notWatched', endpoint, record: undefined },
    { kind: 'starting', endpoint },
    { kind: 'noMonitor', endpoint, why: 'it ended' },
    ...(['unknown', 'connecting', 'healthy', 'degraded', 'down', 'expected'] as const).map(
      (health) => watching(statusWith({ health, findings: [findingWith()] })),
    ),
    watching(statusWith({ runner: [runnerWith({ state: 'external' })] })),
    watching(statusWith({ runner: [runnerWith({ state: 'exited', pid: null, watchedPid: 7 })] })),
    watching(
      statusWith({
        duplicates: [{ workspace: '/work/trading', runners: [1, 2], helpers: [] }],
        runner: [runnerWith({ work: 'stalled' })],
      }),
    ),
  ];

  it('has one icon, three different links and a label with the same words in every state', () => {
    for (const state of everyState) {
      const { text, tooltip, label, command } = view(state);
      assert.match(text, /^\$\([a-z~-]+\) [^$]+$/);
      const links = [...tooltip.matchAll(/\]\((command:[^)]+)\)/g)].map((match) => match[1]);
      assert.equal(new Set(links).size, 3, `${text}: ${links.join(' ')}`);
      assert.ok(label.startsWith(text.replace(/^\$\([^)]*\) /, '')), label);
      assert.ok(label.endsWith(`Click: ${command.title}`), label);
    }
  });

  it('turns only while something is under way', () => {
    const turning = everyState.filter((state) => view(state).text.includes('~spin'));
    assert.deepEqual(
      turning.map((state) => (state.kind === 'watching' ? state.status.health : state.kind)),
      ['reading', 'starting', 'connecting'],
    );
  });

  it('says paper or live, or that nobody knows, wherever there is an endpoint', () => {
    for (const state of everyState) {
      if ('endpoint' in state) {
        assert.match(view(state).text, /paper|LIVE/);
      }
    }
  });

  it('shows session, best evidence and the next known window', () => {
    const evidence = [
      { kind: 'unknown', source: 'TWS processes', at: ago(1), text: 'not permitted' },
      { kind: 'timing', source: "Robo's connection", at: ago(1), text: 'nothing more came' },
      { kind: 'socket', source: 'TCP table', at: ago(1), text: 'java listens' },
      { kind: 'notice', source: 'TWS', at: ago(1), text: '1100 lost' },
    ] as const;
    const nextWindow = {
      name: 'the daily restart of TWS',
      from: ago(-2 * 3600),
      until: ago(-2 * 3600 - 660),
    };
    const findings = [findingWith({ evidence })];
    const { label } = view(watching(statusWith({ health: 'down', findings, nextWindow })));
    assert.match(
      label,
      /Evidence: TWS: 1100 lost\. Evidence: TCP table: java listens\. Evidence: Robo's connection/,
    );
    assert.doesNotMatch(label, /not permitted/);
    assert.ok(
      label.includes(`Session: ready, opened ${timeAt(ago(125))}, account DU12***67, server`),
      label,
    );
    const window = `the daily restart of TWS at ${timeAt(nextWindow.from)}, for up to 11 min`;
    assert.ok(label.includes(`Next window: ${window}`), label);
  });

  it('shows a runner that does not trade although the connection is healthy', () => {
    const exit = { at: ago(5), code: 3, signal: null, how: 'by itself' as const, lastLines: [] };
    const crashed = runnerWith({ state: 'exited', pid: null, exit });
    const shown = view(watching(statusWith({ runner: [crashed] })));
    assert.equal(shown.text, '$(pass) TWS paper: healthy, runner ended');
    assert.equal(shown.background, 'warning');
    assert.equal(shown.command.command, commandIds.openRunnerLog);
    const stalled = statusWith({ runner: [runnerWith({ work: 'stalled' })] });
    assert.match(view(watching(stalled)).text, /runner stalled$/);
    for (const calm of [
      runnerWith({ state: 'exited', exit: { ...exit, how: 'asked' } }),
      runnerWith({ state: 'exited', exit: { ...exit, code: 0 } }),
      runnerWith({ work: 'idle' }),
    ]) {
      assert.equal(view(watching(statusWith({ runner: [calm] }))).background, 'none');
    }
  });

  it('leads one click to the cure where one is known', () => {
    const down = statusWith({ health: 'down', findings: [findingWith()] });
    assert.deepEqual(view(watching(down)).command.arguments, ['silent_accept_dialog']);
    assert.equal(
      view(watching(statusWith({ health: 'expected' }))).command.command,
      commandIds.showStatus,
    );
  });

  it('shows no runner of another folder', () => {
    const status = statusWith({ runner: [runnerWith({ workspace: '/other' })] });
    assert.match(view(watching(status)).label, /Runner: not running/);
  });

  it('tells how a runner ended', () => {
    const exit = { at: ago(5), code: 3, signal: null, how: 'by itself' as const, lastLines: [] };
    const crashed = statusWith({ runner: [runnerWith({ state: 'exited', pid: null, exit })] });
    assert.match(view(watching(crashed)).label, /Runner: exited, code 3/);
    const unseen = runnerWith({ state: 'exited', exit: { ...exit, how: 'unseen' } });
    assert.match(view(watching(statusWith({ runner: [unseen] }))).label, /exited, nobody saw how/);
  });

  it('lets no foreign text become a link, an icon or markup', () => {
    const message = '[x](command:workbench.action.quit) $(flame) **bold** <img src=x> \n# head';
    const status = statusWith({ health: 'down', findings: [findingWith({ message })] });
    const { tooltip, label } = view(watching(status));
    assert.doesNotMatch(tooltip, /\]\(command:workbench\.action\.quit\)/);
    assert.doesNotMatch(tooltip, /\$\(flame/);
    assert.doesNotMatch(tooltip, /(?<!\\)<img/);
    assert.doesNotMatch(tooltip, /\n#/);
    assert.doesNotMatch(label, /\n/);
  });
});
