import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** The modules of a checkout that turn a delivery into rows. */
export interface Checkout {
  sources: typeof import('@tributary/pipeline/sources.ts')['sources'];
  verify: typeof import('@tributary/pipeline/verify.ts');
  seal: typeof import('@tributary/pipeline/crypto/seal.ts');
  journal: typeof import('@tributary/pipeline/journal.ts');
  prepare: typeof import('../../../apps/api/src/deliveries/prepare.ts');
}

/** Imports the modules from a checkout's folder, which needs its packages installed. Each checkout runs in a process by itself. */
export async function importCheckout(folder: string): Promise<Checkout> {
  const module = (path: string) => import(pathToFileURL(join(folder, path)).href);
  const [{ sources }, verify, seal, journal, prepare] = await Promise.all([
    module('packages/pipeline/src/sources.ts'),
    module('packages/pipeline/src/verify.ts'),
    module('packages/pipeline/src/crypto/seal.ts'),
    module('packages/pipeline/src/journal.ts'),
    module('apps/api/src/deliveries/prepare.ts'),
  ]);
  return { sources, verify, seal, journal, prepare };
}
