import tseslint from 'typescript-eslint';

const apps = ['api-gateway', 'registry', 'mcp-server', 'protocol', 'context', 'execution', 'security', 'dashboard'];

/** The pure core: no framework, no database, no clock, no chance (docs/decisions/0001-the-stack.md). */
const core = {
  files: ['packages/workflow/src/core/**/*.ts'],
  ignores: ['**/*.test.ts'],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          {
            group: ['@nestjs/*', 'typeorm', 'pg', 'node:*', '@nats-io/*', '@signalbox/*', '../language/*', '../views/*', '../timers/*'],
            message: 'The core is pure: it imports nothing outside.',
          },
        ],
      },
    ],
    'no-restricted-globals': ['error', 'setTimeout', 'setInterval', 'process', 'performance', 'fetch', 'crypto'],
    'no-restricted-properties': [
      'error',
      { object: 'Date', property: 'now', message: 'Time comes in as an input.' },
      { object: 'Math', property: 'random', message: 'Chance comes in as an input.' },
    ],
  },
};

const childProcesses = {
  name: 'node:child_process',
  message: 'Child processes are started by packages/supervisor (and packages/stack, which starts the servers), without a shell.',
};

export default tseslint.config(
  { ignores: ['**/dist/**', '**/coverage/**', '**/.signalbox/**', '**/*.d.ts', '**/*.mjs', '**/vite.config.ts'] },
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports', disallowTypeAnnotations: false }],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', destructuredArrayIgnorePattern: '^_' },
      ],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-floating-promises': [
        'error',
        { allowForKnownSafeCalls: [{ from: 'package', package: 'node:test', name: ['test', 'describe'] }] },
      ],
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/unbound-method': 'off',
      '@typescript-eslint/restrict-template-expressions': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      eqeqeq: ['error', 'always'],
      'no-eval': 'error',
      'no-implied-eval': 'error',
      'no-new-func': 'error',
      'no-restricted-imports': ['error', { paths: [childProcesses] }],
      'no-restricted-syntax': [
        'error',
        {
          selector: "CallExpression[callee.property.name='query'] > TemplateLiteral.arguments:first-child[expressions.length>0]",
          message: 'SQL takes its values as parameters: no expressions in the text of a query.',
        },
        {
          selector: "CallExpression[callee.property.name='query'] > BinaryExpression.arguments:first-child",
          message: 'SQL takes its values as parameters: no concatenation.',
        },
        {
          selector: "NewExpression[callee.name='RegExp'][arguments.0.type!='Literal']",
          message: 'No regular expression is made from input; where the text is ours, say so beside a disabled rule.',
        },
        { selector: "JSXAttribute[name.name='dangerouslySetInnerHTML']", message: 'Nothing is put into a page as HTML.' },
      ],
    },
  },
  ...apps.map((app) => ({
    files: [`apps/${app}/**/*.{ts,tsx}`],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          paths: [childProcesses],
          patterns: [
            {
              group: apps
                .filter((other) => other !== app)
                .flatMap((other) => [`@signalbox/${other}`, `@signalbox/${other}/*`, `**/apps/${other}/**`]),
              message: 'An app imports no other app.',
            },
            { group: ['../../../packages/*', '../../packages/*'], message: 'Packages are imported by name.' },
          ],
        },
      ],
    },
  })),
  core,
  {
    files: ['packages/sdk/src/**/*.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          paths: [childProcesses],
          patterns: [
            { group: ['@signalbox/*'], message: 'What users import stands alone: only the command line loads the compiler and the core.' },
          ],
        },
      ],
    },
  },
  {
    files: [
      'packages/supervisor/**/*.ts',
      'packages/stack/**/*.ts',
      'packages/testkit/**/*.ts',
      '**/test/**/*.ts',
      '**/*.test.ts',
      'e2e/**/*.ts',
      'bench/**/*.ts',
      'packages/sdk/src/cli/**/*.ts',
    ],
    rules: { 'no-restricted-imports': 'off' },
  },
  {
    files: ['**/test/**/*.ts', '**/*.test.ts', 'e2e/**/*.ts', 'bench/**/*.ts'],
    rules: { 'no-restricted-syntax': 'off', '@typescript-eslint/no-unnecessary-type-assertion': 'off' },
  },
);
