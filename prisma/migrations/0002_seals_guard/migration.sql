ALTER TABLE "seal" ADD CONSTRAINT "seal_status_known" CHECK (
  "status" IN ('applied', 'approved', 'rejected', 'made', 'active', 'suspended', 'cancelled', 'replaced'));
-- A seal that was made has all its parts.
ALTER TABLE "seal" ADD CONSTRAINT "seal_whole" CHECK (
  "status" IN ('applied', 'approved', 'rejected', 'cancelled') OR (
    "es_id" IS NOT NULL AND "seal" IS NOT NULL AND "certificate" IS NOT NULL AND "key_name" IS NOT NULL AND
    "pdf_key_name" IS NOT NULL AND "picture_png" IS NOT NULL AND "valid_from" IS NOT NULL AND "valid_to" IS NOT NULL));
ALTER TABLE "seal" ADD CONSTRAINT "seal_es_id_shape" CHECK ("es_id" IS NULL OR "es_id" ~ '^[0-9]{14}$');
