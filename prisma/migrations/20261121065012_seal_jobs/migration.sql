-- CreateTable
CREATE TABLE "seal_job" (
    "id" UUID NOT NULL,
    "organisation_id" UUID NOT NULL,
    "seal_id" UUID NOT NULL,
    "actor" TEXT NOT NULL,
    "request_id" TEXT NOT NULL,
    "status" TEXT NOT NULL,
    "place" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "started_at" TIMESTAMPTZ(3),
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "seal_job_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "seal_job_file" (
    "id" UUID NOT NULL,
    "job_id" UUID NOT NULL,
    "key" TEXT NOT NULL,
    "format" TEXT NOT NULL,
    "status" TEXT NOT NULL,
    "source_bytes" INTEGER NOT NULL,
    "source_digest" TEXT NOT NULL,
    "claim" UUID,
    "claimed_until" TIMESTAMPTZ(3),
    "tries" INTEGER NOT NULL DEFAULT 0,
    "error" TEXT,
    "error_detail" TEXT,
    "result_digest" TEXT,
    "result_bytes" INTEGER,
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "seal_job_file_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "seal_job_status_created_at_idx" ON "seal_job"("status", "created_at");

-- CreateIndex
CREATE UNIQUE INDEX "seal_job_organisation_id_request_id_key" ON "seal_job"("organisation_id", "request_id");

-- CreateIndex
CREATE INDEX "seal_job_file_job_id_status_id_idx" ON "seal_job_file"("job_id", "status", "id");

-- CreateIndex
CREATE UNIQUE INDEX "seal_job_file_job_id_key_key" ON "seal_job_file"("job_id", "key");

-- AddForeignKey
ALTER TABLE "seal_job_file" ADD CONSTRAINT "seal_job_file_job_id_fkey" FOREIGN KEY ("job_id") REFERENCES "seal_job"("id") ON DELETE CASCADE ON UPDATE CASCADE;



-- What the worker looks for, and nothing else.
CREATE INDEX "seal_job_file_waiting" ON "seal_job_file" ("job_id", "id") WHERE "status" = 'waiting';
ALTER TABLE "seal_job" ADD CONSTRAINT "seal_job_status" CHECK ("status" IN ('collecting', 'running', 'paused', 'done', 'cancelled'));
ALTER TABLE "seal_job_file" ADD CONSTRAINT "seal_job_file_status" CHECK (
  ("status" = 'waiting' AND "result_digest" IS NULL) OR
  ("status" = 'sealed' AND "result_digest" IS NOT NULL AND "claim" IS NOT NULL) OR
  ("status" = 'failed' AND "error" IS NOT NULL AND "result_digest" IS NULL));
