-- AlterTable
ALTER TABLE "browser_session" ADD COLUMN     "trust_entry_id" UUID;
