import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { CATALOGUE, Problem } from '#problem.ts';
import { describeForLog, maskDigits } from '#web/log-without-personal-data.ts';
import { problemDocument, problemOf } from '#web/render-problem.ts';
import { faultsOfZodError, pointerOf } from '#web/zod-faults.ts';

const ORIGIN = 'https://id.example';
const withStatus = (statusCode: number) => Object.assign(new Error('from the framework'), { statusCode });

describe('what an error means to the caller', () => {
  test.each([
    [400, 'malformed-request'],
    [404, 'not-found'],
    [406, 'unsupported-media-type'],
    [408, 'malformed-request'],
    [413, 'too-large'],
    [415, 'unsupported-media-type'],
    [429, 'too-many-requests'],
    [500, 'internal'],
    [503, 'internal'],
  ])('a framework error of status %i is %s', (status, code) => {
    expect(problemOf(withStatus(status)).code).toBe(code);
  });

  test('a process that seals with a key closed since is away until it has read the keys, whoever noticed it', () => {
    const said = 'Database error. Code: `P0001`. Message: `sealed with a data key that is closed`';
    expect(problemOf(new Error(said))).toMatchObject({ code: 'unavailable', retryAfterSeconds: 30 });
  });

  test('anything else is internal and says nothing of its cause', () => {
    const document = problemDocument(problemOf(new Error('password hunter2 at /srv/app.ts:7')), ORIGIN, 'urn:uuid:1');
    expect(document).toMatchObject({ status: 500, code: 'internal', type: `${ORIGIN}/problems/internal`, instance: 'urn:uuid:1' });
    expect(JSON.stringify(document)).not.toMatch(/hunter2|app\.ts/);
  });

  test('what is thrown without being an error is internal too', () => {
    expect(problemOf('a string').code).toBe('internal');
    expect(problemOf(undefined).code).toBe('internal');
  });

  test('a schema of a route blames the caller; the same schema elsewhere blames us', () => {
    const error = z.object({ name: z.string() }).safeParse({}).error;
    expect(problemOf(error).code).toBe('internal');
    const refused = problemOf(Object.assign(error as object, { validationContext: 'body' }));
    expect(refused.code).toBe('invalid-input');
    expect(refused.errors[0]?.pointer).toBe('/name');
    const inQuery = z.object({ limit: z.number() }).safeParse({}).error;
    expect(problemOf(Object.assign(inQuery as object, { validationContext: 'querystring' })).errors[0]?.pointer).toBe('/querystring/limit');
  });

  test('every code of the catalogue renders with status and both titles', () => {
    for (const [code, [status, en, zh]] of Object.entries(CATALOGUE)) {
      const document = problemDocument(new Problem(code as keyof typeof CATALOGUE), ORIGIN, 'urn:uuid:1');
      expect(document).toEqual({ type: `${ORIGIN}/problems/${code}`, title: en, titleZh: zh, status, code, instance: 'urn:uuid:1' });
    }
  });
});

describe('field faults', () => {
  test('pointers escape by RFC 6901', () => {
    expect(pointerOf(['a/b', 0, 'm~n'])).toBe('/a~1b/0/m~0n');
    expect(pointerOf([])).toBe('');
  });

  test('say the matter in both languages', () => {
    const { error } = z.object({ name: z.string().min(3), age: z.number() }).safeParse({ name: 'x', age: 'y' });
    const faults = faultsOfZodError(error as z.ZodError);
    expect(faults).toHaveLength(2);
    for (const fault of faults) {
      expect(fault.detail).toMatch(/^[\x20-\x7e≥≤]+$/);
      expect(fault.detailZh).toMatch(/[\u4e00-\u9fff]/);
    }
  });

  test('take both halves of a message of our own', () => {
    const { error } = z.string().min(2, 'Too short. / 太短。').safeParse('');
    expect(faultsOfZodError(error as z.ZodError)).toEqual([{ pointer: '', detail: 'Too short.', detailZh: '太短。' }]);
  });

  test('of several shapes, that of the kind that came says what is wrong; where none or several are, nobody guesses', () => {
    const shape = z.union([z.strictObject({ purpose: z.enum(['seal', 'server']) }), z.string()]);
    const pointers = (input: unknown, of: z.ZodType = shape) =>
      faultsOfZodError(of.safeParse(input).error as z.ZodError).map((f) => f.pointer);
    expect(pointers({ purpose: 'flying' })).toEqual(['/purpose']);
    expect(pointers({})).toEqual(['/purpose']);
    expect(pointers({ question: { purpose: 'flying' } }, z.object({ question: shape }))).toEqual(['/question/purpose']);
    expect(pointers([])).toEqual(['']);
    expect(pointers({ a: 'x', b: 'x' }, z.union([z.object({ a: z.number() }), z.object({ b: z.number() })]))).toEqual(['']);
  });

  test('stop at fifty', () => {
    const { error } = z.array(z.number()).safeParse(Array.from({ length: 200 }, () => 'x'));
    expect(faultsOfZodError(error as z.ZodError)).toHaveLength(50);
  });
});

describe('what the log may hold', () => {
  test('long numbers are masked, short ones stay', () => {
    expect(maskDigits('no row for 350203198505050019 at 10.0.0.12:5432')).toBe('no row for … at 10.0.0.12:5432');
    expect(maskDigits('35020319850505001X')).toBe('…');
  });

  test('an argument dump of the database client is left out, its stack is kept', () => {
    const error = Object.assign(new Error('Invalid `create()`: name: "张小三"'), { name: 'PrismaClientValidationError' });
    const described = JSON.stringify(describeForLog(error));
    expect(described).not.toContain('张小三');
    expect(described).toContain('render-problem.test.ts');
  });
});
