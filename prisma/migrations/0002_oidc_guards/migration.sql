-- One grant per app within a session is a unique index of the schema; these keep the states honest and the outbox quick.
ALTER TABLE "oidc_logout_delivery" ADD CONSTRAINT "oidc_logout_delivery_state"
  CHECK ("state" IN ('pending', 'confirmed', 'failed', 'not-offered'));
ALTER TABLE "oidc_signing_key" ADD CONSTRAINT "oidc_signing_key_state"
  CHECK ("state" IN ('next', 'active', 'retired'));
CREATE INDEX "oidc_logout_delivery_due" ON "oidc_logout_delivery" ("due_at") WHERE "state" = 'pending';
CREATE INDEX "oidc_participation_open" ON "oidc_participation" ("session_uid") WHERE "left_at" IS NULL;
