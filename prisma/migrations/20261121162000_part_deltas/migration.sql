-- Each part may have a delta, as the complete list has.
ALTER TABLE "revocation_list" DROP CONSTRAINT "revocation_list_scope";
ALTER TABLE "revocation_list" ADD CONSTRAINT "revocation_list_scope" CHECK (
  (("scope" = 'complete' OR "scope" ~ '^part-(0|[1-9][0-9]{0,2})$') AND "base" IS NULL)
  OR (("scope" = 'delta' OR "scope" ~ '^part-(0|[1-9][0-9]{0,2})-delta$') AND "base" IS NOT NULL AND "base" <= "number"));
