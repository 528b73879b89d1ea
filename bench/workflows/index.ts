export { bareChild } from './bare-child.ts';
export { fanOut } from './fan-out.ts';
