-- A sealed value and its blind index come together, and a body has a code to be known by.
ALTER TABLE "person" ADD CONSTRAINT "person_citizen_number_indexed" CHECK (("citizen_number" IS NULL) = ("citizen_number_index" IS NULL));
ALTER TABLE "person" ADD CONSTRAINT "person_phone_indexed" CHECK (("phone" IS NULL) = ("phone_index" IS NULL));
ALTER TABLE "assurance_evidence" ADD CONSTRAINT "assurance_evidence_level" CHECK ("level" BETWEEN 1 AND 5);
ALTER TABLE "organisation" ADD CONSTRAINT "organisation_known_by_one_code" CHECK (("uscc" IS NULL) <> ("internal_code" IS NULL));
