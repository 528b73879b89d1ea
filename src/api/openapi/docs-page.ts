import { curlOf, type CurlOperation } from './curl.ts';
import { EVENTS, eventSections } from './docs-events.ts';
import { endpointsOf, schemaBlock, type Endpoint } from './docs-parts.ts';
import { Markup, markup } from '../../lib/markup.ts';
import type { OpenApiDocument } from './openapi.ts';
import { PROBLEMS, problemType, type ProblemName } from '../http/problems.ts';
import { stylePolicy } from '../../lib/style-policy.ts';

const STYLE = `
:root { color-scheme: light dark; --text: #1c2330; --page: #fff; --line: #d5dae3; --box: #f4f6f9; --link: #0b5cad; }
@media (prefers-color-scheme: dark) { :root { --text: #dde3ec; --page: #14181f; --line: #39424f; --box: #1e242d; --link: #7db8f5; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--text); background: var(--page); max-width: 60rem; margin: 0 auto; padding: 2rem 1rem; overflow-wrap: anywhere; }
h2 { margin-top: 3rem; border-bottom: 1px solid var(--line); }
h3 { margin-top: 2rem; font-family: ui-monospace, monospace; font-size: 1.05rem; }
h3 b { display: inline-block; min-width: 3.5rem; color: var(--link); text-transform: uppercase; }
pre { background: var(--box); padding: 0.75rem; font-size: 0.85rem; white-space: pre-wrap; }
table { border-collapse: collapse; width: 100%; } td, th { text-align: left; vertical-align: top; padding: 0.25rem 1rem 0.25rem 0; border-bottom: 1px solid var(--line); }
a { color: var(--link); } h3 a { color: inherit; text-decoration: none; } pre.text { font: inherit; background: none; padding: 0; }
code { font-family: ui-monospace, monospace; }
summary { cursor: pointer; }
@media (max-width: 40rem) { table, tbody, tr, td { display: block; } tr:has(th) { display: none; } td { border: 0; padding: 0; } tr { border-bottom: 1px solid var(--line); padding: 0.5rem 0; } }
`;

/** The page may load nothing and run nothing; this one style sheet is its own. */
export const DOCS_CSP = stylePolicy(STYLE);

/** The document as a page to read, without anything from other hosts. */
export function docsPage(document: OpenApiDocument): string {
  const { info, openapi, components } = document;
  const byTag = Map.groupBy(
    endpointsOf(document.paths),
    ({ operation }) => operation.tags?.[0] ?? 'Other',
  );
  const events = endpointsOf(document.webhooks);
  const schemas = Object.entries(components?.schemas ?? {});
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${info.title} API</title>
<style>${new Markup(STYLE)}</style>
</head>
<body>
<h1>${info.title} API</h1>
<pre class="text">${info.description}</pre>
<p>For machines: <a href="/openapi.json">/openapi.json</a> (OpenAPI ${openapi}).</p>
<ul>${[...byTag, [EVENTS, events] as const].map(contents)}</ul>
${[...byTag].map(([tag, group]) => markup`<h2>${tag}</h2>${group.map(endpointSection)}`)}
${eventSections(events)}<h2>Problems</h2>
<p>Errors are <code>application/problem+json</code>; switch on <code>type</code>.</p>
<table><tr><th>Status</th><th>Type</th><th>Meaning</th><th>What to do</th></tr>${problemRows()}</table>
<h2>Schemas</h2>
${schemas.map(([name, schema]) => schemaBlock(name, schema))}
</body>
</html>
`.text;
}

/** A group's operations, to jump to. */
function contents([tag, group]: readonly [string, readonly Endpoint[]]): Markup {
  const links = group.map(
    ({ operation }) => markup` <a href="#${operation.operationId}">${operation.summary}</a> ·`,
  );
  return markup`<li><strong>${tag}</strong>:${links}</li>
`;
}

function endpointSection({ method, path, operation }: Endpoint): Markup {
  const { operationId, summary, description, parameters = [], requestBody, responses } = operation;
  const curl = curlOf(method, path, operation as CurlOperation);
  const blocks = [
    ...parameters.flatMap((parameter) =>
      'name' in parameter ? schemaBlock(`${parameter.in}: ${parameter.name}`, parameter) : [],
    ),
    ...(requestBody ? [schemaBlock('Request body', requestBody)] : []),
    ...Object.entries(responses ?? {}).map(([status, response]) =>
      schemaBlock(`Answer ${status}`, response),
    ),
  ];
  return markup`<section>
<h3 id="${operationId}"><a href="#${operationId}"><b>${method}</b> ${path}</a></h3>
<p><strong>${summary}</strong></p>
<p>${description}</p>
<pre>${curl}</pre>
${blocks}
</section>
`;
}

function problemRows(): Markup[] {
  return Object.entries(PROBLEMS).map(([name, { status, title, advice }]) => {
    const type = problemType(name as ProblemName);
    return markup`<tr><td>${status}</td><td><code>${type}</code></td><td>${title}</td><td>${advice}</td></tr>
`;
  });
}
