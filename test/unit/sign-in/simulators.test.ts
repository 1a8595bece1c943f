import { expect, test } from 'vitest';
import { simulatedPopulationRegistry } from '#adapters/simulated-population-registry.ts';
import { simulatedSmsGateway } from '#adapters/simulated-sms-gateway.ts';
import { testClock } from '#test/fakes/test-clock.ts';

test('the simulated gateway says that it is one, keeps the newest messages first and forgets the oldest', async () => {
  const clock = testClock();
  const gateway = simulatedSmsGateway({ clock, keep: 3 });
  expect(gateway.simulator).toBe(true);
  for (let number = 1; number <= 5; number++) await gateway.send({ phone: '+8613900000001', text: `message ${number}` });
  expect(gateway.messages().map(({ text }) => text)).toEqual(['message 5', 'message 4', 'message 3']);
  expect(gateway.messages()[0]).toEqual({ phone: '+8613900000001', text: 'message 5', at: clock.now() });
});

test.each([
  ['林晓梅', '11010519491231002X', 'match'],
  ['林小梅', '11010519491231002X', 'mismatch'],
  ['林晓梅', '440524188001010014', 'no-record'],
])('the simulated register answers for %s, %s: %s', async (name, citizenNumber, answer) => {
  const register = simulatedPopulationRegistry([{ name: '林晓梅', citizenNumber: '11010519491231002X' }]);
  expect(register.simulator).toBe(true);
  expect(await register.match({ name, citizenNumber })).toBe(answer);
});
