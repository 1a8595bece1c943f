-- A licence that anybody can see has both its files: not only by the code that writes it.
ALTER TABLE "licence" ADD CONSTRAINT "licence_status_known" CHECK (
  "status" IN ('preparing', 'in-force', 'suspended', 'revoked', 'punitively-revoked', 'cancelled', 'superseded'));
ALTER TABLE "licence" ADD CONSTRAINT "licence_whole" CHECK (
  "status" = 'preparing' OR (
    "ofd_file" IS NOT NULL AND "ofd_digest" IS NOT NULL AND
    "pdf_file" IS NOT NULL AND "pdf_digest" IS NOT NULL AND "issued_at" IS NOT NULL));
-- What the status list has to name.
CREATE INDEX "licence_not_in_force" ON "licence" ("status_index") WHERE "status" NOT IN ('preparing', 'in-force');
CREATE INDEX "licence_running_out" ON "licence" ("valid_to") WHERE "status" = 'in-force' AND "valid_to" IS NOT NULL;

ALTER TABLE "look_up" ADD CONSTRAINT "look_up_of_a_code" CHECK (
  "kind" = 'file' OR ("code_id" IS NOT NULL AND octet_length("code_id") = 16 AND "use_number" >= 1));

-- The holder's log: a receipt is added once, nothing else ever changes, nothing goes.
CREATE FUNCTION "look_up_is_written_once"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND OLD."receipt" IS NULL AND
     (to_jsonb(NEW) - 'receipt') = (to_jsonb(OLD) - 'receipt') THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'a look-up is written once';
END $$;
CREATE TRIGGER "look_up_written_once" BEFORE UPDATE OR DELETE ON "look_up"
  FOR EACH ROW EXECUTE FUNCTION "look_up_is_written_once"();
