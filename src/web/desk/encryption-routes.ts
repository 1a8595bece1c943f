/** The encryption certificate that goes with a certificate of the organisation: taken once, as envelope or key file, and after a recovery. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { requireCertificateRequest } from '#certificates/find-certificate-request.ts';
import { takeRecoveredKey } from '#certificates/hand-over-key.ts';
import { findIssued } from '#certificates/issue-requested.ts';
import { findEncryptionTwin, takeEncryptionCertificate } from '#certificates/take-encryption-certificate.ts';
import { toPem } from '#pki/pem.ts';
import { Problem } from '#problem.ts';
import { KeyFileForm } from '#web/key-file-form.ts';
import { requireUuid } from '#web/path-parameters.ts';
import { type Refusal, refusalOf, refusalOfFaults } from '#web/refusal.ts';
import { sendFile } from '#web/send-file.ts';
import { requireStaff } from '#web/session.ts';
import { parseForm } from '#web/validate-with-zod.ts';
import type { WebContext } from '#web/web-context.ts';

const PAGE = '/desk/certificates/:id';

export function registerDeskEncryptionRoutes(
  server: FastifyInstance,
  context: WebContext,
  requestPage: (request: FastifyRequest, reply: FastifyReply, refusal: Refusal) => Promise<FastifyReply>,
): void {
  const options = { schema: { hide: true } };

  /** Of the organisation's own; what another asked for is not there. */
  async function own(request: FastifyRequest) {
    const { personId, organisationId } = requireStaff(request, 'seal-admin');
    const { holder, serialHex } = await requireCertificateRequest(context, requireUuid((request.params as { id: string }).id));
    if (!serialHex || holder.kind !== 'organisation' || holder.organisationId !== organisationId)
      throw new Problem('certificate-not-found');
    return { serialHex, by: { personId, organisationId } };
  }

  server.get(`${PAGE}/encryption.pem`, options, async (request, reply) => {
    const { serialHex } = await own(request);
    const twin = await findEncryptionTwin(context, serialHex);
    if (!twin) throw new Problem('certificate-not-found');
    const { chain } = await findIssued(context, twin.serialHex);
    const pem = chain.map(({ der }) => toPem('CERTIFICATE', der)).join('');
    return sendFile(reply, { bytes: Buffer.from(pem), fileName: `${twin.serialHex}.pem`, mediaType: 'application/x-pem-file' });
  });

  server.post(`${PAGE}/encryption-envelope`, options, async (request, reply) => {
    const { serialHex, by } = await own(request);
    try {
      const { certificate, envelope } = await takeEncryptionCertificate(context, { serialHex, by, handover: { as: 'envelope' } });
      if (!envelope) throw new Problem('unavailable');
      const ending = envelope.form === 'cms' ? 'p7m' : 'sm2-enveloped-key.der';
      const fileName = `key-${certificate.serialHex.slice(0, 8)}.${ending}`;
      return sendFile(reply, { bytes: envelope.bytes, fileName, mediaType: 'application/octet-stream' });
    } catch (error) {
      return requestPage(request, reply, refusalOf(error));
    }
  });

  const keyFile = (
    path: string,
    make: (serialHex: string, by: Awaited<ReturnType<typeof own>>['by'], password: string) => Promise<KeyFile>,
  ) =>
    server.post(`${PAGE}/${path}`, options, async (request, reply) => {
      const { serialHex, by } = await own(request);
      const { data, faults } = parseForm(KeyFileForm, request.body);
      if (!data) return requestPage(request, reply, refusalOfFaults(faults));
      try {
        const { pfx } = await make(serialHex, by, data.password);
        if (!pfx) throw new Problem('unavailable');
        const fileName = `encryption-key-${serialHex.slice(0, 8)}.p12`;
        return sendFile(reply, { bytes: pfx, fileName, mediaType: 'application/x-pkcs12' });
      } catch (error) {
        return requestPage(request, reply, refusalOf(error));
      }
    });
  keyFile('encryption-key-file', (serialHex, by, password) =>
    takeEncryptionCertificate(context, { serialHex, by, handover: { as: 'pkcs12', password } }),
  );
  keyFile('recovered-key', (serialHex, by, password) => takeRecoveredKey(context, { serialHex, by, password }));
}

interface KeyFile {
  pfx?: Uint8Array;
}
