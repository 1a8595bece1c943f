-- CreateTable
CREATE TABLE "archived_key" (
    "serial_hex" TEXT NOT NULL,
    "signing_serial" TEXT NOT NULL,
    "suite" TEXT NOT NULL,
    "sealed_key" BYTEA NOT NULL,
    "archived_at" TIMESTAMPTZ(3) NOT NULL,
    "recoveries" INTEGER NOT NULL DEFAULT 0,
    "last_recovery" TIMESTAMPTZ(3),

    CONSTRAINT "archived_key_pkey" PRIMARY KEY ("serial_hex")
);

-- CreateIndex
CREATE INDEX "archived_key_signing_serial_idx" ON "archived_key"("signing_serial");


