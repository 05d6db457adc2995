import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/core/clock';
import { type ToolCall, successfulOutput, toolEnvironment, toolRunner } from '../../src/host/tool';
import { eventually, isThere } from '../support/eventually';
import { FakeClock } from '../support/fakeClock';

const run = toolRunner(systemClock);

/** Node.js itself as a tool that prints what a test wants. */
function script(code: string, more: Partial<ToolCall> = {}): ToolCall {
  return { file: process.execPath, args: ['-e', code], ...more };
}

describe('running a system tool', () => {
  it('gives back what it printed and how it ended', async () => {
    const ran = await run(script('console.log("a"); console.error("b"); process.exitCode = 3'));
    assert.deepEqual(ran, { known: true, value: { exitCode: 3, stdout: 'a\n', stderr: 'b\n' } });
  });

  it('does not hand our environment on, and fixes language and time zone', async () => {
    process.env['ROBO_TOOL_CANARY'] = 'secret';
    try {
      const ran = await run(
        script('console.log(JSON.stringify(process.env))', { environment: { LC_ALL: '' } }),
      );
      assert.ok(ran.known);
      const seen = JSON.parse(ran.value.stdout) as Record<string, string>;
      assert.equal(seen['ROBO_TOOL_CANARY'], undefined);
      assert.deepEqual([seen['LC_ALL'], seen['LANG'], seen['TZ']], ['', 'C', 'UTC0']);
    } finally {
      delete process.env['ROBO_TOOL_CANARY'];
    }
  });

  it('gives Windows what it needs, and never the modules of another PowerShell', () => {
    const environment = toolEnvironment({
      SystemRoot: 'C:\\Windows',
      PSModulePath: 'C:\\Program Files\\PowerShell\\7\\Modules',
      NODE_OPTIONS: '--inspect',
    });
    assert.deepEqual(environment, {
      SystemRoot: 'C:\\Windows',
      LC_ALL: 'C',
      LANG: 'C',
      TZ: 'UTC0',
    });
  });

  it('hands arguments over as they are: no shell is between', async () => {
    const words = ['$(id)', 'a b', '"', '%PATH%', '; exit 1'];
    const ran = await run({
      file: process.execPath,
      args: ['-e', 'console.log(JSON.stringify(process.argv.slice(1)))', ...words],
    });
    assert.deepEqual(ran.known && JSON.parse(ran.value.stdout), words);
  });

  it('reads bytes one by one where it is told to', async () => {
    const code = 'process.stdout.write(Buffer.from([0x41, 0x99, 0xfc]))';
    const ran = await run(script(code, { encoding: 'latin1' }));
    assert.equal(ran.known && ran.value.stdout, 'A\u0099\u00fc');
  });

  it('is unknown where the tool is missing', async () => {
    const ran = await run({ file: '/nowhere/netstat', args: [] });
    assert.deepEqual(ran, { known: false, why: '/nowhere/netstat is not on this machine' });
  });

  it('is unknown where the tool may not be run, or cannot be started at all', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'robo-tool-'));
    try {
      const file = join(folder, 'tool');
      writeFileSync(file, '', { mode: 0o600 });
      const forbidden = await run({ file, args: [] });
      assert.ok(!forbidden.known && forbidden.why.includes('could not be started (EACCES)'));
      const impossible = await run({ file, args: ['\0'] });
      assert.ok(!impossible.known && impossible.why.includes('could not be started'));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('kills a tool that is too slow, by its pid, and says so', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'robo-tool-'));
    try {
      const file = join(folder, 'pid');
      const clock = new FakeClock();
      const ran = toolRunner(clock)(
        script(
          `require('fs').writeFileSync(${JSON.stringify(file)}, String(process.pid));
           process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)`,
          { deadlineMs: 700 },
        ),
      );
      await eventually(() => readOr(file) !== '', 'the tool has started');
      const pid = Number(readOr(file));
      await clock.advance(699);
      assert.ok(isThere(pid));
      await clock.advance(1);
      const answer = await ran;
      assert.ok(!answer.known && answer.why.endsWith('did not answer within 0.7 s'));
      await eventually(() => !isThere(pid), 'the tool is gone');
      assert.equal(clock.pending, 0);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('kills a tool that prints without end', async () => {
    const code = 'console.log(process.pid); setInterval(() => console.log("x".repeat(9999)), 1)';
    const ran = await run(script(code, { maxBytes: 50_000 }));
    assert.ok(!ran.known && ran.why.endsWith('printed more than can be read'));
  });

  it('is unknown where something else killed the tool', async () => {
    const ran = await run(script('process.kill(process.pid, "SIGKILL")'));
    assert.ok(!ran.known && ran.why.endsWith('was ended by SIGKILL'));
  });

  it('keeps a failure with the first words of the tool', async () => {
    const call = script('console.error("\\n#< CLIXML\\nno such thing\\nmore"); process.exit(4)');
    assert.deepEqual(successfulOutput(call, await run(call)), {
      known: false,
      why: `${process.execPath} ended with exit code 4: no such thing`,
    });
    const silent = script('process.exit(1)');
    assert.deepEqual(successfulOutput(silent, await run(silent)), {
      known: false,
      why: `${process.execPath} ended with exit code 1`,
    });
  });
});

function readOr(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
