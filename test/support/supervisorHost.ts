// A daemon in miniature, to be killed: starts the runner of argv and prints its pid.
import { systemClock } from '../../src/core/clock';
import { machineFor } from '../../src/host/thisMachine';
import { RunnerSupervisor } from '../../src/runner/supervisor';

const [workspace = '', directory = '', ...command] = process.argv.slice(2);
const supervisor = new RunnerSupervisor(workspace, directory, {
  clock: systemClock,
  machine: machineFor(process.platform),
  builtIn: { execPath: process.execPath, script: '', environment: {} },
  createReader: () => () => [],
  isUntouchable: () => false,
});
void supervisor
  .start({
    command,
    workingDirectory: workspace,
    environment: { PATH: process.env['PATH'] ?? '' },
    symbols: ['AAPL', 'NVDA'],
    bypassReason: null,
  })
  .then((outcome) => {
    process.stdout.write(`${JSON.stringify(outcome)}\n`);
  });
