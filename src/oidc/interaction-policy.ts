import { interactionPolicy, type KoaContextWithOIDC } from 'oidc-provider';
import { acrSatisfies } from '#sign-in/acr.ts';

const { Check, base } = interactionPolicy;

/**
 * When the person has to do something. On top of the engine's own checks: `acr_values` asks for a stronger sign-in than the
 * session has (a level above the wanted one satisfies it). Asked once per request, since the wish is voluntary
 * (OpenID Connect Core §3.1.2.1), unless the claims parameter makes it essential.
 */
export function ourInteractionPolicy() {
  const policy = base();
  const login = policy.get('login');
  login?.checks.remove('essential_acrs');
  login?.checks.remove('essential_acr');
  login?.checks.add(
    new Check('stronger_sign_in', 'a stronger sign-in is asked for', 'login_required', (ctx) => {
      const { wanted, essential } = wantedAcr(ctx);
      if (wanted.length === 0 || !ctx.oidc.session?.accountId) return Check.NO_NEED_TO_PROMPT;
      if (acrSatisfies(ctx.oidc.acr ?? '', wanted)) return Check.NO_NEED_TO_PROMPT;
      if (!essential && (ctx.oidc.result?.login || ctx.oidc.prompts.has('none'))) return Check.NO_NEED_TO_PROMPT;
      return Check.REQUEST_PROMPT;
    }),
  );
  return policy;
}

/** What the request says about the level: the claims parameter first, `acr_values` otherwise. */
export function wantedAcr(ctx: KoaContextWithOIDC): { wanted: string[]; essential: boolean } {
  const request = ctx.oidc.claims?.id_token?.['acr'] as { essential?: boolean; value?: unknown; values?: unknown } | null | undefined;
  const listed = [request?.value, ...(Array.isArray(request?.values) ? request.values : [])].filter((value) => typeof value === 'string');
  if (listed.length > 0) return { wanted: listed, essential: request?.essential === true };
  const values = ctx.oidc.params?.['acr_values'];
  return { wanted: typeof values === 'string' ? values.split(' ').filter(Boolean) : [], essential: false };
}
