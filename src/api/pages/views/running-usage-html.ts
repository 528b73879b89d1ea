import type { RunningMonthJson } from '../../../audit/running-month-json.ts';
import { OTHER_MODELS_TEXT } from '../../../display/model-text.ts';
import { humanise } from '../../../display/names.ts';
import { Decimal } from '../../../domain/decimal.ts';
import { counted, groupDigits } from '../../../domain/format.ts';
import { markup, type Markup } from '../../../lib/markup.ts';
import { allowanceBar, bar } from './bars.ts';
import { table } from './html-table.ts';
import { roundedMoney, roundedQuantity } from './page-format.ts';

/** Usage of the running month: by LLM model, and by deployment and kind against what is included. */

type Llm = RunningMonthJson['llm'];
type Model = Llm['by_model'][number];
type Deployment = RunningMonthJson['deployments'][number];
type Kind = Deployment['kinds'][number];

/** Models in the first table; the others are behind a disclosure. */
const MODELS_SHOWN = 12;
/** With more deployments than these, each is behind a disclosure. */
const DEPLOYMENTS_OPEN = 3;

/** Renders LLM charges by model. */
export function modelsSection({ by_model, requests, exact_cents }: Llm, currency: string): Markup {
  const longest = by_model[0]?.exact_cents ?? '0';
  const [first, others] = [by_model.slice(0, MODELS_SHOWN), by_model.slice(MODELS_SHOWN)];
  const columns = [
    {
      head: 'Model',
      isHead: true,
      cell: ({ model, exact_cents }: Model) =>
        markup`${model ?? OTHER_MODELS_TEXT}${bar(exact_cents, longest)}`,
    },
    {
      head: 'Requests',
      isFigure: true,
      cell: ({ requests }: Model) => groupDigits(requests),
    },
    {
      head: 'Charges',
      isFigure: true,
      cell: ({ exact_cents }: Model) => roundedMoney(exact_cents, currency),
    },
  ];
  return markup`<h2 id="models">LLM usage by model</h2>
${table<Model>({
  caption: 'LLM requests and charges by model, the most expensive first',
  empty: 'No LLM requests this month.',
  rows: first,
  columns,
  sums: [
    {
      name: 'All models',
      figures: { Requests: groupDigits(requests), Charges: roundedMoney(exact_cents, currency) },
    },
  ],
})}${
    others.length === 0
      ? ''
      : markup`<details><summary>${counted(others.length, 'more model')}</summary>
${table<Model>({ caption: 'The other models', empty: '', rows: others, columns })}</details>
`
  }`;
}

/** Renders each deployment's usage against what its plan includes. */
export function deploymentsSection(deployments: readonly Deployment[]): Markup {
  const used = deployments.filter(({ kinds }) => kinds.length > 0);
  if (used.length === 0) return markup``;
  const isOpen = used.length <= DEPLOYMENTS_OPEN;
  return markup`<h2 id="usage">Usage and what is included</h2>
${used.map((deployment) => deploymentPart(deployment, isOpen))}`;
}

function deploymentPart({ deployment_id, kinds }: Deployment, isOpen: boolean): Markup {
  const over = kinds.filter(({ overage }) => overage !== null && overage !== '0').length;
  return markup`<details${isOpen ? markup` open` : ''}><summary><span class="id">${deployment_id}</span>${over === 0 ? '' : markup` <span class="soft">· ${over} beyond what is included</span>`}</summary>
${table<Kind>({
  caption: `Usage of ${deployment_id} by kind`,
  empty: '',
  rows: kinds,
  columns: [
    {
      head: 'Kind',
      isHead: true,
      cell: (kind) => markup`${kind.name ?? humanise(kind.resource_kind)}${allowanceBar(kind)}`,
    },
    { head: 'Used', isFigure: true, cell: ({ used }) => roundedQuantity(used) },
    {
      head: 'Included',
      isFigure: true,
      cell: ({ allowance }) => (allowance === null ? 'not billed' : roundedQuantity(allowance)),
    },
    {
      head: 'Beyond',
      isFigure: true,
      cell: ({ overage, used, hard_cap_qty }) =>
        overage === null
          ? ''
          : markup`${roundedQuantity(overage)}${isCapped(used, hard_cap_qty) ? markup`<span class="sub">capped at ${roundedQuantity(hard_cap_qty ?? '')}</span>` : ''}`,
    },
    {
      head: 'Expected use',
      isFigure: true,
      cell: ({ projected_used }) => roundedQuantity(projected_used),
    },
  ],
})}</details>
`;
}

function isCapped(used: string, cap: string | null): boolean {
  return cap !== null && new Decimal(used).greaterThan(cap);
}
