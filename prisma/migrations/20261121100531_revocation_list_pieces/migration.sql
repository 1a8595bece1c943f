-- CreateTable
CREATE TABLE "revocation_list_piece" (
    "issuer_key" TEXT NOT NULL,
    "scope" TEXT NOT NULL,
    "number" BIGINT NOT NULL,
    "place" INTEGER NOT NULL,
    "bytes" BYTEA NOT NULL,

    CONSTRAINT "revocation_list_piece_pkey" PRIMARY KEY ("issuer_key","scope","number","place")
);

-- AddForeignKey
ALTER TABLE "revocation_list_piece" ADD CONSTRAINT "revocation_list_piece_issuer_key_scope_number_fkey" FOREIGN KEY ("issuer_key", "scope", "number") REFERENCES "revocation_list"("issuer_key", "scope", "number") ON DELETE CASCADE ON UPDATE CASCADE;


-- Serial numbers do not compress; stored as they are, a piece is read without unpacking.
ALTER TABLE "revocation_list_piece" ALTER COLUMN "bytes" SET STORAGE EXTERNAL;
-- A list of a million is read page by page in the order of this index, from the index alone.
CREATE INDEX "issued_certificate_revoked" ON "issued_certificate" ("issuer_key", "serial_hex")
  INCLUDE ("revoked_at", "revocation_reason", "invalidity_date", "final_at") WHERE "revoked_at" IS NOT NULL;
