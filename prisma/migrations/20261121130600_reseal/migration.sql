-- A data key ends: it is closed, what it sealed is sealed anew, and it is erased.
ALTER TABLE "data_key" ADD COLUMN IF NOT EXISTS "closed_at" TIMESTAMPTZ(3);
ALTER TABLE "data_key" ADD COLUMN IF NOT EXISTS "erased_at" TIMESTAMPTZ(3);

CREATE TABLE "reseal_pass" (
    "id" SERIAL NOT NULL,
    "version" INTEGER NOT NULL,
    "started_at" TIMESTAMPTZ(3) NOT NULL,
    "started_by" TEXT NOT NULL,
    "closed_by" TEXT,
    "settled_at" TIMESTAMPTZ(3),
    "ended_at" TIMESTAMPTZ(3),
    "outcome" TEXT NOT NULL DEFAULT 'running',
    CONSTRAINT "reseal_pass_pkey" PRIMARY KEY ("id")
);
-- One at a time.
CREATE UNIQUE INDEX "reseal_pass_one_running" ON "reseal_pass" ((true)) WHERE "outcome" = 'running';

CREATE TABLE "reseal_place" (
    "pass_id" INTEGER NOT NULL,
    "place" TEXT NOT NULL,
    "after_id" TEXT,
    "looked" INTEGER NOT NULL DEFAULT 0,
    "resealed" INTEGER NOT NULL DEFAULT 0,
    "changed" INTEGER NOT NULL DEFAULT 0,
    "faulty" INTEGER NOT NULL DEFAULT 0,
    "ended_at" TIMESTAMPTZ(3),
    CONSTRAINT "reseal_place_pkey" PRIMARY KEY ("pass_id", "place")
);
CREATE TABLE "reseal_fault" (
    "pass_id" INTEGER NOT NULL,
    "place" TEXT NOT NULL,
    "row_id" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "found_at" TIMESTAMPTZ(3) NOT NULL,
    CONSTRAINT "reseal_fault_pkey" PRIMARY KEY ("pass_id", "place", "row_id")
);
ALTER TABLE "reseal_place" ADD CONSTRAINT "reseal_place_pass_id_fkey" FOREIGN KEY ("pass_id") REFERENCES "reseal_pass"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "reseal_fault" ADD CONSTRAINT "reseal_fault_pass_id_fkey" FOREIGN KEY ("pass_id") REFERENCES "reseal_pass"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- A process that has slept since before a key was closed still seals with it. Its write fails here, instead of being lost when the key is
-- erased. AFTER, so that the writing transaction has its number by the time of the look: who closes a key can wait for all before it.
DO $body$
DECLARE
  sealed RECORD;
  versions TEXT;
BEGIN
  FOR sealed IN SELECT * FROM (VALUES
    ('person', ARRAY['name', 'citizen_number', 'phone']),
    ('licence', ARRAY['content', 'photo', 'public_token']),
    ('password_credential', ARRAY['hash']),
    ('browser_session', ARRAY['user_agent']),
    ('archived_key', ARRAY['sealed_key']),
    ('oidc_client', ARRAY['sealed_secret']),
    ('oidc_signing_key', ARRAY['sealed_jwk'])) AS s(of_table, columns)
  LOOP
    SELECT string_agg(format('CASE WHEN NEW.%1$I IS DISTINCT FROM OLD.%1$I THEN get_byte(NULLIF(NEW.%1$I, ''''), 0) END', c), ', ')
      INTO versions FROM unnest(sealed.columns) AS c;
    EXECUTE format($function$
      CREATE FUNCTION %1$I() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF EXISTS (SELECT 1 FROM data_key WHERE purpose = 'field' AND closed_at IS NOT NULL AND version IN (%2$s)) THEN
          RAISE EXCEPTION 'sealed with a data key that is closed';
        END IF;
        RETURN NULL;
      END $$$function$, sealed.of_table || '_key_is_open', versions);
    EXECUTE format('CREATE TRIGGER %1$I AFTER INSERT OR UPDATE OF %2$s ON %3$I FOR EACH ROW EXECUTE FUNCTION %1$I()',
      sealed.of_table || '_key_is_open', (SELECT string_agg(quote_ident(c), ', ') FROM unnest(sealed.columns) AS c), sealed.of_table);
  END LOOP;
END $body$;
