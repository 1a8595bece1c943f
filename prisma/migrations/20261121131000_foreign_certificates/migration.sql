-- CreateTable
CREATE TABLE "foreign_certificate" (
    "id" UUID NOT NULL,
    "person_id" UUID NOT NULL,
    "fingerprint" TEXT NOT NULL,
    "serial_hex" TEXT NOT NULL,
    "issuer" TEXT NOT NULL,
    "not_before" TIMESTAMPTZ(3) NOT NULL,
    "not_after" TIMESTAMPTZ(3) NOT NULL,
    "trust_entry_id" UUID NOT NULL,
    "linked_at" TIMESTAMPTZ(3) NOT NULL,
    "last_used_at" TIMESTAMPTZ(3),

    CONSTRAINT "foreign_certificate_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "foreign_certificate_fingerprint_key" ON "foreign_certificate"("fingerprint");

-- CreateIndex
CREATE INDEX "foreign_certificate_person_id_linked_at_idx" ON "foreign_certificate"("person_id", "linked_at");
