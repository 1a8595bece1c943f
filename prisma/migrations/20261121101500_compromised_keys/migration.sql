-- AlterTable
ALTER TABLE "key_generation" ADD COLUMN     "compromised_at" TIMESTAMPTZ(3),
ADD COLUMN     "signs_from" TIMESTAMPTZ(3);
