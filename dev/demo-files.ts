import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { parseCatalogueFile } from '../src/catalogue/catalogue-file.ts';
import { parseInputFile, type InputFile } from '../src/catalogue/input-file.ts';
import { parseSubscriptionsFile } from '../src/catalogue/subscriptions-file.ts';

const FOLDER = new URL('../demo/', import.meta.url);

/** Metered quantities by deployment and kind, for deployments with exactly specified usage. */
const meteredUsage = z.record(z.string(), z.record(z.string(), z.string()));

export interface DemoFiles {
  readonly catalogue: InputFile;
  readonly subscriptions: InputFile;
  readonly seller: InputFile;
  readonly meteredUsage: z.infer<typeof meteredUsage>;
}

export function readDemoFiles(): DemoFiles {
  return {
    catalogue: readDemoFile('catalogue.json'),
    subscriptions: readDemoFile('subscriptions.json'),
    seller: readDemoFile('seller.json'),
    meteredUsage: parseInputFile(meteredUsage, readDemoFile('metered-usage.json')),
  };
}

/** A deployment of the demo, with the resource kinds that its current plan meters. */
export interface DemoDeployment {
  readonly tenantId: string;
  readonly deploymentId: string;
  readonly resourceKinds: readonly string[];
}

export function listDemoDeployments({ catalogue, subscriptions }: DemoFiles): DemoDeployment[] {
  const { plans } = parseCatalogueFile(catalogue);
  const kinds = new Map(
    plans.map(({ code, versions }) => [
      code,
      versions.flatMap(({ items }) => items.map(({ resource_kind }) => resource_kind)),
    ]),
  );
  return parseSubscriptionsFile(subscriptions).tenants.flatMap(({ tenant_id, deployments }) =>
    deployments.map(({ deployment_id, subscriptions }) => ({
      tenantId: tenant_id,
      deploymentId: deployment_id,
      resourceKinds: kinds.get(subscriptions.at(-1)?.plan?.code ?? '') ?? [],
    })),
  );
}

function readDemoFile(name: string): InputFile {
  return { name, bytes: readFileSync(fileURLToPath(new URL(name, FOLDER))) };
}
