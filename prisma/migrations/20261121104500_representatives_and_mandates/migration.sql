-- AlterTable
ALTER TABLE "certificate_request" ADD COLUMN     "acts_for_id" UUID,
ADD COLUMN     "mandate_id" UUID;

-- CreateTable
CREATE TABLE "legal_representative" (
    "organisation_id" UUID NOT NULL,
    "person_id" UUID,
    "source" TEXT NOT NULL,
    "since" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "legal_representative_pkey" PRIMARY KEY ("organisation_id")
);

-- CreateTable
CREATE TABLE "mandate" (
    "id" UUID NOT NULL,
    "reference" TEXT NOT NULL,
    "organisation_id" UUID NOT NULL,
    "agent_id" UUID NOT NULL,
    "granted_by" UUID NOT NULL,
    "scope" TEXT NOT NULL,
    "valid_until" TIMESTAMPTZ(3) NOT NULL,
    "granted_at" TIMESTAMPTZ(3) NOT NULL,
    "withdrawn_at" TIMESTAMPTZ(3),

    CONSTRAINT "mandate_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "certificate_request_acts_for_id_idx" ON "certificate_request"("acts_for_id");

-- CreateIndex
CREATE INDEX "certificate_request_mandate_id_idx" ON "certificate_request"("mandate_id");

-- CreateIndex
CREATE INDEX "legal_representative_person_id_idx" ON "legal_representative"("person_id");

-- CreateIndex
CREATE INDEX "legal_representative_since_idx" ON "legal_representative"("since");

-- CreateIndex
CREATE UNIQUE INDEX "mandate_reference_key" ON "mandate"("reference");

-- CreateIndex
CREATE INDEX "mandate_organisation_id_granted_at_idx" ON "mandate"("organisation_id", "granted_at");

-- CreateIndex
CREATE INDEX "mandate_agent_id_granted_at_idx" ON "mandate"("agent_id", "granted_at");

-- CreateIndex
CREATE INDEX "mandate_withdrawn_at_idx" ON "mandate"("withdrawn_at");
