-- AlterTable
ALTER TABLE "issued_certificate" ADD COLUMN     "key_digest" BYTEA;

-- CreateIndex
CREATE INDEX "issued_certificate_key_digest_idx" ON "issued_certificate"("key_digest");


