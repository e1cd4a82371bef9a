import { expect, it } from 'vitest';
import config from '../vitest.config.ts';
import { everything } from './steps.ts';

it('npm test runs every project of vitest.config.ts', () => {
  const projects = (config as { test: { projects: { test: { name: string } }[] } }).test.projects.map(({ test }) => test.name);
  const steps = everything.flat().filter((step) => step.report === 'vitest');
  expect(steps.flatMap(({ args }) => args.filter((_, index) => args[index - 1] === '--project')).sort()).toEqual(projects.sort());
});
