import { z } from 'zod';

/** The password of a key file, twice. It is in this one request only: in no log, no page and no store. */
export const KeyFileForm = z
  .object({ password: z.string().max(200), again: z.string().max(200) })
  .refine(({ password, again }) => password === again, { path: ['again'], error: 'The two are not the same. / 两次输入的口令不一致。' });
