import { errors } from 'oidc-provider';

/** FAPI 2.0 Security Profile §5.3.2.1: clocks may differ by up to a minute, no more. */
const AHEAD_SECONDS = 60;
/** A longer life would only mean more replay marks to keep. */
const LONGEST_SECONDS = 3_600;

/** On top of the engine's checks of a client's signed assertion (RFC 7523): not from the future, and not for ever. */
export function assertFreshAssertion(claims: Record<string, unknown>, nowSeconds: number): void {
  for (const name of ['iat', 'nbf']) {
    const value = claims[name];
    if (value !== undefined && !(Number(value) <= nowSeconds + AHEAD_SECONDS))
      throw new errors.InvalidClientAuth(`${name} lies in the future`);
  }
  if (!(Number(claims['exp']) <= nowSeconds + LONGEST_SECONDS)) throw new errors.InvalidClientAuth('the assertion lives too long');
}
