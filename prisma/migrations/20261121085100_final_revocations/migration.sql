-- AlterTable
ALTER TABLE "issued_certificate" ADD COLUMN     "final_at" TIMESTAMPTZ(3);

-- CreateIndex
CREATE INDEX "issued_certificate_issuer_key_final_at_idx" ON "issued_certificate"("issuer_key", "final_at");
