import { Records } from '../../src/monitor/records';
import { AlertStore } from '../../src/daemon/alertStore';
import { initialAlertState } from '../../src/daemon/alertPolicy';
import { pathsBelow } from './statusRecords';

/**
 * Writes the alert file and `alerts.json` below the directory of its first argument again and again,
 * large enough that a kill may hit the middle of a write.
 */
const paths = pathsBelow(process.argv[2] ?? '');
const records = new Records(paths);
const store = new AlertStore(paths);
process.stdout.write('ready\n');
for (let round = 0; ; round += 1) {
  const letter = 'abcdefgh'.charAt(round % 8);
  records.writeAlert(`${letter.repeat(300_000)}\n`);
  const command = ['/page', letter.repeat(2000)];
  store.write({ state: initialAlertState, settings: { cli: { command }, window: {} } });
}
