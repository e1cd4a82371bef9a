import type { TestProject } from 'vitest/node';
import { startTestCluster, type TestCluster, type TestClusterInfo } from './test-cluster.ts';

declare module 'vitest' {
  interface ProvidedContext {
    testCluster: TestClusterInfo;
  }
}

let cluster: TestCluster | undefined;

/** Starts one throw-away cluster for the whole run; each test file creates its databases there. */
export async function setup(project: TestProject): Promise<void> {
  cluster = await startTestCluster();
  project.provide('testCluster', cluster.info);
}

export async function teardown(): Promise<void> {
  await cluster?.stop();
}
