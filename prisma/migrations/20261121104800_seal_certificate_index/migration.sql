-- CreateIndex
CREATE INDEX "seal_certificate_serial_idx" ON "seal"("certificate_serial");

-- CreateIndex
CREATE INDEX "seal_pdf_certificate_serial_idx" ON "seal"("pdf_certificate_serial");
