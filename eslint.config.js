'use strict';

const js = require('@eslint/js');
const globals = require('globals');
const typescript = require('typescript-eslint');

// A leading underscore says that a name is there for its place alone.
const unused = {
  argsIgnorePattern: '^_',
  varsIgnorePattern: '^_',
  destructuredArrayIgnorePattern: '^_',
};

module.exports = typescript.config(
  {
    ignores: [
      'build/',
      '**/dist/',
      '**/.test/',
      'third_party/',
      '.toolchain/',
      '.venv/',
      '**/*.d.ts',
      '**/*.d.mts',
    ],
  },
  js.configs.recommended,
  {
    files: ['**/*.{js,cjs,mjs}'],
    languageOptions: { globals: globals.node },
    rules: {
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-unused-vars': ['error', { ...unused, caughtErrors: 'none' }],
      'no-var': 'error',
      'prefer-const': 'error',
    },
  },
  { files: ['**/*.{js,cjs}'], languageOptions: { sourceType: 'commonjs' } },
  {
    files: ['**/{test,tests,smoke}/**'],
    languageOptions: { globals: globals.mocha },
  },
  {
    files: ['**/*.{ts,mts}'],
    extends: [typescript.configs.strict],
    rules: {
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-undef': 'off', // the compiler knows better
      // An index is checked where it matters; elsewhere `!` says that it was.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // An empty class is how Nest writes a module.
      '@typescript-eslint/no-extraneous-class': 'off',
      '@typescript-eslint/no-unused-vars': ['error', unused],
    },
  },
  {
    files: ['**/{test,tests,smoke}/**'],
    rules: {
      '@typescript-eslint/no-require-imports': 'off',
    },
  },
);
