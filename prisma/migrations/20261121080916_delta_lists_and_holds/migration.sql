-- AlterTable
ALTER TABLE "revocation_list" DROP CONSTRAINT "revocation_list_pkey",
ADD COLUMN     "base" BIGINT,
ADD COLUMN     "scope" TEXT NOT NULL DEFAULT 'complete',
ADD COLUMN     "total" INTEGER NOT NULL DEFAULT 0,
ADD CONSTRAINT "revocation_list_pkey" PRIMARY KEY ("issuer_key", "scope", "number");

-- CreateTable
CREATE TABLE "certificate_release" (
    "id" UUID NOT NULL,
    "serial_hex" TEXT NOT NULL,
    "issuer_key" TEXT NOT NULL,
    "held_at" TIMESTAMPTZ(3) NOT NULL,
    "released_at" TIMESTAMPTZ(3) NOT NULL,
    "released_by" TEXT NOT NULL,

    CONSTRAINT "certificate_release_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "certificate_release_issuer_key_released_at_idx" ON "certificate_release"("issuer_key", "released_at");



UPDATE "revocation_list" SET "total" = "entries";
ALTER TABLE "revocation_list" ADD CONSTRAINT "revocation_list_scope" CHECK (("scope" = 'complete' AND "base" IS NULL) OR ("scope" = 'delta' AND "base" <= "number"));

-- A revocation is for good, but for a hold: that may become final, or be lifted.
CREATE OR REPLACE FUNCTION issued_certificate_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.serial_hex <> OLD.serial_hex OR NEW.tbs <> OLD.tbs OR NEW.issuer_key <> OLD.issuer_key
     OR (OLD.der IS NOT NULL AND NEW.der IS DISTINCT FROM OLD.der) THEN
    RAISE EXCEPTION 'an issued certificate and its revocation do not change';
  END IF;
  IF OLD.revoked_at IS NOT NULL
     AND (NEW.revoked_at IS DISTINCT FROM OLD.revoked_at OR NEW.revocation_reason IS DISTINCT FROM OLD.revocation_reason)
     AND NOT (OLD.revocation_reason = 'certificate-hold'
              AND ((NEW.revoked_at IS NULL AND NEW.revocation_reason IS NULL) OR NEW.revoked_at = OLD.revoked_at)) THEN
    RAISE EXCEPTION 'an issued certificate and its revocation do not change';
  END IF;
  RETURN NEW;
END
$$;
CREATE FUNCTION certificate_release_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'that a hold was lifted stays on record';
END
$$;
CREATE TRIGGER certificate_release_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON "certificate_release"
  FOR EACH STATEMENT EXECUTE FUNCTION certificate_release_stays();
