import { expect, test } from 'vitest';
import { inProcessStore } from '#adapters/in-process-store.ts';
import { Problem } from '#problem.ts';
import { testDatabase } from '#test/test-database.ts';
import { authorizationUrl, testApp } from './test-app.ts';
import { TestBrowser } from './test-browser.ts';
import { testProvider } from './test-provider.ts';

const { db } = await testDatabase();

test('a short-lived store that is gone is an error page without details, told to the log', async () => {
  const store = inProcessStore();
  const provider = await testProvider(db, { ephemeral: store });
  const app = await testApp(provider, 'failing-app');
  store.set = async () => {
    throw new Problem('unavailable', { cause: new Error('connect ECONNREFUSED 10.0.0.7:6379') });
  };
  const visit = await new TestBrowser().send((await authorizationUrl(app)).url);
  expect(visit.status).toBe(500);
  expect(visit.html).toContain('系统内部出错');
  expect(visit.html).not.toContain('6379');
  expect(provider.errors).toHaveLength(1);
  expect(provider.errors[0]).toMatchObject({ code: 'unavailable' });
});
