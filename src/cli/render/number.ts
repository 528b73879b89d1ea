/** A count or an exact decimal with thousands separators: `1234567.5` → `1,234,567.5`. */
export function groupDigits(number: number | string): string {
  const [whole = '', fraction] = String(number).split('.');
  const grouped = whole.replaceAll(/\B(?=(?:\d{3})+$)/g, ',');
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}
