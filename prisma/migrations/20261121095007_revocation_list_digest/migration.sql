-- AlterTable
ALTER TABLE "revocation_list" ADD COLUMN     "digest" BYTEA,
ADD COLUMN     "size" INTEGER;

UPDATE "revocation_list" SET "digest" = sha256("der"), "size" = octet_length("der") WHERE "der" IS NOT NULL;
