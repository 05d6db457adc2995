import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { defaultClientId, defaultEndpoint } from '../../src/ibkr/endpoint';
import { recoveryPermissions } from '../../src/monitor/recoverySettings';
import {
  commandIds,
  contextKeys,
  dashboardViewType,
  healthToolName,
  logScheme,
  problemMatcher,
  settingKeys,
  settingsSection,
  walkthroughKeys,
} from '../../src/ui/ids';

interface SettingSchema {
  readonly type: string;
  readonly default: unknown;
  readonly scope: string;
  readonly order: number;
  readonly markdownDescription: string;
}

interface Manifest {
  readonly icon: string;
  readonly l10n: string;
  readonly main: string;
  readonly activationEvents: readonly string[];
  readonly engines: { readonly vscode: string };
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly capabilities: {
    readonly untrustedWorkspaces: {
      readonly supported: unknown;
      readonly restrictedConfigurations: readonly string[];
    };
    readonly virtualWorkspaces: { readonly supported: boolean };
  };
  readonly scripts: Readonly<Record<string, string>>;
  readonly categories: readonly string[];
  readonly keywords: readonly string[];
  readonly pricing: string;
  readonly bugs: { readonly url: string };
  readonly homepage: string;
  readonly galleryBanner: { readonly color: string; readonly theme: string };
  readonly contributes: {
    readonly walkthroughs: readonly {
      readonly steps: readonly {
        readonly id: string;
        readonly title: string;
        readonly description: string;
        readonly media: { readonly svg: string; readonly altText: string };
        readonly completionEvents: readonly string[];
      }[];
    }[];
    readonly languageModelTools: readonly {
      readonly name: string;
      readonly modelDescription: string;
      readonly inputSchema: { readonly properties: object };
    }[];
    readonly problemMatchers: readonly { readonly name: string }[];
    readonly keybindings?: readonly { readonly when?: string }[];
    readonly commands: readonly { readonly command: string; readonly category: string }[];
    readonly configuration: { readonly properties: Readonly<Record<string, SettingSchema>> };
    readonly menus?: Readonly<Record<string, readonly { readonly command?: string }[]>>;
  };
}

const root = path.join(__dirname, '..', '..');
const manifestText = readFileSync(path.join(root, 'package.json'), 'utf8');
const manifest = JSON.parse(manifestText) as Manifest;
const strings = readJson('package.nls.json');
const properties = manifest.contributes.configuration.properties;

function readJson(file: string): Readonly<Record<string, string>> {
  return JSON.parse(readFileSync(path.join(root, file), 'utf8')) as Record<string, string>;
}

function sources(folder: string): readonly ts.SourceFile[] {
  return readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => {
      const file = path.join(root, folder, name);
      return ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.ES2023, true);
    });
}

/** Runs `visit` on every node of the files. */
function walk(files: readonly ts.SourceFile[], visit: (node: ts.Node) => void): void {
  const each = (node: ts.Node): void => {
    visit(node);
    ts.forEachChild(node, each);
  };
  files.forEach(each);
}

function isTranslation(node: ts.Node): node is ts.CallExpression {
  return ts.isCallExpression(node) && /(^|\.)l10n\.t$/.test(node.expression.getText());
}

/** A literal text, or a literal part of one. */
function isText(node: ts.Node): node is ts.StringLiteralLike | ts.TemplateLiteralLikeNode {
  return (
    ts.isStringLiteralLike(node) ||
    ts.isTemplateMiddleOrTemplateTail(node) ||
    ts.isTemplateHead(node)
  );
}

/** What is written for the browser and not for the reader. */
function isOfMarkup(node: ts.Node): boolean {
  return ts.isPropertyAssignment(node) && ['class', 'd'].includes(node.name.getText());
}

/** The first argument of every `l10n.t(…)`. */
function translatedMessages(): readonly string[] {
  const messages = new Set<string>();
  walk([...sources('src/ui'), ...sources('src/dashboard')], (node) => {
    if (!isTranslation(node)) {
      return;
    }
    const [message] = node.arguments;
    assert.ok(
      message !== undefined && ts.isStringLiteralLike(message),
      `l10n.t wants a literal: ${node.getText()}`,
    );
    messages.add(message.text);
  });
  return [...messages].sort();
}

describe('The manifest', () => {
  it('contributes exactly the commands of the code, in one category', () => {
    const declared = manifest.contributes.commands.map((entry) => entry.command).sort();
    assert.deepEqual(declared, Object.values(commandIds).sort());
    const categories = new Set(manifest.contributes.commands.map((entry) => entry.category));
    assert.equal(categories.size, 1);
  });

  it('declares exactly the settings that the code reads', () => {
    const read = Object.values(settingKeys).map((key) => `${settingsSection}.${key}`);
    assert.deepEqual(Object.keys(properties).sort(), read.sort());
    const text = sources('src/ui')
      .map((file) => file.getText())
      .join('\n');
    for (const name of Object.keys(settingKeys)) {
      assert.match(text, new RegExp(`settingKeys\\.${name}\\b`), `nobody reads ${name}`);
    }
  });

  it('gives every setting a description, an order and a default of its type', () => {
    const orders = Object.values(properties).map((schema) => schema.order);
    assert.equal(new Set(orders).size, orders.length);
    for (const [key, schema] of Object.entries(properties)) {
      assert.match(schema.markdownDescription, /^%setting\./, key);
      const actual = Array.isArray(schema.default) ? 'array' : typeof schema.default;
      assert.equal(actual, schema.type === 'integer' ? 'number' : schema.type, key);
    }
    assert.equal(properties['robo.host']?.default, defaultEndpoint.host);
    assert.equal(properties['robo.port']?.default, defaultEndpoint.port);
    assert.equal(properties['robo.clientId']?.default, defaultClientId);
  });

  it('keeps paths on the machine and lets no untrusted workspace set anything', () => {
    const onThisMachine = [
      ...['stateDirectory', 'nodePath', 'alerts.command', 'alerts.heartbeatUrl'],
      'records.alsoAt',
    ];
    for (const key of onThisMachine) {
      assert.equal(properties[`robo.${key}`]?.scope, 'machine', key);
    }
    const { untrustedWorkspaces, virtualWorkspaces } = manifest.capabilities;
    assert.equal(untrustedWorkspaces.supported, 'limited');
    assert.deepEqual(
      [...untrustedWorkspaces.restrictedConfigurations].sort(),
      Object.keys(properties).sort(),
    );
    assert.equal(virtualWorkspaces.supported, false);
  });

  it('lets recovery do exactly what the code knows, on this machine, and nothing by itself', () => {
    const port = properties['robo.recovery.ibcCommandPort'];
    const allow = properties['robo.recovery.allow'] as
      (SettingSchema & { readonly items: { readonly enum: readonly string[] } }) | undefined;
    assert.deepEqual([port?.scope, port?.default], ['machine', 0]);
    assert.deepEqual([allow?.scope, allow?.default], ['machine', []]);
    assert.deepEqual(allow?.items.enum, recoveryPermissions);
  });

  it('has a text for every %key% and no text without one', () => {
    const used = [...manifestText.matchAll(/"%([^%"]+)%"/g)].map((match) => match[1] ?? '');
    assert.deepEqual([...new Set(used)].sort(), Object.keys(strings).sort());
    for (const [key, text] of Object.entries(strings)) {
      assert.notEqual(text.trim(), '', key);
    }
  });

  it('describes settings only by settings that exist', () => {
    for (const text of Object.values(strings)) {
      for (const [, key = ''] of text.matchAll(/`#([^`#]+)#`/g)) {
        assert.ok(properties[key] !== undefined, key);
      }
    }
  });

  it('uses in when-clauses only keys and values that the editor or the code sets', () => {
    const keys = new Set<string>([
      ...['isWorkspaceTrusted', 'workspaceFolderCount', 'view', 'viewItem'],
      ...['processExecutionSupported', 'resourceScheme'],
      ...Object.values(contextKeys),
    ]);
    const literals = new Set<string>();
    walk(sources('src/ui'), (node) => {
      if (ts.isStringLiteralLike(node)) {
        literals.add(node.text);
      }
    });
    for (const [, text = '""'] of manifestText.matchAll(/"(?:when|enablement)": ("[^"]+")/g)) {
      const clause = JSON.parse(text) as string;
      for (const term of clause.split(/\s*(?:&&|\|\|)\s*/)) {
        const [key = '', operator, value = ''] = term.replace(/^!/, '').split(/\s+(==|!=|=~)\s+/);
        assert.ok(keys.has(key), `${key} in "${clause}"`);
        const isSet =
          operator === '=~'
            ? [...literals].some((text) => new RegExp(value.slice(1, -1)).test(text))
            : operator === undefined || literals.has(value);
        assert.ok(isSet, `nothing in the code is called ${value}, in "${clause}"`);
      }
    }
    const ids = new Set<string>(Object.values(commandIds));
    for (const entry of Object.values(manifest.contributes.menus ?? {}).flat()) {
      assert.ok(entry.command === undefined || ids.has(entry.command), entry.command);
    }
  });

  it('starts with the window, not with everything, and names files that exist', () => {
    assert.deepEqual(manifest.activationEvents, [
      'onStartupFinished',
      `onFileSystem:${logScheme}`,
      `onWebviewPanel:${dashboardViewType}`,
    ]);
    const png = readFileSync(path.join(root, manifest.icon));
    assert.ok(png.readUInt32BE(16) >= 128 && png.readUInt32BE(20) >= 128, 'icon of 128 or more');
    assert.ok(existsSync(path.join(root, manifest.l10n)));
    assert.equal(manifest.main, './dist/extension.cjs');
  });

  it('leads through five steps that are done by facts, each with a picture and one verb', () => {
    const [{ steps } = { steps: [] }, ...others] = manifest.contributes.walkthroughs;
    assert.deepEqual(others, []);
    assert.deepEqual(
      steps.map(({ id, completionEvents }) => [id, ...completionEvents]),
      Object.entries(walkthroughKeys).map(([id, key]) => [id, `onContext:${key}`]),
    );
    const ids = new Set<string>(Object.values(commandIds));
    for (const { id, description, media } of steps) {
      const text = strings[description.slice(1, -1)] ?? '';
      const buttons = [...text.matchAll(/^\[[A-Z][^\]]*\]\(command:([a-zA-Z.]+)\)$/gm)];
      assert.deepEqual(
        buttons.map(([, command = '']) => ids.has(command)),
        [true],
        id,
      );
      assert.ok((strings[media.altText.slice(1, -1)] ?? '').length > 20, id);
      const svg = readFileSync(path.join(root, media.svg), 'utf8');
      assert.match(svg, /var\(--vscode-foreground/, `${id}: theme colours`);
      assert.doesNotMatch(svg, /<script|<foreignObject|href=/);
    }
  });

  it('offers a tool that takes nothing, and the matcher that tasks name', () => {
    const [tool, ...others] = manifest.contributes.languageModelTools;
    assert.deepEqual(others, []);
    assert.equal(tool?.name, healthToolName);
    assert.deepEqual(tool.inputSchema.properties, {});
    assert.match(
      strings[tool.modelDescription.slice(1, -1)] ?? '',
      /starts, stops and changes nothing/,
    );
    assert.deepEqual(
      manifest.contributes.problemMatchers.map(({ name }) => `$${name}`),
      [problemMatcher],
    );
  });

  it('overrides no key of the editor, and takes everything along when it is removed', () => {
    for (const { when } of manifest.contributes.keybindings ?? []) {
      assert.match(when ?? '', /\brobo\./, 'a key of ours counts only where we are');
    }
    // The editor takes the words after `node` for a file of the extension.
    assert.equal(manifest.scripts['vscode:uninstall'], 'node ./dist/uninstall.cjs');
    assert.ok(existsSync(path.join(root, 'src', 'uninstall.ts')));
  });

  it('says in the marketplace what it is, what it costs and where to complain', () => {
    assert.ok(manifest.keywords.length <= 5);
    assert.ok(manifest.categories.length > 0);
    assert.equal(manifest.pricing, 'Free');
    assert.match(manifest.bugs.url, /^https:/);
    assert.match(manifest.homepage, /^https:/);
    assert.match(manifest.galleryBanner.color, /^#[0-9a-f]{6}$/);
    assert.match(manifest.galleryBanner.theme, /^(dark|light)$/);
  });

  it('explains each choice of a setting, and what is wrong with a wrong text', () => {
    const check = (key: string, schema: Readonly<Record<string, unknown>>): void => {
      const choices = schema['enum'] as readonly string[] | undefined;
      const words = schema['enumDescriptions'] as readonly string[] | undefined;
      assert.equal(words?.length, choices?.length, `${key}: enumDescriptions`);
      if (schema['pattern'] !== undefined) {
        assert.match(String(schema['patternErrorMessage']), /^%setting\./, key);
      }
    };
    for (const [key, schema] of Object.entries(properties)) {
      const whole = schema as unknown as Readonly<Record<string, unknown>>;
      check(key, whole);
      check(`${key}[]`, (whole['items'] ?? {}) as Readonly<Record<string, unknown>>);
    }
  });

  it('is typed against the oldest editor that it accepts', () => {
    assert.equal(`^${manifest.devDependencies['@types/vscode'] ?? ''}`, manifest.engines.vscode);
  });

  it('exports every translated string (ROBO_UPDATE_L10N=1 writes the file anew)', () => {
    const file = path.join(manifest.l10n, 'bundle.l10n.json');
    const wanted = Object.fromEntries(translatedMessages().map((message) => [message, message]));
    if (process.env['ROBO_UPDATE_L10N'] === '1') {
      writeFileSync(path.join(root, file), `${JSON.stringify(wanted, null, 2)}\n`);
    }
    assert.deepEqual(readJson(file), wanted);
  });

  it('shows no literal text past the translation', () => {
    const shows = /^vscode\.window\.(show\w+Message|setStatusBarMessage)$/;
    walk(sources('src/ui'), (node) => {
      if (ts.isCallExpression(node) && shows.test(node.expression.getText())) {
        const [message] = node.arguments;
        assert.ok(message === undefined || !ts.isStringLiteralLike(message), node.getText());
      }
    });
  });

  it('writes no sentence into the page past the translation', () => {
    // Names, a header of HTTP, and what the monitor calls its farms.
    const names = ['Robo', 'TradingView', 'Bearer ', 'market data', 'historical data'];
    const known = [...names, 'security definition'];
    const found: string[] = [];
    const visit = (node: ts.Node): void => {
      if (ts.isImportDeclaration(node) || ts.isTypeNode(node)) {
        return;
      }
      if (isTranslation(node)) {
        node.arguments.slice(1).forEach(visit);
        return;
      }
      const text = isText(node) && !isOfMarkup(node.parent) ? node.text : '';
      if (/^[A-Z][a-z]|[a-z] [a-z]|^ [a-z]{2}|[a-z]{2} $/.test(text) && !known.includes(text)) {
        found.push(text);
      }
      ts.forEachChild(node, visit);
    };
    sources('src/dashboard').forEach(visit);
    // The classes of an element that changes its state.
    assert.deepEqual(
      found.filter((text) => !/^[a-z]+ [a-z]+-$/.test(text)),
      [],
    );
  });
});
