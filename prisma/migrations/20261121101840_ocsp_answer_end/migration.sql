-- CreateIndex
CREATE INDEX "ocsp_answer_next_update_idx" ON "ocsp_answer"("next_update");


