import assert from 'node:assert/strict';
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { diagnoseCommand } from '../../src/cli/diagnose';
import { listingText } from '../../src/cli/processes';
import { layerLine, verdictText } from '../../src/cli/reportText';
import { runnerLineWriter } from '../../src/cli/runnerLine';
import { statusCommand } from '../../src/cli/status';
import { printable, printableLines, styleFor } from '../../src/cli/style';
import { parseEnvFile } from '../../src/core/envFile';
import { endpointFolder, endpointPaths, workspaceFolderName } from '../../src/core/paths';
import { desktopCalls } from '../../src/daemon/alertDesktop';
import type { ListedProcess } from '../../src/daemon/protocol';
import type { Finding } from '../../src/diagnostics/finding';
import type { RunnerStatus, StatusRecord } from '../../src/diagnostics/status';
import { resolveConfiguration } from '../../src/ibkr/configuration';
import { canonicalEndpoint } from '../../src/ibkr/endpoint';
import type { LayerResult, PreflightReport } from '../../src/preflight/report';
import { planLaunch } from '../../src/runner/launchPlan';
import { curesFor } from '../../src/ui/cures';
import { killView } from '../../src/ui/duplicatesView';
import { explanation } from '../../src/ui/explanation';
import { guideFragment } from '../../src/ui/guideAnchor';
import { commandIds, editorCommands } from '../../src/ui/ids';
import { placeFinding, type PlacementFiles, problemText } from '../../src/ui/placeFinding';
import { layerWords, reportLines, verdict } from '../../src/ui/report';
import { servicesTree, type TreeNode } from '../../src/ui/servicesTree';
import { commandUri, type StatusModel, statusBarView } from '../../src/ui/statusBarView';
import { escapeMarkdown, plain } from '../../src/ui/words';
import {
  hostileStrings,
  unprintableCharacters,
  unprintableInLine,
} from '../support/hostileStrings';
import { ago, english, findingWith, runnerWith, startMs, statusWith } from '../support/uiFixtures';

const endpoint = { host: '127.0.0.1', port: 7497 };
const workspace = '/work/trading';
const plainStyle = styleFor({ isTerminal: false, environment: {} });

/** One test for each hostile text. */
function each(what: string, check: (text: string) => void | Promise<void>): void {
  describe(what, () => {
    for (const [name, text] of Object.entries(hostileStrings)) {
      it(`stays text: ${name}`, () => check(text));
    }
  });
}

function hostileFinding(text: string): Finding {
  return findingWith({
    message: text,
    causes: [{ id: 'wrong_service', confidence: 0.5, why: `${text}; but ${text}` }],
    evidence: [{ kind: 'notice', source: text, at: ago(1), text }],
    remedy: [text],
    guide: 'wrong_service',
  });
}

function hostileRunner(text: string): RunnerStatus {
  return runnerWith({
    command: [text, text],
    symbols: [text],
    logFile: text,
    symbolStatus: [
      {
        symbol: text,
        lastFetchAt: ago(1),
        lastFailureAt: null,
        failures: 1,
        price: 1,
        signal: text,
      },
    ],
    bypassReason: text,
    findings: [{ ...hostileFinding(text), subject: { kind: 'runner', name: workspace } }],
    restart: { isAutomatic: true, why: text, nextAt: ago(-5), restarts: 1, isPersonCalled: false },
    helpers: [{ name: text, state: 'failed', pid: null, port: null, why: text }],
    warnings: [text],
  });
}

/** A record in which everything that comes from elsewhere is this text. */
function hostileRecord(text: string): StatusRecord {
  const usual = statusWith();
  return statusWith({
    health: 'down',
    message: text,
    findings: [hostileFinding(text)],
    session: {
      ...usual.session,
      accounts: [text],
      farms: [{ name: text, kind: 'market data', state: 'broken' }],
    },
    runner: [hostileRunner(text)],
    duplicates: [{ workspace, runners: [1, 2], helpers: [] }],
    incidents: [
      {
        key: text,
        subject: { kind: 'symbol', name: text },
        severity: 'error',
        cause: null,
        layer: null,
        message: text,
        since: ago(5),
        toldAt: null,
        acknowledgedAt: null,
      },
    ],
    alerts: { quietUntil: null, problem: text },
    recovery: [{ step: 'ENABLEAPI', at: ago(5), evidence: text, outcome: text }],
    planned: [{ kind: 'weekly login', at: ago(-5), words: text }],
    nextWindow: { name: text, from: ago(-5), until: ago(-50) },
    monitor: { ...usual.monitor, recordsProblem: text },
  });
}

const modelOf = (text: string): StatusModel => ({
  state: { kind: 'watching', endpoint, status: hostileRecord(text) },
  workspace,
  nowMs: startMs,
});

/** A line that labels, notifications and quick picks show as it stands. */
function assertInertLine(line: string): void {
  assert.doesNotMatch(line, unprintableInLine);
  assert.doesNotMatch(line, /\$\([a-z]/, 'an icon');
  assert.doesNotMatch(line, /\]\(/, 'a link');
  assert.doesNotMatch(line, /\p{Cs}/u, 'a torn character');
  assert.ok(line.length < 8000, `${line.length} characters`);
}

const ourCommands = new Set<string>([
  ...Object.values(commandIds),
  ...Object.values(editorCommands),
]);

/** Markdown in which foreign text is text: no link but ours, no markup, no HTML, no icon. */
function assertInertMarkdown(markdown: string): void {
  assert.doesNotMatch(markdown, unprintableCharacters);
  for (const [, target = ''] of markdown.matchAll(/(?<!\\)\]\(([^)]*)\)/g)) {
    const command = /^command:([\w.]+)(?:\?[\w%.-]+)?$/.exec(target)?.[1] ?? '';
    assert.ok(ourCommands.has(command), `a link to ${target}`);
  }
  assert.doesNotMatch(markdown, /(?<!\\)[<>!]/, 'HTML, an address or a picture');
  assert.doesNotMatch(markdown, /\w:\/\/|www\.|(?<!\\)@\w/, 'an address that becomes a link');
  assert.doesNotMatch(markdown, /\$\([a-z]/, 'an icon');
}

/** What a terminal gets: control characters do nothing, and no line comes in from elsewhere. */
function assertInertOutput(output: string, lines: number): void {
  assert.doesNotMatch(output, unprintableCharacters);
  assert.equal(output.split('\n').length, lines, output.slice(0, 500));
}

function nodesOf(nodes: readonly TreeNode[]): readonly TreeNode[] {
  return nodes.flatMap((node) => [node, ...nodesOf(node.children)]);
}

each('A label or notification', (text) => {
  assertInertLine(plain(text));
  assert.ok(plain(text).length <= 500);
});

each('Markdown', (text) => {
  assertInertMarkdown(escapeMarkdown(text));
  assertInertLine(escapeMarkdown(text));
});

each('The status bar', (text) => {
  const { text: bar, tooltip, label } = statusBarView(modelOf(text), english);
  assert.match(bar, /^\$\([a-z~-]+\) [^$\n]*$/);
  assertInertMarkdown(tooltip);
  assertInertLine(label);
  const [head = ''] = tooltip.split('\n');
  assert.equal(head.slice(0, 2), '**');
});

each('The services tree', (text) => {
  const processes = { processes: [listed(text)], unknownWhy: null };
  for (const node of nodesOf(servicesTree({ ...modelOf(text), processes }, english))) {
    assertInertLine(node.label);
    assertInertLine(node.description);
    assertInertLine(node.tooltip);
    assert.match(node.icon, /^[a-z~-]+$/);
    assert.match(node.contextValue, /^[\w.-]+$/);
  }
});

each('A Problem', (text) => {
  const files: PlacementFiles = {
    folderPath: workspace,
    env: parseEnvFile(`IBKR_PORT=7497\nSYMBOLS=${text}`),
    settings: text,
    origins: {
      host: 'setting',
      port: 'envFile',
      clientId: 'setting',
      symbols: 'setting',
      mode: 'default',
    },
  };
  const symbol = { kind: 'symbol', name: text } as const;
  for (const subject of [symbol, { kind: 'connection' } as const]) {
    const finding = { ...hostileFinding(text), subject };
    const place = placeFinding(finding, files);
    assertInertLine(plain(problemText(finding, place, english), 1500));
    assert.equal(typeof place.file, 'string');
    const context = {
      files,
      configuration: { endpoint, clientId: 9000, mode: undefined, runnerClientId: undefined },
      canEnableApi: true,
    };
    for (const { title, edit } of curesFor(
      { ...finding, causes: [{ id: 'no_secdef_200', confidence: 1, why: text }] },
      context,
      english,
    )) {
      assertInertLine(title);
      assert.equal(edit?.text ?? '', '');
    }
  }
});

each('The place of a Problem', (text) => {
  const files: PlacementFiles = {
    folderPath: workspace,
    env: new Map(),
    settings: undefined,
    origins: {
      host: 'default',
      port: 'default',
      clientId: 'default',
      symbols: 'default',
      mode: 'default',
    },
  };
  const finding = findingWith({
    subject: { kind: 'runner' },
    source: { file: text, line: Number.MAX_SAFE_INTEGER },
  });
  const { file } = placeFinding(finding, files);
  if (typeof file !== 'string') {
    assert.ok(file.path.startsWith(`${workspace}/`), file.path.slice(0, 200));
    assert.equal(path.normalize(file.path), file.path);
    assert.ok(!file.path.includes('\0'));
  }
});

each('The explanation', (text) => {
  const markdown = explanation(hostileFinding(text), english);
  assertInertMarkdown(markdown.replaceAll('`wrong_service`', ''));
  const headings = markdown.split('\n').filter((line) => line.startsWith('#'));
  assert.deepEqual(
    headings.map((line) => line.slice(0, 3)),
    ['# A', '## ', '## ', '## '],
  );
});

each('The list of processes to end', (text) => {
  const listing = { processes: [listed(text), listed(text, 'tws')], unknownWhy: null };
  const { duplicates, first } = killView(listing, english);
  assert.equal(duplicates.length, 1);
  for (const { label, description, detail } of duplicates) {
    [label, description, detail, ...first].forEach(assertInertLine);
  }
});

each('The report of a test', (text) => {
  const layer: LayerResult = {
    layer: 'hello',
    status: 'fail',
    durationMs: 1,
    summary: text,
    evidence: hostileFinding(text).evidence,
  };
  const report: PreflightReport = {
    schema: 1,
    ok: false,
    endpoint: { ...endpoint, clientId: 9000, product: 'TWS', mode: 'paper' },
    startedAt: ago(1),
    durationMs: 1,
    layers: [layer],
    failedLayer: 'hello',
    findings: [hostileFinding(text)],
  };
  assertInertLine(plain(verdict(report, english), 900));
  assertInertLine(layerWords(layer, english));
  reportLines(report).forEach((line) => {
    assert.doesNotMatch(line, unprintableInLine);
  });
  assertInertOutput(layerLine(layer, plainStyle), 1);
  const benign = verdictText({ ...report, findings: [hostileFinding('x')] }, plainStyle);
  assertInertOutput(verdictText(report, plainStyle), benign.split('\n').length);
});

each('A command link', (text) => {
  const uri = commandUri({ command: commandIds.openGuide, arguments: [text] });
  assert.match(uri, /^command:robo\.guide\.open\?[\w%.~-]+$/);
  const sent: unknown = JSON.parse(decodeURIComponent(uri.slice(uri.indexOf('?') + 1)));
  assert.deepEqual(sent, [text]);
  assert.equal(guideFragment('<a id="silent_handshake"></a>\n## Silent', text), undefined);
});

each('A line on a terminal', (text) => {
  assertInertOutput(printable(text), 1);
  assertInertOutput(printableLines(text), printableLines(text).split('\n').length);
  const write = runnerLineWriter(plainStyle);
  for (const event of [
    { event: 'fetch', symbol: text, ok: false, error: text },
    { event: 'signal', symbol: text, signal: 'buy', price: 1, reason: text },
    { event: 'error', message: text, source: { file: text, line: 1 } },
  ]) {
    assertInertOutput(write(JSON.stringify({ robo: 1, ...event })), 1);
  }
  assertInertOutput(write(text.replaceAll('\n', ' ')), 1);
  assert.doesNotMatch(listingText([listed(text)]), unprintableCharacters);
  assert.equal(
    listingText([listed(text)]).split('\n').length,
    listingText([listed('x')]).split('\n').length,
  );
});

describe('The command line', () => {
  let directory: string;

  before(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'robo-hostile-'));
  });

  after(() => {
    rmSync(directory, { recursive: true, force: true });
  });

  async function run(command: typeof statusCommand, args: readonly string[]): Promise<string> {
    const said: string[] = [];
    await command({
      args: ['--state-dir', directory, ...args],
      environment: {},
      workingDirectory: directory,
      stdout: (text) => said.push(text),
      stderr: (text) => said.push(text),
      isTerminal: false,
      signal: new AbortController().signal,
    });
    return said.join('');
  }

  async function statusOf(text: string): Promise<string> {
    const paths = endpointPaths(directory, endpoint, { platform: process.platform, userId: 0 });
    mkdirSync(paths.directory, { recursive: true });
    writeFileSync(paths.status, JSON.stringify(hostileRecord(text)));
    return run(statusCommand, []);
  }

  for (const [name, text] of Object.entries(hostileStrings)) {
    it(`prints the status without what it carries: ${name}`, async () => {
      const benign = await statusOf('x');
      assertInertOutput(await statusOf(text), benign.split('\n').length);
    });

    it(`reads a log without what it carries: ${name}`, async () => {
      const file = path.join(directory, 'hostile.log');
      // One line of a log, whose words a stranger has chosen.
      const words = text.replace(/[\r\n]/g, ' ');
      const event = { robo: 1, event: 'error', message: text, source: { file: text, line: 3 } };
      writeFileSync(
        file,
        [
          `2026-11-20 10:00:01,000 - robo_trader - ERROR - Failed to fetch data for NVDA: ${words}`,
          `2026-11-20 10:00:02,000 - ib_insync.wrapper - ERROR - Error 200, reqId 3: ${words}`,
          JSON.stringify(event),
        ].join('\n'),
      );
      for (const format of ['text', 'problem']) {
        const output = await run(diagnoseAsRun, ['--format', format, file]);
        assert.doesNotMatch(output, unprintableCharacters);
        if (format === 'problem') {
          assert.doesNotMatch(output, /^\/etc\/passwd:1:1: error runner_error: forged/m);
        }
      }
    });
  }

  /** `diagnose` takes no endpoint. */
  const diagnoseAsRun: typeof statusCommand = async (context) =>
    diagnoseCommand({ ...context, args: context.args.slice(2) });
});

each('A file name', (text) => {
  const folder = workspaceFolderName(text);
  const host = endpointFolder({ host: text, port: 7497 });
  for (const name of [folder, host]) {
    assert.match(name, /^[A-Za-z0-9._-]+$/);
    assert.ok(name !== '.' && name !== '..');
  }
  assert.ok(folder.length <= 50);
  const paths = endpointPaths(
    '/state',
    { host: text, port: 7497 },
    { platform: 'linux', userId: 0 },
  );
  assert.equal(path.dirname(paths.directory), '/state');
});

each('.env and settings', (text) => {
  const keys = ['IBKR_HOST', 'IBKR_PORT', 'IBKR_CLIENT_ID', 'SYMBOLS', 'TRADING_MODE'];
  const before = { ...process.env };
  const envFile = parseEnvFile(
    [...keys.map((key) => `${key}=${text}`), 'NODE_OPTIONS=--require=/tmp/x', '__proto__=x'].join(
      '\n',
    ),
  );
  for (const settings of [{}, { host: text, port: text, clientId: text, symbols: text }]) {
    const {
      endpoint: read,
      clientId,
      symbols,
    } = resolveConfiguration({
      flags: {},
      environment: {},
      settings,
      envFile,
    });
    const { host, port } = canonicalEndpoint(read.host, read.port);
    assert.match(host, /^[A-Za-z0-9][A-Za-z0-9.-]*$|^[0-9A-Fa-f:]+$/);
    assert.ok(Number.isInteger(port) && port >= 1 && port <= 65535);
    assert.ok(Number.isInteger(clientId) && clientId >= 0);
    symbols.forEach((symbol) => {
      assert.match(symbol, /^[A-Z]{1,5}(\.[A-Z]{1,2})?$/);
    });
  }
  assert.deepEqual({ ...process.env }, before);
  assert.equal(Object.getPrototypeOf({}), Object.prototype);
});

each('A command to start', (text) => {
  const context = { workspaceFolder: text, symbols: ['AAPL', text] };
  const command = ['python3', '${workspaceFolder}/run.py', '--symbols=${symbols}'];
  if (text.includes('\0')) {
    assert.throws(() => planLaunch(command, context), /NUL/);
    return;
  }
  // One argument each, whatever is in it: it never reaches a shell and is not looked at again.
  assert.deepEqual(planLaunch(command, context), [
    'python3',
    `${text}/run.py`,
    `--symbols=AAPL,${text}`,
  ]);
});

each('A notification of the desktop', (text) => {
  const words = { title: text, body: text };
  for (const platform of ['linux', 'darwin', 'win32'] as const) {
    const deps = {
      platform,
      environment: { DISPLAY: ':0' },
      run: () => Promise.reject(new Error('nothing is run here')),
      notifySend: ['/usr/bin/notify-send'],
    };
    const [call] = desktopCalls(words, deps);
    const [usual] = desktopCalls({ title: 'x', body: 'x' }, deps);
    const own = (args: readonly string[] = []): readonly string[] =>
      platform === 'win32' ? args : args.slice(0, -2);
    assert.deepEqual(own(call?.args), own(usual?.args));
    if (platform === 'linux') {
      assert.doesNotMatch(call?.args.at(-1) ?? '', /[<>]/);
      assert.equal(call?.args.at(-3), '--');
    }
  }
});

function listed(text: string, role: ListedProcess['role'] = 'duplicate'): ListedProcess {
  return {
    pid: 20,
    startToken: '1',
    startedAt: ago(60),
    argv: [text, text],
    role,
    why: text,
    workingDirectory: text,
    isRightful: false,
    isHelper: false,
    parentPid: 1,
    isLive: false,
    isBoundHere: true,
    sockets: [text],
    respawnedBy: { name: text, pid: null, remedy: text },
  };
}
