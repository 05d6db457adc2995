import assert from 'node:assert/strict';
import { known, unknown } from '../../src/core/observed';
import { confinedMachine } from '../../src/host/confinedMachine';
import { observePort } from '../../src/host/portObservation';
import { FakeMachine, fakeProcess, fakeSocket } from '../support/hostFakes';

const ours = 45_000;
const realTws = fakeProcess(10, 'java -cp /opt/Jts/jars jclient.LoginFrame', { name: 'java' });
const drill = fakeProcess(20, 'node /opt/robo/dist/cli.cjs drill');
const daemon = fakeProcess(21, 'node /opt/robo/dist/daemon.cjs', { parentPid: 20 });
const runner = fakeProcess(22, 'node /tmp/x/cycles.js', { parentPid: 21 });

function machine(): FakeMachine {
  const fake = new FakeMachine();
  fake.table = known([realTws, drill, daemon, runner]);
  fake.rows = known([
    fakeSocket('127.0.0.1:7497', '0.0.0.0:0', 'LISTEN', 10),
    fakeSocket(`127.0.0.1:${ours}`, '0.0.0.0:0', 'LISTEN', 20),
  ]);
  fake.files = unknown('nobody may ask');
  return fake;
}

describe('a machine as far as a rehearsal goes', () => {
  it('shows the processes of the rehearsal and no other', async () => {
    const seen = await confinedMachine(machine(), { pid: 20, port: ours }).processes();
    assert.deepEqual(seen.known ? seen.value.map(({ pid }) => pid) : seen.why, [20, 21, 22]);
  });

  it('shows its own port, with the simulated TWS behind it, and no file of a real one', async () => {
    const confined = confinedMachine(machine(), { pid: 20, port: ours });
    const os = await observePort(confined, ours, true);
    assert.ok(os.listeners.known && os.twsProcesses.known);
    assert.deepEqual(
      os.listeners.value.map(({ pid, product }) => [pid, product]),
      [[20, 'simulator']],
    );
    assert.deepEqual(
      os.twsProcesses.value.map(({ pid }) => pid),
      [20],
    );
    assert.deepEqual(os.otherUsualPortsListening, known([]));
    assert.deepEqual(os.twsFiles, known({ settings: [], logs: [] }));
  });

  it('shows nobody on the port of a real TWS', async () => {
    const confined = confinedMachine(machine(), { pid: 20, port: ours });
    assert.deepEqual(await confined.listeners(7497), known([]));
    assert.deepEqual(await confined.sockets([7497]), known([]));
  });

  it('stays unknown where the machine is, and ends on a ring of parents', async () => {
    const fake = machine();
    const confined = confinedMachine(fake, { pid: 20, port: ours });
    fake.table = known([
      fakeProcess(30, 'node a.js', { parentPid: 31 }),
      fakeProcess(31, 'node b.js', { parentPid: 30 }),
    ]);
    assert.deepEqual(await confined.processes(), known([]));
    fake.table = unknown('no permission');
    assert.deepEqual(await confined.processes(), unknown('no permission'));
  });
});
