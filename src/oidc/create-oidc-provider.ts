/**
 * The provider as the rest of the program knows it. Rules this room upholds:
 * a code or a refresh token works once, whoever comes at the same moment; no app that took part is forgotten at log-out;
 * a log-out is written down before the session goes; two apps never see the same subject; nothing sensitive goes out unasked.
 */
import type { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import Provider from 'oidc-provider';
import { adapterFactory } from './adapter-factory.ts';
import { endDeviceSessions, endEverySession, endParticipation, endSession, type LogoutReason } from './end-session.ts';
import { findGrants, type GrantView, revokeGrant } from './find-grants.ts';
import { abortInteraction, findInteraction, finishConsent, finishLogin, type InteractionView, type LoginAnswer } from './interactions.ts';
import { type LogoutReport, logoutReport } from './logout-report.ts';
import type { OidcDeps } from './oidc-deps.ts';
import { type OidcPage, takeAskedPage } from './oidc-page.ts';
import { apiResource, providerConfiguration } from './provider-configuration.ts';
import { ensureSigningKeys, loadSigningKeys, type SigningKey } from './signing-keys.ts';
import { storedId } from './stored-id.ts';
import { type ApiCaller, verifyAccessToken } from './verify-access-token.ts';

/** Names the last log-out of this browser, for the report page. */
export const LOGOUT_COOKIE = 'tongren_logout';
const LOGOUT_COOKIE_SECONDS = 600;

export interface OidcOptions {
  /** Scheme, host and port as the outside sees us; the issuer is this with `/oidc`. */
  publicOrigin: string;
  /** Newest first; the newest signs. Default: derived from the blind-index keys, equal in all processes; a new one at each `reloadKeys` after a rotation. */
  cookieKeys?: readonly string[];
  /** Told when deliveries were written, so that the worker need not wait for its next round. */
  onLogoutQueued?: () => void;
  /** Told of what went wrong on our side inside the engine: for the log. */
  onError?: (error: unknown) => void;
  /** The portal's own session of the same browser, which ends together with the provider's. */
  portal?: { cookieName: string; endSession(token: string): Promise<void> };
}

export interface Oidc {
  readonly issuer: string;
  /** The resource to name in `verifyAccessToken`'s tokens: `/api`. */
  readonly apiResource: string;
  /**
   * Handles a request below `/oidc`, the prefix cut off. Answers a page when one is to be shown: the response then is open,
   * with cookies set; otherwise everything has been sent.
   */
  callback(req: IncomingMessage, res: ServerResponse): Promise<OidcPage | undefined>;
  findInteraction(req: IncomingMessage, res: ServerResponse): Promise<InteractionView>;
  /** Each answers the address to which the browser goes on (303). */
  finishLogin(req: IncomingMessage, res: ServerResponse, login: LoginAnswer): Promise<string>;
  finishConsent(req: IncomingMessage, res: ServerResponse, answer: { accepted: readonly string[] }): Promise<string>;
  abortInteraction(req: IncomingMessage, res: ServerResponse): Promise<string>;
  /** Ends this browser's session with the provider and sets the report cookie. Undefined when it had none. */
  endBrowserSession(
    req: IncomingMessage,
    res: ServerResponse,
    input: { by: string; reason?: LogoutReason },
  ): Promise<{ logoutId: string } | undefined>;
  endEverySession(input: { personId: string; by: string; reason?: LogoutReason }): Promise<{ logoutId: string }>;
  /** As `endEverySession`, but this browser's stays: a changed password throws out everybody else. */
  endOtherSessions(req: IncomingMessage, res: ServerResponse, input: { personId: string; by: string }): Promise<void>;
  /**
   * Notes that this browser's session with the provider, when it is this person's, belongs to a new session of the portal: who signs in
   * at the portal again goes on with the apps of before.
   */
  linkPortalSession(req: IncomingMessage, res: ServerResponse, input: { personId: string; portalSessionId: string }): Promise<void>;
  /** The portal's sessions of this person from which apps are signed in still. */
  findPortalSessions(personId: string): Promise<string[]>;
  /** Ends what is signed in on one device, with all its apps were given; the apps hear of it by back channel. */
  endPortalSession(input: { personId: string; portalSessionId: string; by: string }): Promise<void>;
  logoutReport(logoutId: string): Promise<LogoutReport | undefined>;
  findGrants(personId: string): Promise<GrantView[]>;
  revokeGrant(input: { personId: string; clientId: string; by: string }): Promise<{ logoutId: string } | undefined>;
  verifyAccessToken(token: string, scope: string): Promise<ApiCaller>;
  /** Takes over keys made or promoted since; requests under way finish with the old ones. */
  reloadKeys(): Promise<void>;
}

export async function createOidcProvider(deps: OidcDeps, options: OidcOptions): Promise<Oidc> {
  const issuer = `${options.publicOrigin}/oidc`;
  const audience = apiResource(options.publicOrigin);
  const adapter = adapterFactory(deps);
  const queued = () => options.onLogoutQueued?.();
  await ensureSigningKeys(deps);
  let keys = await loadSigningKeys(deps);
  let provider = build(keys);

  function build(withKeys: readonly SigningKey[]): Provider {
    const made = new Provider(
      issuer,
      providerConfiguration({
        deps,
        adapter,
        keys: withKeys,
        cookieKeys: cookieKeys(deps, options),
        publicOrigin: options.publicOrigin,
      }),
    );
    made.proxy = true;
    made.on('server_error', (_ctx, error) => options.onError?.(error));
    // What comes after the answer, such as a connection that breaks; without a listener the engine would print it.
    (made as EventEmitter).on('error', (error) => options.onError?.(error));
    bendEngine(made, { deps, options, queued });
    return made;
  }

  return {
    issuer,
    apiResource: audience,
    async callback(req, res) {
      nameOrigin(req, options.publicOrigin);
      await provider.callback()(req, res);
      return takeAskedPage(req);
    },
    findInteraction: (req, res) => findInteraction(deps, provider, named(req), res),
    finishLogin: (req, res, login) => finishLogin(provider, named(req), res, login),
    finishConsent: (req, res, answer) => finishConsent(deps, provider, named(req), res, answer),
    abortInteraction: (req, res) => abortInteraction(provider, named(req), res),
    async endBrowserSession(req, res, { by, reason = 'portal' }) {
      const context = provider.createContext(named(req), res);
      const session = await provider.Session.get(context as never);
      const ended = session.accountId === undefined ? undefined : await endSession(deps, { uid: session.uid, reason, by });
      if (!ended) return undefined;
      const secure = options.publicOrigin.startsWith('https:');
      context.cookies.set(provider.cookieName('session'), null, { path: '/', signed: true, secure });
      setLogoutCookie(context.cookies, ended.logoutId, options);
      queued();
      return { logoutId: ended.logoutId };
    },
    async endEverySession(input) {
      const ended = await endEverySession(deps, input);
      queued();
      return ended;
    },
    async endOtherSessions(req, res, { personId, by }) {
      const session = await provider.Session.get(provider.createContext(named(req), res) as never);
      const exceptUid = session.accountId === personId ? session.uid : undefined;
      await endEverySession(deps, { personId, by, exceptUid });
      queued();
    },
    async linkPortalSession(req, res, { personId, portalSessionId }) {
      const session = await provider.Session.get(provider.createContext(named(req), res) as never);
      if (session.accountId !== personId) return;
      await deps.db.oidcSession.updateMany({ where: { uid: session.uid, personId, endedAt: null }, data: { portalSessionId } });
    },
    async findPortalSessions(personId) {
      const where = { personId, endedAt: null, expiresAt: { gt: deps.clock.now() }, portalSessionId: { not: null } };
      const rows = await deps.db.oidcSession.findMany({ where, select: { portalSessionId: true } });
      return rows.flatMap(({ portalSessionId }) => portalSessionId ?? []);
    },
    async endPortalSession(input) {
      if ((await endDeviceSessions(deps, input)) > 0) queued();
    },
    logoutReport: (id) => logoutReport(deps, id),
    findGrants: (personId) => findGrants(deps, personId),
    async revokeGrant(input) {
      const ended = await revokeGrant(deps, input);
      if (ended) queued();
      return ended;
    },
    verifyAccessToken: (token, scope) => verifyAccessToken(deps, { keys, issuer, audience }, { token, scope }),
    async reloadKeys() {
      keys = await loadSigningKeys(deps);
      provider = build(keys);
    },
  };

  function named(req: IncomingMessage): IncomingMessage {
    nameOrigin(req, options.publicOrigin);
    return req;
  }
}

interface Bending {
  deps: OidcDeps;
  options: OidcOptions;
  queued: () => void;
}

/**
 * The four places where the engine's own way does not hold under load or loses a log-out. Each is a public class of the
 * engine; the flow tests stand guard over them when it is upgraded.
 */
function bendEngine(provider: Provider, { deps, options, queued }: Bending): void {
  // Finding and saving are two steps there; one atomic step here.
  provider.ReplayDetection.unique = async (iss: string, jti: string, exp: number) => {
    const left = exp - Math.floor(Date.now() / 1000);
    return deps.ephemeral.setIfAbsent(
      `oidc:replay:${Buffer.from(storedId(`${iss}\0${jti}`)).toString('base64url')}`,
      '1',
      Math.max(1, left + 60),
    );
  };

  // A new id is for a new sign-in. Changing it after a mere consent would sign out whoever has a second tab under way.
  const { resetIdentifier } = provider.Session.prototype;
  provider.Session.prototype.resetIdentifier = function resetAfterLogin() {
    if (Provider.ctx?.oidc.result?.login) resetIdentifier.call(this);
  };

  // Delivery is the outbox's. Only when one app alone leaves does it begin here; the whole log-out begins below.
  provider.Client.prototype.backchannelLogout = async function queueLogout(personId: string, sid: string) {
    if (Provider.ctx?.oidc.params?.['logout']) return;
    const { clientId } = this;
    await endParticipation(deps, { personId, clientId, sid, reason: 'left-app', by: `person:${personId}` });
    queued();
  };

  // The engine destroys a session in one case: the person logs out. Everything is written down first, in one transaction.
  provider.Session.prototype.destroy = async function endThenForget() {
    const ctx = Provider.ctx;
    const by = this.accountId ? `person:${this.accountId}` : 'anonymous';
    const ended = await endSession(deps, { uid: this.uid, reason: 'app', by });
    Object.assign(this, { destroyed: true });
    if (!ctx) return;
    if (ended) setLogoutCookie(ctx.cookies, ended.logoutId, options);
    if (options.portal) {
      const token = ctx.cookies.get(options.portal.cookieName, { signed: false });
      if (token) await options.portal.endSession(token);
      const secure = options.publicOrigin.startsWith('https:');
      ctx.cookies.set(options.portal.cookieName, null, { path: '/', signed: false, httpOnly: true, sameSite: 'lax', secure });
    }
    queued();
  };
}

interface CookieJar {
  set(name: string, value: string | null, options: object): unknown;
}

function setLogoutCookie(cookies: CookieJar, logoutId: string, { publicOrigin }: OidcOptions): void {
  const secure = publicOrigin.startsWith('https:');
  cookies.set(LOGOUT_COOKIE, logoutId, {
    path: '/logged-out',
    httpOnly: true,
    sameSite: 'lax',
    secure,
    signed: false,
    maxAge: LOGOUT_COOKIE_SECONDS * 1000,
  });
}

/**
 * The engine believes these headers; what a client sent in them is overwritten with what we know. X-Forwarded-For stays as it
 * came: the engine decides nothing by it, and the limits of the sign-in, which run later in the same request, do.
 */
function nameOrigin(req: IncomingMessage, publicOrigin: string): void {
  const { protocol, host } = new URL(publicOrigin);
  req.headers['x-forwarded-proto'] = protocol.slice(0, -1);
  req.headers['x-forwarded-host'] = host;
}

function cookieKeys({ fields }: OidcDeps, { cookieKeys: given }: OidcOptions): readonly string[] {
  if (given?.length) return given;
  return fields.blindIndexes('oidc.cookie-key', '1').map((key) => Buffer.from(key).toString('base64url'));
}
