import eslint from '@eslint/js';
import prettier from 'eslint-config-prettier';
import tseslint from 'typescript-eslint';

/** What goes there shows hidden characters: src/lib/terminal.ts sees to it. */
const TERMINAL = ['stdout', 'stderr'].map((property) => ({
  object: 'process',
  property,
  message: 'Print with src/lib/terminal.ts.',
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
      // Numbers and null are readable in a message.
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
        { name: 'parseFloat', message: 'Floats must not touch money or quantities.' },
      ],
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'round', message: 'Round cents with roundToCents.' },
        { object: 'sql', property: 'unsafe', message: 'Give the query its row schema.' },
        ...TERMINAL,
      ],
      'no-console': 'error',
    },
  },
  {
    // The module that prints, and the one that reads the terminal's width and colours.
    files: ['src/lib/terminal.ts', 'src/cli/render/styled-text.ts'],
    rules: { 'no-restricted-properties': 'off' },
  },
  {
    // Commands render the data that `print` passes to them, in which hidden characters are already shown.
    files: ['src/cli/**/*.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector:
            'CallExpression[callee.name="print"] > ArrowFunctionExpression[params.length=0][body.type!="Literal"]',
          message: 'Use the data from the parameter, in which hidden characters are shown.',
        },
      ],
    },
  },
  {
    // Files that the product writes are readable only by their owner, appear whole, and can't be redirected by a link.
    files: ['{src,dev}/**/*.ts'],
    ignores: [
      'src/lib/private-files.ts',
      // Exceptions: the build's bundle, which other users run, and root's shared folder.
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
              message: 'Write files with src/lib/private-files.ts.',
            },
          ],
        },
      ],
    },
  },
  {
    // Workflow code must be deterministic, and contexts are reused between
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
      // A test may assert existence by using a value; the failure explains itself.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // Asymmetric matchers (`expect.any`) are typed `any`.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      // Property tests split texts deliberately.
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
