-- AlterTable
ALTER TABLE "oidc_session" ADD COLUMN     "portal_session_id" UUID;

-- CreateIndex
CREATE INDEX "oidc_session_portal_session_id_idx" ON "oidc_session"("portal_session_id");
