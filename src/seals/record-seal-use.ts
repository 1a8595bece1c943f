/** Each use of a seal is written down in the transaction that makes it count: on what, by whom, over which bytes. */
import type { Transaction } from '#storage/database.ts';

export interface NewSealUse {
  sealId: string;
  /** `licence:<id>` */
  subject: string;
  format: 'ofd' | 'pdf';
  /** SHA-256 of the sealed file, hexadecimal. */
  digest: string;
  actor: string;
  at: Date;
}

export async function recordSealUse(tx: Transaction, use: NewSealUse): Promise<void> {
  await tx.sealUse.create({ data: use });
}
