import { defineConfig } from 'prisma/config';

// `generate` and `validate` need no schema engine, but the CLI would fetch one from its vendor unless told of a
// program. Migrations are never made through this: `npm run migrate:sql` does that with the engine's WebAssembly.
process.env['PRISMA_SCHEMA_ENGINE_BINARY'] ??= process.execPath;

export default defineConfig({
  schema: 'schema',
  migrations: { path: 'migrations' },
});
