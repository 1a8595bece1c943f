#!/usr/bin/env node
import { launch } from './launch.js';

await launch(async () => {
  await import('./cli.ts');
});
