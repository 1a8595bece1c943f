/** What of licences is sealed: columns, and the issued files. */
import type { SealedColumn, SealedFiles } from '#storage/sealed-places.ts';
import { filePlaceOf, LICENCE_FORMATS } from './finish-licence.ts';
import { contentPlace, photoPlace, publicTokenPlace } from './licence-content.ts';

const LICENCE = { table: 'licence', idColumn: 'id', idType: 'uuid' } as const;

export const SEALED_OF_LICENCES: readonly SealedColumn[] = [
  { ...LICENCE, column: 'content', place: contentPlace },
  { ...LICENCE, column: 'photo', place: photoPlace, batchRows: 20 },
  { ...LICENCE, column: 'public_token', place: publicTokenPlace },
];

/** Files of a try that never counted are not among them: they are removed, not read. */
export const SEALED_LICENCE_FILES: SealedFiles = {
  name: 'licence.file',
  async list(db, { after, limit }) {
    const rows = await db.licence.findMany({
      where: { ...(after === undefined ? {} : { id: { gt: after } }) },
      select: { id: true, ofdFile: true, pdfFile: true },
      orderBy: { id: 'asc' },
      take: limit,
    });
    return rows.map(({ id, ofdFile, pdfFile }) => ({
      id,
      files: LICENCE_FORMATS.flatMap((format) => {
        const name = format === 'ofd' ? ofdFile : pdfFile;
        return name === null ? [] : [{ name, what: format, place: filePlaceOf(id, format) }];
      }),
    }));
  },
  async isNamed(db, id, { name }) {
    return (await db.licence.count({ where: { id, OR: [{ ofdFile: name }, { pdfFile: name }] } })) === 1;
  },
};
