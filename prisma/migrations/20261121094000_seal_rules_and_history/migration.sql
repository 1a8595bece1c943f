-- AlterTable
ALTER TABLE "seal" ADD COLUMN     "bearer_name" TEXT,
ADD COLUMN     "daily_limit" INTEGER,
ADD COLUMN     "diameter_mm" INTEGER,
ADD COLUMN     "given_height_mm" INTEGER,
ADD COLUMN     "given_picture" BYTEA,
ADD COLUMN     "given_width_mm" INTEGER,
ADD COLUMN     "has_star" BOOLEAN NOT NULL DEFAULT true,
ADD COLUMN     "purpose" TEXT,
ADD COLUMN     "revoked_at" TIMESTAMPTZ(3),
ADD COLUMN     "status_since" TIMESTAMPTZ(3),
ADD COLUMN     "users" TEXT[] DEFAULT ARRAY[]::TEXT[];

-- AlterTable
ALTER TABLE "seal_use" ADD COLUMN     "licence_type" TEXT,
ADD COLUMN     "sm3" TEXT;

-- CreateTable
CREATE TABLE "seal_change" (
    "id" UUID NOT NULL,
    "seal_id" UUID NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "actor" TEXT NOT NULL,
    "to" TEXT NOT NULL,
    "reason" TEXT,
    "rules" JSONB,

    CONSTRAINT "seal_change_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "seal_day" (
    "seal_id" UUID NOT NULL,
    "day" TEXT NOT NULL,
    "uses" INTEGER NOT NULL,

    CONSTRAINT "seal_day_pkey" PRIMARY KEY ("seal_id","day")
);

-- CreateIndex
CREATE INDEX "seal_change_seal_id_at_idx" ON "seal_change"("seal_id", "at");

-- AddForeignKey
ALTER TABLE "seal_change" ADD CONSTRAINT "seal_change_seal_id_fkey" FOREIGN KEY ("seal_id") REFERENCES "seal"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "seal_day" ADD CONSTRAINT "seal_day_seal_id_fkey" FOREIGN KEY ("seal_id") REFERENCES "seal"("id") ON DELETE RESTRICT ON UPDATE CASCADE;


-- What became of the seals there are, from the audit.
INSERT INTO "seal_change" ("id", "seal_id", "at", "actor", "to", "reason")
SELECT e."id", s."id", e."at", e."actor",
  CASE e."kind"
    WHEN 'seal-applied-for' THEN 'applied' WHEN 'seal-approved' THEN 'approved' WHEN 'seal-rejected' THEN 'rejected'
    WHEN 'seal-made' THEN 'made' WHEN 'seal-activated' THEN 'active' WHEN 'seal-resumed' THEN 'active'
    WHEN 'seal-suspended' THEN 'suspended' WHEN 'seal-replaced' THEN 'replaced'
    ELSE CASE WHEN s."made_at" IS NULL THEN 'cancelled' ELSE 'destroyed' END
  END,
  e."detail"->>'reason'
FROM "audit_event" e JOIN "seal" s ON e."subject" = 'seal:' || s."id"
WHERE e."kind" IN ('seal-applied-for', 'seal-approved', 'seal-rejected', 'seal-made', 'seal-activated', 'seal-resumed',
  'seal-suspended', 'seal-replaced', 'seal-cancelled');

-- A seal that was made ends by being destroyed; only an application is cancelled.
ALTER TABLE "seal" DROP CONSTRAINT "seal_status_known";
UPDATE "seal" SET "status" = 'destroyed' WHERE "status" = 'cancelled' AND "made_at" IS NOT NULL;
ALTER TABLE "seal" ADD CONSTRAINT "seal_status_known" CHECK (
  "status" IN ('applied', 'approved', 'rejected', 'made', 'active', 'suspended', 'replaced', 'destroyed', 'cancelled'));
UPDATE "seal" SET "status_since" = coalesce((SELECT max("at") FROM "seal_change" c WHERE c."seal_id" = "seal"."id"), "made_at", "applied_at");
ALTER TABLE "seal" ALTER COLUMN "status_since" SET NOT NULL;
ALTER TABLE "seal" ADD CONSTRAINT "seal_daily_limit" CHECK ("daily_limit" IS NULL OR "daily_limit" > 0);
ALTER TABLE "seal_day" ADD CONSTRAINT "seal_day_shape" CHECK ("day" ~ '^\d{4}-\d{2}-\d{2}$' AND "uses" > 0);

-- What ended stays ended, whoever writes.
CREATE FUNCTION seal_end_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.status IN ('destroyed', 'replaced', 'cancelled', 'rejected') AND NEW.status <> OLD.status THEN
    RAISE EXCEPTION 'a seal that ended does not come back';
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER seal_end_guard BEFORE UPDATE ON "seal" FOR EACH ROW EXECUTE FUNCTION seal_end_guard();

-- Uses and changes are a record.
CREATE FUNCTION seal_record_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'what was done with a seal stays on record';
END
$$;
CREATE TRIGGER seal_use_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON "seal_use" FOR EACH STATEMENT EXECUTE FUNCTION seal_record_stays();
CREATE TRIGGER seal_change_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON "seal_change" FOR EACH STATEMENT EXECUTE FUNCTION seal_record_stays();
