-- CreateTable
CREATE TABLE "certified_key" (
    "key_digest" BYTEA NOT NULL,
    "profile" TEXT NOT NULL,

    CONSTRAINT "certified_key_pkey" PRIMARY KEY ("key_digest")
);

INSERT INTO "certified_key" ("key_digest", "profile")
SELECT DISTINCT ON (key_digest) key_digest, profile FROM "issued_certificate" WHERE key_digest IS NOT NULL ORDER BY key_digest, id
ON CONFLICT DO NOTHING;

-- In the order of the keys, so that two batches with the same ones do not wait for each other.
CREATE FUNCTION issued_certificate_claims_key() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO certified_key (key_digest, profile)
  SELECT DISTINCT key_digest, profile FROM added WHERE key_digest IS NOT NULL ORDER BY key_digest
  ON CONFLICT DO NOTHING;
  IF EXISTS (SELECT 1 FROM added a JOIN certified_key k ON k.key_digest = a.key_digest WHERE k.profile <> a.profile) THEN
    RAISE EXCEPTION 'this key is certified under another profile';
  END IF;
  RETURN NULL;
END
$$;
CREATE TRIGGER issued_certificate_claims_key AFTER INSERT ON "issued_certificate"
  REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION issued_certificate_claims_key();
