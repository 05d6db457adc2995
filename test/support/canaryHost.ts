// Opens a session to the port of argv in the current directory, asks for data, and prints what
// of a `.env` there has reached the environment.
import { systemClock } from '../../src/core/clock';
import { Session } from '../../src/ibkr/session';
import { connectTo, reaches } from './connections';

const before = new Set(Object.keys(process.env));

async function main(): Promise<void> {
  const connection = connectTo(Number(process.argv[2]), systemClock, 9001);
  await reaches(connection, 'open');
  const session = new Session(connection, systemClock);
  const answer = await session.stockContract('AAPL', 5000);
  const added = Object.keys(process.env).filter((name) => !before.has(name));
  process.stdout.write(
    JSON.stringify({ isAnswered: answer.ok, added, clientId: connection.clientId }),
  );
  session.dispose();
  connection.close('done');
}

void main();
