-- One living position per person and organisation; one open request per kind and subject.
CREATE UNIQUE INDEX "staff_one_position" ON "staff" ("person_id", "organisation_id") WHERE "ended_at" IS NULL;
CREATE UNIQUE INDEX "approval_one_pending" ON "approval" ("kind", "subject") WHERE "status" = 'pending';

-- Four eyes, even if a use-case forgot: nobody decides on their own request.
ALTER TABLE "approval" ADD CONSTRAINT "approval_two_persons" CHECK ("decided_by" IS NULL OR "decided_by" <> "requested_by");

-- What was asked for cannot be exchanged after somebody looked at it.
CREATE FUNCTION "approval_keep_request"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW."kind" <> OLD."kind" OR NEW."subject" <> OLD."subject" OR NEW."payload"::text <> OLD."payload"::text
    OR NEW."digest" <> OLD."digest" OR NEW."requested_by" <> OLD."requested_by" OR NEW."organisation_id" <> OLD."organisation_id" THEN
    RAISE EXCEPTION 'an approval request cannot be changed';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER "approval_keep_request" BEFORE UPDATE ON "approval" FOR EACH ROW EXECUTE FUNCTION "approval_keep_request"();
