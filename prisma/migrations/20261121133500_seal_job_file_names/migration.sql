-- AlterTable
ALTER TABLE "seal_job_file" ADD COLUMN     "name" BYTEA;

-- CreateIndex
CREATE INDEX "seal_job_organisation_id_id_idx" ON "seal_job"("organisation_id", "id");

-- A name sealed with a data key that was closed meanwhile fails here, as in every other sealed column.
CREATE FUNCTION seal_job_file_key_is_open() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM data_key WHERE purpose = 'field' AND closed_at IS NOT NULL
    AND version IN (CASE WHEN NEW."name" IS DISTINCT FROM OLD."name" THEN get_byte(NULLIF(NEW."name", ''), 0) END)) THEN
    RAISE EXCEPTION 'sealed with a data key that is closed';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER seal_job_file_key_is_open AFTER INSERT OR UPDATE OF "name" ON "seal_job_file"
  FOR EACH ROW EXECUTE FUNCTION seal_job_file_key_is_open();
