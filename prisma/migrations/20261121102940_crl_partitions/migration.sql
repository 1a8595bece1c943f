-- AlterTable
ALTER TABLE "certificate_authority" ADD COLUMN     "crl_partitions" INTEGER NOT NULL DEFAULT 0;

-- AlterTable
ALTER TABLE "issued_certificate" ADD COLUMN     "crl_partition" INTEGER;

-- A list for a part of the certificates is complete for them.
ALTER TABLE "revocation_list" DROP CONSTRAINT "revocation_list_scope";
ALTER TABLE "revocation_list" ADD CONSTRAINT "revocation_list_scope" CHECK (
  (("scope" = 'complete' OR "scope" ~ '^part-(0|[1-9][0-9]{0,2})$') AND "base" IS NULL) OR ("scope" = 'delta' AND "base" <= "number"));
CREATE INDEX "issued_certificate_revoked_in_part" ON "issued_certificate" ("issuer_key", "crl_partition", "serial_hex")
  INCLUDE ("revoked_at", "revocation_reason", "invalidity_date", "final_at") WHERE "revoked_at" IS NOT NULL AND "crl_partition" IS NOT NULL;
ALTER TABLE "certificate_authority" ADD CONSTRAINT "certificate_authority_partitions" CHECK ("crl_partitions" BETWEEN 0 AND 256);
