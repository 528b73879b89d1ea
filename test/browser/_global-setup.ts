import type { TestProject } from 'vitest/node';
import { startTestServers } from '../_util/global-setup.ts';

/** The servers of all tests, and Temporal's Web UI. */
export default function setup(project: TestProject): Promise<() => Promise<void>> {
  return startTestServers(project, { headless: false });
}
