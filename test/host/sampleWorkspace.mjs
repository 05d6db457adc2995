import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/**
 * Writes a small trading workspace: `.env` with port and symbols, and the editor's settings.
 * @returns the folder
 */
export function writeSampleWorkspace(folder, { port = 7497, settings = {} } = {}) {
  mkdirSync(path.join(folder, '.vscode'), { recursive: true });
  const files = {
    '.env': [
      '# What the runner reads. Robo reads it as text.',
      `IBKR_PORT=${port}`,
      'IBKR_CLIENT_ID=1',
      'SYMBOLS=AAPL,NVDA,TSLA # what the runner trades',
      'TRADING_MODE=paper',
      '',
    ].join('\n'),
    '.vscode/settings.json': `${JSON.stringify(settings, null, 2)}\n`,
  };
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(path.join(folder, name), text);
  }
  return folder;
}
