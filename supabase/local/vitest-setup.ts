import type { TestProject } from 'vitest/node';
import { startTestCluster, type TestCluster, type TestClusterInfo } from './test-cluster.ts';

declare module 'vitest' {
  interface ProvidedContext {
    testCluster: TestClusterInfo;
  }
}

let cluster: TestCluster | undefined;

/** One throw-away cluster for the whole run; each test file clones its own database from it. */
export async function setup(project: TestProject): Promise<void> {
  cluster = await startTestCluster();
  project.provide('testCluster', cluster.info);
}

export async function teardown(): Promise<void> {
  await cluster?.stop();
}
