-- What is wrong with a file of a bulk job, in Chinese too.
ALTER TABLE "seal_job_file" ADD COLUMN "error_detail_zh" TEXT;
