/** What pages tell about one seal: its rules in words, what waits for a second person, what became of it. */
import { listStaff } from '#access/find-staff.ts';
import { listLicenceTypes } from '#documents/page/licence-type.ts';
import { listClients } from '#oidc/clients.ts';
import { requireMaskedPerson } from '#people/find-person.ts';
import { Problem } from '#problem.ts';
import { drawnAsApplied } from '#seals/apply-for-seal.ts';
import { findSealHistory } from '#seals/find-seals.ts';
import { countSealUses } from '#seals/record-seal-use.ts';
import { findPendingSealChanges } from '#seals/request-seal-change.ts';
import type { SealRules } from '#seals/seal-rules.ts';
import type { SealView } from '#seals/seal-view.ts';
import { describeActor } from '#web/admin/describe-actor.ts';
import type { WebContext } from '#web/web-context.ts';

/** Somebody or something that may be let use a seal. */
export interface UserChoice {
  /** `staff:<id>`, `client:<id>` */
  value: string;
  label: string;
  isSystem: boolean;
}

/** Who issues for the organisation, and which systems act for it. */
export async function listSealUsers(context: WebContext, organisationId: string): Promise<UserChoice[]> {
  const positions = (await listStaff(context, { organisationId, limit: 200 })).filter(({ roles }) => roles.includes('issuer'));
  const people = await Promise.all(
    positions.map(async ({ id, personId }) => {
      const { displayName } = await requireMaskedPerson(context, personId);
      return { value: `staff:${id}`, label: displayName, isSystem: false };
    }),
  );
  const clients = (await listClients(context)).filter((client) => client.organisationId === organisationId);
  return [...people, ...clients.map(({ id, name }) => ({ value: `client:${id}`, label: name.zh, isSystem: true }))];
}

export interface RulesInWords {
  licenceTypes: string[];
  users: string[];
  dailyLimit: number | null;
}

/** Empty lists mean anything, anybody. */
export async function rulesInWords(context: WebContext, rules: SealRules): Promise<RulesInWords> {
  const types = listLicenceTypes();
  return {
    licenceTypes: rules.licenceTypes.map((slug) => types.find((type) => type.slug === slug)?.name.zh ?? slug),
    users: await Promise.all(rules.users.map((user) => describeActor(context, user))),
    dailyLimit: rules.dailyLimit,
  };
}

export async function sealFacts(context: WebContext, seal: SealView) {
  const [rules, waiting, history, usesToday] = await Promise.all([
    rulesInWords(context, seal),
    findPendingSealChanges(context, seal.id),
    findSealHistory(context, seal.id),
    countSealUses(context.db, seal.id, context.clock.now()),
  ]);
  return {
    rules,
    usesToday,
    waiting: await Promise.all(
      waiting.map(async (change) => ({
        ...change,
        by: await describeActor(context, `staff:${change.requestedAs}`),
        rules: change.rules ? await rulesInWords(context, change.rules) : undefined,
      })),
    ),
    history: await Promise.all(
      history.map(async (entry) => ({
        ...entry,
        by: await describeActor(context, entry.actor),
        rules: entry.rules ? await rulesInWords(context, entry.rules) : undefined,
      })),
    ),
    picture: await pictureOf(context, seal),
  };
}

/** As it was made; before that, as it will look. */
async function pictureOf(context: WebContext, seal: SealView) {
  const made = seal.picturePng && { png: seal.picturePng, widthMm: seal.widthMm, heightMm: seal.heightMm };
  const waits = seal.status === 'applied' || seal.status === 'approved';
  const shown = made ?? seal.givenPicture ?? (waits ? await drawnAsApplied(context, seal.id).catch(unlessProblem) : undefined);
  return shown && { ...shown, src: `data:image/png;base64,${Buffer.from(shown.png).toString('base64')}` };
}

/** What cannot be drawn is found out when it is made; its page is shown all the same. */
function unlessProblem(error: unknown): undefined {
  if (!(error instanceof Problem)) throw error;
  return undefined;
}
