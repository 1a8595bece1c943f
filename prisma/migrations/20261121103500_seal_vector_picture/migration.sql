-- AlterTable
ALTER TABLE "seal" ADD COLUMN     "picture_svg" TEXT;

-- CreateIndex
CREATE INDEX "seal_use_seal_id_id_idx" ON "seal_use"("seal_id", "id");
