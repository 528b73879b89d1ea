export { formatCents } from '../../domain/format.ts';
