import assert from 'node:assert/strict';
import { known, unknown } from '../../src/core/observed';
import { cameBack } from '../../src/daemon/cameBack';
import type { KillOutcome, ListedProcess, ProcessListing } from '../../src/daemon/protocol';
import { FakeClock } from '../support/fakeClock';
import { fakeProcess } from '../support/hostFakes';

const askedAtMs = Date.parse('2026-11-20T10:00:00.000Z');

function listed(pid: number, more: Partial<ListedProcess> = {}): ListedProcess {
  return {
    pid,
    startToken: `boot:${pid}`,
    argv: ['python3', '-m', 'robo_trader.runner_async', '--symbols', 'AAPL'],
    role: 'duplicate',
    why: 'because',
    startedAt: new Date(askedAtMs + (pid < 200 ? -60_000 : 500)).toISOString(),
    workingDirectory: '/ws',
    isRightful: false,
    isHelper: false,
    parentPid: 1,
    isLive: false,
    isBoundHere: true,
    sockets: [],
    respawnedBy: null,
    ...more,
  };
}

const listing = (...processes: readonly ListedProcess[]): ProcessListing => ({
  unknownWhy: null,
  processes,
});

async function lookAfter(
  before: ProcessListing,
  looks: readonly ProcessListing[],
  ended: readonly number[] = [100],
): Promise<{ outcomes: readonly KillOutcome[]; count: number }> {
  const clock = new FakeClock();
  let count = 0;
  const asked = cameBack(
    ended,
    { before, askedAtMs },
    {
      clock,
      machine: {
        process: async (pid) =>
          Promise.resolve(
            pid === 77 ? known(fakeProcess(77, 'bash nightly.sh')) : unknown('hidden'),
          ),
      },
      look: async () => {
        count += 1;
        return Promise.resolve(looks[Math.min(count, looks.length) - 1] ?? listing());
      },
    },
  );
  await clock.advance(10_000);
  return { outcomes: await asked, count };
}

describe('what comes back after it was ended', () => {
  const rightful = listed(101, { role: 'runner', isRightful: true });
  const before = listing(rightful, listed(100));

  it('is looked for a few times within two seconds, and nothing is said where nothing comes', async () => {
    const { outcomes, count } = await lookAfter(before, [listing(rightful)]);
    assert.deepEqual([outcomes, count], [[], 4]);
  });

  it('is told with its source, also where it comes late and with other symbols', async () => {
    const source = {
      name: 'watchdog.sh (pid 9)',
      pid: 9,
      remedy: 'End watchdog.sh (pid 9) first.',
    };
    const again = listed(200, {
      argv: ['python3', '-m', 'robo_trader.runner_async', '--symbols', 'TSLA'],
      role: 'other runner',
      respawnedBy: source,
    });
    const { outcomes, count } = await lookAfter(before, [
      listing(rightful),
      listing(rightful),
      listing(rightful, again),
    ]);
    assert.equal(count, 3);
    assert.deepEqual(outcomes, [
      {
        pid: 200,
        outcome: 'came back',
        why: 'it was started again in place of 100 by watchdog.sh (pid 9). End watchdog.sh (pid 9) first.',
      },
    ]);
  });

  it('names the parent where no source is known, and says where nobody is seen', async () => {
    const of = async (parentPid: number): Promise<string> =>
      (await lookAfter(before, [listing(rightful, listed(200, { parentPid }))])).outcomes[0]?.why ??
      '';
    assert.match(await of(77), /by \/ws\/nightly\.sh \(pid 77\); end that first/);
    assert.match(await of(1), /something that is not seen/);
    assert.match(await of(78), /something that is not seen/);
  });

  it('is neither what was there before, nor an older one, nor another program', async () => {
    const { outcomes } = await lookAfter(before, [
      listing(rightful, listed(150), listed(201, { argv: ['python3', 'another_bot.py'] })),
    ]);
    assert.deepEqual(outcomes, []);
  });

  it('is not looked for where nothing was ended, and a look that fails proves nothing', async () => {
    assert.equal((await lookAfter(before, [listing(listed(200))], [])).count, 0);
    const blind: ProcessListing = { unknownWhy: 'no rights', processes: [] };
    assert.deepEqual((await lookAfter(before, [blind])).outcomes, []);
  });
});
