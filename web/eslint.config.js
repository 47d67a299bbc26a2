import reactHooks from 'eslint-plugin-react-hooks';
import tseslint from 'typescript-eslint';

/** What a folder may not import. Imports point one way: app → features → live, ui → transport → protocol. */
const closed = (folder, forbidden, message) => ({
  files: [`src/${folder}/**/*.{ts,tsx}`],
  rules: {
    'no-restricted-imports': ['error', { patterns: [{ group: forbidden, message }] }],
  },
});
const features = ['ask', 'deliberation', 'trace', 'history', 'compare', 'councils'];

export default tseslint.config(
  { ignores: ['node_modules', 'src/protocol/schema.gen.ts'] },
  ...tseslint.configs.strictTypeChecked,
  ...tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: { allowDefaultProject: ['eslint.config.js'] } } },
    plugins: { 'react-hooks': reactHooks },
    rules: {
      ...reactHooks.configs.recommended.rules,
      '@typescript-eslint/consistent-type-definitions': ['error', 'interface'],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      'no-restricted-syntax': [
        'error',
        { selector: 'ExportDefaultDeclaration', message: 'Name what is exported.' },
        { selector: "JSXAttribute[name.name='dangerouslySetInnerHTML']", message: 'No raw HTML, ever.' },
      ],
    },
  },
  {
    // Build tools want a default export.
    files: ['*.config.{js,ts}'],
    rules: { 'no-restricted-syntax': 'off' },
  },
  { files: ['**/*.js'], ...tseslint.configs.disableTypeChecked },
  closed('protocol', ['@/*', '!@/protocol/*'], 'The protocol imports nothing of the client.'),
  closed('transport', ['@/*', '!@/protocol/*', '!@/transport/*'], 'The transport knows the protocol only.'),
  closed('live', ['@/app/*', '@/features/*', '@/ui/*'], 'What is live does not know the pages.'),
  closed('ui', ['@/app/*', '@/features/*', '@/live/*', '@/transport/*'], 'The parts of pages know no backend.'),
  ...features.map((feature) =>
    closed(
      `features/${feature}`,
      ['@/app/*', ...features.filter((other) => other !== feature).map((other) => `@/features/${other}/*`)],
      'Features do not import each other; the app puts them together.',
    ),
  ),
);
