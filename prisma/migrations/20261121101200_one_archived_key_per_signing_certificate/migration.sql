-- DropIndex
DROP INDEX "archived_key_signing_serial_idx";

-- CreateIndex
CREATE UNIQUE INDEX "archived_key_signing_serial_key" ON "archived_key"("signing_serial");
