-- CreateTable
CREATE TABLE "certificate_request" (
    "id" UUID NOT NULL,
    "request_id" TEXT NOT NULL,
    "requested_by" TEXT NOT NULL,
    "status" TEXT NOT NULL,
    "profile" TEXT NOT NULL,
    "suite" TEXT NOT NULL,
    "person_id" UUID,
    "organisation_id" UUID,
    "device_id" UUID,
    "csr" BYTEA NOT NULL,
    "digest" BYTEA NOT NULL,
    "key_digest" BYTEA NOT NULL,
    "subject" JSONB,
    "days" INTEGER NOT NULL,
    "renews_serial" TEXT,
    "approval_id" UUID,
    "serial_hex" TEXT,
    "reason" TEXT,
    "requested_at" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "decided_by" TEXT,
    "decided_at" TIMESTAMPTZ(3),

    CONSTRAINT "certificate_request_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "enrolled_device" (
    "id" UUID NOT NULL,
    "organisation_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "serial_number" TEXT NOT NULL,
    "needs_approval" BOOLEAN NOT NULL,
    "registered_by" UUID NOT NULL,
    "registered_at" TIMESTAMPTZ(3) NOT NULL,
    "retired_at" TIMESTAMPTZ(3),

    CONSTRAINT "enrolled_device_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "enrolment_token" (
    "id" UUID NOT NULL,
    "device_id" UUID NOT NULL,
    "token_hash" BYTEA NOT NULL,
    "created_by" UUID NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "used_at" TIMESTAMPTZ(3),
    "key_digest" BYTEA,

    CONSTRAINT "enrolment_token_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "certificate_notice" (
    "id" UUID NOT NULL,
    "serial_hex" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "person_id" UUID,
    "organisation_id" UUID,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "read_at" TIMESTAMPTZ(3),
    "message" TEXT NOT NULL,
    "attempts" INTEGER NOT NULL DEFAULT 0,

    CONSTRAINT "certificate_notice_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "certificate_request_serial_hex_key" ON "certificate_request"("serial_hex");

-- CreateIndex
CREATE INDEX "certificate_request_person_id_requested_at_idx" ON "certificate_request"("person_id", "requested_at");

-- CreateIndex
CREATE INDEX "certificate_request_organisation_id_requested_at_idx" ON "certificate_request"("organisation_id", "requested_at");

-- CreateIndex
CREATE INDEX "certificate_request_device_id_requested_at_idx" ON "certificate_request"("device_id", "requested_at");

-- CreateIndex
CREATE INDEX "certificate_request_key_digest_idx" ON "certificate_request"("key_digest");

-- CreateIndex
CREATE INDEX "certificate_request_status_requested_at_idx" ON "certificate_request"("status", "requested_at");

-- CreateIndex
CREATE UNIQUE INDEX "certificate_request_requested_by_request_id_key" ON "certificate_request"("requested_by", "request_id");

-- CreateIndex
CREATE UNIQUE INDEX "enrolled_device_organisation_id_serial_number_key" ON "enrolled_device"("organisation_id", "serial_number");

-- CreateIndex
CREATE UNIQUE INDEX "enrolment_token_token_hash_key" ON "enrolment_token"("token_hash");

-- CreateIndex
CREATE INDEX "enrolment_token_device_id_idx" ON "enrolment_token"("device_id");

-- CreateIndex
CREATE INDEX "certificate_notice_person_id_created_at_idx" ON "certificate_notice"("person_id", "created_at");

-- CreateIndex
CREATE INDEX "certificate_notice_organisation_id_created_at_idx" ON "certificate_notice"("organisation_id", "created_at");

-- CreateIndex
CREATE INDEX "certificate_notice_message_created_at_idx" ON "certificate_notice"("message", "created_at");

-- CreateIndex
CREATE UNIQUE INDEX "certificate_notice_serial_hex_kind_key" ON "certificate_notice"("serial_hex", "kind");



ALTER TABLE "certificate_request" ADD CONSTRAINT "certificate_request_status_known"
  CHECK ("status" IN ('requested', 'approved', 'rejected', 'issued', 'cancelled', 'expired'));
-- Issued and having a serial number are one thing.
ALTER TABLE "certificate_request" ADD CONSTRAINT "certificate_request_issued_has_serial"
  CHECK (("status" = 'issued') = ("serial_hex" IS NOT NULL));
ALTER TABLE "certificate_request" ADD CONSTRAINT "certificate_request_one_holder"
  CHECK ("person_id" IS NULL OR ("organisation_id" IS NULL AND "device_id" IS NULL));
ALTER TABLE "certificate_request" ADD CONSTRAINT "certificate_request_held"
  CHECK ("person_id" IS NOT NULL OR "organisation_id" IS NOT NULL);
-- One certificate follows another once.
CREATE UNIQUE INDEX "certificate_request_one_renewal" ON "certificate_request" ("renews_serial")
  WHERE "renews_serial" IS NOT NULL AND "status" IN ('requested', 'approved', 'issued');
CREATE INDEX "issued_certificate_lately_revoked" ON "issued_certificate" ("revoked_at") WHERE "revoked_at" IS NOT NULL;
