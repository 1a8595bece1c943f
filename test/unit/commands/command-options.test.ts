import { InvalidArgumentError } from 'commander';
import { expect, test } from 'vitest';
import { collectOid } from '#commands/command-options.ts';

test('OIDs are collected, anything else is wrong use', () => {
  expect(collectOid('2.5.29.32.0', collectOid('1.3.6.1.4.1.32473.7'))).toEqual(['1.3.6.1.4.1.32473.7', '2.5.29.32.0']);
  for (const text of ['', 'anyPolicy', '3.1', '1', '1.2.', '1.02', '1.2 ', '1..2'])
    expect(() => collectOid(text)).toThrow(InvalidArgumentError);
});
