import { launch } from './launch.js';

await launch(async () => {
  const { startService } = await import('./main.ts');
  await startService({ tls: process.argv.includes('--tls') });
});
