import assert from 'node:assert/strict';
import { commandIds } from '../../src/ui/ids';
import { type StatusModel, statusBarView, type WindowState } from '../../src/ui/statusBarView';
import { ago, english, findingWith, runnerWith, startMs, statusWith } from '../support/uiFixtures';

const endpoint = { host: '127.0.0.1', port: 7497 };

function view(state: WindowState, workspace: string | undefined = '/work/trading') {
  const model: StatusModel = { state, workspace, nowMs: startMs };
  return statusBarView(model, english);
}

function watching(status: ReturnType<typeof statusWith>): WindowState {
  return { kind: 'watching', endpoint, status };
}

describe('The status bar', () => {
  it('is calm when all is well and names mode, ages and runner', () => {
    const shown = view(watching(statusWith({ runner: [runnerWith()] })));
    assert.equal(shown.text, '$(pass) TWS paper: healthy');
    assert.equal(shown.background, 'none');
    assert.equal(shown.command.command, commandIds.showStatus);
    assert.match(shown.label, /Last good answer: 2 s ago/);
    assert.match(shown.label, /Since: 2 min ago/);
    assert.match(shown.label, /Runner: running \(pid 4711\), working, last data 12 s ago/);
    assert.match(shown.tooltip, /\(command:robo\.runner\.stop\)/);
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
    assert.match(fresh.tooltip, /command:robo\.incident\.acknowledge/);
    assert.match(fresh.tooltip, /command:robo\.alerts\.doNotDisturb/);
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
    assert.doesNotMatch(known.tooltip, /command:robo\.incident\.acknowledge/);
    assert.match(known.label, /Acknowledged: 1 min ago; nothing is raised until it ends/);
    assert.match(known.label, /Do not disturb: 1 h 0 min more/);
    assert.match(known.label, /Alerts: The heartbeat does not arrive/);
  });

  it('does not take an old record for the present', () => {
    const record = statusWith({ timestamp: ago(7200) });
    const shown = view({ kind: 'notWatched', endpoint, record });
    assert.equal(shown.text, '$(eye-closed) TWS paper: not watched');
    assert.match(shown.label, /Last record: healthy, 2 h 0 min ago/);
    assert.equal(shown.command.command, commandIds.startWatching);
  });

  it('says unknown, not down, without a monitor, and why', () => {
    const shown = view({ kind: 'noMonitor', endpoint, why: 'it ended at once.' });
    assert.match(shown.text, /unknown, no monitor/);
    assert.match(shown.label, /Monitor: it ended at once/);
  });

  it('offers trust in Restricted Mode and nothing else', () => {
    const shown = view({ kind: 'restricted' });
    assert.equal(shown.command.command, 'workbench.trust.manage');
    assert.doesNotMatch(shown.tooltip, /command:robo\./);
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
