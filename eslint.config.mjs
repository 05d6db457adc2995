import js from '@eslint/js';
import tseslint from 'typescript-eslint';

const shape = [
  { selector: 'ExportDefaultDeclaration', message: 'Named exports only.' },
  {
    selector: 'ExportAllDeclaration',
    message: 'No barrels: import from the file that defines it.',
  },
  {
    selector: 'ExportNamedDeclaration[source]',
    message: 'No barrels: import from the file that defines it.',
  },
  { selector: 'TSEnumDeclaration', message: 'A union of string literals instead of an enum.' },
];

const noModuleState = {
  selector: 'Program > :matches(VariableDeclaration, ExportNamedDeclaration > *)[kind="let"]',
  message: 'No mutable state at module level: it outlives every owner.',
};

const onlyThroughClock = [
  {
    selector:
      'CallExpression[callee.name=/^(setTimeout|setInterval|setImmediate)$/], CallExpression[callee.object.name="Date"][callee.property.name="now"], NewExpression[callee.name="Date"][arguments.length=0], CallExpression[callee.object.name="performance"]',
    message: 'Time only through the Clock, so that tests need no waiting.',
  },
];

const nodeGlobals = Object.fromEntries(
  ['console', 'performance', 'process', 'URL', 'URLSearchParams', 'setTimeout', 'clearTimeout']
    .concat(['setInterval', 'clearInterval', 'AbortController', 'AbortSignal', 'Buffer', 'fetch'])
    .map((name) => [name, 'readonly']),
);
const pageGlobals = Object.fromEntries(
  ['acquireVsCodeApi', 'document', 'window', 'navigator', 'requestAnimationFrame', 'Event']
    .concat(['HTMLElement', 'Element', 'Node', 'CSS', 'MutationObserver', 'ResizeObserver', 'Intl'])
    .map((name) => [name, 'readonly']),
);

export default tseslint.config(
  { ignores: ['dist/', 'dist-test/', 'coverage/', '.host/', '.demo/', '.vscode-test/'] },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      'no-restricted-syntax': ['error', ...shape],
      'max-params': ['error', 4],
      eqeqeq: 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/consistent-type-exports': 'error',
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
    },
  },
  {
    files: ['src/**/*.ts'],
    rules: {
      'max-lines-per-function': ['error', { max: 50, skipBlankLines: true, skipComments: true }],
      'no-restricted-syntax': ['error', ...shape, noModuleState, ...onlyThroughClock],
    },
  },
  {
    files: ['src/core/clock.ts'],
    rules: { 'no-restricted-syntax': ['error', ...shape, noModuleState] },
  },
  {
    // mocha's own idiom: describe and it return what nobody awaits, and callbacks grow long.
    files: ['test/**/*.ts'],
    rules: { '@typescript-eslint/no-empty-function': 'off' },
  },
  { files: ['**/*.mjs'], languageOptions: { globals: nodeGlobals } },
  {
    files: ['**/*.cjs'],
    languageOptions: { sourceType: 'commonjs', globals: { ...nodeGlobals, module: 'writable' } },
  },
  { files: ['media/**/*.js'], languageOptions: { globals: { ...nodeGlobals, ...pageGlobals } } },
);
