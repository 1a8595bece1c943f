-- What every issue of a certificate does in the database, with as little work as it can be done with.

-- All rows or none: 0 when an authority has stopped issuing, or a key has a certificate of another profile or was reported compromised.
-- The looks are one by one through their indexes, whatever was known of the tables when their plans were made.
-- Its commit does not wait for the disk; the one that stores the signed certificates does.
CREATE FUNCTION "store_certificates"(
  ids uuid[], serials text[], issuers text[], profiles text[], suites text[], subjects text[], begins timestamptz[], ends timestamptz[],
  digests bytea[], contents bytea[], issued timestamptz[], issuing text[], parts int[]
) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
  FOR place IN 1 .. cardinality(serials) LOOP
    IF NOT EXISTS (
      SELECT 1 FROM certificate_authority a
      WHERE a.key_name = issuers[place] AND (a.state = 'current' OR profiles[place] = 'ocsp')) THEN RETURN 0; END IF;
    IF EXISTS (
      SELECT 1 FROM issued_certificate c
      WHERE c.key_digest = digests[place]
        AND (c.profile <> profiles[place] OR c.revocation_reason IN ('key-compromise', 'ca-compromise'))) THEN RETURN 0; END IF;
  END LOOP;
  PERFORM set_config('synchronous_commit', 'off', true);
  INSERT INTO issued_certificate
    (id, serial_hex, issuer_key, profile, suite, subject, not_before, not_after, key_digest, tbs, issued_at, issued_by, crl_partition)
  SELECT * FROM unnest(ids, serials, issuers, profiles, suites, subjects, begins, ends, digests, contents, issued, issuing, parts)
    AS f(id, serial_hex, issuer_key, profile, suite, subject, not_before, not_after, key_digest, tbs, issued_at, issued_by, crl_partition)
  ORDER BY key_digest;
  RETURN cardinality(serials);
END $$;

-- Row by row instead of by statement: a join with all keys was planned while they were few. Rows come in the order of their keys, so that
-- two batches with the same ones do not wait for each other.
DROP TRIGGER issued_certificate_claims_key ON "issued_certificate";
CREATE OR REPLACE FUNCTION issued_certificate_claims_key() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO certified_key (key_digest, profile) VALUES (NEW.key_digest, NEW.profile) ON CONFLICT DO NOTHING;
  IF NOT FOUND AND EXISTS (SELECT 1 FROM certified_key WHERE key_digest = NEW.key_digest AND profile <> NEW.profile) THEN
    RAISE EXCEPTION 'this key is certified under another profile';
  END IF;
  RETURN NULL;
END
$$;
CREATE TRIGGER issued_certificate_claims_key AFTER INSERT ON "issued_certificate"
  FOR EACH ROW WHEN (NEW.key_digest IS NOT NULL) EXECUTE FUNCTION issued_certificate_claims_key();

-- Most certificates are never revoked: they need no place in the indexes of those that are.
DROP INDEX "issued_certificate_issuer_key_revoked_at_idx";
DROP INDEX "issued_certificate_issuer_key_final_at_idx";
CREATE INDEX "issued_certificate_revoked_since" ON "issued_certificate" ("issuer_key", "revoked_at") WHERE "revoked_at" IS NOT NULL;
CREATE INDEX "issued_certificate_final_since" ON "issued_certificate" ("issuer_key", "final_at") WHERE "final_at" IS NOT NULL;

-- A row grows once, moments after it was stored, by its signed certificate: with room left on its page no index hears of it.
ALTER TABLE "issued_certificate" SET (fillfactor = 50);
