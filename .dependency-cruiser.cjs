/**
 * The project's own modules that each part may import; docs/architecture.md draws them. A part is a folder or file
 * of `src`, or `dev`. `everything-has-a-part` ensures that every file belongs to one.
 */
const PARTS = {
  // The core: pure functions, and the types that cross a boundary.
  'src/domain': [],
  'src/lib': [],
  'src/contracts': ['lib'],
  // How people read it.
  'src/display': ['domain'],
  // Storage.
  'src/db/*': ['lib'],
  'src/db/access': ['db/*', 'db/settings'],
  'src/db/settings': ['db/*', 'domain'],
  'src/db/catalogue': ['db/*', 'db/settings', 'db/tax', 'domain'],
  'src/db/tax': ['db/*', 'domain'],
  'src/db/usage': ['db/*', 'domain', 'contracts'],
  'src/db/webhooks': ['db/*', 'db/tax', 'domain', 'contracts'],
  'src/db/month-end': [
    ...['db/*', 'db/settings', 'db/tax', 'db/usage', 'db/webhooks'],
    ...['domain', 'contracts', 'lib'],
  ],
  'src/db/invoices': [
    ...['db/*', 'db/catalogue', 'db/tax', 'db/usage', 'db/webhooks', 'db/month-end'],
    ...['domain', 'contracts'],
  ],
  // Observation, and communication with other systems.
  'src/observability': ['db/*', 'contracts', 'lib'],
  'src/temporal': ['observability', 'domain', 'contracts', 'lib'],
  'src/webhooks': ['db/*', 'db/webhooks', 'contracts', 'lib'],
  'src/client': ['lib'],
  // Features.
  'src/ingestion': ['db/*', 'db/settings', 'db/usage', 'domain', 'contracts', 'lib'],
  'src/catalogue': ['db', 'ingestion', 'domain', 'contracts', 'lib'],
  'src/documents': ['db', 'display', 'domain', 'lib'],
  'src/audit': ['db', 'observability', 'temporal', 'domain', 'contracts', 'lib'],
  'src/activities': [
    ...['audit', 'db', 'ingestion', 'temporal', 'webhooks', 'domain', 'contracts', 'lib'],
  ],
  'src/workflows': ['contracts'],
  // Entry points.
  'src/api/http': [
    ...['audit', 'documents', 'ingestion', 'webhooks', 'observability', 'temporal', 'config'],
    ...['db/*', 'db/access', 'db/month-end', 'domain', 'contracts', 'lib'],
  ],
  'src/api/openapi': ['api/http', 'db/access', 'db/tax', 'contracts', 'lib'],
  'src/api/routes': [
    ...['api/http', 'api/openapi', 'audit', 'catalogue', 'documents', 'ingestion', 'webhooks'],
    ...['temporal', 'db', 'domain', 'contracts', 'lib'],
  ],
  'src/api/pages': [
    ...['api/http', 'api/routes', 'audit', 'ingestion', 'temporal', 'db', 'display', 'domain'],
    ...['contracts', 'lib'],
  ],
  'src/api/*': ['api', 'documents', 'ingestion', 'config', 'lib'],
  'src/cli': [
    ...['audit', 'catalogue', 'client', 'documents', 'ingestion', 'webhooks', 'temporal'],
    ...['config', 'db', 'display', 'domain', 'contracts', 'lib'],
  ],
  // Composition only.
  'src/config.ts': ['observability', 'webhooks', 'domain', 'lib'],
  'src/worker.ts': ['activities', 'temporal', 'config', 'contracts'],
  'src/bundle.ts': ['worker'],
  'src/engine.ts': [
    ...['activities', 'api', 'audit', 'ingestion', 'webhooks', 'observability', 'temporal', 'db'],
    ...['worker', 'config', 'lib'],
  ],
  'src/start.ts': ['engine', 'observability', 'temporal', 'config', 'lib'],
  dev: [
    ...['cli', 'engine', 'worker', 'config', 'client', 'catalogue', 'temporal'],
    ...['db', 'display', 'domain', 'contracts', 'lib'],
  ],
};

/** The files of a part: `src/db/*` means the files directly in `src/db`. */
const pathOf = (part) => {
  if (part.endsWith('/*')) return `^${part.slice(0, -1)}[^/]+$`;
  return part.endsWith('.ts') ? `^${part.replace('.', '[.]')}$` : `^${part}/`;
};
const allowedPath = (name) => {
  if (name.endsWith('/*')) return pathOf(`src/${name}`);
  return `^src/${name}(/|[.]ts$)`;
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
    ...Object.entries(PARTS).map(([part, allowed]) => ({
      name: `${part}-imports`,
      comment: `${part} imports ${allowed.join(', ') || 'no other part'}`,
      severity: 'error',
      from: { path: pathOf(part) },
      to: {
        path: '^(src|dev)/',
        pathNot: [pathOf(part), ...allowed.map(allowedPath)],
        // Workflows import only the types of activities.
        ...(part === 'src/workflows' && { dependencyTypesNot: ['type-only'] }),
      },
    })),
    {
      name: 'everything-has-a-part',
      comment: 'No rule above covers this file: add its folder to PARTS.',
      severity: 'error',
      from: { path: '^(src|dev)/', pathNot: Object.keys(PARTS).map(pathOf) },
      to: {},
    },
    {
      name: 'the-client-needs-nothing',
      comment: 'The client is packed and published separately.',
      severity: 'error',
      from: { path: '^src/client/[^/]+$' },
      to: { path: '^src/', pathNot: '^src/client/[^/]+$' },
    },
    {
      name: 'domain-is-pure',
      comment:
        'No I/O and no framework in the domain: decimals, calendar dates and the distance of names.',
      severity: 'error',
      from: { path: '^src/domain/' },
      to: {
        dependencyTypes: ['npm', 'core'],
        pathNot: 'node_modules/(decimal.js|fastest-levenshtein|temporal-polyfill)',
      },
    },
    {
      name: 'workflow-bundle',
      comment: 'The workflow bundle must be deterministic.',
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
      comment: 'Tracing code is loaded only when tracing is on: use import().',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/observability/tracing/' },
      to: {
        path: '^src/observability/tracing/',
        pathNot: '^src/observability/tracing/tracing-settings',
        dynamic: false,
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'only-tracing-knows-its-sdk',
      severity: 'error',
      from: {
        path: '^src/',
        pathNot: '^src/observability/tracing/(span-export|tracing|workflow-spans|trace-headers)',
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
      name: 'src-stands-alone',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|bench|dev)/' },
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
