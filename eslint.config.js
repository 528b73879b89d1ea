import eslint from '@eslint/js';
import prettier from 'eslint-config-prettier';
import tseslint from 'typescript-eslint';

/** What goes there shows hidden characters: src/lib/terminal.ts sees to it. */
const TERMINAL = ['stdout', 'stderr'].map((property) => ({
  object: 'process',
  property,
  message: 'Print by src/lib/terminal.ts.',
}));

export default tseslint.config(
  {
    ignores: [
      'node_modules/',
      '.local/',
      'coverage/',
      'test/vectors/',
      'test/replay/histories/',
      'src/client/generated.ts',
    ],
  },
  eslint.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.strictTypeChecked, ...tseslint.configs.stylisticTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      // A recursive type can't be a Record of itself.
      '@typescript-eslint/consistent-indexed-object-style': 'off',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      // Numbers and null in a message say what they are.
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true, allowNullish: true },
      ],
      // `() => doIt()` for a handler that returns nothing reads well.
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
    },
  },
  {
    // Money and quantities are decimals: see src/domain/decimal.ts.
    files: ['src/**/*.ts'],
    rules: {
      'no-restricted-globals': [
        'error',
        { name: 'parseFloat', message: 'No float touches money or quantity.' },
      ],
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'round', message: 'Round cents by roundToCents.' },
        { object: 'sql', property: 'unsafe', message: 'Give the query its row schema.' },
        ...TERMINAL,
      ],
      'no-console': 'error',
    },
  },
  {
    // The one that writes, and the one that asks how wide a terminal is and whether it has colours.
    files: ['src/lib/terminal.ts', 'src/cli/render/styled-text.ts'],
    rules: { 'no-restricted-properties': 'off' },
  },
  {
    // What a command prints for people comes from the data that `print` hands over, hidden characters shown.
    files: ['src/cli/**/*.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector:
            'CallExpression[callee.name="print"] > ArrowFunctionExpression[params.length=0][body.type!="Literal"]',
          message: 'Take the data from the parameter: its hidden characters are shown.',
        },
      ],
    },
  },
  {
    // What the product writes is its owner's alone, whole, and led elsewhere by no link.
    files: ['{src,dev}/**/*.ts'],
    ignores: [
      'src/lib/private-files.ts',
      // The build's bundle, which other users run; root's shared folder.
      'src/bundle.ts',
      'dev/postgres-binaries.ts',
    ],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              group: ['fs', 'fs/promises', 'node:fs', 'node:fs/promises'],
              importNamePattern: '^(default$|append|createWrite|mkdir|mkdtemp|open|promises|write)',
              message: 'Write files by src/lib/private-files.ts.',
            },
          ],
        },
      ],
    },
  },
  {
    // Workflow code has to be deterministic, and contexts are reused between
    // tenants: no module state that changes.
    files: ['src/workflows/**/*.ts', 'bench/workflows/**/*.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector: 'Program > VariableDeclaration[kind!="const"]',
          message: 'Module state leaks between tenants.',
        },
      ],
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      // A test says "it is there" by using it: the failure says the rest.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // Asymmetric matchers (`expect.any`) are typed `any`.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      // Property tests take texts apart on purpose.
      '@typescript-eslint/no-misused-spread': 'off',
    },
  },
  {
    files: ['**/*.{js,mjs,cjs}'],
    languageOptions: {
      globals: {
        process: 'readonly',
        console: 'readonly',
        URL: 'readonly',
        fetch: 'readonly',
        AbortSignal: 'readonly',
        Buffer: 'readonly',
        setTimeout: 'readonly',
        clearTimeout: 'readonly',
        setInterval: 'readonly',
        clearInterval: 'readonly',
        module: 'readonly',
      },
    },
  },
  prettier,
);
