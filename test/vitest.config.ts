import { defineConfig } from 'vitest/config';

const shared = { globals: false, environment: 'node' as const, testTimeout: 60_000, hookTimeout: 120_000 };

/** unit: pure. room: real PostgreSQL. flow: HTTP. browser: Chromium. interop: other people's programs and vectors. */
export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      { test: { ...shared, name: 'unit', include: ['test/unit/**/*.test.ts'] } },
      { test: { ...shared, name: 'room', include: ['test/room/**/*.test.ts'], globalSetup: ['test/postgres-for-tests.ts'] } },
      { test: { ...shared, name: 'flow', include: ['test/flow/**/*.test.ts'], globalSetup: ['test/postgres-for-tests.ts'] } },
      {
        test: {
          ...shared,
          name: 'browser',
          include: ['test/browser/**/*.test.ts'],
          globalSetup: ['test/postgres-for-tests.ts'],
          fileParallelism: false,
        },
      },
      { test: { ...shared, name: 'interop', include: ['test/interop/**/*.test.ts'], globalSetup: ['test/postgres-for-tests.ts'] } },
    ],
  },
});
