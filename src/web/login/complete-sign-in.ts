/** After a proof: the browser's session, the device cookie, and on to where the person wanted to go. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { requirePerson } from '#people/find-person.ts';
import { decideNextStep } from '#sign-in/decide-next-step.ts';
import { findDeviceOf, rememberDevice } from '#sign-in/known-devices.ts';
import type { Proof } from '#sign-in/proof.ts';
import { endSession, openSession, type Session, stepUpSession } from '#sign-in/sessions.ts';
import { sessionTokenOf, setSessionCookie } from '#web/session.ts';
import type { WebContext } from '#web/web-context.ts';
import { keepProviderCookies, loginCookie, setLoginCookie } from './login-cookies.ts';
import { addressIn, type LoginPlace } from './login-place.ts';

/** Two proofs make two factors only when they belong together. */
const FACTORS_TOGETHER_MS = 15 * 60_000;

export async function completeSignIn(request: FastifyRequest, reply: FastifyReply, context: WebContext, place: LoginPlace, proof: Proof) {
  const session = await startSession(request, reply, context, proof);
  await context.oidc?.linkPortalSession(request.raw, reply.raw, { personId: session.personId, portalSessionId: session.id });
  const device = loginCookie(request, 'tongren_device');
  if (!(await findDeviceOf(context, proof.personId, device))) {
    setLoginCookie(reply, context, 'tongren_device', await rememberDevice(context, proof.personId));
  }
  setLoginCookie(reply, context, 'tongren_sms', undefined);
  setLoginCookie(reply, context, 'tongren_registration', undefined);
  setLoginCookie(reply, context, 'tongren_certificate', undefined);
  setLoginCookie(reply, context, 'tongren_foreign', undefined);
  return goOn(request, reply, context, place, session);
}

/** Straight on with a living session: to the page, back to the app, or to the step that is still missing. */
export async function goOn(
  request: FastifyRequest,
  reply: FastifyReply,
  context: WebContext,
  place: LoginPlace,
  session: Session,
): Promise<FastifyReply> {
  if (!place.interaction) return goTo(request, reply, place.returnTo);
  const { assuranceLevel } = await requirePerson(context, session.personId);
  const next = decideNextStep({ acr: session.acr, amr: session.amr, level: assuranceLevel }, place.wantedAcr);
  if (next === 'real-name') return goTo(request, reply, `/login/real-name?return=${encodeURIComponent(place.base)}`);
  if (next === 'second-factor') {
    return goTo(request, reply, addressIn(place, '', { way: session.amr.includes('pwd') ? 'sms' : 'password', more: '1' }));
  }
  return finishInteraction(request, reply, context, session);
}

/** Back to the app with the level that was reached. */
export async function finishInteraction(request: FastifyRequest, reply: FastifyReply, context: WebContext, session: Session) {
  const { id: portalSessionId, personId, acr, amr, authTime } = session;
  const login = { personId, acr, amr, at: authTime, remember: true, portalSessionId };
  const url = await context.oidc?.finishLogin(request.raw, reply.raw, login);
  keepProviderCookies(reply);
  return goTo(request, reply, url ?? '/');
}

/** A form follows a redirection; a script, which could not follow one to another origin, is told the address. */
function goTo(request: FastifyRequest, reply: FastifyReply, location: string): FastifyReply {
  const isScript = request.headers['content-type']?.startsWith('application/json') === true;
  return isScript ? reply.header('cache-control', 'no-store').send({ location }) : reply.redirect(location, 303);
}

async function startSession(request: FastifyRequest, reply: FastifyReply, context: WebContext, proof: Proof): Promise<Session> {
  const token = sessionTokenOf(request);
  const current = request.session;
  const together = current !== undefined && proof.at.getTime() - current.authTime.getTime() < FACTORS_TOGETHER_MS;
  if (token !== undefined && together && current.personId === proof.personId) {
    const lifted = await stepUpSession(context, { token, proof });
    setSessionCookie(reply, context, lifted.token);
    return lifted.session;
  }
  if (token !== undefined && current) await endSession(context, token);
  const opened = await openSession(context, { ...proof, userAgent: request.headers['user-agent'] });
  setSessionCookie(reply, context, opened.token);
  return opened.session;
}
