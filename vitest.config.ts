import { defineConfig } from 'vitest/config';

const exclude = ['**/node_modules/**', '**/dist/**', '**/.local/**'];

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['packages/**/*.test.ts', 'apps/web/**/*.test.ts', 'scripts/bundle.test.ts'], exclude } },
      {
        test: {
          name: 'db',
          include: ['apps/**/*.test.ts', 'supabase/**/*.test.ts', 'chaos/**/*.test.ts', 'scripts/**/*.test.ts'],
          exclude: [...exclude, 'apps/web/**', 'scripts/bundle.test.ts'],
          globalSetup: ['./supabase/local/vitest-setup.ts'],
          // a real database and real processes: slow machines get the time they need
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
