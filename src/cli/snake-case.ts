/** `tenantId` → `tenant_id`, `tenant-id` → `tenant_id`. */
export function toSnakeCase(name: string): string {
  return name.replaceAll('-', '_').replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Data as `--json` names it, which is how the API and the database do. Not for names that users chose. */
export function snakeCaseKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(snakeCaseKeys);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [toSnakeCase(name), snakeCaseKeys(inner)]),
  );
}
