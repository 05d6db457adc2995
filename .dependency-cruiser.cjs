// The arrows between the rooms of src (ARCHITECTURE.md). A room may import what stands in an
// earlier rank and nothing else; rooms of one rank do not know each other.
const ranks = [
  ['core'],
  ['host', 'ibkr'],
  ['diagnostics'],
  ['preflight'],
  ['monitor', 'runner', 'trading'],
  ['daemon'],
  ['ui', 'cli'],
];

/** Beyond the ranks: the simulator and the rehearsals with it stand aside; only the CLI starts them. */
const alsoAllowed = { cli: ['^src/simulator/', '^src/rehearsal/'] };
const aside = ['simulator', 'rehearsal', 'dashboard'];

const arrows = ranks.flatMap((rooms, rank) =>
  rooms.map((room) => {
    const allowed = [...ranks.slice(0, rank).flat(), room].map((name) => `^src/${name}/`);
    return {
      name: `${room}-arrow`,
      comment: `${room} may import only itself and earlier rooms`,
      severity: 'error',
      from: { path: `^src/${room}/` },
      to: { path: '^src/', pathNot: [...allowed, ...(alsoAllowed[room] ?? [])] },
    };
  }),
);

const roomNames = [...ranks.flat(), ...aside].join('|');

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...arrows,
    {
      name: 'simulator-arrow',
      comment:
        'the simulator knows only core and the message codes, so that it cannot agree with our own mistakes',
      severity: 'error',
      from: { path: '^src/simulator/' },
      to: { path: '^src/', pathNot: ['^src/(simulator|core)/', '^src/ibkr/messageCodes\\.ts$'] },
    },
    {
      name: 'rehearsal-arrow',
      comment: 'a rehearsal plays the simulator against the daemon, and is no part of either',
      severity: 'error',
      from: { path: '^src/rehearsal/' },
      to: { path: '^src/(ui|cli)/' },
    },
    {
      name: 'dashboard-arrow',
      comment: 'the page runs in a browser: it has the words of the status, and no code but core',
      severity: 'error',
      from: { path: '^src/dashboard/' },
      to: { path: '^src/', pathNot: ['^src/(dashboard|core)/', '^src/diagnostics/'] },
    },
    {
      name: 'dashboard-takes-shapes-only',
      comment: 'of the diagnostics the page knows types, which are gone when it runs',
      severity: 'error',
      from: { path: '^src/dashboard/' },
      to: { path: '^src/diagnostics/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'dashboard-is-a-page',
      comment: 'what runs in a browser has no Node.js, and nobody else runs it',
      severity: 'error',
      from: { path: '^src/dashboard/' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'chart-library-only-in-the-page',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/dashboard/' },
      to: { path: ['(^|/)lightweight-charts(/|$)', '^src/dashboard/'] },
    },
    {
      name: 'unknown-room',
      comment: 'a folder of src without a rank has no arrows: give it one here',
      severity: 'error',
      from: {},
      to: { path: '^src/[^/]+/', pathNot: `^src/(${roomNames})/` },
    },
    {
      name: 'nothing-imports-an-entry',
      comment: 'entries compose the rooms; nothing depends on them',
      severity: 'error',
      from: {},
      to: { path: '^src/[^/]+\\.ts$' },
    },
    {
      name: 'vscode-only-in-ui',
      comment: 'everything else also runs in the daemon, the runner and the CLI',
      severity: 'error',
      from: {
        path: '^(src|test|bench)/',
        pathNot: ['^src/ui/', '^src/extension\\.ts$', '^test/host/'],
      },
      to: { path: '(^|/)(@types/)?vscode(/|$)' },
    },
    {
      name: 'stoqey-only-in-session',
      comment: 'its constructor reads .env files and it can send orders: one file guards both',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/ibkr/session\\.ts$' },
      to: { path: '(^|/)@stoqey/ib(/|$)' },
    },
    {
      name: 'pure-rooms-do-no-io',
      comment: 'core and diagnostics are decided by their arguments alone',
      severity: 'error',
      from: { path: '^src/(core|diagnostics)/' },
      to: {
        path: '^(node:)?(child_process|cluster|dgram|dns|fs|http|http2|https|net|sqlite|tls|worker_threads)(/|$)',
      },
    },
    {
      name: 'recovery-ends-nothing',
      comment: 'what heals a connection has no way to a process, its own detours included (law 9)',
      severity: 'error',
      from: { path: '^src/(monitor|ibkr)/' },
      to: {
        path: '^src/host/(endProcess|tool|thisMachine)\\.ts$|^(node:)?(child_process|cluster)$',
        reachable: true,
      },
    },
    {
      name: 'no-cycles',
      comment:
        'through onDemand.ts the parts of a window name the type of what they load later, and nothing else',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { pathNot: '^src/ui/onDemand\\.ts$' } },
    },
    {
      name: 'on-demand-comes-late',
      comment: 'it is a bundle of its own: everything but its loader knows only its type',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/ui/loadOnDemand\\.ts$' },
      to: { path: '^src/ui/onDemand\\.ts$', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'src-stands-alone',
      comment: 'what we ship uses neither tests and scripts nor development packages',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|bench|scripts)/' },
    },
    {
      name: 'no-development-packages',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev'], pathNot: '(^|/)@types/' },
    },
    {
      name: 'everything-resolves',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: '^vscode$' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|dist-test|\\.host|\\.demo)/' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'types', 'default'],
    },
  },
};
