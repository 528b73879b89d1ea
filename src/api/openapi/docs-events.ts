import { markup, type Markup } from '../../lib/markup.ts';
import { schemaBlock, type Endpoint } from './docs-parts.ts';

/** The heading of what receivers of webhooks get. */
export const EVENTS = 'Webhook events';

/** What receivers get: each event as the request that it comes by, and how to verify it. */
export function eventSections(events: readonly Endpoint[]): Markup {
  return markup`<h2>${EVENTS}</h2>
<p>Each event is a POST to the URLs that were registered for its type (<a href="#postWebhookEndpoint">POST
/api/v1/webhook-endpoints</a>), signed as Standard Webhooks says, for which there are libraries. Verify it before you
read it: <code>webhook-signature</code> holds <code>v1,</code> and the base64 of the HMAC-SHA256 of
<code>webhook-id</code>, <code>webhook-timestamp</code> and the body as it came, with full stops between them; the key is
what the base64 after <code>whsec_</code> stands for. While a secret is changed there are two signatures, with a blank
between them. Refuse a timestamp that is more than five minutes from your clock.</p>
<p>Answer 2xx within 10 seconds, and work afterwards. An event may come again, always under the same
<code>webhook-id</code>.</p>
${events.map(eventSection)}`;
}

function eventSection({ path, operation }: Endpoint): Markup {
  const { operationId, summary, description, requestBody, responses } = operation;
  const answers = Object.entries(responses ?? {}).map(([status, response]) =>
    schemaBlock(`Your answer ${status}`, response),
  );
  return markup`<section>
<h3 id="${operationId}"><a href="#${operationId}"><b>post</b> ${path}</a></h3>
<p><strong>${summary}</strong></p>
<pre class="text">${description}</pre>
<pre>${exampleRequest(operation)}</pre>
${schemaBlock('Request body', requestBody)}${answers}
</section>
`;
}

/** A parameter or a body, with the example that the document gives each. */
interface Illustrated {
  readonly name?: string;
  readonly example?: unknown;
}

/** The request, as it comes in. */
function exampleRequest({ parameters = [], requestBody }: Endpoint['operation']): string {
  const { content = {} } = (requestBody ?? {}) as { content?: Record<string, Illustrated> };
  const headers = parameters as readonly Illustrated[];
  return Object.entries(content)
    .map(([contentType, body]) =>
      [
        'POST /hooks HTTP/1.1',
        `content-type: ${contentType}`,
        ...headers.map(({ name, example }) => `${name}: ${String(example)}`),
        '',
        JSON.stringify(body.example, null, 2),
      ].join('\n'),
    )
    .join('\n\n');
}
