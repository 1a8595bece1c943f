import { describe, expect, test } from 'vitest';
import { acrLevel, acrOf, acrSatisfies, mergeMethods } from '#sign-in/acr.ts';
import { decideNextStep } from '#sign-in/decide-next-step.ts';
import { networkOfAddress } from '#sign-in/network-of-address.ts';

const acr = (level: number) => `urn:tongren:acr:${level}`;

describe('authentication context', () => {
  test.each([
    [1, ['sms'], 1],
    [2, ['pwd'], 2],
    [5, ['pwd'], 3],
    [5, ['sms'], 3],
    [5, ['pwd', 'sms', 'mfa'], 4],
    [4, ['face'], 4],
    [5, ['hwk'], 5],
    [3, ['hwk'], 3],
  ] as const)('a person of level %s by %j reaches %s', (level, amr, reached) => {
    expect(acrOf(level, amr)).toBe(acr(reached));
  });
  test('a higher context satisfies a lower wish, values of others ask for nothing', () => {
    expect(acrSatisfies(acr(3), [acr(2), acr(4)])).toBe(true);
    expect(acrSatisfies(acr(3), [acr(4)])).toBe(false);
    expect(acrSatisfies(acr(1), ['urn:mace:incommon:iap:silver'])).toBe(true);
    expect(acrLevel('urn:tongren:acr:6')).toBeUndefined();
  });
  test('methods of different kinds add up to two factors, of one kind they do not', () => {
    expect(mergeMethods(['pwd'], ['sms'])).toEqual(['pwd', 'sms', 'mfa']);
    expect(mergeMethods(['sms'], ['hwk'])).toEqual(['sms', 'hwk']);
  });
});

describe('what is still worth asking', () => {
  test.each([
    ['nothing was asked for', { acr: acr(1), amr: ['sms'], level: 1 }, [], 'finish'],
    ['enough is there', { acr: acr(3), amr: ['pwd'], level: 3 }, [acr(3)], 'finish'],
    ['the name is not proven', { acr: acr(1), amr: ['sms'], level: 1 }, [acr(3)], 'real-name'],
    ['a second factor lifts it', { acr: acr(3), amr: ['pwd'], level: 5 }, [acr(4)], 'second-factor'],
    ['a second factor would not lift the person', { acr: acr(3), amr: ['pwd'], level: 3 }, [acr(4)], 'finish'],
    ['both factors are there and it wants more', { acr: acr(4), amr: ['pwd', 'sms', 'mfa'], level: 5 }, [acr(5)], 'finish'],
  ] as const)('%s', (_when, have, wanted, step) => {
    expect(decideNextStep(have, wanted)).toBe(step);
  });
});

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:0db8:0001:0002::1', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
])('the address %s counts as %s', (ip, network) => {
  expect(networkOfAddress(ip)).toBe(network);
});
