/**
 * Australian Business Numbers: eleven digits, of which the first two are check digits
 * (https://abr.business.gov.au/Help/AbnFormat).
 */

const WEIGHTS = [10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19];

/** Whether eleven digits without blanks are an ABN: with 1 subtracted from the first, their weighted sum is a multiple of 89. */
export function isAbn(digits: string): boolean {
  if (!/^[1-9]\d{10}$/.test(digits)) return false;
  const sum = WEIGHTS.reduce(
    (total, weight, index) => total + weight * (Number(digits[index]) - (index === 0 ? 1 : 0)),
    0,
  );
  return sum % 89 === 0;
}

/** Returns the printed form: `"51824753556"` → `"51 824 753 556"`. */
export function formatAbn(digits: string): string {
  return `${digits.slice(0, 2)} ${digits.slice(2).replace(/\d{3}(?=\d)/g, '$& ')}`;
}
