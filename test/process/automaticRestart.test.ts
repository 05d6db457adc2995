import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/core/clock';
import { Emitter } from '../../src/core/emitter';
import type { StartRunnerParams } from '../../src/daemon/protocol';
import { Runners, type RunnersDependencies } from '../../src/daemon/runners';
import type { RunnerStatus } from '../../src/diagnostics/status';
import { machineFor } from '../../src/host/thisMachine';
import type { Mode } from '../../src/ibkr/endpoint';
import type { PreflightReport } from '../../src/preflight/report';
import { defaultRestartSettings } from '../../src/runner/restartPolicy';
import { eventually, isThere } from '../support/eventually';

const passed: PreflightReport = {
  schema: 1,
  ok: true,
  endpoint: { host: '127.0.0.1', port: 7497, clientId: 9000 },
  startedAt: '2026-11-22T09:00:00.000Z',
  durationMs: 1,
  layers: [],
  findings: [],
};
const shut: PreflightReport = { ...passed, ok: false, failedLayer: 'hello' };
const never = new AbortController().signal;
/** The policy in small. */
const quick = {
  ...defaultRestartSettings,
  firstDelayMs: 20,
  delayFactor: 1,
  gateMs: 20,
  longestDelayMs: 40,
  verifyMs: 100,
};

describe('automatic restart', function () {
  this.timeout(30_000);
  let root: string;
  let folder: string;
  let starts: string;
  let mode: Mode | undefined;
  let isReady: boolean;
  let gates: number;
  let answer: PreflightReport;
  let connection: Emitter<void>;
  const all: Runners[] = [];

  beforeEach(() => {
    root = realpathSync(mkdtempSync(join(tmpdir(), 'robo-restart-')));
    folder = join(root, 'folder');
    starts = join(root, 'starts');
    mkdirSync(folder);
    mode = 'paper';
    isReady = true;
    gates = 0;
    answer = passed;
    connection = new Emitter();
  });

  afterEach(async () => {
    for (const runners of all.splice(0)) {
      await runners.stop(folder);
      runners.dispose();
    }
    rmSync(root, { recursive: true, force: true });
  });

  function open(more: Partial<RunnersDependencies> = {}): Runners {
    const runners = new Runners(join(root, 'runners'), {
      clock: systemClock,
      machine: machineFor(process.platform),
      builtIn: { execPath: process.execPath, script: '', environment: {} },
      log: () => undefined,
      mode: () => mode,
      random: () => 0,
      restartSettings: quick,
      connection: { isReady: () => isReady, onDidChange: connection.event },
      gate: async () => {
        gates += 1;
        return Promise.resolve(answer);
      },
      ...more,
    });
    all.push(runners);
    return runners;
  }

  /** Notes each start; `code` may ask which one it is by `n`, from 1. */
  function wish(code: string, more: Partial<StartRunnerParams> = {}): StartRunnerParams {
    const program = `
      const fs = require('node:fs');
      fs.appendFileSync(${JSON.stringify(starts)}, process.pid + '\\n');
      const n = fs.readFileSync(${JSON.stringify(starts)}, 'utf8').trim().split('\\n').length;
      ${code}`;
    return {
      token: '1',
      workspace: folder,
      command: [process.execPath, '-e', program],
      workingDirectory: folder,
      environment: { PATH: process.env['PATH'] ?? '' },
      symbols: [],
      restart: false,
      ...more,
    };
  }

  const begin = async (runners: Runners, params: StartRunnerParams): Promise<number> => {
    const result = await runners.start(params, never, () => Promise.resolve(passed));
    assert.equal(result.outcome, 'started');
    return result.pid;
  };
  const started = (): number =>
    existsSync(starts) ? readFileSync(starts, 'utf8').trim().split('\n').length : 0;
  const now = (runners: Runners): RunnerStatus => {
    const [status] = runners.status();
    assert.ok(status);
    return status;
  };

  it('starts a runner that fell again, through the gate, and says so', async () => {
    const runners = open();
    await begin(runners, wish('if (n === 1) process.exit(3); setInterval(() => {}, 1000);'));
    await eventually(() => started() === 2 && now(runners).state === 'running', 'started again');
    assert.equal(gates, 1);
    await eventually(
      () => now(runners).restart?.why.includes('came up again') === true,
      'it came up',
    );
    assert.deepEqual([now(runners).restart?.restarts, now(runners).restart?.nextAt], [1, null]);
  });

  it('never says that a runner has ended before it says that another start is due', async () => {
    const runners = open({
      restartSettings: { ...quick, firstDelayMs: 300_000, longestDelayMs: 300_000 },
    });
    const seen: boolean[] = [];
    runners.onDidChange(() => {
      const [status] = runners.status();
      if (status?.state === 'exited') {
        seen.push(typeof status.restart?.nextAt === 'string');
      }
    });
    await begin(runners, wish('process.exit(3)'));
    await eventually(() => seen.length > 0, 'the end is told');
    assert.ok(seen.every(Boolean));
    assert.ok(runners.isAnyAlive, 'the monitor must stay for it');
    await runners.stop(folder);
    assert.equal(now(runners).restart?.nextAt, null);
    assert.equal(runners.isAnyAlive, false);
  });

  it('calls a person after three falls: no night of restarts', async () => {
    const runners = open();
    await begin(runners, wish('process.exit(3)'));
    await eventually(() => now(runners).restart?.isPersonCalled === true, 'a person is called');
    assert.equal(started(), 3);
    const { restart, findings, exit } = now(runners);
    assert.match(restart?.why ?? '', /3 runs/);
    assert.equal(findings[0]?.guide, 'runner_crash_loop');
    assert.equal(exit?.code, 3);
    assert.equal(runners.isAnyAlive, false);
    // A start by the trader is a new beginning.
    await begin(runners, wish('setInterval(() => {}, 1000)'));
    assert.deepEqual(
      [now(runners).restart?.isPersonCalled, now(runners).restart?.restarts],
      [false, 0],
    );
  });

  for (const [what, change, code] of [
    ['on a live account', { mode: 'live' }, 'process.exit(3)'],
    ['while the mode is unknown', { mode: undefined }, 'process.exit(3)'],
    ['after an exit that forbids it', {}, 'process.exit(0)'],
    ['where the start said no', { restartsByItself: false }, 'process.exit(3)'],
  ] as const) {
    it(`starts nothing ${what}, and says why`, async () => {
      mode = 'mode' in change ? change.mode : 'paper';
      const runners = open();
      const asked = 'restartsByItself' in change ? { restartsByItself: false } : {};
      await begin(runners, wish(code, asked));
      await eventually(() => now(runners).state === 'exited', 'it has ended');
      assert.equal(now(runners).restart?.nextAt, null);
      assert.match(now(runners).restart?.why ?? '', /^It is not started again: .+\. .+/);
      assert.equal(started(), 1);
    });
  }

  it('waits without a question while TWS is away, and starts when it is back', async () => {
    const runners = open();
    await begin(runners, wish('if (n < 3) process.exit(3); setInterval(() => {}, 1000);'));
    isReady = false;
    await eventually(
      () => now(runners).restart?.why.includes('as soon as the gate opens') === true,
      'waits',
    );
    const before = gates;
    const looks = new Set<string | null | undefined>();
    await eventually(() => {
      looks.add(now(runners).restart?.nextAt);
      return looks.size > 3;
    }, 'it has looked several times');
    assert.equal(gates, before, 'no question to the gate');
    assert.equal(runners.isAnyAlive, true);
    isReady = true;
    connection.fire();
    await eventually(() => started() >= 2, 'started again');
    assert.ok(!(now(runners).restart?.isPersonCalled ?? true));
  });

  it('asks a shut gate again, and counts it as no failure', async () => {
    const runners = open();
    answer = shut;
    await begin(runners, wish('if (n === 1) process.exit(3); setInterval(() => {}, 1000);'));
    await eventually(() => gates >= 3, 'asked again');
    assert.equal(now(runners).restart?.isPersonCalled, false);
    answer = passed;
    await eventually(() => started() === 2, 'started again');
  });

  it('does not move a runner to a live account that the paper one has become', async () => {
    const runners = open({ restartSettings: { ...quick, firstDelayMs: 300, longestDelayMs: 300 } });
    await begin(runners, wish('process.exit(3)'));
    await eventually(() => now(runners).restart?.nextAt !== null, 'due');
    mode = 'live';
    await eventually(() => now(runners).restart?.isPersonCalled === true, 'given up');
    assert.equal(started(), 1);
  });

  it('takes an end that a person wanted by another way for no crash', async () => {
    const runners = open();
    const up = 'process.on("SIGTERM", () => process.exit(7)); setInterval(() => {}, 1000);';
    const pid = await begin(
      runners,
      wish(`fs.writeFileSync(${JSON.stringify(join(root, 'up'))}, ''); ${up}`),
    );
    await eventually(() => existsSync(join(root, 'up')), 'up');
    const outcomes = await runners.stopAmong([{ pid, startToken: '', argv: [] }]);
    assert.deepEqual(
      outcomes.map(({ pid: of, outcome }) => [of, outcome]),
      [[pid, 'ended']],
    );
    await eventually(() => now(runners).state === 'exited', 'ended');
    assert.deepEqual([now(runners).exit?.code, now(runners).restart?.nextAt], [7, null]);
    assert.equal(now(runners).exit?.how, 'asked');
    assert.deepEqual(now(runners).findings, []);
  });

  it('leaves word of a start that was due to the next monitor, which cannot make it', async () => {
    const first = open({
      restartSettings: { ...quick, firstDelayMs: 300_000, longestDelayMs: 300_000 },
    });
    await begin(first, wish('console.log("the reason"); process.exit(3)'));
    await eventually(() => first.status()[0]?.state === 'exited', 'due');
    await first.release();
    all.splice(0);
    const second = open();
    await second.adoptAll();
    const { state, exit, restart, startedAt } = now(second);
    assert.deepEqual([state, exit?.code, exit?.lastLines], ['exited', 3, ['the reason']]);
    assert.deepEqual([restart?.isPersonCalled, restart?.nextAt, startedAt], [true, null, null]);
    assert.match(restart?.why ?? '', /start it yourself/);
    await begin(second, wish('setInterval(() => {}, 1000)'));
    assert.equal(second.status().length, 1);
    assert.equal(now(second).state, 'running');
  });

  it('does not start a runner again that an earlier monitor has started', async () => {
    const first = open();
    const pid = await begin(first, wish('setInterval(() => {}, 1000)', { restartsByItself: true }));
    await eventually(() => started() === 1, 'up');
    await first.release();
    all.splice(0);
    const second = open();
    await second.adoptAll();
    assert.equal(now(second).pid, pid);
    assert.equal(now(second).restart?.isAutomatic, false);
    process.kill(pid, 'SIGKILL');
    await eventually(() => now(second).state === 'exited', 'gone');
    assert.match(now(second).restart?.why ?? '', /nobody saw how it ended/);
    assert.equal(started(), 1);
  });

  it('keeps helpers over a restart by itself, and ends them with a stop', async () => {
    const runners = open();
    const helper = {
      name: 'feed',
      command: [process.execPath, '-e', 'setInterval(() => {}, 1000)'],
      environment: {},
      order: 'before',
      port: null,
    } as const;
    const code = 'if (n === 1) process.exit(3); setInterval(() => {}, 1000);';
    await begin(runners, wish(code, { helpers: [helper] }));
    const [before] = now(runners).helpers ?? [];
    await eventually(() => started() === 2 && now(runners).state === 'running', 'started again');
    const [after] = now(runners).helpers ?? [];
    assert.equal(after?.pid, before?.pid);
    await runners.stop(folder);
    const pid = after?.pid ?? 0;
    assert.ok(pid > 0 && !isThere(pid));
  });

  it('starts nothing beside a port that belongs to somebody else', async () => {
    const port = 1;
    const machine = machineFor(process.platform);
    const taken = open({
      machine: Object.assign(Object.create(machine) as typeof machine, {
        sockets: () =>
          Promise.resolve({
            known: true,
            value: [
              {
                local: { address: '0.0.0.0', port },
                remote: { address: '0.0.0.0', port: 0 },
                state: 'LISTEN',
                ownerPid: process.pid,
                receiveQueue: 0,
                socketId: '1',
              },
            ],
          }),
      }),
    });
    const helper = {
      name: 'feed',
      command: ['x'],
      environment: {},
      order: 'before',
      port,
    } as const;
    const result = await taken.start(
      wish('setInterval(() => {}, 1000)', { helpers: [helper] }),
      never,
      () => Promise.resolve(passed),
    );
    assert.equal(result.outcome, 'failed');
    assert.match(result.finding.message, new RegExp(`pid ${process.pid}`));
    assert.equal(started(), 0);
    assert.deepEqual(taken.status(), []);
  });
});
