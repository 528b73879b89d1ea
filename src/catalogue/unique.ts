import type { z } from 'zod';

/**
 * A check for `superRefine`: of elements that say the same thing, the later ones are mistakes.
 * @param field where in an element the mistake is shown
 */
export function uniqueBy<T>(
  what: string,
  field: keyof T & string,
  keyOf: (element: T) => string | number = (element) => String(element[field]),
) {
  return (elements: readonly T[], context: z.RefinementCtx): void => {
    const seen = new Set<string | number>();
    elements.forEach((element, index) => {
      const key = keyOf(element);
      if (seen.has(key)) {
        context.addIssue({
          code: 'custom',
          path: [index, field],
          message: `${what} ${JSON.stringify(key)} is here twice`,
        });
      }
      seen.add(key);
    });
  };
}
