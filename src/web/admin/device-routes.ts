/** Devices and kiosks that may enrol (EST): the list, registering one, making a token, taking one off. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { listDevices, registerDevice, requireDevice, retireDevice } from '#certificates/devices.ts';
import { issueDeviceKeyFile } from '#certificates/enrol-device.ts';
import { mintEnrolmentToken } from '#certificates/enrolment-token.ts';
import { listHeldCertificates } from '#certificates/held-certificates.ts';
import { findOrganisation, findOrganisationByCode } from '#people/organisations.ts';
import { faultyField } from '#problem.ts';
import { KeyFileForm } from '#web/key-file-form.ts';
import { requireUuid } from '#web/path-parameters.ts';
import { type Refusal, refusalOf, refusalOfFaults } from '#web/refusal.ts';
import { sendFile } from '#web/send-file.ts';
import { requireStaff } from '#web/session.ts';
import { parseForm } from '#web/validate-with-zod.ts';
import type { WebContext } from '#web/web-context.ts';
import { ADMIN_SECTIONS } from './sections.ts';

const MAX_SHOWN = 200;
const DeviceForm = z.object({
  organisation: z.string().trim().min(1, 'Fill this in. / 请填写。').max(64),
  name: z.string().trim().min(1, 'Fill this in. / 请填写。').max(64),
  serialNumber: z.string().trim().min(1, 'Fill this in. / 请填写。').max(64),
  needsApproval: z.literal('1').optional(),
});

export function registerDeviceRoutes(server: FastifyInstance, context: WebContext): void {
  const options = { schema: { hide: true } };
  const idOf = (request: FastifyRequest) => requireUuid((request.params as { id: string }).id);

  async function listPage(request: FastifyRequest, reply: FastifyReply, refusal: Refusal | undefined = undefined) {
    requireStaff(request, ['operator', 'auditor']);
    const devices = await Promise.all(
      (await listDevices(context, { limit: MAX_SHOWN })).map(async (device) => ({
        ...device,
        organisation: (await findOrganisation(context, device.organisationId))?.name ?? '',
      })),
    );
    if (refusal) reply.code(refusal.status);
    return reply.page('admin/devices', { sections: ADMIN_SECTIONS, devices, refusal, values: request.body ?? {} });
  }

  server.get('/admin/devices', options, async (request, reply) => listPage(request, reply));

  server.post('/admin/devices', options, async (request, reply) => {
    const by = requireStaff(request, 'operator');
    const { data, faults } = parseForm(DeviceForm, request.body);
    if (!data) return listPage(request, reply, refusalOfFaults(faults));
    try {
      const organisation = await findOrganisationByCode(context, data.organisation);
      if (!organisation) throw faultyField('/organisation', 'No organisation with this code is registered.', '未登记该代码的机构。');
      const { name, serialNumber, needsApproval } = data;
      const device = { name, serialNumber, needsApproval: needsApproval === '1', organisationId: organisation.id };
      const { id } = await registerDevice(context, { ...device, by });
      return reply.redirect(`/admin/devices/${id}`, 303);
    } catch (error) {
      return listPage(request, reply, refusalOf(error));
    }
  });

  async function devicePage(request: FastifyRequest, reply: FastifyReply, shown: Record<string, unknown> = {}) {
    requireStaff(request, ['operator', 'auditor']);
    const device = await requireDevice(context, idOf(request));
    const organisation = await findOrganisation(context, device.organisationId);
    const certificates = await listHeldCertificates(context, { deviceId: device.id });
    const address = `${context.publicOrigin}/.well-known/est/devices`;
    return reply.page('admin/device', { sections: ADMIN_SECTIONS, device, organisation, certificates, address, ...shown });
  }

  server.get('/admin/devices/:id', options, async (request, reply) => devicePage(request, reply));

  // The token is on this answer alone: no address leads to it again.
  server.post('/admin/devices/:id/token', options, async (request, reply) => {
    const by = requireStaff(request, 'operator');
    const minted = await mintEnrolmentToken(context, { deviceId: idOf(request), by });
    return devicePage(request, reply.header('cache-control', 'no-store'), { minted });
  });

  // The password is in this request only, and the file on this answer alone.
  server.post('/admin/devices/:id/key-file', options, async (request, reply) => {
    const by = requireStaff(request, 'operator');
    const { data, faults } = parseForm(KeyFileForm, request.body);
    const refuse = (refusal: Refusal) => devicePage(request, reply.code(refusal.status), { refusal });
    if (!data) return refuse(refusalOfFaults(faults));
    try {
      const { pfx, certificate } = await issueDeviceKeyFile(context, { deviceId: idOf(request), by, password: data.password });
      const fileName = `device-${certificate.serialHex.slice(0, 8)}.p12`;
      return sendFile(reply, { bytes: pfx, fileName, mediaType: 'application/x-pkcs12' });
    } catch (error) {
      return refuse(refusalOf(error));
    }
  });

  server.post('/admin/devices/:id/retire', options, async (request, reply) => {
    const by = requireStaff(request, 'operator');
    await retireDevice(context, { deviceId: idOf(request), by });
    return reply.redirect(`/admin/devices/${idOf(request)}`, 303);
  });
}
