// Writes a long status, a long alert and a log line into the directory of argv, and prints what
// the records say of it.
import { Records } from '../../src/monitor/records';
import { pathsBelow, statusRecordOf } from './statusRecords';

const records = new Records(pathsBelow(process.argv[2] ?? ''));
records.writeStatus(statusRecordOf({ message: 'new '.repeat(5000) }));
const problem = records.problem;
records.writeAlert('new '.repeat(5000));
process.stdout.write(JSON.stringify({ problem }));
