import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { EXIT_WRONG } from '../src/cli/cli-error.ts';
import { renderTable } from '../src/cli/render/text-table.ts';
import { createKey } from '../src/db/access/api-keys.ts';
import { expectEqual } from './demo-checks.ts';
import type { DemoDeployment } from './demo-files.ts';
import { usesLlm } from './demo-usage.ts';
import type { LitellmKey } from './litellm/litellm-config.ts';
import { ensureLitellm, startLitellm, type LitellmProxy } from './litellm/litellm-proxy.ts';
import { NoPythonError } from './python-tool.ts';
import { runCli } from './run-cli.ts';
import type { LocalStack } from './stack.ts';
import type { Steps } from './steps.ts';

/** What the demo's act with a real gateway needs. */
export interface LitellmAct {
  readonly stack: LocalStack;
  readonly stateDir: string;
  /** The folder with LiteLLM's programs. */
  readonly programs: string;
  readonly deployments: readonly DemoDeployment[];
  readonly signal: AbortSignal;
}

const MASTER_KEY = 'sk-demo-master';
/** Deployments with a key of LiteLLM. */
const DEPLOYMENTS = 3;
const REQUESTS_EACH = 12;
const MODELS = ['small', 'large', 'odd'] as const;
/** The demo's tenants are billed in it, so LiteLLM's price list is taken to be in it too. */
const CURRENCY = 'AUD';
const ARRIVAL_TIMEOUT_MS = 30_000;

/** @returns the folder with LiteLLM's programs; null: it can't be installed here, and the demo does without */
export async function installLitellm(steps: Steps): Promise<string | null> {
  const title = 'Install LiteLLM from PyPI, unless it is there';
  const { programs } = await steps.step(title, () => Promise.resolve(tryToInstall()));
  return programs;
}

function tryToInstall(): { programs: string | null; text: string } {
  try {
    return { programs: ensureLitellm(), text: '' };
  } catch (error) {
    if (!(error instanceof NoPythonError)) throw error;
    const text = `LiteLLM can't run here: ${error.message}. The demo does without it.`;
    return { programs: null, text };
  }
}

/**
 * Sends requests of some tenants through a real LiteLLM proxy, whose models answer by themselves, and compares what has
 * arrived with LiteLLM's own spend log. They are usage of the running month, because LiteLLM's clock says so.
 * @throws DemoError if the two differ
 */
export async function runLitellmAct(act: LitellmAct, steps: Steps): Promise<void> {
  const { stack, stateDir, programs } = act;
  const payers = act.deployments.filter(usesLlm).slice(0, DEPLOYMENTS);
  const keys = Object.fromEntries(payers.map((payer) => [keyOf(payer), toLitellmKey(payer)]));
  await using cleanUp = new AsyncDisposableStack();
  const { proxy } = await steps.step('Start a LiteLLM proxy', async () => {
    const key = { scope: 'gateway', label: 'demo LiteLLM', currency: CURRENCY } as const;
    const started = await startLitellm({
      ...{ programs, keys, masterKey: MASTER_KEY },
      folder: join(stateDir, 'litellm'),
      apiUrl: stack.env.API_URL,
      apiKey: (await createKey(stack.db, key)).plainKey,
    });
    cleanUp.defer(() => started.stop());
    return {
      proxy: started,
      text: `${started.url}, with ${payers.length} keys; log ${started.logFile}`,
    };
  });
  await steps.step(`Send ${payers.length * REQUESTS_EACH} requests through it`, async () => {
    await Promise.all(payers.map((payer) => ask(proxy, keyOf(payer))));
    const { deployments } = await untilReconciled(act, proxy);
    for (const { deployment_id, log_cents, ledger_cents } of deployments) {
      expectEqual(`LiteLLM usage of ${deployment_id}`, ledger_cents, log_cents);
    }
    return {
      text:
        "What has arrived is what LiteLLM's own spend log says, request by request. It is usage of the running\n" +
        `month: npm run cli -- usage current ${payers[0]?.tenantId ?? ''}\n` +
        renderTable(
          [
            { head: 'deployment', value: (row) => row.deployment_id },
            { head: 'requests', align: 'right', value: (row) => row.ledger_requests },
            { head: 'exact cents', align: 'right', value: (row) => row.ledger_cents },
            { head: 'LiteLLM says', align: 'right', value: (row) => row.log_cents },
          ],
          deployments,
        ),
    };
  });
}

function keyOf({ deploymentId }: DemoDeployment): string {
  return `sk-demo-${deploymentId}`;
}

/** The team is the tenant, and the alias is the deployment: no metadata is needed. */
function toLitellmKey({ tenantId, deploymentId }: DemoDeployment): LitellmKey {
  return {
    ...{ user_id: `user-of-${deploymentId}`, team_id: tenantId, key_alias: deploymentId },
    ...{ metadata: {}, team_metadata: {} },
  };
}

/** Sends requests one after another; every other answer is streamed. */
async function ask(proxy: LitellmProxy, key: string): Promise<void> {
  for (let index = 0; index < REQUESTS_EACH; index += 1) {
    const response = await fetch(`${proxy.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({
        model: MODELS[index % MODELS.length],
        messages: [{ role: 'user', content: `Question ${index} of ${key}.` }],
        stream: index % 2 === 1,
      }),
    });
    const answer = await response.text();
    expectEqual(`The answer to request ${index} (${answer.slice(0, 200)})`, response.status, 200);
  }
}

const finding = z.object({ requests: z.number() });
const reconciliation = z.object({
  equal: z.number(),
  missing: finding,
  deployments: z.array(
    z.object({
      deployment_id: z.string(),
      ledger_requests: z.number(),
      ledger_cents: z.string(),
      log_cents: z.string(),
    }),
  ),
});

/** Compares LiteLLM's log with the ledger until all of it has arrived. */
async function untilReconciled({ stack, signal }: LitellmAct, { spendLogFile }: LitellmProxy) {
  const deadline = Date.now() + ARRIVAL_TIMEOUT_MS;
  for (;;) {
    const args = ['usage', 'reconcile', spendLogFile, '--currency', CURRENCY];
    const { json } = await runCli(args, stack.env, { signal, codes: [0, EXIT_WRONG] });
    const found = reconciliation.parse(json);
    const { equal, missing } = found;
    if (missing.requests === 0 && equal >= DEPLOYMENTS * REQUESTS_EACH) return found;
    if (Date.now() > deadline) {
      expectEqual('Requests of LiteLLM that have arrived', equal, DEPLOYMENTS * REQUESTS_EACH);
    }
    await sleep(500);
  }
}
