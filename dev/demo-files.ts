import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { parseCatalogueFile } from '../src/catalogue/catalogue-file.ts';
import { parseInputFile, type InputFile } from '../src/catalogue/input-file.ts';
import type { Month } from '../src/domain/period.ts';
import { parseSubscriptionsFile } from '../src/catalogue/subscriptions-file.ts';

const FOLDER = new URL('../demo/', import.meta.url);

/** Metered quantities by deployment and kind, for deployments with exactly specified usage. */
const meteredUsage = z.record(z.string(), z.record(z.string(), z.string()));

export interface DemoFiles {
  readonly catalogue: InputFile;
  readonly subscriptions: InputFile;
  readonly tax: InputFile;
  readonly seller: InputFile;
  readonly meteredUsage: z.infer<typeof meteredUsage>;
}

export function readDemoFiles(): DemoFiles {
  return {
    catalogue: readDemoFile('catalogue.json'),
    subscriptions: readDemoFile('subscriptions.json'),
    tax: readDemoFile('tax.json'),
    seller: readDemoFile('seller.json'),
    meteredUsage: parseInputFile(meteredUsage, readDemoFile('metered-usage.json')),
  };
}

/** Returns a subscriptions file of tenants that start, leave and change plan in this month. */
export function readRealMonth(month: Month): InputFile {
  const { name, bytes } = readDemoFile('real-month.json');
  const text = Buffer.from(bytes).toString('utf8');
  return { name, bytes: Buffer.from(text.replaceAll('{month}', month)) };
}

/** A deployment of the demo, with the resource kinds that its last plan meters. */
export interface DemoDeployment {
  readonly tenantId: string;
  readonly deploymentId: string;
  readonly resourceKinds: readonly string[];
  /** Local dates of its first subscription's start and its last one's end. */
  readonly startsOn: string;
  readonly endsOn: string | null;
}

export function listDemoDeployments({
  catalogue,
  subscriptions,
}: Pick<DemoFiles, 'catalogue' | 'subscriptions'>): DemoDeployment[] {
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
      startsOn: subscriptions[0]?.starts_at ?? '',
      endsOn: subscriptions.at(-1)?.ends_at ?? null,
    })),
  );
}

function readDemoFile(name: string): InputFile {
  return { name, bytes: readFileSync(fileURLToPath(new URL(name, FOLDER))) };
}
