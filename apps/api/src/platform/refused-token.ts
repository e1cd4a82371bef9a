import { decodeJwt, errors, type JWTPayload } from 'jose';
import type { Config } from './config.ts';

/**
 * Why a token was refused, for the log: which check failed, what the token says and what this server expects. Of a token whose signature was not
 * checked this repeats only the algorithm, issuer, audience and times, cut to a length, which are no secrets and name no person.
 */
export function whyRefused(error: unknown, token: string, jwt: Config['jwt']): string {
  if (error instanceof errors.JWTExpired) return `expiry: the token expired at ${timeOf(error.payload.exp)}`;
  if (error instanceof errors.JWTClaimValidationFailed) {
    const { claim, reason, payload } = error;
    if (claim === 'iss') return `issuer: the token was issued by ${shown(payload.iss)}, and this server expects ${shown(jwt.issuer)}`;
    if (claim === 'aud') return `audience: the token is for ${shown(payload.aud)}, and this server expects "authenticated"`;
    if (claim === 'nbf') return `expiry: the token is not valid before ${timeOf(payload.nbf)}`;
    return `${claim}: the claim is ${reason === 'missing' ? 'missing' : 'not valid'}`;
  }
  if (error instanceof errors.JWSSignatureVerificationFailed)
    return `signature: it does not match the ${jwt.secret ? 'secret in SUPABASE_JWT_SECRET' : 'keys in SUPABASE_JWKS_URL'}; the token says that it was issued by ${shown(unverified(token)?.iss)}`;
  if (error instanceof errors.JWKSNoMatchingKey)
    return `signature: Supabase Auth has no key with the id of the token; the token says that it was issued by ${shown(unverified(token)?.iss)}`;
  if (error instanceof errors.JOSEAlgNotAllowed) return `signature: the token is signed with another algorithm than ${jwt.algorithm}`;
  return 'form: the text is not a JSON Web Token';
}

/** The claims of a token whose signature was not checked. Only the log may show them. */
function unverified(token: string): JWTPayload | undefined {
  try {
    return decodeJwt(token);
  } catch {
    return undefined;
  }
}

/** A claim as the log shows it. */
export const shown = (claim: unknown): string => (claim === undefined ? 'nobody' : JSON.stringify(claim).slice(0, 200));

function timeOf(seconds: unknown): string {
  const time = new Date(Number(seconds) * 1000);
  return Number.isNaN(time.getTime()) ? 'a time that cannot be read' : time.toISOString();
}
