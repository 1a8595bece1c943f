-- AlterTable
ALTER TABLE "certificate_request" ADD COLUMN "dns_names" TEXT[] NOT NULL DEFAULT ARRAY[]::TEXT[];

-- CreateTable
CREATE TABLE "domain_control" (
    "request_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "token" TEXT NOT NULL,
    "checked_at" TIMESTAMPTZ(3),
    "proven_at" TIMESTAMPTZ(3),
    "fault" TEXT,

    CONSTRAINT "domain_control_pkey" PRIMARY KEY ("request_id","name")
);

-- AddForeignKey
ALTER TABLE "domain_control" ADD CONSTRAINT "domain_control_request_id_fkey" FOREIGN KEY ("request_id") REFERENCES "certificate_request"("id") ON DELETE CASCADE ON UPDATE CASCADE;
