import { type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';

const EVENT = 'http://schemas.openid.net/event/backchannel-logout';

/** OpenID Connect Back-Channel Logout 1.0 §2.6: what a relying app must check. @throws when the token does not hold. */
export async function checkLogoutToken(
  token: string,
  { jwks, issuer, clientId, algorithms }: { jwks: JWTVerifyGetKey; issuer: string; clientId: string; algorithms: string[] },
): Promise<{ subject: string | undefined; sid: string | undefined; jti: string }> {
  const { payload } = await jwtVerify(token, jwks, {
    issuer,
    audience: clientId,
    algorithms,
    typ: 'logout+jwt',
    maxTokenAge: '5 minutes',
    requiredClaims: ['iat', 'jti', 'exp'],
  });
  if ('nonce' in payload) throw new Error('a logout token carries no nonce');
  if (!isLogoutEvent(payload)) throw new Error('not a back-channel logout event');
  const sid = typeof payload['sid'] === 'string' ? payload['sid'] : undefined;
  if (payload.sub === undefined && sid === undefined) throw new Error('neither sub nor sid');
  return { subject: payload.sub, sid, jti: String(payload.jti) };
}

function isLogoutEvent(payload: JWTPayload): boolean {
  const events = payload['events'];
  if (typeof events !== 'object' || events === null) return false;
  const event = (events as Record<string, unknown>)[EVENT];
  return typeof event === 'object' && event !== null && Object.keys(events).length === 1;
}
