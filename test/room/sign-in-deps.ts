import { simulatedSmsGateway } from '#adapters/simulated-sms-gateway.ts';
import { registerPerson } from '#people/register-person.ts';
import { setPassword } from '#sign-in/set-password.ts';
import { memoryEphemeralStore } from '#test/fakes/memory-ephemeral-store.ts';
import { testClock } from '#test/fakes/test-clock.ts';
import { testFields } from '#test/fakes/test-fields.ts';
import { testDatabase } from '#test/test-database.ts';

export const PASSWORD = 'Banyan-Tree-37';

/** What sign-in needs, on a database of this file's own, with a clock that stands still. */
export async function signInDeps() {
  const { db, address } = await testDatabase();
  const clock = testClock();
  const sms = simulatedSmsGateway({ clock });
  const deps = { db, clock, fields: testFields(), ephemeral: memoryEphemeralStore(clock), sms };
  let people = 0;
  /** A new person with phone and password; each call another phone. */
  const person = async () => {
    const phone = `+86139${String(++people).padStart(8, '0')}`;
    const view = await registerPerson(deps, { name: '林晓梅', phone, by: 'system:test' });
    await setPassword(deps, { personId: view.id, password: PASSWORD, by: 'system:test' });
    return { id: view.id, phone };
  };
  const lastCode = (phone: string) => /(\d{6})/.exec(sms.messages().find((message) => message.phone === phone)?.text ?? '')?.[1] ?? '';
  return { deps, clock, sms, address, person, lastCode };
}

/** Runs all and tells which Problem codes came back; `ok` for those that succeeded. */
export async function outcomes(works: readonly Promise<unknown>[]): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const result of await Promise.allSettled(works)) {
    const outcome = result.status === 'fulfilled' ? 'ok' : String(result.reason?.code ?? result.reason);
    counts[outcome] = (counts[outcome] ?? 0) + 1;
  }
  return counts;
}
