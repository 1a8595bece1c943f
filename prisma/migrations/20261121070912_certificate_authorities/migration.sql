-- CreateTable
CREATE TABLE "certificate_authority" (
    "key_name" TEXT NOT NULL,
    "area" TEXT NOT NULL,
    "suite" TEXT NOT NULL,
    "generation" INTEGER NOT NULL,
    "state" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "retired_at" TIMESTAMPTZ(3),

    CONSTRAINT "certificate_authority_pkey" PRIMARY KEY ("key_name")
);

-- CreateIndex
CREATE UNIQUE INDEX "certificate_authority_area_suite_generation_key" ON "certificate_authority"("area", "suite", "generation");



ALTER TABLE "certificate_authority" ADD CONSTRAINT "certificate_authority_state" CHECK ("state" IN ('current', 'offline', 'retired'));
-- One authority issues in an area at a time.
CREATE UNIQUE INDEX "certificate_authority_issuing" ON "certificate_authority" ("area", "suite") WHERE "state" <> 'retired';

-- Earlier installations had one issuing authority in each suite for everything: it issues no more, and its lists are kept up.
INSERT INTO "certificate_authority" ("key_name", "area", "suite", "generation", "state", "created_at", "retired_at")
SELECT "authority_key", CASE "profile" WHEN 'root' THEN 'root' ELSE 'general' END, "suite", 1,
       CASE "profile" WHEN 'root' THEN 'current' ELSE 'retired' END, "issued_at", CASE "profile" WHEN 'root' THEN NULL ELSE now() END
FROM "issued_certificate" WHERE "authority_key" IS NOT NULL;
