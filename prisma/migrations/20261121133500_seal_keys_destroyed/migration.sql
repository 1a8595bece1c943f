-- AlterTable
ALTER TABLE "seal" ADD COLUMN     "keys_destroyed_at" TIMESTAMPTZ(3);
