-- Whose name a name seal shows is in its picture, and nowhere else.
-- AlterTable
ALTER TABLE "seal" DROP COLUMN "bearer_name";

-- A picture comes with its size.
ALTER TABLE "seal" ADD CONSTRAINT "seal_given_picture" CHECK (
  ("given_picture" IS NULL) = ("given_width_mm" IS NULL) AND ("given_picture" IS NULL) = ("given_height_mm" IS NULL));
