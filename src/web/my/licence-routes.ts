/** The holder's licences: cards, one licence, its files and their picture. */
import type { FastifyInstance } from 'fastify';
import { findLicencesOf, findLicencesOfOrganisation, requireLicence } from '#licences/find-licences.ts';
import { readLicenceFile } from '#licences/read-licence-file.ts';
import { requireMaskedPerson } from '#people/find-person.ts';
import { Problem } from '#problem.ts';
import { requireUuid } from '#web/path-parameters.ts';
import { sendFile } from '#web/send-file.ts';
import { requireSession } from '#web/session.ts';
import type { VerificationPool } from '#web/verification/verification-pool.ts';
import type { WebContext } from '#web/web-context.ts';
import { MY_SECTIONS } from './sections.ts';

const PICTURE_DPI = 110;

export function registerMyLicenceRoutes(server: FastifyInstance, context: WebContext, pool: VerificationPool): void {
  const options = { schema: { hide: true } };

  server.get('/my', options, async (request, reply) => {
    const { personId } = requireSession(request);
    const organisationIds = [...new Set(request.positions.map(({ organisationId }) => organisationId))];
    const [licences, person, ofOrganisations] = await Promise.all([
      findLicencesOf(context, personId),
      requireMaskedPerson(context, personId),
      Promise.all(organisationIds.map((organisationId) => findLicencesOfOrganisation(context, { organisationId, byPersonId: personId }))),
    ]);
    return reply.page('my/licences', { sections: MY_SECTIONS, licences, person, ofOrganisations: ofOrganisations.flat() });
  });

  server.get<{ Params: { id: string } }>('/my/licences/:id', options, async (request, reply) => {
    const { personId } = requireSession(request);
    const licence = await requireLicence(context, { licenceId: requireUuid(request.params.id), personId });
    return reply.page('my/licence', { sections: MY_SECTIONS, licence });
  });

  server.get<{ Params: { id: string; format: string } }>('/my/licences/:id/licence.:format', options, async (request, reply) => {
    const { personId } = requireSession(request);
    const { format } = request.params;
    if (format !== 'ofd' && format !== 'pdf') throw new Problem('not-found');
    const licenceId = requireUuid(request.params.id);
    return sendFile(reply, await readLicenceFile(context, { licenceId, format, reader: { as: 'holder', personId } }));
  });

  server.get<{ Params: { id: string } }>('/my/licences/:id/picture.png', options, async (request, reply) => {
    const { personId } = requireSession(request);
    const licenceId = requireUuid(request.params.id);
    const { bytes } = await readLicenceFile(context, { licenceId, format: 'pdf', reader: { as: 'holder', personId } });
    const picture = await pool.picture({ bytes, format: 'pdf', page: 0, dpi: PICTURE_DPI });
    return reply.type('image/png').send(Buffer.from(picture));
  });
}
