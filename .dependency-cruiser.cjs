/** Imports go one way; docs/architecture.md draws it. */
const SIDES = {
  lib: [],
  domain: [],
  contracts: [],
  client: [],
  signing: [],
  webhooks: ['signing', 'db', 'contracts'],
  gateway: ['client', 'signing', 'domain'],
  db: ['domain', 'contracts'],
  temporal: ['domain', 'contracts', 'lib'],
  ingestion: ['db', 'domain', 'contracts', 'lib'],
  feeding: ['db', 'domain', 'contracts', 'ingestion', 'lib'],
  workflows: ['contracts'],
  activities: ['db', 'domain', 'contracts', 'temporal', 'webhooks'],
  metrics: [],
  tracing: ['contracts', 'temporal', 'db'],
  audit: ['db', 'domain', 'contracts', 'temporal', 'metrics'],
  documents: ['db', 'domain'],
  pages: ['db', 'domain', 'contracts'],
  api: [
    'ingestion',
    'db',
    'domain',
    'contracts',
    'temporal',
    'feeding',
    'audit',
    'signing',
    'documents',
    'webhooks',
    'pages',
    'metrics',
    'lib',
  ],
};

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-circular',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    ...Object.entries(SIDES).map(([folder, allowed]) => ({
      name: `${folder}-imports`,
      comment: `src/${folder} imports ${allowed.join(', ') || 'nothing of ours'}`,
      severity: 'error',
      from: { path: `^src/${folder}/` },
      to: {
        path: '^src/.*/',
        pathNot: `^src/(${[folder, ...allowed].join('|')})/`,
        // Workflows know activities by their types alone.
        ...(folder === 'workflows' && { dependencyTypesNot: ['type-only'] }),
      },
    })),
    {
      name: 'cli-and-local-compose-but-own-no-pricing',
      severity: 'error',
      from: { path: '^src/cli/' },
      to: { path: '^src/(workflows|activities)/' },
    },
    {
      name: 'domain-is-pure',
      comment: 'No I/O and no framework in the domain: decimals and calendar dates, nothing else.',
      severity: 'error',
      from: { path: '^src/domain/' },
      to: {
        dependencyTypes: ['npm', 'core'],
        pathNot: 'node_modules/(decimal.js|temporal-polyfill)',
      },
    },
    {
      name: 'workflow-bundle',
      comment: 'What the workflow bundle holds has to be deterministic.',
      severity: 'error',
      from: { path: '^(src|bench)/workflows/' },
      to: {
        dependencyTypes: ['npm', 'core'],
        dependencyTypesNot: ['type-only'],
        pathNot: 'node_modules/@temporalio/(workflow|common)',
      },
    },
    {
      name: 'tracing-is-loaded-on-demand',
      comment:
        'Who traces nothing loads nothing of it: by import() alone, but for what needs the API.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/tracing/' },
      to: {
        path: '^src/tracing/',
        pathNot: '^src/tracing/(settings|together)',
        dynamic: false,
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'only-tracing-knows-its-sdk',
      severity: 'error',
      from: {
        path: '^src/',
        pathNot: '^src/tracing/(export|sampler|tracing|workflow-spans|carry)',
      },
      to: {
        path: 'node_modules/@opentelemetry/(sdk-trace|exporter-trace|resources|context-async|core)',
      },
    },
    {
      name: 'only-development-imports-development',
      severity: 'error',
      from: { path: '^src/' },
      to: {
        dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown', 'unknown'],
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'no-tests-or-benches-in-src',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|bench)/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default'],
    },
  },
};
