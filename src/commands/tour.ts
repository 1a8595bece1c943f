/** `tongren tour`: starts a temporary instance, walks the journeys, prints each step with its time, leaves the files. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { HttpBrowser } from './tour/http-browser.ts';
import { STEPS, type Walk } from './tour/journeys.ts';
import { startTemporaryInstance, type TemporaryInstance } from './tour/temporary-instance.ts';

interface StepResult {
  name: string;
  ok: boolean;
  ms: number;
  error?: string;
}

/** Returns 0 only if every step held. */
export async function runTour(options: { out: string }): Promise<number> {
  const out = resolve(options.out);
  await mkdir(out, { recursive: true });
  const results: StepResult[] = [];
  let instance: TemporaryInstance | undefined;
  let walk: Walk | undefined;
  const step = async (name: string, run: () => Promise<void>) => {
    const result = await timed(name, run);
    results.push(result);
    console.log(
      `${result.ok ? 'ok    ' : 'FAILED'} ${String(result.ms).padStart(6)} ms  ${name}${result.error ? `: ${result.error}` : ''}`,
    );
    return result.ok;
  };
  try {
    const started = await step('a temporary instance starts', async () => {
      instance = await startTemporaryInstance();
    });
    if (started && instance) {
      const browsers = { citizen: new HttpBrowser(), counter: new HttpBrowser(), department: new HttpBrowser() };
      const walking: Walk = { instance, out, ...browsers, licenceId: '', digits: '', codeMadeAt: undefined };
      walk = walking;
      for (const { name, run } of STEPS) if (!(await step(name, () => run(walking)))) break;
    }
  } finally {
    const running = instance;
    if (running) await step('the instance stops', () => running.stop());
  }
  const complete = results.length === STEPS.length + 2 && results.every(({ ok }) => ok);
  const report = { ok: complete, codeMadeAt: walk?.codeMadeAt ?? null, steps: results };
  await writeFile(join(out, 'tour.json'), `${JSON.stringify(report, null, 2)}\n`);
  console.log(complete ? `The tour is complete; its files are in ${out}.` : 'The tour did not hold.');
  return complete ? 0 : 1;
}

async function timed(name: string, run: () => Promise<void>): Promise<StepResult> {
  const began = performance.now();
  const ms = () => Math.round(performance.now() - began);
  try {
    await run();
    return { name, ok: true, ms: ms() };
  } catch (error) {
    return { name, ok: false, ms: ms(), error: (error as Error).message };
  }
}
