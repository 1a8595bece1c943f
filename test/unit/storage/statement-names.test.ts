import { describe, expect, it } from 'vitest';
import { statementNames } from '#storage/statement-names.ts';

describe('names of prepared statements', () => {
  it('are given to a text that comes again, one to each', () => {
    const nameOf = statementNames();
    expect([1, 2, 3, 4].map(() => nameOf('SELECT 1'))).toEqual([undefined, undefined, 'tongren_1', 'tongren_1']);
    nameOf('SELECT 2');
    nameOf('SELECT 2');
    expect(nameOf('SELECT 2')).toBe('tongren_2');
    expect(nameOf('SELECT 1')).toBe('tongren_1');
  });

  it('are never given to texts made for one call, however many there are', () => {
    const nameOf = statementNames();
    const names = Array.from({ length: 10_000 }, (_, index) => nameOf(`SELECT ${index}`));
    expect(names.every((name) => name === undefined)).toBe(true);
    expect([1, 2, 3].map(() => nameOf(`SELECT '${'x'.repeat(9_000)}'`))).toEqual([undefined, undefined, undefined]);
  });

  it('are limited in number, as the server keeps each of them', () => {
    const nameOf = statementNames({ maxNamed: 2 });
    for (let round = 0; round < 5; round++) for (const text of ['a', 'b', 'c']) nameOf(text);
    expect(['a', 'b', 'c'].map(nameOf)).toEqual(['tongren_1', 'tongren_2', undefined]);
  });
});
